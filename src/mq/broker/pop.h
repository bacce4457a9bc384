// What is asked of a broker by those who pop: messages are given to one consumer of a group for a time, whichever it is, and come again
// when it does not acknowledge them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/hold.h"
#include "mq/broker/pop_handles.h"
#include "mq/log/store.h"
#include "world/world.h"

namespace chorus::mq {

struct PopRequest {
  std::string group;
  std::string topic;
  std::int32_t queue = -1;  // negative: any
  std::uint32_t messages_max = 32;
  std::uint64_t octets_max = 256 << 10;  // one message is always given
  std::int64_t invisible_ms = 60'000;
  bool from_newest = false;  // where a group begins that is new to a queue
  bool in_order = false;     // nothing of a queue while something of it is held; no retry topic
  std::string attempt_id{};
  Wanted wanted{};                                        // by index: tags; empty: all
  std::function<bool(std::string_view message)> match{};  // by content; empty: all
  std::optional<world::Instant> hold_until{};             // when there is nothing, wait for something
  ConnectionId connection{};
};

/// Of one queue.
struct Popped {
  QueueKey queue;  // of the topic itself, or of the group's retry topic of it
  Offset start = 0;
  std::vector<Offset> offsets;
  std::vector<std::uint32_t> sizes;  // octets of each
  std::string payloads;
  std::map<Offset, std::int32_t> counts;  // in order: how often they were given before, where they were
};
struct PopAnswer {
  enum class Status {
    found,
    nothing,  // in the time that was given
    full,     // nothing, and as many wait as may
  };
  Status status = Status::nothing;
  std::int64_t pop_time_ms = 0;
  std::int64_t rest = 0;  // messages that could have been given as well
  std::vector<Popped> queues;
};

/// Messages of one queue that were popped at one time.
struct PopAck {
  GroupQueue of;
  std::vector<Offset> offsets;
  std::int64_t pop_time_ms = 0;
  bool in_order = false;
};

struct PopChange {
  GroupQueue of;
  Offset offset = 0;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;  // from now on
  bool in_order = false;
};
/// What the message is known by from now on.
struct PopChanged {
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
};

}  // namespace chorus::mq
