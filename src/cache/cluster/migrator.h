// MIGRATE at work: keys go to another server by RESTORE, and go here once that has them.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/cluster/slot_map.h"

namespace chorus::cache {
class Server;
}

namespace chorus::cache::cluster {

/// A MIGRATE as it was asked for.
struct Migration {
  std::string host;
  std::uint16_t port = 0;
  unsigned db = 0;     // where the keys are
  unsigned to_db = 0;  // where they go, of the other server
  std::int64_t timeout_us = 0;
  bool copies = false, replaces = false;
  std::optional<std::string> user, password;
  std::vector<std::string> keys;
};

/// Lives in a server; opens no connection itself (Server::want()). The client that asked waits, others are served. A key is in transit from
/// when it was sent until the other server has answered: requests that name it wait (Server holds them back). What changes it all the same,
/// as a script that does not name its keys, has it sent again; so a key goes here only in the state that the other server has. No more than
/// about a window of octets is under way for each MIGRATE. A connection that is not used is kept for ten seconds, for the next.
class Migrator {
 public:
  static constexpr std::size_t idle_links_max = 64;

  explicit Migrator(Server& server) : server_(server) {}
  Migrator(const Migrator&) = delete;
  Migrator& operator=(const Migrator&) = delete;

  /// Ends with Server::migrated() of that number.
  void begin(std::uint64_t number, Migration migration);

  /// How a node of a cluster begins to bring keys to another, "CLUSTER HANDOVER" FROM or FENCE and its id: the latter where what it gave up
  /// on may still be on its way by an earlier connection, and must not arrive behind what follows.
  std::string_view greeting(const std::string& host, std::uint16_t port) const {
    return greeted_.contains({host, port}) ? "FROM" : "FENCE";
  }
  void note_greeted(const std::string& host, std::uint16_t port) { greeted_.emplace(host, port); }

  bool has_link(std::uint64_t link) const { return links_.contains(link); }
  void up(std::uint64_t link);
  void received(std::uint64_t link, std::string_view octets);
  void down(std::uint64_t link);
  void tick();

  bool has_keys_in_transit() const { return !transit_.empty(); }
  bool is_in_transit(unsigned db, std::string_view key) const;
  bool has_transit_in(const Slots& slots) const;
  void key_changed(unsigned db, std::string_view key);
  /// Any of its keys may have come, changed or gone.
  void database_changed(unsigned db);
  std::size_t idle_links() const;

 private:
  enum class Asked : std::uint8_t { auth, greeting, select, asking, restore, remove };
  struct Request {
    Asked what;
    std::string key = {};
    std::size_t octets = 0;
  };
  struct Job {
    std::uint64_t number;
    Migration wish;
    std::size_t next = 0;  // of its keys: which is sent next
    std::deque<Request> unanswered = {};
    std::size_t octets = 0;   // of those
    bool is_refused = false;  // AUTH or SELECT was
    bool is_retried = false, has_answer = false;
    std::string error = {};
    std::int64_t progress_us = 0;
  };
  struct Link {
    std::string host;
    std::uint16_t port;
    bool is_up = false, is_used = false;
    std::optional<unsigned> db = {};  // that is selected there
    std::unique_ptr<Job> job = {};    // null: it is kept for the next
    std::int64_t idle_since_us = 0;
    std::string in = {}, out = {};
  };
  using Key = std::pair<unsigned, std::string>;

  std::uint64_t dial(std::string host, std::uint16_t port, std::int64_t timeout_us);
  void start(std::uint64_t number, Link& link);
  void pump(Link& link);
  void send(Link& link, Request request, std::initializer_list<std::string_view> words);
  /// False: nothing was to be sent.
  bool send_key(Link& link, const std::string& key, bool replaces);
  void flush(std::uint64_t number, Link& link);
  void answered(Link& link, std::string_view line);
  void restored(Link& link, const std::string& key);
  void land(const Job& job, const std::string& key);
  void finish_if_done(std::uint64_t number, Link& link);
  /// The connection is no good any more.
  void give_up(std::uint64_t number, std::string_view why);
  bool is_member(const Link& link) const;
  void forget_transit(const Link& link, const Job& job);

  Server& server_;
  std::map<std::uint64_t, Link> links_;
  absl::flat_hash_map<Key, bool> transit_;  // whether it was changed since it was sent
  /// Nodes that have nothing on its way to them that was given up.
  std::set<std::pair<std::string, std::uint16_t>> greeted_;
};

}  // namespace chorus::cache::cluster
