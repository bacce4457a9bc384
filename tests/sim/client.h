// A ZooKeeper client that writes down everything it says and hears, and checks nothing but the framing.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "history.h"
#include "workload.h"
#include "world/world.h"

namespace chorus::coord_sim {

struct ClientOptions {
  std::vector<world::Address> servers;
  std::int32_t timeout_ms = 1000;
  std::size_t outstanding_max = 16;
  world::Duration think_max = std::chrono::milliseconds(20);
  double write_chance = 0.6;  // per request, as the next ones
  double close_chance = 0.002;
  double abandon_chance = 0.002;
  double move_chance = 0;  // goes on with its session at any of the servers
  world::Duration connect_timeout = std::chrono::seconds(2);
  std::string credentials;  // user:password, for every session; empty: none
};

/// The time by which a history is written, one for all clients.
using Clock = std::function<std::chrono::nanoseconds()>;

class Client final : world::ConnectionHandler {
 public:
  /// name: in what the history says of it.
  Client(world::World& world, std::string name, Clock clock, std::uint32_t number, History& history, Workload& workload,
         base::Random random, const ClientOptions& options);
  ~Client() override;

  void start();
  /// Asks for nothing more of its own accord; what is under way is finished.
  void quiesce() { quiet_ = true; }
  /// These, in order, as soon as it may; also when quiet.
  void ask(std::vector<Op> ops);
  /// Drops the session without a word; the next one begins with start().
  void abandon();
  /// Nothing is under way, and nothing will be unless asked for.
  bool idle() const { return quiet_ && outstanding_.empty() && asked_.empty() && (connected_ || session_ == 0); }
  std::string describe() const;

  /// Told of every reply.
  std::function<void(const Request& request, const Frame& reply)> on_reply;

 private:
  void on_data(std::string_view octets) override;
  void on_closed(const world::NetError& why) override;

  void connect();
  void connect_later();
  void take_frame(std::string_view frame);
  void take_connect_response(std::string_view frame);
  void take_event(std::string_view frame, Frame& out);
  void take_reply(Frame& frame);
  void expire();
  void forget_session();
  void pump();
  void think();
  void send(Op op, std::string& out);
  void authenticate(std::string& out) const;
  void arm_watches(std::string& out);
  void track_watches(const Request& request, const Frame& reply);
  void watch_over();
  void drop_connection();
  std::int64_t now_ns() const { return clock_().count(); }

  world::World& world_;
  const std::string name_;
  const Clock clock_;
  const std::uint32_t number_;
  History& history_;
  Workload& workload_;
  base::Random random_;
  const ClientOptions options_;

  std::unique_ptr<world::Connection> connection_;
  std::uint64_t attempt_ = 0;  // callbacks of an older one are stale
  bool connecting_ = false;
  bool connected_ = false;  // and the session is granted
  std::string input_;
  std::size_t record_ = 0;  // in history_.connections
  std::deque<std::size_t> outstanding_;
  std::deque<Op> asked_;
  bool quiet_ = false;
  bool thinking_ = false;
  bool closing_ = false;  // closeSession is under way

  std::int64_t session_ = 0;
  std::string password_;
  std::int32_t granted_timeout_ms_ = 0;
  std::int64_t last_zxid_ = 0;
  std::int32_t last_xid_ = 0;
  std::int64_t heard_ns_ = 0;
  std::int64_t sent_ns_ = 0;
  std::set<std::string> data_watches_, exist_watches_, child_watches_, persistent_watches_, recursive_watches_;
};

}  // namespace chorus::coord_sim
