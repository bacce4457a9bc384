// The two ends of a simulated connection. Inside of the simulator only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "world/net.h"
#include "world/sim/network.h"

namespace chorus::sim {

class SimConnection;

struct Segment {
  static constexpr int data = 0, fin = 1, reset = 2;
  std::int64_t arrival = 0;
  int kind = data;
  std::string octets;
};

struct End {
  enum class State { open, closing, closed };

  Life* life = nullptr;  // null: the process is gone
  Node* node = nullptr;
  world::Address local;
  world::Address peer;
  std::string peer_subject = {};
  State state = State::open;
  SimConnection* handle = nullptr;  // null: destroyed
  world::ConnectionHandler* handler = nullptr;
  bool started = false;

  // What this end sends.
  std::string queue = {};
  std::size_t queue_start = 0;  // what is before it was taken
  std::size_t in_flight = 0;    // sent, and not read by the other end as far as is known here
  bool was_high = false;
  bool pump_posted = false;
  std::deque<Segment> wire = {};
  std::int64_t last_arrival = 0;
  bool arrival_posted = false;
  std::size_t credit = 0;  // read by the other end, not yet known here
  bool credit_posted = false;

  // What this end receives.
  std::string received = {};
  bool reading = true;
  bool drain_posted = false;
  bool fin_received = false;
  bool reset_received = false;

  std::size_t unsent() const { return queue.size() - queue_start; }
  void put(std::string octets) {
    if (unsent() == 0) {
      queue = std::move(octets);
      queue_start = 0;
    } else {
      queue += octets;
    }
  }
  std::string take(std::size_t count) {
    if (count == queue.size()) return std::exchange(queue, {});
    std::string octets = queue.substr(queue_start, count);
    queue_start += count;
    if (queue_start == queue.size()) drop_unsent();
    return octets;
  }
  void drop_unsent() {
    queue.clear();
    queue_start = 0;
  }
};

struct Link {
  End ends[2];  // 0 connected, 1 accepted
  bool tls = false;
};

class SimConnection final : public world::Connection {
 public:
  SimConnection(Network& network, std::shared_ptr<Link> link, int side);
  ~SimConnection() override;

  void start(world::ConnectionHandler& handler) override;
  void write(std::string octets) override;
  std::size_t unsent() const override { return link_->ends[side_].unsent(); }
  void pause_reading() override;
  void resume_reading() override;
  void close() override;
  void abort() override;
  const world::Address& local() const override { return link_->ends[side_].local; }
  const world::Address& peer() const override { return link_->ends[side_].peer; }
  std::string peer_subject() const override { return link_->ends[side_].peer_subject; }
  bool is_tls() const override { return link_->tls; }

 private:
  End& end() { return link_->ends[side_]; }
  bool usable() const;
  void post_drain();
  void break_off_here();

  Network& network_;
  const std::shared_ptr<Link> link_;
  const int side_;
};

}  // namespace chorus::sim
