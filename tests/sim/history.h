// What clients asked, what they were told and when: the only thing besides the order of transactions that the checker believes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jute/constants.h"

namespace chorus::coord_sim {

/// A request as a client means it. Which fields count depends on `code`.
struct Op {
  jute::OpCode code = jute::OpCode::ping;
  std::string path;
  std::optional<std::string> data;
  std::int32_t version = -1;
  std::int32_t flags = 0;  // create: CreateMode; add_watch: AddWatchMode; remove_watches: WatcherType
  std::int64_t ttl_ms = 0;
  bool watch = false;
  std::vector<Op> parts;  // multi
  // reconfig: members "server.N=..." that join or change and numbers of those that leave, joined by ','; or all members that there shall be
  std::optional<std::string> joining, leaving, members;
  // set_watches2
  std::int64_t relative_zxid = 0;
  std::vector<std::string> data_watches, exist_watches, child_watches, persistent_watches, recursive_watches;
};

bool is_write(jute::OpCode code);
/// The frame of a request, length included, appended to `out`.
void encode(const Op& op, std::int32_t xid, std::string& out);
std::string describe(const Op& op);

struct Request {
  Op op;
  std::int64_t session = 0;
  std::int32_t xid = 0;
  std::size_t connection = 0;
  std::int64_t sent_ns = 0;
  std::int64_t answered_ns = -1;  // -1: never, its fate is unknown to the client
};

/// One frame received.
struct Frame {
  static constexpr std::size_t no_request = ~std::size_t{0};
  std::size_t request = no_request;  // an event when there is none
  std::int64_t zxid = 0;
  std::int32_t err = 0;
  std::string body;  // of a reply
  std::int32_t event_type = 0;
  std::string event_path;
};

struct ConnectionHistory {
  std::string client;
  std::int64_t session = 0;
  std::vector<std::size_t> requests;  // in the order sent, without pings
  std::vector<Frame> frames;          // in the order received
};

struct SessionHistory {
  std::int32_t timeout_ms = 0;
  bool abandoned = false;              // by its client: must expire
  std::vector<std::int64_t> heard_ns;  // when requests were sent that a server is known to have received, ascending
  std::int64_t refused_ns = -1;        // when the client learnt that it is gone

  void heard(std::int64_t sent_ns) {
    if (refused_ns < 0 && (heard_ns.empty() || sent_ns > heard_ns.back())) heard_ns.push_back(sent_ns);
  }
};

struct History {
  std::vector<Request> requests;
  std::vector<ConnectionHistory> connections;
  std::map<std::int64_t, SessionHistory> sessions;
  std::vector<std::string> faults;  // of the protocol, seen by a client at once
};

}  // namespace chorus::coord_sim
