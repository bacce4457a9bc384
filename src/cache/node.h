// A cache server on a World: its port, its clock, its connections.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <spdlog/logger.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cache/append/append_log.h"
#include "cache/cluster/coordinator.h"
#include "cache/options.h"
#include "cache/persistence/saver.h"
#include "cache/replication/spool.h"
#include "cache/server.h"
#include "world/world.h"

namespace chorus::cache {

/// What a scrape asks for.
struct Facts {
  bool serving = false;
  Statistics statistics;
  std::size_t clients = 0, blocked_clients = 0;
  std::size_t memory_used = 0, memory_peak = 0, clients_memory = 0;
  std::size_t keys = 0, expiring_keys = 0;
  SaveState save;
  bool is_saving = false;
  AppendState append;
  bool in_cluster = false, cluster_ok = false;
  std::size_t cluster_slots = 0, cluster_members = 0, cluster_members_failed = 0;
  cluster::HandoverStatistics handovers;
  bool is_replica = false, is_primary_up = false, is_primary_loading = false;
  std::size_t replicas = 0, replicas_online = 0;
  std::int64_t stream_end = 0, replica_lag_octets_max = 0;
  std::size_t backlog_octets = 0;
  std::uint64_t full_syncs = 0, partial_syncs = 0, partial_syncs_refused = 0;
};

/// Lives on one reactor. Replies that a client does not take are bounded: from 1 MiB of them on, nothing more is read from it or done for
/// it.
class Node final : private ScriptWatch {
 public:
  /// Listens before it returns. The words of the error are for a person.
  static base::Result<std::unique_ptr<Node>, std::string> start(world::World& world, Options options, spdlog::logger& logger);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Null without TLS.
  const world::Address* secure_address() const { return secure_listener_ ? &secure_listener_->address() : nullptr; }
  /// With the port that the system picked.
  const world::Address& address() const { return listener_->address(); }
  Facts facts() const;
  /// What cannot be mended here, in words for a person: the data that is there cannot be read. Nothing is served then.
  void on_failure(std::function<void(const std::string& why)> failed) { failed_ = std::move(failed); }
  /// A client asked for the end (SHUTDOWN), and what it wanted to be saved is: stop() is to be called.
  void on_shutdown(std::function<void()> ends) { ends_ = std::move(ends); }
  /// Takes no more connections, writes the append log, ends the connections that there are and saves what save points promise; then `done`,
  /// not from within the call.
  void stop(std::function<void()> done);

 private:
  class Channel;
  class Link;
  Node(world::World& world, Options options, spdlog::logger& logger);
  Now now() override;
  void let_others_in() override;
  void log(int level, std::string_view line) override;
  void accept(std::unique_ptr<world::Connection> connection);
  void tick();
  void deliver();
  void note_unsent(ClientId id, Channel& channel);
  void look_at_unsent();
  void closed(ClientId id);
  void use_acl_file();
  void send(Channel& channel, Output output);
  bool is_broken_off(const Output& output, Channel& channel);
  void look_at_shutdown();
  void perform(cluster::LinkAction action);
  void dialed(std::uint64_t link, world::NetResult<std::unique_ptr<world::Connection>> connection);
  void dial_primary();
  void look_after_sync();
  void file_done(replication::FileAction::What what, std::uint64_t transfer, std::string octets, const std::string& error);
  base::Result<void, std::string> join_cluster(const std::string& tree);

  world::World& world_;
  spdlog::logger& log_;
  const std::function<void()> let_others_in_;
  Server server_;
  Saver saver_;
  replication::Spool spool_;
  AppendLog append_log_;
  std::function<void(const std::string&)> failed_;
  std::function<void()> ends_;
  enum class Ending : std::uint8_t { no, saving, saved } ending_ = Ending::no;  // by SHUTDOWN
  std::unique_ptr<world::Listener> listener_, secure_listener_;
  absl::flat_hash_map<ClientId, std::unique_ptr<Channel>> channels_;
  std::vector<ClientId> ended_;                           // while a script ran: their channels may be in use below it
  std::map<std::uint64_t, std::unique_ptr<Link>> links_;  // to where slots and keys go; null: being dialed
  std::unique_ptr<cluster::Coordinator> coordinator_;     // of a node of a cluster
  std::uint64_t last_id_ = 0;
  bool is_delivering_ = false, stands_still_ = false;
  struct Held {
    std::uint64_t after;  // position of the append log
    Output output;
    bool had_lease;  // of the slots that it tells of
  };
  std::deque<Held> held_;         // until the log is as far; a connection that holds much is not read from
  std::vector<ClientId> unsent_;  // whose connections had not taken all when looked at last; each once
  bool looks_soon_ = false;
  bool is_sync_due_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::cache
