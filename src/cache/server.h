// The Redis-compatible store as a pure state machine: octets of clients and the time in, octets to clients out.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "cache/client.h"
#include "cache/database.h"
#include "cache/effects.h"
#include "cache/memory.h"
#include "cache/options.h"
#include "cache/subscriptions.h"

namespace chorus::cache {

/// Both clocks, as the world has them.
struct Now {
  std::int64_t unix_us = 0;
  std::int64_t monotonic_us = 0;
  std::int64_t unix_ms() const { return unix_us / 1000; }
};

struct Statistics {
  std::uint64_t connections = 0, connections_refused = 0;
  std::uint64_t commands = 0;
  std::uint64_t octets_in = 0, octets_out = 0;
  std::uint64_t expired_keys = 0, expire_cycles_cut = 0;
  std::uint64_t hits = 0, misses = 0;
  std::uint64_t errors = 0;
};
struct CommandStatistics {
  std::uint64_t calls = 0, rejected = 0, failed = 0;
};

/// Something to do for the shell, in the order given.
struct Output {
  ClientId client;
  std::string octets;
  bool closes = false;  // after these
  /// With more than this not taken by the client, these included, its connection is to be broken off: nothing, no limit.
  std::optional<std::size_t> unsent_max = {};
};

/// One shard's data and the connections of its reactor. Lives there; each call is one event and runs to its end.
class Server {
 public:
  Server(ServerOptions options, std::uint64_t seed, Now now);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // --- events
  /// False: there are too many; what is to be said and the end are among the outputs.
  bool connect(ClientId id, std::string address, std::string local_address, Now now);
  void receive(ClientId id, std::string_view octets, Now now);
  /// The client takes replies again: goes on with requests that were put off. Returns whether there are more.
  bool resume(ClientId id, Now now);
  void disconnect(ClientId id);
  /// Ten times a second or so: expiry, time limits, memory. True: there is more to do than one call may take, it may well come sooner.
  bool tick(Now now);
  /// What the events above led to.
  void take_outputs(std::vector<Output>& outputs);

  // --- for commands that look beyond their own client
  /// Null: there is none.
  Client* find_client(ClientId id);
  /// In the order in which they came.
  std::vector<Client*> all_clients();
  /// Its connection ends once what it was sent is taken.
  void end(Client& client);
  /// A client that waits for a key stops, with that error, or (empty) as if its time were over. False: it does not wait.
  bool end_wait(Client& client, std::string_view error);
  void reset_statistics();
  Subscriptions& subscriptions() { return subscriptions_; }
  /// Returns how many got it.
  std::size_t publish(Listening how, std::string_view channel, std::string_view message);
  const ServerOptions& options() const { return options_; }
  ServerOptions& change_options() { return options_; }

  // --- facts
  const absl::flat_hash_map<std::string, std::uint64_t>& errors_by_code() const { return errors_; }
  const absl::flat_hash_map<const Command*, CommandStatistics>& by_command() const { return by_command_; }
  std::size_t memory_peak() const { return account_.peak; }
  Now now() const { return now_; }
  Now started() const { return started_; }
  const std::string& run_id() const { return run_id_; }
  const Database& database(unsigned db) const { return *databases_[db]; }
  std::size_t watched_keys() const { return watchers_.size(); }
  std::size_t waited_keys() const { return waiters_.size(); }
  std::size_t waiting_to_be_freed() const { return reclaimer_.waiting(); }
  std::size_t elements_to_be_freed() const { return reclaimer_.elements(); }
  const Statistics& statistics() const { return statistics_; }
  std::size_t clients() const { return clients_.size(); }
  std::size_t blocked_clients() const { return blocked_; }
  std::size_t memory_used() const { return account_.used; }
  std::size_t keys() const;
  /// For those who follow what is changed.
  Effects& effects() { return effects_; }

 private:
  friend class Call;
  using DbKey = std::pair<unsigned, std::string>;

  // dispatch.cc
  bool run_requests(Client& client);
  void dispatch(Client& client, Arguments arguments);
  bool refuse(Client& client, const Command* command, std::string_view error);
  void execute(Client& client, const Command& command, Arguments arguments);
  void end_unit();
  void list(Client& client);
  void cut_off(Client& client);
  // keyspace.cc
  Entry* live(unsigned db, std::string_view key);
  void expire_now(unsigned db, Entry* entry);
  bool expire_cycle();
  void erase(unsigned db, Entry* entry);
  void key_changed(unsigned db, std::string_view key);
  void database_changed(unsigned db, const Database* other);
  std::uint32_t clock_seconds() const { return static_cast<std::uint32_t>(now_.unix_us / 1'000'000) & 0xffffff; }
  // pubsub.cc
  void notify(unsigned db, Notify what, std::string_view event, std::string_view key);
  // transaction.cc
  void watch(Client& client, std::string_view key);
  void unwatch(Client& client);
  bool has_broken_watch(Client& client);
  void execute_transaction(Client& client);
  // blocking.cc
  void block(Client& client, std::unique_ptr<BlockedCommand> blocked);
  void unblock(Client& client);
  void key_ready(unsigned db, std::string_view key);
  /// It is there no more, or is something else now.
  void key_gone(unsigned db, std::string_view key);
  /// Any key of that database may have come or gone.
  void keys_ready(unsigned db);
  void serve_blocked();
  void serve(Client& client);
  void end_waits();

  ServerOptions options_;
  std::string run_id_;  // 40 digits in hexadecimal
  Now now_;
  const Now started_;
  base::Random random_;
  memory::Account account_;
  Reclaimer reclaimer_;
  std::vector<std::unique_ptr<Database>> databases_;
  std::vector<std::uint64_t> expire_cursors_;
  unsigned expire_db_ = 0;
  Effects effects_;
  Statistics statistics_;
  absl::flat_hash_map<std::string, std::uint64_t> errors_;  // by code; bounded
  absl::flat_hash_map<const Command*, CommandStatistics> by_command_;
  absl::flat_hash_map<ClientId, std::unique_ptr<Client>> clients_;
  std::vector<ClientId> listed_;
  std::vector<Output> farewells_;  // to those that were refused
  std::vector<std::string_view> arguments_;
  absl::flat_hash_map<DbKey, std::vector<ClientId>> watchers_;
  absl::flat_hash_map<DbKey, std::vector<ClientId>> waiters_;  // in the order in which they came
  std::vector<DbKey> ready_;
  std::size_t blocked_ = 0;
  std::size_t blocked_without_key_ = 0;  // those of them that are to learn that a key has gone
  bool is_serving_ = false;
  Subscriptions subscriptions_;
};

}  // namespace chorus::cache
