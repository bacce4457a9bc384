// The client for tools and tests that are written top down: every operation waits for its answer.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include "client/client.h"
#include "world/real/reactor.h"

namespace chorus::client {

/// How long to look for a server.
struct Patience {
  Duration limit = std::chrono::seconds(10);
  bool keep_trying = false;  // after every server was tried once
};

/// A session on a reactor of its own, which a thread of its own runs, so that it stays alive whatever the caller does. For any one thread;
/// watchers are called on the reactor's.
class BlockingClient {
 public:
  /// Errors: connection_loss (no server, with the reason of the last attempt), auth_failed, session_expired (when resuming).
  static Result<std::unique_ptr<BlockingClient>> connect(ClientOptions options, Patience patience = {});
  /// Ends the session in good order.
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  /// Ends the session; every later operation fails. Waits for the server at most 5 s.
  void close();
  State state();
  SessionId session_id();
  Duration session_timeout();
  world::Address server();
  /// Called on the reactor's thread.
  void on_state(Client::StateListener listener);

  Result<Created> create(const std::string& path, std::optional<std::string_view> data, const CreateOptions& options = {});
  Result<void> remove(const std::string& path, std::int32_t version = -1);
  Result<std::optional<Stat>> exists(const std::string& path, Watcher watcher = {});
  Result<Data> get(const std::string& path, Watcher watcher = {});
  Result<Stat> set(const std::string& path, std::optional<std::string_view> data, std::int32_t version = -1);
  Result<Children> children(const std::string& path, Watcher watcher = {});
  Result<AclOf> get_acl(const std::string& path);
  Result<Stat> set_acl(const std::string& path, const std::vector<Acl>& acl, std::int32_t version = -1);
  Result<MultiResult> multi(const std::vector<Op>& ops);
  Result<MultiResult> multi_read(const std::vector<Op>& ops);
  Result<void> sync(const std::string& path);
  Result<std::vector<std::string>> ephemerals(const std::string& prefix = "/");
  Result<std::int32_t> all_children_number(const std::string& path);
  Result<std::vector<Identity>> who_am_i();
  Result<void> add_auth(const std::string& scheme, const std::string& auth);
  Result<Data> get_config(Watcher watcher = {});
  Result<Data> reconfig(const ReconfigRequest& request);
  Result<void> add_watch(const std::string& path, AddWatchMode mode, Watcher watcher);
  Result<void> remove_watches(const std::string& path, WatcherType type, Watcher watcher = {}, bool local = false);

  /// Any operation: `start(client, completion)` is called on the reactor.
  template <class T, class Start>
  Result<T> call(Start start) {
    std::promise<Result<T>> promise;
    auto answer = promise.get_future();
    reactor_->post([&] { start(*client_, Completion<T>([&](Result<T> result) { promise.set_value(std::move(result)); })); });
    return answer.get();
  }
  /// The same for many at once, without waiting in between: `start(client, item, completion)`. Answers in the order of the items.
  template <class T, class Item, class Start>
  std::vector<Result<T>> call_all(const std::vector<Item>& items, Start start) {
    std::vector<Result<T>> results;
    if (items.empty()) return results;
    std::promise<void> promise;
    auto answered = promise.get_future();
    results.resize(items.size(), std::unexpected(Error{Code::system_error, {}}));
    std::size_t waiting = items.size();
    reactor_->post([&] {
      for (std::size_t i = 0; i < items.size(); ++i) {
        start(*client_, items[i], Completion<T>([&results, &waiting, &promise, i](Result<T> result) {
          results[i] = std::move(result);
          if (--waiting == 0) promise.set_value();
        }));
      }
    });
    answered.get();
    return results;
  }

 private:
  BlockingClient();
  template <class T, class Ask>
  T ask(Ask question);

  std::unique_ptr<world::real::Reactor> reactor_;
  std::unique_ptr<Client> client_;
  std::thread thread_;
};

}  // namespace chorus::client
