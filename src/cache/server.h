// The Redis-compatible store as a pure state machine: octets of clients and the time in, octets to clients out.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "cache/client.h"
#include "cache/cluster/handover.h"
#include "cache/cluster/membership.h"
#include "cache/database.h"
#include "cache/effects.h"
#include "cache/eviction.h"
#include "cache/memory.h"
#include "cache/options.h"
#include "cache/persistence/snapshot.h"
#include "cache/shell.h"
#include "cache/statistics.h"
#include "cache/subscriptions.h"

namespace chorus::cache {

class Loader;
class LogReplay;
class Reply;
class Scripts;
struct Diagnostics;
namespace replication {
struct Dial;
class Replication;
}  // namespace replication
namespace cluster {
class Migrator;
struct Migration;
}  // namespace cluster
namespace acl {
class Acl;
enum class Denied : std::uint8_t;
}  // namespace acl

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
  /// How much of what was handed over its connection has not taken.
  void note_unsent(ClientId id, std::size_t octets);
  /// Its connection was ended as it had more to take than Output::unsent_max.
  void note_broken_off(ClientId id);
  /// Ten times a second or so: expiry, time limits, memory. True: there is more to do than one call may take, it may well come sooner.
  bool tick(Now now);
  /// What the events above led to.
  void take_outputs(std::vector<Output>& outputs);

  /// A clock for how long things take: microseconds, monotonic. Until one is given none is measured, as if all took no time.
  void use_stopwatch(std::function<std::int64_t()> now_us) { stopwatch_ = std::move(now_us); }
  // --- in a cluster
  /// Null: not in cluster mode.
  cluster::Membership* cluster() { return cluster_.get(); }
  const cluster::Membership* cluster() const { return cluster_.get(); }
  void cluster_event(const cluster::Event& event, Now now);
  /// What is to be read from and written to the tree, in that order.
  std::vector<cluster::Action> take_cluster_actions();
  /// As soon as it runs it becomes a member, as this node.
  void meet(const cluster::event::Meet& whom) { cluster_step(whom); }
  /// The client waits until the changes are made, or not; it is replied what came of each.
  void submit(Client& client, const Command& command, std::vector<cluster::Change> changes, bool is_transaction);
  /// MIGRATE: the client waits until the keys are there, or not.
  void migrate(Client& client, const Command& command, cluster::Migration migration);
  cluster::Migrator& migrator() { return *migrator_; }
  const cluster::Migrator& migrator() const { return *migrator_; }
  /// Connections to nodes that take slots over and to where keys migrate, and what happens on them. Octets are sent only between a
  /// connection's being up and down.
  std::vector<cluster::LinkAction> take_link_actions();
  void link_up(std::uint64_t link, Now now);
  void link_data(std::uint64_t link, std::string_view octets, Now now);
  void link_down(std::uint64_t link, std::string_view why, Now now);
  /// Null: none is under way.
  const cluster::Handover* handover() const { return handover_.get(); }
  const cluster::HandoverStatistics& handovers() const { return handover_statistics_; }
  const std::string& last_handover_failure() const { return last_handover_failure_; }
  // --- for the handover and MIGRATE
  std::uint64_t next_link() { return ++links_; }
  void want(cluster::LinkAction action);
  void hold_back(const cluster::Slots& slots, bool on);
  void flip(cluster::Handover& handover);
  void begin_to_take(Client& client, std::uint64_t number);
  /// The client brings keys of that node. fences: what its other connections still have on their way is not wanted any more.
  void note_origin(Client& client, std::string_view node, bool fences);
  /// The other server has the key: it goes here.
  void remove_migrated(unsigned db, std::string_view key);
  /// A MIGRATE has ended: a line of RESP without its end.
  void migrated(std::uint64_t number, std::string_view line);
  /// Who was held back for a key may go on, with the next event's end.
  void release_soon() { has_released_ = true; }

  // --- replication
  replication::Replication& replication() { return *replication_; }
  const replication::Replication& replication() const { return *replication_; }
  bool is_replica() const;
  void follow(const world::Address& primary);
  void stop_following();
  /// The connection to the primary that is wanted; what came of it is told with its number. Its octets are those of a client.
  std::optional<replication::Dial> take_dial();
  void dial_failed(std::uint64_t number, std::string_view why, Now now);
  /// False: nobody wants it any more.
  bool connect_primary(std::uint64_t number, ClientId id, std::string address, std::string local_address, Now now);
  /// The end is near: replicas go, and no snapshot is made for any.
  void stop_replication();
  /// A snapshot is on its way to replicas: it goes on by step_sync(), a millisecond or two of work a call. True: there is more to do at
  /// once; false: something has to be taken first.
  bool is_syncing() const;
  bool step_sync(Now now);
  // --- for replication
  std::string new_id();
  void send(ClientId id, std::string_view octets);
  /// At once, whatever it has not taken yet.
  void break_off(Client& client);
  void run_stream(Client& link);
  void end_all_waits();
  /// Empty databases that are nobody's yet; their keys take the place of all that are there, or are dropped.
  std::vector<std::unique_ptr<Database>> make_databases();
  void drop(std::vector<std::unique_ptr<Database>> databases);
  /// Empty: done; else what is wrong with the functions, and nothing but these has changed.
  std::string adopt(std::vector<std::unique_ptr<Database>> databases, const std::vector<std::string>& functions);
  /// One is being made: there cannot be another.
  bool has_snapshot() const;
  std::unique_ptr<Snapshot> begin_snapshot_for_replicas(const replication::Introduction& to, std::int64_t version);
  void end_snapshot(std::unique_ptr<Snapshot> snapshot);
  /// Why a command of those flags is not for this server, now; empty: it is.
  std::string_view refusal_by_role(std::uint32_t flags, const Client& client) const;
  bool lacks_replicas() const;
  /// What is here may be old, and is not to be served.
  bool is_stale() const;

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
  /// Begins a snapshot, of this moment; none is under way.
  void begin_save(SavePurpose purpose = SavePurpose::file);
  /// As soon as none is.
  void schedule_save() { save_.is_scheduled = true; }
  /// The client, whose command it is, has its reply when the snapshot ends.
  void wait_for_save(Client& client, const Command& command);
  Scripts& scripts() { return *scripts_; }
  /// Without one, scripts are never interrupted.
  void watch_scripts(ScriptWatch* watch) { watch_ = watch; }
  /// Of a script that runs: others are let in once it is later than `limit_us`, and it is busy then.
  void look_around(std::int64_t limit_us, bool& is_busy);
  /// Into the log of the node: 0 debug .. 3 warning.
  void log(int level, std::string_view line);
  /// What redis.acl_check_cmd tells.
  bool may_run(const Client& client, const Command& command, Arguments arguments) const;
  Subscriptions& subscriptions() { return subscriptions_; }
  /// Returns how many got it.
  std::size_t publish(Listening how, std::string_view channel, std::string_view message);
  const ServerOptions& options() const { return options_; }
  ServerOptions& change_options() { return options_; }
  /// After a change of options: what follows from them at once.
  void apply_options(const ServerOptions& before);
  const ServerOptions& options_at_start() const { return options_at_start_; }
  Diagnostics& diagnostics() { return *diagnostics_; }
  /// From then on the client is told of every command that is run.
  void monitor(Client& client);
  void stop_monitoring(Client& client);
  /// Nothing is done, for anyone, until that time has passed; what comes waits.
  void sleep(std::int64_t us) {
    asleep_until_us_ = now_.monotonic_us + us;
    begun_us_ -= us;  // it is the time of the command that asked for it
  }
  /// Whether keys end when their time is over, though nobody asks for them.
  void set_active_expiry(bool on) { expires_actively_ = on; }
  /// What tick() does from time to time, beside ends of waits, is put off as long.
  void pause_housekeeping(bool on) { is_housekeeping_paused_ = on; }
  void change_replication_id();
  acl::Acl& acl() { return *acl_; }
  /// False: no such user, or not that password; it is in the log of the ACL.
  bool authenticate(Client& client, std::string_view name, std::string_view password);
  /// As when it connected.
  void become_default(Client& client);
  // The file of users: what ACL LOAD and ACL SAVE have the shell do, one after the other.
  struct AclFileTask {
    ClientId client;
    bool saves;
    std::string text;  // to be written
  };
  /// The client, whose command it is, has its reply when the shell has done it.
  void begin_acl_file_task(Client& client, const Command& command, bool saves);
  /// The next; nothing while one is under way.
  std::optional<AclFileTask> take_acl_file_task();
  /// outcome: what was read (of a task that saves: anything), or why not.
  void end_acl_file_task(const base::Result<std::string, std::string>& outcome, Now now);
  /// As the file of users has them, in place of all there are. The error names all that is wrong with it; nothing is changed then.
  base::Result<void, std::string> load_users(std::string_view text);
  /// The permissions of that user were changed.
  void check_listeners(std::string_view user);
  /// Commands (`all`: or only those that write) wait for so long, or until unpause(). Of two pauses the longer and the stricter holds.
  void pause(std::int64_t ms, bool all);
  void unpause();
  /// Commands that write wait, whatever clients say of pauses.
  void pause_for_failover(bool on);
  /// The client is told of keys that change, from now on in that way.
  void track(Client& client, TrackingMode mode);
  void stop_tracking(Client& client);
  /// All keys are gone: whoever keeps some is told.
  void invalidate_all();
  std::size_t tracking_clients() const { return tracking_clients_; }
  const Tracking& tracking() const { return *tracking_; }

  // --- snapshots, for the shell that keeps them
  bool is_saving() const { return snapshot_ != nullptr; }
  bool is_saving_file() const { return is_saving() && save_purpose_ == SavePurpose::file; }
  bool is_saving_base() const { return is_saving() && save_purpose_ == SavePurpose::base; }
  /// Goes on until about that many octets are to be taken; true: that is all of it.
  bool step_save(std::size_t octets_max);
  std::string take_save();
  /// error: why it is not kept; empty: it is.
  void end_save(std::string_view error, Now now);
  /// There is a file of that size: clients are told to wait until load() has seen its end.
  void begin_loading(std::uint64_t octets, Now now);
  /// Its octets, in pieces. True: it has ended. After an error there is nothing to go on with.
  base::Result<bool, std::string> load(std::string_view octets, Now now);
  const SaveState& save_state() const { return save_; }
  // DEBUG RELOAD
  struct Reload {
    ClientId client;
    bool saves = true;    // a snapshot first; else the one that is there is read
    bool flushes = true;  // what is there goes before
    bool merges = false;  // keys and libraries that are there are no error: those of the file take their place
  };
  /// The client, whose command it is, has its reply when the file was read. Until then nothing is done for anyone. No snapshot is under
  /// way.
  void begin_reload(Client& client, const Command& command, const Reload& how);
  /// The shell is to read the file: begin_loading(), load(), and end_reload() where that fails.
  bool wants_reload() const { return reload_ && !reload_->saves && !save_.is_loading; }
  void end_reload(std::string_view error, Now now);
  /// Of the snapshot under way: keys written, and how many there are.
  std::pair<std::uint64_t, std::uint64_t> save_progress() const;

  // --- the append log, for the shell that keeps it
  const AppendState& append_state() const { return append_; }
  /// How the log stands now: who waits for it is served, and what was held back goes on.
  void note_log(AppendState state, Now now);
  /// There is a log of that size: clients are told to wait until end_log().
  void begin_log(std::uint64_t octets, Now now);
  /// For each of its files, in order: their octets, in pieces. After an error there is nothing to go on with.
  void begin_log_file();
  base::Result<void, std::string> load_log(std::string_view octets, Now now);
  /// Octets of the file that were used: fewer than it has where its end is cut short.
  base::Result<std::uint64_t, std::string> end_log_file();
  LogReplayed end_log(Now now);
  /// All data goes, and nobody who follows is told.
  void forget_all();
  /// DEBUG LOADAOF was carried out, or not: why.
  void end_reload(std::string_view error = {});
  // --- and for its commands
  void schedule_rewrite() { append_.is_rewrite_due = true; }
  void reload_log(Client& client, const Command& command);
  /// Whether what the client wrote is durable here, and on how many replicas.
  std::pair<std::int64_t, std::int64_t> log_acks(const Client& client) const;
  void wait_for_log(Client& client, const Command& command, Arguments arguments, std::optional<std::int64_t> deadline_us);

  // --- the end, asked for by a command
  /// Empty: nobody asks for it.
  const std::optional<Shutdown>& shutdown() const { return shutdown_; }
  /// The client waits for the end of its connection. Of several commands the first decides how.
  void ask_for_shutdown(Client& client, const Command& command, Shutdown::Save save, bool is_forced);
  /// It is not to be any more: who waits is told. False: nobody asked for it.
  bool give_up_shutdown();

  // --- facts
  const absl::flat_hash_map<std::string, std::uint64_t>& errors_by_code() const { return errors_; }
  const absl::flat_hash_map<const Command*, CommandStatistics>& by_command() const { return by_command_; }
  std::size_t memory_peak() const { return std::max({account_.peak, counted_peak_, memory_counted()}); }
  std::size_t monitors() const { return monitors_.size(); }
  std::size_t timed_waits() const;
  Now now() const { return now_; }
  Now started() const { return started_; }
  const std::string& run_id() const { return run_id_; }
  const std::string& replication_id() const;
  const Database& database(unsigned db) const { return *databases_[db]; }
  std::size_t watched_keys() const { return watchers_.size(); }
  std::size_t waited_keys() const { return waiters_.size(); }
  std::size_t waiting_to_be_freed() const { return reclaimer_.waiting(); }
  std::size_t values_freed_later() const { return reclaimer_.put_off() - std::min(reclaimer_.put_off(), reclaimer_.waiting()); }
  std::size_t elements_to_be_freed() const { return reclaimer_.elements(); }
  const Statistics& statistics() const { return statistics_; }
  std::size_t clients() const { return clients_.size(); }
  std::size_t blocked_clients() const { return blocked_; }
  /// Of keys and values.
  std::size_t memory_used() const { return account_.used; }
  std::size_t clients_memory() const { return clients_memory_; }
  /// What the limit of memory is compared with.
  std::size_t memory_counted() const { return account_.used + clients_memory_; }
  /// How long memory has been beyond its limit, up to now; 0: it is not.
  std::int64_t over_limit_us() const { return over_limit_since_us_ ? now_.monotonic_us - *over_limit_since_us_ : 0; }
  std::size_t keys() const;
  /// For those who follow what is changed.
  Effects& effects() { return effects_; }

 private:
  friend class Call;
  friend class LogReplay;
  friend class Scripts;
  using DbKey = std::pair<unsigned, std::string>;
  struct WaitedKey {
    std::vector<ClientId> clients;  // in the order in which they came
    bool is_ready = false;
  };

  // watch.cc
  void note_run(Client& client, const Command& command, Arguments arguments, std::span<const std::size_t> hidden);
  void note_call(const Command& command, bool has_failed);
  void count_error(std::string_view error);
  void note_time(Client& client, const Command& command, Arguments arguments, std::span<const std::size_t> hidden);
  void feed_monitors(const Client& client, Arguments arguments);
  void note_latency(std::string_view event, std::int64_t us);
  void note_cycle(std::int64_t begun_us);
  void look_at_rates();
  // memory_limit.cc
  const OutputLimit& output_limit(const Client& client) const;
  void check_clients();
  // acl/access.cc
  std::string denial(Client& client, const Command& command, Arguments arguments, bool in_exec);
  void log_denied(Client& client, acl::Denied why, std::string_view context, std::string object, std::string_view user);
  // pause.cc
  bool is_pausing() const { return pauses_for_failover_ || pause_until_us_ > now_.monotonic_us; }
  bool is_held(const Client& client, const Command& command, Arguments arguments) const;
  bool end_pause();
  // invalidation.cc
  void remember_keys(Client& client, const Command& command, Arguments arguments);
  template <class Write>
  void invalidate(Client& reader, Write write);
  void invalidate_key(std::string_view key, bool by_nobody);
  void finish_tracking();
  // server.cc
  bool free_some();
  bool is_asleep() const { return reload_ || asleep_until_us_ > now_.monotonic_us; }
  bool run_waiting();
  bool is_running_script_of(ClientId id) const;
  void end_gone();
  // dispatch.cc
  bool run_requests(Client& client);
  void dispatch(Client& client, Arguments arguments);
  bool refuse(Client& client, const Command* command, std::string_view error);
  void execute(Client& client, const Command& command, Arguments arguments);
  void end_unit();
  void list(Client& client);
  void note_stream_error(std::string_view command, std::string_view error);
  void cut_off(Client& client);
  // persistence/server_saves.cc
  Snapshot::Options snapshot_options();
  std::unique_ptr<Snapshot> make_snapshot(bool with_keys, Snapshot::Options options);
  bool save_is_due() const;
  // append/server_log.cc
  bool is_replaying() const { return replay_ != nullptr; }
  /// Why writes are refused; empty: they are not.
  std::string disk_error() const;
  void serve_log_waits();
  void reply_log_acks(const Client& client, Reply& reply) const;
  // cluster/
  enum class Route : std::uint8_t { here, refused, held_back };
  /// refused: `error` says why, or where to.
  Route route(Client& client, const Command& command, Arguments arguments, std::string& error);
  void redirect(Client& client, const Command& command, std::string_view error);
  /// Of what a script of that client calls, in a cluster; empty: it may. `slot` becomes that of its keys, which have to have the same
  /// unless may_cross.
  std::string refusal_in_script(Client& caller, const Command& command, Arguments words, bool may_cross,
                                std::optional<std::uint16_t>& slot);
  std::string redirection(std::string_view code, std::uint16_t slot, const cluster::NodeId& to) const;
  void cluster_step(const cluster::Event& event);
  void finish_change(const cluster::action::Finished& finished);
  void view_changed();
  void end_waits_while_down();
  /// False: the transaction is of other commands.
  bool submit_transaction(Client& client, const Command& exec);
  struct LinkEvent {
    enum class What : std::uint8_t { up, data, down };
    What what;
    std::uint64_t link;
    std::string octets;  // or why it is down
  };
  void on_link(LinkEvent event, Now now);
  void take_link_events();
  void handover_step();
  std::uint64_t wait_for_change(Client& client, const Command& command, bool is_transaction);
  bool waits_for_transit(const Client& client, const Command& command, Arguments arguments) const;
  void hold_back(Client& client, Arguments arguments);
  void release_held_back();
  void purge_some();
  /// Up to `most` keys, which becomes less by them; true: the slot has none left.
  bool purge_slot(std::uint16_t slot, std::size_t& most);
  bool takes_over(const Client& client, std::uint16_t slot) const;
  void drop_what_was_not_taken();
  void drop_open_keys(std::uint64_t move);
  void purge_before_use();
  void purge_what_is_others();
  // keyspace.cc
  Entry* live(unsigned db, std::string_view key);
  void expire_now(unsigned db, Entry* entry);
  bool expire_cycle();
  void erase(unsigned db, Entry* entry);
  /// by_nobody: no client did it, as with expiry.
  void key_changed(unsigned db, std::string_view key, bool by_nobody = false);
  void database_changed(unsigned db, const Database* other);
  std::int64_t elapsed_us() const { return stopwatch_ ? stopwatch_() : now_.monotonic_us; }
  // memory_limit.cc
  enum class Room : std::uint8_t { enough, later, none };
  Room make_room();
  void make_client_room();
  void evict(Evictor::Victim victim);
  void count_memory(Client& client);
  void use_first(Entry* entry);
  void use(Entry* entry);
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
  /// If the client still waits with that command, its wait is over: OK, or the error.
  void answer_wait(ClientId id, std::string_view full_name, std::string_view error);
  void key_ready(unsigned db, std::string_view key);
  /// It is there no more, or is something else now.
  void key_gone(unsigned db, std::string_view key);
  /// Any key of that database may have come or gone.
  void keys_ready(unsigned db);
  void serve_blocked();
  void serve(Client& client);
  void end_waits();

  ServerOptions options_;
  const ServerOptions options_at_start_;
  std::string run_id_;  // 40 digits in hexadecimal
  Now now_;
  const Now started_;
  base::Random random_;
  memory::Account account_;
  Reclaimer reclaimer_;
  std::vector<std::unique_ptr<Database>> databases_;
  SaveState save_;
  std::unique_ptr<Snapshot> snapshot_;  // ends before the databases do
  SavePurpose save_purpose_ = SavePurpose::file;
  std::unique_ptr<Loader> loader_;
  std::optional<Reload> reload_;  // under way
  AppendState append_;
  std::unique_ptr<LogReplay> replay_;
  std::vector<ClientId> log_waits_;  // WAITAOF, in the order in which they came
  std::optional<Shutdown> shutdown_;
  std::uint8_t save_mark_ = 0;
  unsigned saves_given_up_ = 0;
  std::vector<std::uint64_t> expire_cursors_;
  unsigned expire_db_ = 0;
  std::function<std::int64_t()> stopwatch_;
  std::int64_t begun_us_ = 0;  // when what runs now was begun, by the stopwatch
  std::unique_ptr<Diagnostics> diagnostics_;
  std::vector<ClientId> monitors_;
  std::unique_ptr<Tracking> tracking_;
  std::unique_ptr<acl::Acl> acl_;
  std::deque<AclFileTask> acl_file_tasks_;  // one a client at most
  bool is_acl_file_in_use_ = false;         // by the first of them
  std::size_t tracking_clients_ = 0;
  Client* running_ = nullptr;  // whose command is under way
  std::int64_t pause_until_us_ = 0;
  bool pauses_all_ = false, pauses_for_failover_ = false;
  std::int64_t asleep_until_us_ = 0, clients_checked_us_ = 0;
  bool expires_actively_ = true;
  bool is_housekeeping_paused_ = false;
  Evictor evictor_;
  std::size_t clients_memory_ = 0, counted_peak_ = 0;
  std::optional<std::int64_t> over_limit_since_us_;
  bool evicts_more_ = false;  // the time for it was over before there was room
  Effects effects_;
  Statistics statistics_;
  absl::flat_hash_map<std::string, std::uint64_t> errors_;  // by code; bounded
  absl::flat_hash_map<const Command*, CommandStatistics> by_command_;
  absl::flat_hash_map<ClientId, std::unique_ptr<Client>> clients_;
  std::vector<ClientId> listed_;
  std::vector<Output> farewells_;  // to those that were refused
  std::vector<std::string_view> arguments_;
  absl::flat_hash_map<DbKey, std::vector<ClientId>> watchers_;
  absl::flat_hash_map<DbKey, WaitedKey> waiters_;
  std::deque<DbKey> ready_;  // each once, by WaitedKey::is_ready
  std::size_t blocked_ = 0;
  std::size_t blocked_without_key_ = 0;  // those of them that are to learn that a key has gone
  bool is_serving_ = false;
  Subscriptions subscriptions_;
  ScriptWatch* watch_ = nullptr;
  std::unique_ptr<Scripts> scripts_;
  std::vector<ClientId> gone_;  // disconnected while their script ran
  struct Submitted {
    ClientId client;
    bool is_transaction;
  };
  std::unique_ptr<cluster::Membership> cluster_;
  std::vector<cluster::Action> cluster_actions_;
  std::uint64_t changes_submitted_ = 0, flip_ = 0, links_ = 0;
  std::unique_ptr<cluster::Handover> handover_;
  std::unique_ptr<cluster::Migrator> migrator_;
  std::vector<cluster::LinkAction> link_actions_;
  std::vector<LinkEvent> link_events_;  // that came while a script ran: it must not see keys go
  cluster::HandoverStatistics handover_statistics_;
  std::string last_handover_failure_;
  std::int64_t handover_not_before_us_ = 0;
  cluster::Slots held_slots_;
  bool has_released_ = false;
  std::unique_ptr<replication::Replication> replication_;
  std::size_t held_clients_ = 0;
  cluster::Slots purging_, taking_;  // given away, with keys left; being taken, with keys of others' so far
  /// By move: keys that came by it into slots that clients move key by key. They are the giver's still, and not to be seen here.
  std::map<std::uint64_t, std::set<std::string, std::less<>>> open_keys_;
  bool has_checked_slots_ = false;  // what was loaded at the start, for keys that are others' by now
  absl::flat_hash_map<std::uint64_t, Submitted> changes_;
};

}  // namespace chorus::cache
