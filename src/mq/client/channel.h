// One server as its client sees it: requests go out signed, answers find who asked, each has its deadline. A machine without I/O.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mq/client/error.h"
#include "mq/rocketmq/command.h"
#include "world/world.h"

namespace chorus::mqclient {

using world::Duration;
using world::Instant;

/// A frame that came, owned: an answer, or a request that the server makes.
struct Incoming {
  std::int32_t code = 0;
  std::int32_t opaque = 0;
  std::int32_t version = 0;
  bool oneway = false;
  std::string remark;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  std::optional<std::string_view> field(std::string_view name) const;
  /// A whole number; the fallback when there is none.
  std::int64_t number(std::string_view name, std::int64_t fallback = 0) const;
};

/// An account of RocketMQ's ACL 1.0 or 2.0.
struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string security_token;  // empty: none
};
/// Adds who signs, and the signature over all fields and the body.
void sign(wire::Outgoing& request, const Credentials& credentials);

struct ChannelOptions {
  std::optional<Credentials> credentials;
  std::size_t waiting_max = 65'536;                                                          // requests without an answer
  Duration pause_min = std::chrono::milliseconds(100), pause_max = std::chrono::seconds(2);  // between attempts to connect
};

namespace event {
/// id: the caller's, from 1, for Complete.
struct Call {
  std::uint64_t id;
  wire::Outgoing request;
  Instant deadline;
};
/// An answer to what the server has asked.
struct Reply {
  wire::Outgoing answer;
};
struct Connected {};
struct Received {
  std::string_view octets;  // borrowed until the step returns
};
struct Lost {
  std::string why;
};
struct Tick {};
struct Close {};
}  // namespace event
using ChannelEvent = std::variant<event::Call, event::Reply, event::Connected, event::Received, event::Lost, event::Tick, event::Close>;

namespace action {
struct Connect {};     // Connected or Lost is to follow
struct Disconnect {};  // without Lost
struct Send {
  std::string octets;
};
struct Complete {
  std::uint64_t id;
  Result<Incoming> result;
};
struct Asked {
  Incoming request;
};
}  // namespace action
using ChannelAction = std::variant<action::Connect, action::Disconnect, action::Send, action::Complete, action::Asked>;

class Channel {
 public:
  /// peer: "host:port", for words.
  Channel(std::string peer, ChannelOptions options);

  void step(Instant now, ChannelEvent event, std::vector<ChannelAction>& out);
  /// When a Tick is due at the latest.
  std::optional<Instant> wake_at() const;
  bool is_connected() const { return state_ == State::connected; }

 private:
  enum class State { idle, connecting, connected, closed };
  struct Waiting {
    Instant deadline;
    std::optional<std::int32_t> opaque;  // none: not sent
  };

  void on(event::Call& call, Instant now, std::vector<ChannelAction>& out);
  void on(event::Reply& reply, Instant now, std::vector<ChannelAction>& out);
  void on(event::Connected&, Instant now, std::vector<ChannelAction>& out);
  void on(event::Received& received, Instant now, std::vector<ChannelAction>& out);
  void on(event::Lost& lost, Instant now, std::vector<ChannelAction>& out);
  void on(event::Tick&, Instant now, std::vector<ChannelAction>& out);
  void on(event::Close&, Instant now, std::vector<ChannelAction>& out);

  void send(std::uint64_t id, wire::Outgoing request, std::vector<ChannelAction>& out);
  void complete(std::uint64_t id, Result<Incoming> result, std::vector<ChannelAction>& out);
  void fail_all(Code code, const std::string& words, std::vector<ChannelAction>& out);
  void connect_if_wanted(Instant now, std::vector<ChannelAction>& out);
  void take(const wire::Frame& frame, std::vector<ChannelAction>& out);

  const std::string peer_;
  const ChannelOptions options_;
  State state_ = State::idle;
  wire::FrameDecoder decoder_;
  bool broken_ = false;  // what came cannot be understood
  std::uint32_t last_opaque_ = 0;
  absl::flat_hash_map<std::uint64_t, Waiting> waiting_;
  absl::flat_hash_map<std::int32_t, std::uint64_t> by_opaque_;
  std::set<std::pair<Instant, std::uint64_t>> deadlines_;
  std::deque<std::pair<std::uint64_t, wire::Outgoing>> unsent_;
  Instant not_before_{};
  Duration pause_{0};
};

}  // namespace chorus::mqclient
