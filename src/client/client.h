// The asynchronous ZooKeeper client.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/connect_string.h"
#include "client/error.h"
#include "client/session.h"
#include "client/types.h"
#include "client/watch.h"
#include "world/world.h"

namespace chorus::client {

template <class T>
using Completion = std::move_only_function<void(Result<T>)>;

struct ClientOptions {
  SessionOptions session;
  std::string chroot;  // "" or "/a/b"
  std::optional<world::TlsOptions> tls;
};
/// Options for "host:port,host:port/chroot".
Result<ClientOptions> options_for(std::string_view connect_string);

/// A session and the operations on the tree. Lives on one reactor. Requests are sent at once, however many are unanswered, and their
/// completions come in the order of the requests (except that what is malformed fails at once), never from within a call to the client. A
/// completion may be null, and may call or destroy the client. Paths are absolute and seen from the chroot.
///
/// When a connection breaks, what was sent fails with connection_loss; what is asked while there is none waits for the next. The session
/// and its watches live on over connections. Once its state is final (see State) every request fails.
class Client {
 public:
  class Impl;  // nobody else's business; named here so that the operations can be free functions
  using StateListener = std::function<void(State state, const std::string& why)>;

  Client(world::World& world, ClientOptions options);
  /// Drops the connection, and what was not answered with it, uncalled; the server ends the session after its time-out. See close().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins to connect.
  void start();
  /// Told of every change of the state from now on, and of every failed attempt to connect (as State::connecting again).
  void on_state(StateListener listener);
  /// Ends the session (ephemeral nodes go with it) after all earlier requests are answered; `done` when it is over, well or not.
  void close(std::move_only_function<void()> done = {});

  State state() const;
  SessionId session_id() const;
  Duration session_timeout() const;
  std::int64_t last_zxid() const;
  /// Why the last connection or attempt to get one ended.
  std::string last_failure() const;
  /// Attempts to connect that have failed since there was a session.
  std::size_t failed_attempts() const;
  world::Address server() const;

  // Versions: -1 is any. Watchers are told once, see watch.h; null is none.
  void create(std::string_view path, std::optional<std::string_view> data, const CreateOptions& options, Completion<Created> done);
  void remove(std::string_view path, std::int32_t version, Completion<void> done);
  /// Empty when there is no such node; the watcher is then told of its creation.
  void exists(std::string_view path, Completion<std::optional<Stat>> done, Watcher watcher = {});
  void get(std::string_view path, Completion<Data> done, Watcher watcher = {});
  void set(std::string_view path, std::optional<std::string_view> data, std::int32_t version, Completion<Stat> done);
  void children(std::string_view path, Completion<Children> done, Watcher watcher = {});
  void get_acl(std::string_view path, Completion<AclOf> done);
  void set_acl(std::string_view path, const std::vector<Acl>& acl, std::int32_t version, Completion<Stat> done);
  /// All or none of create, remove, set and check. A part that fails is told in the result, not as the error.
  void multi(const std::vector<Op>& ops, Completion<MultiResult> done);
  /// get and children, each with its own code.
  void multi_read(const std::vector<Op>& ops, Completion<MultiResult> done);
  /// Later reads see every write that was acknowledged anywhere before this.
  void sync(std::string_view path, Completion<void> done);
  /// Ephemeral nodes of this session below `prefix`.
  void ephemerals(std::string_view prefix, Completion<std::vector<std::string>> done);
  /// All descendants.
  void all_children_number(std::string_view path, Completion<std::int32_t> done);
  void who_am_i(Completion<std::vector<Identity>> done);
  /// Also sent on every later connection. A refusal ends the session (State::auth_failed).
  void add_auth(std::string_view scheme, std::string_view auth, Completion<void> done);
  /// The ensemble's configuration, whatever the chroot.
  void get_config(Completion<Data> done, Watcher watcher = {});
  void reconfig(const ReconfigRequest& request, Completion<Data> done);

  /// Tells of every change of the node and its children, or (recursive) of the node and all below it.
  void add_watch(std::string_view path, AddWatchMode mode, Watcher watcher, Completion<void> done);
  /// Ends this watcher (all, when null) on the path; it is told so. local: forget it even if the server does not answer.
  void remove_watches(std::string_view path, WatcherType type, Watcher watcher, bool local, Completion<void> done);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace chorus::client
