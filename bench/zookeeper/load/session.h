// One ZooKeeper session that keeps a number of requests outstanding over its own non-blocking socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "zookeeper/load/frames.h"
#include "zookeeper/load/histogram.h"

namespace chorus::bench {

using Clock = std::chrono::steady_clock;

struct Target {
  std::string host = "127.0.0.1";
  std::uint16_t port = 2181;
};

/// From "HOST:PORT", each. Throws, with words for a person.
std::vector<Target> parse_targets(const std::vector<std::string>& texts);

struct Workload {
  enum class Kind { set, get, create, mixed };
  Kind kind = Kind::set;
  std::uint32_t sessions = 1;
  std::uint32_t outstanding = 1;
  std::uint32_t value_bytes = 100;
  std::uint64_t keys = 1000;
  std::uint32_t reads_percent = 90;  // of mixed
};

/// What is counted while it is measured.
struct Tally {
  Histogram latency;
  std::uint64_t refused = 0;  // replies with an error code
  std::int32_t last_error = 0;
};

/// Frames in and out by blocking calls: the handshake, and what is done before and after the load. All failures throw.
class Link {
 public:
  explicit Link(const Target& target);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int fd() const { return fd_; }
  void send_all(std::string_view octets);
  /// The body of the next frame.
  std::string receive();
  /// The next reply's error code.
  std::int32_t receive_error();

 private:
  std::string exactly(std::size_t count);
  int fd_;
};

class Session {
 public:
  /// Connects and opens the session. `index` tells this session's created nodes from another's.
  Session(const Target& target, const Workload& workload, std::uint32_t index);

  int fd() const { return link_.fd(); }
  std::uint32_t in_flight() const { return in_flight_; }
  /// Whether octets wait for the socket to take them.
  bool blocked() const { return begin_ < end_; }

  /// Sends requests until `outstanding` are on their way.
  void fill(Clock::time_point now);
  /// Sends what is blocked.
  void flush();
  /// Takes in all that has arrived, by way of `scratch`; returns the number of replies. Throws when the server closed the
  /// connection or broke the order of the replies.
  std::uint64_t receive(std::vector<char>& scratch, Tally& tally);
  /// Closes the session; nothing may be in flight.
  void close();

 private:
  std::uint32_t next_request(char* to);
  std::uint64_t take(std::string_view octets, Tally& tally);

  const Workload& workload_;
  Link link_;
  Stamp get_, set_, create_;
  base::Random random_;
  std::uint64_t created_;
  std::int32_t next_xid_ = 1;
  std::int32_t next_reply_ = 1;
  std::uint32_t in_flight_ = 0;
  struct Sent {
    Clock::time_point when;
    std::uint32_t count;  // of requests that left together and are not answered
  };
  std::deque<Sent> sent_;       // in order, each at least one
  const std::size_t capacity_;  // of out_: everything that may be outstanding
  std::unique_ptr<char[]> out_;
  std::size_t begin_ = 0;  // out_[begin_, end_) is to be sent
  std::size_t end_ = 0;
  std::string carry_;  // the beginning of a frame whose end has not arrived
};

}  // namespace chorus::bench
