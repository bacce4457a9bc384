// The client for tools and tests that are written top down: every operation waits for its answer.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include "mq/client/client.h"
#include "world/real/reactor.h"

namespace chorus::mqclient {

/// A client on a reactor of its own, which a thread of its own runs. For any one thread.
class BlockingClient {
 public:
  explicit BlockingClient(ClientOptions options);
  /// Leaves all groups, waiting for the brokers at most a second.
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  /// Any operation: `start(client, completion)` is called on the reactor; what it borrows stays, as the caller waits.
  template <class T, class Start>
  Result<T> call(Start start) {
    std::promise<Result<T>> promise;
    auto answer = promise.get_future();
    reactor_.post([&] { start(*client_, Completion<T>([&](Result<T> result) { promise.set_value(std::move(result)); })); });
    return answer.get();
  }
  template <class T>
  Result<T> ask(const world::Address& server, Request<T> request, std::optional<Duration> limit = {}) {
    return call<T>([&](Client& client, Completion<T> done) { client.ask(server, std::move(request), std::move(done), limit); });
  }
  template <class T>
  Result<T> ask_name_server(Request<T> request) {
    return call<T>([&](Client& client, Completion<T> done) { client.ask_name_server(std::move(request), std::move(done)); });
  }
  template <class T>
  Result<T> ask_broker_of(const Queue& queue, Request<T> request, std::optional<Duration> limit = {}) {
    return call<T>([&](Client& client, Completion<T> done) { client.ask_broker_of(queue, std::move(request), std::move(done), limit); });
  }
  /// From a NameServer.
  Result<std::shared_ptr<const wire::TopicRoute>> route(const std::string& topic) {
    using Route = std::shared_ptr<const wire::TopicRoute>;
    return call<Route>([&](Client& client, Completion<Route> done) { client.fresh_route(topic, std::move(done)); });
  }
  /// Runs on the reactor; returns when it has.
  void run(const std::function<void(Client&)>& work) {
    std::promise<void> done;
    reactor_.post([&] {
      work(*client_);
      done.set_value();
    });
    done.get_future().get();
  }

 private:
  world::real::Reactor reactor_;
  std::unique_ptr<Client> client_;
  std::thread thread_;
};

}  // namespace chorus::mqclient
