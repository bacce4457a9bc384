// Parts of the tree, told of as they are and then as they change.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "world/world.h"

namespace chorus::client {

/// One part of a path that says any name at all: octets other than letters, digits, '-', '_', ':', '@' and '.' (but for a leading one) as
/// "%2F".
std::string path_part(std::string_view name);
/// The name again; empty: it is no such part.
std::optional<std::string> name_of_part(std::string_view part);

/// Tells of some nodes and all below them: first of each that is there, then of each that comes, changes or goes. What others do while
/// there is no connection is told when there is one again. Servers before 3.6, which have no watches for this, are asked each 5 s. Lives on
/// one reactor; begins a new session when the old one has ended. It keeps their paths, not what is in them.
class TreeWatch {
 public:
  struct Events {
    /// Null: it is gone. The changes of one node come in their order; some that follow each other quickly may come as one.
    std::function<void(const std::string& path, const std::string* data)> changed;
    /// Once: all that is there has been told of.
    std::function<void()> loaded;
    /// Words for a log.
    std::function<void(const std::string& words)> trouble;
  };
  /// Roots are absolute paths, seen from the chroot, and need not be there.
  TreeWatch(world::World& world, ClientOptions options, std::vector<std::string> roots, Events events);
  ~TreeWatch();
  TreeWatch(const TreeWatch&) = delete;
  TreeWatch& operator=(const TreeWatch&) = delete;

  void start();
  bool is_loaded() const { return loaded_; }
  /// Its session, for other requests; not to be kept, since a new one may take its place. What it is asked is answered all the same.
  Client& client() { return *client_; }
  /// Ends the session; nothing is told from now on.
  void close(world::Callback done);

 private:
  struct Reading {
    std::deque<std::string> waiting;
    std::size_t in_flight = 0;
    std::set<std::string> seen;  // also what was told of meanwhile
  };
  using ReadingPtr = std::shared_ptr<Reading>;

  void connect();
  /// This root and those behind it, then reads.
  void watch(std::size_t root);
  void read_all();
  void read_more(const ReadingPtr& reading);
  void read(const ReadingPtr& reading, const std::string& path);
  void read_children(const ReadingPtr& reading, const std::string& path);
  /// Whether the reading goes on without this node.
  bool pass_over(const ReadingPtr& reading, const Error& why);
  void read_done();
  void refresh(const std::string& path);
  void found(const std::string& path, const Data& data);
  void gone(const std::string& path);
  void again_in(std::chrono::milliseconds delay);
  bool is_ended() const { return closing_ || is_final(client_->state()); }
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

  world::World& world_;
  const ClientOptions options_;
  const std::vector<std::string> roots_;
  Events events_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> former_;             // of the session before: it may have answers to give that are on their way
  std::map<std::string, std::int64_t> known_;  // path, the last change of what is in it
  ReadingPtr reading_;                         // under way
  std::uint64_t life_ = 0;                     // of the session: what was put off belongs to one
  Watcher watcher_;
  bool watching_ = false;
  bool again_ = false;  // put off
  bool can_watch_ = true;
  bool loaded_ = false;
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::client
