#include "client/client.h"

#include <fmt/format.h>

#include "client/impl.h"
#include "client/translate.h"

namespace chorus::client {
namespace {

Request request_for(jute::OpCode op) {
  Request request;
  request.op = op;
  request.frame.assign(Request::header_octets, '\0');
  return request;
}

template <class Record>
Request request_with(jute::OpCode op, const Record& record) {
  Request request = request_for(op);
  jute::encode(record, request.frame);
  return request;
}

void watch(Request& request, Request::Watch kind, std::string_view server_path, Watcher watcher) {
  if (!watcher) return;
  request.watch = kind;
  request.path = server_path;
  request.watcher = std::move(watcher);
}

/// Submits unless the path cannot be one: the server would answer NONODE to some of those.
void send(Client::Impl& impl, std::string_view path, Request request, Done done) {
  if (!path_problem(path).empty()) return impl.refuse(Code::bad_arguments, std::move(done));
  impl.submit(std::move(request), std::move(done));
}

/// For messages: create2 and getChildren2 are nothing that a person has asked for.
std::string_view word_for(jute::OpCode op) {
  std::string_view name = jute::name_of(op);
  if (name.ends_with('2')) name.remove_suffix(1);
  return name;
}

/// What a reply becomes: the decoded result, or the error in words.
template <class T, class Decode>
Done answer(jute::OpCode op, std::string_view path, Completion<T> done, Decode decode) {
  return [op, path = std::string(path), done = std::move(done), decode = std::move(decode)](Code code, std::string_view body) mutable {
    if (!done) return;
    if (code != Code::ok) return done(std::unexpected(make_error(code, word_for(op), path)));
    base::Reader in(body);
    std::optional<T> result = decode(in);
    if (!result) return done(std::unexpected(make_error(Code::marshalling_error, word_for(op), path)));
    done(std::move(*result));
  };
}

Done answer(jute::OpCode op, std::string_view path, Completion<void> done) {
  return [op, path = std::string(path), done = std::move(done)](Code code, std::string_view) mutable {
    if (!done) return;
    if (code != Code::ok) return done(std::unexpected(make_error(code, word_for(op), path)));
    done({});
  };
}

std::optional<Stat> decode_stat(base::Reader& in) { return jute::decode<Stat>(in); }

std::optional<Data> decode_data(base::Reader& in) {
  const auto body = jute::decode<jute::GetDataResponse>(in);
  if (!body) return std::nullopt;
  return to_data(*body);
}

}  // namespace

Result<ClientOptions> options_for(std::string_view connect_string) {
  auto parsed = parse_connect_string(connect_string);
  if (!parsed) return std::unexpected(parsed.error());
  ClientOptions options;
  options.session.servers = std::move(parsed->servers);
  options.chroot = std::move(parsed->chroot);
  return options;
}

Client::Client(world::World& world, ClientOptions options) : impl_(std::make_shared<Impl>(world, std::move(options))) {}
Client::~Client() { impl_->stop(); }

void Client::start() { impl_->submit(event::Start{}); }
void Client::on_state(StateListener listener) { impl_->listeners().push_back(std::move(listener)); }
void Client::close(std::move_only_function<void()> done) { impl_->close(std::move(done)); }

State Client::state() const { return impl_->session().state(); }
SessionId Client::session_id() const { return impl_->session().id(); }
Duration Client::session_timeout() const { return impl_->session().negotiated_timeout(); }
std::int64_t Client::last_zxid() const { return impl_->session().last_zxid(); }
std::string Client::last_failure() const { return impl_->session().last_failure(); }
std::size_t Client::failed_attempts() const { return impl_->session().failed_attempts(); }
world::Address Client::server() const { return impl_->session().server(); }

void Client::create(std::string_view path, std::optional<std::string_view> data, const CreateOptions& options, Completion<Created> done) {
  const jute::OpCode op = create_op(options.mode);
  Done reply = answer<Created>(op, path, std::move(done), [impl = impl_.get()](base::Reader& in) -> std::optional<Created> {
    const auto body = jute::decode<jute::Create2Response>(in);
    if (!body) return std::nullopt;
    return Created{std::string(from_server(impl->chroot(), body->path)), body->stat};
  });
  if (!path_problem(path, is_sequential(options.mode)).empty()) return impl_->refuse(Code::bad_arguments, std::move(reply));
  Request request = request_for(op);
  encode_create(to_server(impl_->chroot(), path), data, options, request.frame);
  impl_->submit(std::move(request), std::move(reply));
}

void Client::remove(std::string_view path, std::int32_t version, Completion<void> done) {
  send(*impl_, path, request_with(jute::OpCode::delete_, jute::PathVersionRequest{to_server(impl_->chroot(), path), version}),
       answer(jute::OpCode::delete_, path, std::move(done)));
}

void Client::exists(std::string_view path, Completion<std::optional<Stat>> done, Watcher watcher) {
  const std::string server_path = to_server(impl_->chroot(), path);
  Request request = request_with(jute::OpCode::exists, jute::PathWatchRequest{server_path, watcher != nullptr});
  client::watch(request, Request::Watch::exist_or_data, server_path, std::move(watcher));
  send(*impl_, path, std::move(request), [path = std::string(path), done = std::move(done)](Code code, std::string_view body) mutable {
    if (!done) return;
    if (code == Code::no_node) return done(std::optional<Stat>());
    auto some = [&](Result<Stat> stat) {
      if (stat) {
        done(std::optional<Stat>(*stat));
      } else {
        done(std::unexpected(std::move(stat.error())));
      }
    };
    answer<Stat>(jute::OpCode::exists, path, some, decode_stat)(code, body);
  });
}

void Client::get(std::string_view path, Completion<Data> done, Watcher watcher) {
  const std::string server_path = to_server(impl_->chroot(), path);
  Request request = request_with(jute::OpCode::get_data, jute::PathWatchRequest{server_path, watcher != nullptr});
  client::watch(request, Request::Watch::data, server_path, std::move(watcher));
  send(*impl_, path, std::move(request), answer<Data>(jute::OpCode::get_data, path, std::move(done), decode_data));
}

void Client::set(std::string_view path, std::optional<std::string_view> data, std::int32_t version, Completion<Stat> done) {
  send(*impl_, path, request_with(jute::OpCode::set_data, jute::SetDataRequest{to_server(impl_->chroot(), path), data, version}),
       answer<Stat>(jute::OpCode::set_data, path, std::move(done), decode_stat));
}

void Client::children(std::string_view path, Completion<Children> done, Watcher watcher) {
  const std::string server_path = to_server(impl_->chroot(), path);
  Request request = request_with(jute::OpCode::get_children2, jute::PathWatchRequest{server_path, watcher != nullptr});
  client::watch(request, Request::Watch::child, server_path, std::move(watcher));
  send(*impl_, path, std::move(request),
       answer<Children>(jute::OpCode::get_children2, path, std::move(done), [](base::Reader& in) -> std::optional<Children> {
         const auto body = jute::decode<jute::GetChildren2Response>(in);
         if (!body) return std::nullopt;
         return Children{to_strings(body->children), body->stat};
       }));
}

void Client::get_acl(std::string_view path, Completion<AclOf> done) {
  send(*impl_, path, request_with(jute::OpCode::get_acl, jute::PathRecord{to_server(impl_->chroot(), path)}),
       answer<AclOf>(jute::OpCode::get_acl, path, std::move(done), [](base::Reader& in) -> std::optional<AclOf> {
         const auto body = jute::decode<jute::GetAclResponse>(in);
         if (!body) return std::nullopt;
         return AclOf{from_records(body->acl), body->stat};
       }));
}

void Client::set_acl(std::string_view path, const std::vector<Acl>& acl, std::int32_t version, Completion<Stat> done) {
  const std::string server_path = to_server(impl_->chroot(), path);
  send(*impl_, path, request_with(jute::OpCode::set_acl, jute::SetAclRequest{server_path, to_records(acl), version}),
       answer<Stat>(jute::OpCode::set_acl, path, std::move(done), decode_stat));
}

namespace {

void send_multi(Client::Impl& impl, jute::OpCode code, const std::vector<Op>& ops, Completion<MultiResult> done) {
  std::string bad;
  for (const Op& op : ops) {
    if (!path_problem(op.path, op.op == jute::OpCode::create2 && is_sequential(op.options.mode)).empty()) bad = op.path;
  }
  Done reply = answer<MultiResult>(code, bad, std::move(done), [&impl](base::Reader& in) { return decode_multi(impl.chroot(), in); });
  if (!bad.empty()) return impl.refuse(Code::bad_arguments, std::move(reply));
  Request request = request_for(code);
  encode_multi(impl.chroot(), ops, request.frame);
  impl.submit(std::move(request), std::move(reply));
}

}  // namespace

void Client::multi(const std::vector<Op>& ops, Completion<MultiResult> done) {
  send_multi(*impl_, jute::OpCode::multi, ops, std::move(done));
}
void Client::multi_read(const std::vector<Op>& ops, Completion<MultiResult> done) {
  send_multi(*impl_, jute::OpCode::multi_read, ops, std::move(done));
}

void Client::sync(std::string_view path, Completion<void> done) {
  send(*impl_, path, request_with(jute::OpCode::sync, jute::PathRecord{to_server(impl_->chroot(), path)}),
       answer(jute::OpCode::sync, path, std::move(done)));
}

void Client::ephemerals(std::string_view prefix, Completion<std::vector<std::string>> done) {
  send(*impl_, prefix, request_with(jute::OpCode::get_ephemerals, jute::PathRecord{to_server(impl_->chroot(), prefix)}),
       answer<std::vector<std::string>>(jute::OpCode::get_ephemerals, prefix, std::move(done),
                                        [impl = impl_.get()](base::Reader& in) -> std::optional<std::vector<std::string>> {
                                          const auto body = jute::decode<jute::PathsResponse>(in);
                                          if (!body) return std::nullopt;
                                          std::vector<std::string> out;
                                          for (const auto path : body->paths) out.emplace_back(from_server(impl->chroot(), path));
                                          return out;
                                        }));
}

void Client::all_children_number(std::string_view path, Completion<std::int32_t> done) {
  send(*impl_, path, request_with(jute::OpCode::get_all_children_number, jute::PathRecord{to_server(impl_->chroot(), path)}),
       answer<std::int32_t>(jute::OpCode::get_all_children_number, path, std::move(done),
                            [](base::Reader& in) -> std::optional<std::int32_t> {
                              const auto body = jute::decode<jute::CountResponse>(in);
                              return body ? std::optional(body->total) : std::nullopt;
                            }));
}

void Client::who_am_i(Completion<std::vector<Identity>> done) {
  impl_->submit(request_for(jute::OpCode::who_am_i),
                answer<std::vector<Identity>>(jute::OpCode::who_am_i, {}, std::move(done),
                                              [](base::Reader& in) -> std::optional<std::vector<Identity>> {
                                                const auto body = jute::decode<jute::WhoAmIResponse>(in);
                                                if (!body) return std::nullopt;
                                                std::vector<Identity> out;
                                                for (const auto& each : body->client_info) {
                                                  out.push_back({std::string(each.auth_scheme), std::string(each.user)});
                                                }
                                                return out;
                                              }));
}

void Client::add_auth(std::string_view scheme, std::string_view auth, Completion<void> done) {
  impl_->add_auth(std::string(scheme), std::string(auth), answer(jute::OpCode::auth, scheme, std::move(done)));
}

void Client::get_config(Completion<Data> done, Watcher watcher) {
  constexpr std::string_view path = "/zookeeper/config";
  Request request = request_with(jute::OpCode::get_data, jute::PathWatchRequest{path, watcher != nullptr});
  client::watch(request, Request::Watch::data, path, std::move(watcher));
  impl_->submit(std::move(request), answer<Data>(jute::OpCode::get_data, path, std::move(done), decode_data));
}

void Client::reconfig(const ReconfigRequest& request, Completion<Data> done) {
  impl_->submit(request_with(jute::OpCode::reconfig, jute::ReconfigRequest{to_buffer(request.joining), to_buffer(request.leaving),
                                                                           to_buffer(request.new_members), request.from_config}),
                answer<Data>(jute::OpCode::reconfig, {}, std::move(done), decode_data));
}

void Client::add_watch(std::string_view path, AddWatchMode mode, Watcher watcher, Completion<void> done) {
  const std::string server_path = to_server(impl_->chroot(), path);
  Request request = request_with(jute::OpCode::add_watch, jute::PathTypeRequest{server_path, static_cast<std::int32_t>(mode)});
  client::watch(request, mode == AddWatchMode::persistent ? Request::Watch::persistent : Request::Watch::persistent_recursive, server_path,
                std::move(watcher));
  send(*impl_, path, std::move(request), answer(jute::OpCode::add_watch, path, std::move(done)));
}

void Client::remove_watches(std::string_view path, WatcherType type, Watcher watcher, bool local, Completion<void> done) {
  const std::string server_path = to_server(impl_->chroot(), path);
  Request request = request_with(jute::OpCode::remove_watches, jute::PathTypeRequest{server_path, static_cast<std::int32_t>(type)});
  request.path = server_path;
  request.unwatch = Request::Unwatch{type, std::move(watcher), local};
  send(*impl_, path, std::move(request), answer(jute::OpCode::remove_watches, path, std::move(done)));
}

}  // namespace chorus::client
