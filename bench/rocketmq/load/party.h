// Producers and consumers: each one connection, and what it has on its way.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rocketmq/load/channel.h"
#include "zookeeper/load/histogram.h"

namespace chorus::bench::rocketmq {

/// What was counted since it was last emptied.
struct Tally {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;  // of bodies
  Histogram latency;         // of a request, or from the stamp in a body until it was consumed
  std::map<std::int32_t, std::uint64_t> refused;
  std::string last_remark;

  void refuse(const Answer& answer);
};

/// One of those whose connections are watched together.
class Party {
 public:
  virtual ~Party() = default;
  virtual int fd() const = 0;
  /// Takes in what has arrived, and goes on with what that allows; also called when the socket is writable.
  virtual void turn(std::vector<char>& scratch, Tally& tally) = 0;
};

struct Production {
  SendShape shape;
  std::uint32_t topics = 1;
  std::uint32_t queues = 4;
  std::uint32_t producers = 64;
  std::uint32_t outstanding = 1;  // requests of each; with a rate: as many as it takes
  double rate = 0;                // messages a second of all together; 0: as fast as answers allow
};

class Producer final : public Party {
 public:
  /// `first_unique`: ids begin there.
  Producer(const Target& target, const Production& production, std::uint32_t index, std::uint64_t first_unique);

  int fd() const override { return channel_.fd(); }
  void turn(std::vector<char>& scratch, Tally& tally) override;

  /// Sends until `outstanding` are on their way. From then on each answer is followed by the next request, until stop().
  void start();
  void stop() { sending_ = false; }
  /// One more request, which was due at `due`; goes out by flush().
  void send_one(Clock::time_point due);
  void flush() { channel_.flush(); }
  std::uint32_t in_flight() const { return in_flight_; }

 private:
  struct Slot {
    Clock::time_point since;
    std::uint64_t unique = 0;
    std::uint32_t topic = 0;
    bool taken = false;
    bool ends = false;  // the half message is there, its commit is on its way
  };

  void answered(const Answer& answer, Clock::time_point now, Tally& tally);
  void commit(std::uint32_t index, Slot& slot, const Answer& answer);

  const Production& production_;
  Channel channel_;
  SendStamp send_;
  EndStamp end_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_target_;  // counts through the queues of all topics
  std::uint64_t next_unique_;
  std::uint32_t in_flight_ = 0;
  bool sending_ = false;
};

/// A queue that is read, and from where on.
struct QueueRead {
  std::string topic;
  std::uint32_t queue = 0;
  std::int64_t from = 0;
  std::int64_t end = 0;  // what is behind it is not read, and it begins anew there; not used at the head
};

/// Reads its queues, with one pull on its way for each, as a push consumer does: at the head, held by the server while there is nothing; or
/// what is there, again and again.
class Consumer final : public Party {
 public:
  enum class Where { head, backlog };
  Consumer(const Target& target, std::string_view group, const std::vector<QueueRead>& queues, Where where);

  int fd() const override { return channel_.fd(); }
  void turn(std::vector<char>& scratch, Tally& tally) override;

 private:
  struct Reading {
    QueueRead queue;
    std::int64_t next = 0;
    PullStamp stamp;
  };

  void pull(Reading& reading) { channel_.append(reading.stamp.at(reading.next)); }
  void take(Reading& reading, std::string_view messages, Clock::time_point now, Tally& tally);

  Channel channel_;
  const Where where_;
  std::vector<Reading> readings_;
};

}  // namespace chorus::bench::rocketmq
