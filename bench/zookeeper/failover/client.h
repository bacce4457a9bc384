// One session that writes one request after another, and goes on at another member as soon as it loses the one that it has.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "zookeeper/failover/record.h"
#include "zookeeper/load/frames.h"
#include "zookeeper/load/session.h"

namespace chorus::bench {

/// Tries one member after another without a pause; when all have refused it, it waits for `kRoundPause`, so that many clients do not keep
/// from electing those whom they wait for. The session is kept as long as a server knows it. Driven by poll(2).
class Client {
 public:
  static constexpr std::chrono::milliseconds kRoundPause{5};
  /// A member that says nothing is left after so long.
  static constexpr std::chrono::milliseconds kSilence{1000};

  /// Begins at the member of number `index`, modulo their count. `path` is what it writes; it exists.
  Client(const std::vector<Target>& targets, std::size_t index, std::string path, Record& record);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  pollfd wanted() const;
  Clock::time_point deadline() const { return deadline_; }
  void on_ready(Clock::time_point now);
  void on_time(Clock::time_point now);

  std::uint64_t expired() const { return expired_; }

 private:
  enum class State { waiting, connecting, greeting, writing };

  void connect(Clock::time_point now);
  void lost(Clock::time_point now);
  void connected(Clock::time_point now);
  void receive(Clock::time_point now);
  void take(std::string_view frame, Clock::time_point now);
  void write(Clock::time_point now);
  void send(const std::string& frame, Clock::time_point now);
  void close();

  const std::vector<Target>& targets_;
  const std::size_t index_;
  const std::string path_;
  Record& record_;
  std::size_t target_;
  std::size_t refused_ = 0;  // members, one after another
  State state_ = State::waiting;
  int fd_ = -1;
  Clock::time_point deadline_{};
  std::string input_;
  SessionId session_;
  std::uint64_t last_zxid_ = 0;
  std::int32_t xid_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace chorus::bench
