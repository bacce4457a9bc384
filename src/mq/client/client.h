// The asynchronous RocketMQ client: knows where topics are, keeps itself known to brokers, asks them things.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mq/client/remoting.h"
#include "mq/client/requests.h"
#include "mq/client/route.h"

namespace chorus::mqclient {

struct ClientOptions {
  std::vector<world::Address> name_servers{{"127.0.0.1", 9876}};
  std::string id;  // as brokers list it; empty: "ADDRESS@PID#NUMBER"
  RemotingOptions remoting;
  Duration timeout = std::chrono::seconds(3);  // of a request that says nothing else
  Duration route_interval = std::chrono::seconds(30);
  Duration heartbeat_interval = std::chrono::seconds(30);
};
/// "host:port;host:port", as RocketMQ's namesrvAddr; commas do as well. A server without a port gets 9876.
Result<std::vector<world::Address>> parse_name_servers(std::string_view text);

/// What a member of a group is told; all on the client's reactor.
struct ProducerHooks {
  /// The broker asks what became of a transaction.
  std::function<void(const world::Address& broker, const Incoming& check)> check;
};
struct ConsumerHooks {
  std::function<void()> members_changed;
  /// Offsets were reset: go on from these.
  std::function<void(const wire::OffsetTable& offsets)> reset;
  /// What an administrator asks for (221, 307, 309), now or later: the answer's body; empty: not to be had.
  using Answer = std::move_only_function<void(std::optional<std::string> body)>;
  std::function<void(const Incoming& request, Answer answer)> asked;
};

/// Lives on one reactor. Requests go out at once, however many are unanswered. Nothing is completed once it is destroyed.
class Client {
 public:
  Client(world::World& world, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Leaves all groups, then ends every connection.
  void stop(std::move_only_function<void()> done = {});

  template <class T>
  void ask(const world::Address& server, Request<T> request, Completion<T> done, std::optional<Duration> limit = {}) {
    remoting_.call(server, std::move(request.outgoing), limit.value_or(options_.timeout),
                   [read = std::move(request.read), done = std::move(done)](Result<Incoming> answer) mutable {
                     if (!answer) return done(std::unexpected(std::move(answer.error())));
                     done(read(std::move(*answer)));
                   });
  }
  /// One NameServer after the other, beginning with the one that answered last, until one answers.
  template <class T>
  void ask_name_server(Request<T> request, Completion<T> done) {
    auto read = std::move(request.read);
    call_name_server(std::move(request.outgoing), [read = std::move(read), done = std::move(done)](Result<Incoming> answer) mutable {
      if (!answer) return done(std::unexpected(std::move(answer.error())));
      done(read(std::move(*answer)));
    });
  }
  /// The master of the broker that has the queue, by the route that is known or is asked for.
  template <class T>
  void ask_broker_of(const Queue& queue, Request<T> request, Completion<T> done, std::optional<Duration> limit = {}) {
    route(queue.topic, [this, queue, request = std::move(request), done = std::move(done),
                        limit](Result<std::shared_ptr<const wire::TopicRoute>> route) mutable {
      if (!route) return done(std::unexpected(std::move(route.error())));
      const auto address = address_of(**route, queue.broker_name);
      if (!address) return done(error(Code::unknown_topic, "no broker of " + queue.topic + " is called " + queue.broker_name));
      ask(*address, std::move(request), std::move(done), limit);
    });
  }

  /// Not older than `route_interval`, unless no NameServer answers: then the last that is known.
  void route(const std::string& topic, Completion<std::shared_ptr<const wire::TopicRoute>> done);
  /// From a NameServer, whatever is known.
  void fresh_route(const std::string& topic, Completion<std::shared_ptr<const wire::TopicRoute>> done);
  /// The next route() asks again.
  void forget_route(const std::string& topic);

  /// From now on, until it leaves, brokers of every topic that was asked for know it as a member of the group.
  void join(const std::string& producer_group, ProducerHooks hooks);
  void join(wire::ConsumerData consumer, ConsumerHooks hooks);
  /// done: when the brokers have answered, or could not.
  void leave_producers(const std::string& group, std::move_only_function<void()> done = {});
  void leave_consumers(const std::string& group, std::move_only_function<void()> done = {});
  /// Tells every broker known now; `done` when all have answered, or could not.
  void send_heartbeats(std::move_only_function<void()> done = {});

  void reply(const world::Address& to, wire::Outgoing answer) { remoting_.reply(to, std::move(answer)); }
  const std::string& id() const { return id_; }
  const ClientOptions& options() const { return options_; }
  world::World& world() { return world_; }
  /// An id for a new message.
  std::string new_message_id();
  std::int64_t now_ms() const { return world_.wall_now().time_since_epoch().count(); }
  /// For callbacks: does nothing once the client is gone.
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  struct KnownRoute {
    std::shared_ptr<const wire::TopicRoute> route;
    Instant asked_at{};
  };

  void came(const std::string& topic, Result<wire::TopicRoute> route);
  void tell_route(const std::string& topic, const Result<std::shared_ptr<const wire::TopicRoute>>& route);
  void call_name_server(wire::Outgoing request, Completion<Incoming> done);
  void try_name_server(std::shared_ptr<wire::Outgoing> request, std::shared_ptr<Completion<Incoming>> done, std::size_t attempt,
                       std::string why);
  void asked(const world::Address& from, const Incoming& request);
  wire::HeartbeatData heartbeat_data() const;
  std::vector<world::Address> brokers() const;
  void heartbeat_to(const std::vector<world::Address>& brokers, std::move_only_function<void()> done);
  void beat();
  void leave(const std::string& producer_group, const std::string& consumer_group, std::move_only_function<void()> done);

  world::World& world_;
  const ClientOptions options_;
  std::string id_;
  UniqueIds ids_;
  Remoting remoting_;
  std::size_t name_server_ = 0;
  std::map<std::string, KnownRoute> routes_;
  std::map<std::string, std::vector<Completion<std::shared_ptr<const wire::TopicRoute>>>> asking_;  // who waits for a route, in order
  std::map<std::string, ProducerHooks> producers_;
  struct Consumer {
    wire::ConsumerData data;
    ConsumerHooks hooks;
  };
  std::map<std::string, Consumer> consumers_;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mqclient
