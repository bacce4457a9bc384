#include "client/blocking.h"

#include <fmt/format.h>

namespace chorus::client {

BlockingClient::BlockingClient() : reactor_(std::make_unique<world::real::Reactor>("client")) {}

Result<std::unique_ptr<BlockingClient>> BlockingClient::connect(ClientOptions options, Patience patience) {
  std::unique_ptr<BlockingClient> self(new BlockingClient);
  const std::size_t servers = options.session.servers.size();
  if (patience.keep_trying) options.session.queue_timeout = patience.limit;
  self->client_ = std::make_unique<Client>(*self->reactor_, std::move(options));
  Client& client = *self->client_;
  const auto decided = [&] {
    if (client.state() != State::connecting) return true;
    return !patience.keep_trying && client.failed_attempts() >= servers;
  };
  client.start();
  self->reactor_->run_until(decided, patience.limit);
  const State state = client.state();
  if (state == State::expired || state == State::auth_failed) {
    const Code code = state == State::expired ? Code::session_expired : Code::auth_failed;
    return std::unexpected(make_error(code, "connect", {}));
  }
  if (state != State::connected && state != State::connected_read_only) {
    std::string why = client.last_failure();
    if (why.empty()) why = fmt::format("{}: no answer", world::to_string(client.server()));
    return base::error(Code::connection_loss, fmt::format("no connection to a server: {}", why));
  }
  self->thread_ = std::thread([reactor = self->reactor_.get()] { reactor->run(); });
  return self;
}

BlockingClient::~BlockingClient() {
  if (thread_.joinable()) {
    close();
    reactor_->stop();
    thread_.join();
  }
  client_.reset();
}

template <class T, class Ask>
T BlockingClient::ask(Ask question) {
  std::promise<T> promise;
  auto answer = promise.get_future();
  reactor_->post([&] { promise.set_value(question()); });
  return answer.get();
}

void BlockingClient::close() {
  std::promise<void> closed;
  auto done = closed.get_future();
  reactor_->post([&] { client_->close([&] { closed.set_value(); }); });
  done.get();
}

State BlockingClient::state() {
  return ask<State>([&] { return client_->state(); });
}
SessionId BlockingClient::session_id() {
  return ask<SessionId>([&] { return client_->session_id(); });
}
Duration BlockingClient::session_timeout() {
  return ask<Duration>([&] { return client_->session_timeout(); });
}
world::Address BlockingClient::server() {
  return ask<world::Address>([&] { return client_->server(); });
}
void BlockingClient::on_state(Client::StateListener listener) {
  ask<bool>([&] {
    client_->on_state(std::move(listener));
    return true;
  });
}

// What is called through `call` may borrow from the caller, who waits.

Result<Created> BlockingClient::create(const std::string& path, std::optional<std::string_view> data, const CreateOptions& options) {
  return call<Created>([&](Client& client, auto done) { client.create(path, data, options, std::move(done)); });
}
Result<void> BlockingClient::remove(const std::string& path, std::int32_t version) {
  return call<void>([&](Client& client, auto done) { client.remove(path, version, std::move(done)); });
}
Result<std::optional<Stat>> BlockingClient::exists(const std::string& path, Watcher watcher) {
  return call<std::optional<Stat>>([&](Client& client, auto done) { client.exists(path, std::move(done), watcher); });
}
Result<Data> BlockingClient::get(const std::string& path, Watcher watcher) {
  return call<Data>([&](Client& client, auto done) { client.get(path, std::move(done), watcher); });
}
Result<Stat> BlockingClient::set(const std::string& path, std::optional<std::string_view> data, std::int32_t version) {
  return call<Stat>([&](Client& client, auto done) { client.set(path, data, version, std::move(done)); });
}
Result<Children> BlockingClient::children(const std::string& path, Watcher watcher) {
  return call<Children>([&](Client& client, auto done) { client.children(path, std::move(done), watcher); });
}
Result<AclOf> BlockingClient::get_acl(const std::string& path) {
  return call<AclOf>([&](Client& client, auto done) { client.get_acl(path, std::move(done)); });
}
Result<Stat> BlockingClient::set_acl(const std::string& path, const std::vector<Acl>& acl, std::int32_t version) {
  return call<Stat>([&](Client& client, auto done) { client.set_acl(path, acl, version, std::move(done)); });
}
Result<MultiResult> BlockingClient::multi(const std::vector<Op>& ops) {
  return call<MultiResult>([&](Client& client, auto done) { client.multi(ops, std::move(done)); });
}
Result<MultiResult> BlockingClient::multi_read(const std::vector<Op>& ops) {
  return call<MultiResult>([&](Client& client, auto done) { client.multi_read(ops, std::move(done)); });
}
Result<void> BlockingClient::sync(const std::string& path) {
  return call<void>([&](Client& client, auto done) { client.sync(path, std::move(done)); });
}
Result<std::vector<std::string>> BlockingClient::ephemerals(const std::string& prefix) {
  return call<std::vector<std::string>>([&](Client& client, auto done) { client.ephemerals(prefix, std::move(done)); });
}
Result<std::int32_t> BlockingClient::all_children_number(const std::string& path) {
  return call<std::int32_t>([&](Client& client, auto done) { client.all_children_number(path, std::move(done)); });
}
Result<std::vector<Identity>> BlockingClient::who_am_i() {
  return call<std::vector<Identity>>([&](Client& client, auto done) { client.who_am_i(std::move(done)); });
}
Result<void> BlockingClient::add_auth(const std::string& scheme, const std::string& auth) {
  return call<void>([&](Client& client, auto done) { client.add_auth(scheme, auth, std::move(done)); });
}
Result<Data> BlockingClient::get_config(Watcher watcher) {
  return call<Data>([&](Client& client, auto done) { client.get_config(std::move(done), watcher); });
}
Result<Data> BlockingClient::reconfig(const ReconfigRequest& request) {
  return call<Data>([&](Client& client, auto done) { client.reconfig(request, std::move(done)); });
}
Result<void> BlockingClient::add_watch(const std::string& path, AddWatchMode mode, Watcher watcher) {
  return call<void>([&](Client& client, auto done) { client.add_watch(path, mode, watcher, std::move(done)); });
}
Result<void> BlockingClient::remove_watches(const std::string& path, WatcherType type, Watcher watcher, bool local) {
  return call<void>([&](Client& client, auto done) { client.remove_watches(path, type, watcher, local, std::move(done)); });
}

}  // namespace chorus::client
