#include "coord/node.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/text.h"
#include "coord/zk/four_letter.h"

namespace chorus::coord {

using std::chrono::duration_cast;

namespace {

NodeErrc code_of(disk::RecoverErrc code) {
  switch (code) {
    case disk::RecoverErrc::refused:
      return NodeErrc::refused;
    case disk::RecoverErrc::no_space:
      return NodeErrc::no_space;
    case disk::RecoverErrc::failed:
      return NodeErrc::directory;
  }
  return NodeErrc::refused;
}

NodeErrc code_of(world::FileErrc code) { return code == world::FileErrc::no_space ? NodeErrc::no_space : NodeErrc::directory; }

// Puts a snapshot into a database.
class Loader final : public disk::SnapshotSink {
 public:
  explicit Loader(Database& database) : database_(database) {}

  void begin() override {
    database_.tree.clear();
    database_.sessions.clear();
    digest_.reset();
    loaded_ = true;
  }
  void session(const disk::SnapshotSession& session) override { database_.sessions[session.id] = session.timeout_ms; }
  void acl(const disk::SnapshotAcl& acl) override { database_.tree.acls().load(acl.id, acl.acl); }
  std::string node(const disk::SnapshotNode& node) override {
    if (database_.tree.load(node.path, node.data, node.acl_id, node.stat)) return {};
    return fmt::format("node '{}' has no parent, is there twice, or names access list {}, which is missing", node.path, node.acl_id);
  }
  void digest(const disk::SnapshotDigest& digest) override { digest_ = digest; }

  bool loaded() const { return loaded_; }
  /// The snapshot is whole: the log goes on from here.
  void finish(std::int64_t zxid) {
    if (finished_) return;
    finished_ = true;
    database_.tree.acls().purge_unused();
    database_.last_zxid = zxid;
    if (digest_ && digest_->version == 2) {
      database_.expect_digest(digest_->zxid, static_cast<std::uint64_t>(digest_->tree_digest));
    }
  }

 private:
  Database& database_;
  std::optional<disk::SnapshotDigest> digest_;
  bool loaded_ = false;
  bool finished_ = false;
};

// Over TLS each frame is a record of its own, as it is with ZooKeeper: a client that waits by select() and then reads one frame (kazoo)
// would not see what else TLS has decrypted for it.
void write_frames(world::Connection& connection, std::string octets) {
  if (!connection.is_tls()) return connection.write(std::move(octets));
  for (base::Reader in(octets); in.remaining() > 0;) {
    const std::size_t begin = in.offset();
    const std::size_t length = in.u32();
    in.octets(length);
    ENSURE(in.ok());
    connection.write(octets.substr(begin, sizeof(std::uint32_t) + length));
  }
}

disk::SnapshotResult<std::string> write_end(disk::SnapshotWriter& writer, std::int64_t zxid, std::uint64_t digest, bool with_digest) {
  if (auto done = writer.end_nodes(); !done) return std::unexpected(done.error());
  if (with_digest) {
    const disk::SnapshotDigest record{.zxid = zxid, .version = 2, .tree_digest = static_cast<std::int64_t>(digest)};
    if (auto done = writer.digest(record); !done) return std::unexpected(done.error());
  }
  if (auto done = writer.last_zxid(zxid); !done) return std::unexpected(done.error());
  return writer.finish();
}

}  // namespace

struct Node::Disk {
  world::Files& files;
  Options options;
  std::vector<std::unique_ptr<world::DirectoryLock>> locks;
  std::shared_ptr<disk::TxnLog> log;  // disk thread, once serving
  std::string snapshot_directory;
  disk::Compression compression = disk::Compression::none;
  std::unique_ptr<disk::SnapshotWriter> writer;  // background thread, once serving
  std::int64_t snapshot_zxid = 0;
  std::uint64_t snapshot_digest = 0;

  std::string data_dir() const { return options.data_dir; }
  std::string log_dir() const { return options.data_log_dir.empty() ? options.data_dir : options.data_log_dir; }

  base::Result<void, NodeError> lock() {
    for (const std::string& directory : {data_dir(), log_dir()}) {
      if (!locks.empty() && directory == data_dir()) break;
      if (auto made = world::make_durable_directories(files, directory); !made)
        return base::error(code_of(made.error().code), made.error().message);
      auto lock = files.lock(directory);
      if (!lock) return base::error(code_of(lock.error().code), lock.error().message);
      locks.push_back(std::move(*lock));
    }
    return {};
  }

  disk::SnapshotResult<void> begin_snapshot(const SnapshotBegin& begin) {
    auto opened = disk::SnapshotWriter::open(files, snapshot_directory, begin.zxid, compression);
    if (!opened) return std::unexpected(opened.error());
    writer = std::move(*opened);
    snapshot_zxid = begin.zxid;
    snapshot_digest = begin.digest;
    return writer->write(begin.octets);
  }
  /// Empty while it goes on, the path when it is finished.
  disk::SnapshotResult<std::string> go_on(const SnapshotChunk& chunk) {
    if (auto done = writer->write(chunk.octets); !done) return std::unexpected(done.error());
    if (!chunk.end) return std::string();
    auto path = write_end(*writer, snapshot_zxid, snapshot_digest, options.digest_enabled);
    writer.reset();
    return path;
  }
};

// One client's connection.
class Node::Client final : public world::ConnectionHandler {
 public:
  Client(Node& node, ConnectionId id, std::unique_ptr<world::Connection> connection)
      : node_(node), id_(id), connection_(std::move(connection)) {}

  void on_data(std::string_view octets) override { node_.received(id_, octets); }
  void on_drained() override { node_.step(Unsent{id_, 0}); }
  void on_closed(const world::NetError&) override {
    Node& node = node_;
    const ConnectionId id = id_;
    node.clients_.erase(id);  // this handler is gone from here on
    node.step(Disconnected{id});
    node.finish_stop();
  }
  world::Connection& connection() { return *connection_; }

 private:
  Node& node_;
  ConnectionId id_;
  std::unique_ptr<world::Connection> connection_;
};

base::Result<std::unique_ptr<Node>, NodeError> Node::start(world::World& world, const Options& options, spdlog::logger& logger) {
  const auto compression = disk::parse_compression(options.snapshot_compression);
  if (!compression) {
    return base::error(NodeErrc::configuration,
                       "snapshot compression '" + options.snapshot_compression + "' is not one of gz, snappy, none");
  }
  auto shared = std::make_shared<Disk>(Disk{.files = world.files(), .options = options, .compression = *compression});
  if (auto locked = shared->lock(); !locked) return std::unexpected(locked.error());

  auto database = std::make_unique<Database>(options.extended_types_enabled);
  Loader loader(*database);
  const disk::RecoverOptions recover_options{
      .data_dir = options.data_dir,
      .data_log_dir = options.data_log_dir,
      .log = {.pre_alloc_octets = static_cast<std::uint64_t>(options.pre_alloc_size_kb) * 1024,
              .size_limit_octets = static_cast<std::uint64_t>(options.txn_log_size_limit_kb) * 1024,
              .force_sync = options.force_sync},
      .trust_empty = options.snapshot_trust_empty,
  };
  std::int64_t first_replayed = 0;
  const auto replay = [&](std::int64_t zxid, std::string_view txn) -> std::string {
    if (first_replayed == 0) {
      first_replayed = zxid;
      if (loader.loaded()) loader.finish(zxid - 1);
    }
    const auto outcome = database->apply(txn, nullptr, true);
    if (outcome) return {};
    return outcome.error() == TxnFault::unknown_type ? "it is of a type that this version does not know" : "its record cannot be read";
  };
  auto recovered = disk::recover(world.files(), recover_options, loader, replay);
  if (!recovered) return base::error(code_of(recovered.error().code), recovered.error().message);
  for (const std::string& warning : recovered->warnings) logger.warn("{}", warning);
  if (loader.loaded()) loader.finish(recovered->snapshot_zxid.value_or(0));
  if (database->tree.find("/") == nullptr)
    return base::error(NodeErrc::refused, "the snapshot in " + recovered->snapshot_directory + " has no root node");
  database->last_zxid = std::max(database->last_zxid, recovered->last_zxid);
  if (database->digest_mismatches > 0) {
    logger.warn("tree digest differs from the log's first_zxid=0x{:x} transactions={}", database->first_mismatch_zxid,
                database->digest_mismatches);
  }
  shared->log = std::move(recovered->log);
  shared->snapshot_directory = recovered->snapshot_directory;
  logger.info("recovered snapshot_zxid={} transactions={} last_zxid=0x{:x} nodes={} sessions={}",
              recovered->snapshot_zxid ? fmt::format("0x{:x}", *recovered->snapshot_zxid) : "none", recovered->replayed,
              database->last_zxid, database->tree.size(), database->sessions.size());

  const bool is_new = !recovered->snapshot_zxid.has_value();
  std::unique_ptr<Node> node(new Node(world, options, logger, std::move(database), shared));
  if (is_new) {
    // A log is only believed beside a snapshot, so there is one before the first write. source: FileTxnSnapLog.restore
    std::vector<Action> actions;
    node->server_.start_snapshot(actions);
    auto done = shared->begin_snapshot(std::get<SnapshotBegin>(actions.front()));
    disk::SnapshotResult<std::string> path;
    for (bool end = false; done && !end;) {
      actions.clear();
      node->server_.step({world.now(), world.wall_now(), SnapshotAdvanced{}}, actions);
      end = std::get<SnapshotChunk>(actions.front()).end;
      path = shared->go_on(std::get<SnapshotChunk>(actions.front()));
      if (!path) done = std::unexpected(path.error());
    }
    if (!done) {
      return base::error(done.error().code == disk::SnapshotErrc::no_space ? NodeErrc::no_space : NodeErrc::directory,
                         done.error().message);
    }
    node->step(SnapshotAdvanced{});
  }
  if (auto listening = node->listen(); !listening) return std::unexpected(listening.error());
  node->tick();
  if (options.autopurge_interval.count() > 0) node->purge();
  return node;
}

Node::Node(world::World& world, const Options& options, spdlog::logger& logger, std::unique_ptr<Database> database,
           std::shared_ptr<Disk> shared)
    : world_(world),
      log_(logger),
      server_(options, std::move(database), world.now(), world.random().next()),
      disk_(std::move(shared)),
      log_writer_(world, disk_->log, log_callbacks()),
      started_(world.now()) {}

Node::~Node() {
  *alive_ = false;
  world_.cancel(tick_timer_);
  world_.cancel(purge_timer_);
}

base::Result<void, NodeError> Node::listen() {
  const Options& options = server_.options();
  const auto on_accept = [this](std::unique_ptr<world::Connection> connection) { accept(std::move(connection)); };
  if (options.client_address) {
    world::ListenOptions how{.backlog = options.client_port_backlog};
    if (options.client_port_unification) {
      how.tls = options.tls;
      how.plain_too = true;
    }
    auto listener = world_.listen(*options.client_address, how, on_accept);
    if (!listener) return base::error(NodeErrc::address, listener.error().message);
    listener_ = std::move(*listener);
    log_.info("serving clients address={}", world::to_string(listener_->address()));
  }
  if (options.secure_client_address) {
    if (!options.tls) return base::error(NodeErrc::configuration, "a secure client port needs a certificate and a key");
    auto listener = world_.listen(*options.secure_client_address, {.backlog = options.client_port_backlog, .tls = options.tls}, on_accept);
    if (!listener) return base::error(NodeErrc::address, listener.error().message);
    secure_listener_ = std::move(*listener);
    log_.info("serving clients with TLS address={}", world::to_string(secure_listener_->address()));
  }
  return {};
}

std::optional<world::Address> Node::client_address() const { return listener_ ? std::optional(listener_->address()) : std::nullopt; }
std::optional<world::Address> Node::secure_client_address() const {
  return secure_listener_ ? std::optional(secure_listener_->address()) : std::nullopt;
}

void Node::accept(std::unique_ptr<world::Connection> connection) {
  const ConnectionId id(++last_connection_);
  Accepted accepted{id, connection->peer(), connection->is_tls(), connection->peer_subject()};
  Client& client = *clients_.emplace(id, std::make_unique<Client>(*this, id, std::move(connection))).first->second;
  client.connection().start(client);
  step(std::move(accepted));
}

Node::Client* Node::find(ConnectionId id) {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : at->second.get();
}

// What other connections have at hand in this turn of the loop joins the same group.
void Node::received(ConnectionId id, std::string_view octets) {
  step(Received{id, octets, true});
  if (flush_posted_ || !server_.wants_flush()) return;
  flush_posted_ = true;
  world_.post([this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    step(Flush{});
  });
}

void Node::step(decltype(Event::what) what) {
  if (failed_) return;
  run(std::move(what));
  // A connection that took less than it was given may make the server read less from it.
  while (!congested_.empty()) {
    const ConnectionId id = congested_.back();
    congested_.pop_back();
    if (Client* client = find(id)) run(Unsent{id, client->connection().unsent()});
  }
}

void Node::run(decltype(Event::what) what) {
  ENSURE(!stepping_);
  stepping_ = true;
  actions_.clear();
  server_.step({world_.now(), world_.wall_now(), std::move(what)}, actions_);
  for (Action& action : actions_) perform(action);
  stepping_ = false;
}

void Node::perform(Action& action) {
  std::visit([this](auto& what) { perform_on(what); }, action);
}

void Node::perform_on(Send& action) {
  Client* client = find(action.connection);
  if (client == nullptr) return;
  write_frames(client->connection(), std::move(action.octets));
  if (client->connection().unsent() > world::Connection::high_water) congested_.push_back(action.connection);
}

void Node::perform_on(Close& action) {
  if (Client* client = find(action.connection)) client->connection().close();
}

void Node::perform_on(AnswerWord& action) {
  Client* client = find(action.connection);
  if (client == nullptr) return;
  client->connection().write(zk::answer(action.word, server_, facts()));
  client->connection().close();
}

void Node::perform_on(Pause& action) {
  if (Client* client = find(action.connection)) client->connection().pause_reading();
}

void Node::perform_on(Resume& action) {
  Client* client = find(action.connection);
  if (client != nullptr && !stopped_) client->connection().resume_reading();
}

void Node::perform_on(SessionOpened& action) {
  log_.debug("{} session=0x{:x} timeout_ms={} peer={}", action.resumed ? "session resumed" : "session opened", action.session,
             action.timeout.count(), world::to_string(action.peer));
}

void Node::perform_on(SessionEnded& action) {
  if (action.expired) {
    log_.info("session expired session=0x{:x}", action.session);
  } else {
    log_.debug("session closed session=0x{:x}", action.session);
  }
}

void Node::perform_on(Refused& action) { log_.info("connection ended peer={} because={}", world::to_string(action.peer), action.why); }

void Node::perform_on(Persist& action) { log_writer_.append({std::move(action.group), action.first_zxid, action.last_zxid}); }

disk::LogWriter::Callbacks Node::log_callbacks() {
  return {
      .on_synced =
          [this](world::Duration duration) {
            const auto took = duration_cast<milliseconds>(duration);
            ++server_.statistics().groups;
            server_.statistics().sync_latency.add(took.count());
            if (took > server_.options().fsync_warning_threshold) log_.warn("writing the log was slow took_ms={}", took.count());
          },
      .on_durable =
          [this](disk::LogGroup group) {
            step(Persisted{std::move(group.octets)});
            finish_stop();
          },
      .on_no_space = [this](const disk::LogError& why) { log_.error("writes wait for room on the disk reason={}", why.message); },
      .on_failed = [this](const disk::LogError& why) { fail(why.message); },
  };
}

void Node::perform_on(SnapshotBegin& action) {
  log_writer_.roll_before_next();
  auto begin = std::make_shared<SnapshotBegin>(std::move(action));
  auto result = std::make_shared<disk::SnapshotResult<void>>();
  log_.info("snapshot begins zxid=0x{:x} nodes={}", begin->zxid, server_.database().tree.size());
  world_.run_in_background([shared = disk_, begin, result] { *result = shared->begin_snapshot(*begin); },
                           [this, alive = alive_, result] {
                             if (!*alive) return;
                             snapshot_done(*result ? disk::SnapshotResult<std::string>() : std::unexpected(result->error()), false);
                           });
}

void Node::perform_on(SnapshotChunk& action) {
  auto chunk = std::make_shared<SnapshotChunk>(std::move(action));
  auto result = std::make_shared<disk::SnapshotResult<std::string>>();
  world_.run_in_background([shared = disk_, chunk, result] { *result = shared->go_on(*chunk); },
                           [this, alive = alive_, chunk, result] {
                             if (*alive) snapshot_done(*result, chunk->end);
                           });
}

void Node::snapshot_done(const disk::SnapshotResult<std::string>& result, bool end) {
  if (!result) {
    log_.error("no snapshot was written reason={}", result.error().message);
    world_.run_in_background([shared = disk_] { shared->writer.reset(); }, [] {});
    step(SnapshotFailed{});
    return;
  }
  if (end) log_.info("snapshot written path={}", *result);
  step(SnapshotAdvanced{});
}

bool Node::take_snapshot() {
  if (stepping_ || failed_) return false;
  std::vector<Action> actions;
  if (!server_.start_snapshot(actions)) return false;
  for (Action& action : actions) perform(action);
  return true;
}

void Node::tick() {
  step(Tick{});
  const auto interval = std::clamp<milliseconds>(server_.options().tick_time / 4, milliseconds(1), milliseconds(500));
  tick_timer_ = world_.after(interval, [this] { tick(); });
}

// Snapshots first, then the log files that none of those kept needs. source: DatadirCleanupManager, PurgeTxnLog
void Node::purge() {
  auto result = std::make_shared<disk::RecoverResult<disk::Purged>>();
  const auto keep = static_cast<std::size_t>(std::max(3, server_.options().autopurge_snap_retain_count));
  world_.run_in_background(
      [shared = disk_, result, keep] { *result = disk::purge_snapshots(shared->files, shared->snapshot_directory, keep); },
      [this, alive = alive_, result] {
        if (!*alive) return;
        if (!*result) return log_.error("old snapshots were not removed reason={}", result->error().message);
        for (const std::string& path : (*result)->removed) log_.info("removed path={}", path);
        if (!(*result)->oldest_kept) return;
        auto removed = std::make_shared<disk::LogResult<void>>();
        world_.run_on_disk([shared = disk_, removed, zxid = *(*result)->oldest_kept] { *removed = shared->log->remove_before(zxid); },
                           [this, alive, removed] {
                             if (*alive && !*removed) log_.error("old log files were not removed reason={}", removed->error().message);
                           });
      });
  purge_timer_ = world_.after(server_.options().autopurge_interval, [this] { purge(); });
}

void Node::fail(std::string why) {
  failed_ = true;
  log_.critical("the node stops serving reason={}", why);
  listener_.reset();
  secure_listener_.reset();
  clients_.clear();
  const std::shared_ptr<bool> alive = alive_;
  if (on_failure_) on_failure_(why);
  if (*alive) finish_stop();  // a stop may have waited for this group
}

void Node::stop(world::Callback done) {
  stopped_ = std::move(done);
  listener_.reset();
  secure_listener_.reset();
  // Or busy clients would fill one group while another is written, without end.
  for (const auto& [id, client] : clients_) client->connection().pause_reading();
  finish_stop();
}

// In steps: the group under way, then the connections, which are owed their replies.
void Node::finish_stop() {
  if (!stopped_ || stepping_) return;
  if (!failed_ && server_.has_unpersisted()) return;
  if (!clients_.empty() && !failed_) {
    for (const auto& [id, client] : clients_) client->connection().close();
    return;
  }
  auto result = std::make_shared<disk::LogResult<void>>();
  world_.run_on_disk(
      [shared = disk_, result, failed = failed_] {
        if (!failed) *result = shared->log->roll();
      },
      [this, alive = alive_, result, done = std::make_shared<world::Callback>(std::exchange(stopped_, nullptr))] {
        if (*alive && !*result) log_.error("the log was not closed in good order reason={}", result->error().message);
        (*done)();
      });
}

ProcessFacts Node::facts() {
  ProcessFacts facts{.uptime = duration_cast<milliseconds>(world_.now() - started_)};
  world::Files& files = world_.files();
  if (const auto open = files.list("/proc/self/fd"))
    facts.open_files = static_cast<std::int64_t>(open->size()) - 1;  // not the listing's own
  if (const auto limits = files.open("/proc/self/limits", world::OpenMode::read)) {
    std::string text(4096, '\0');
    if (const auto size = (*limits)->read_at(0, text.data(), text.size())) {
      constexpr std::string_view label = "Max open files";
      const std::size_t at = text.find(label);
      if (at != std::string::npos) {
        const std::string_view rest = base::trim(std::string_view(text).substr(at + label.size()));
        facts.open_files_max = base::parse_int(rest.substr(0, rest.find(' '))).value_or(-1);
      }
    }
  }
  const auto octets_in = [&](const std::string& directory) {
    std::int64_t octets = 0;
    if (const auto entries = files.list(directory)) {
      for (const world::Entry& entry : *entries) octets += static_cast<std::int64_t>(entry.size);
    }
    return octets;
  };
  facts.data_dir_octets = octets_in(disk_->data_dir() + "/version-2");
  facts.log_dir_octets = octets_in(disk_->log_dir() + "/version-2");
  return facts;
}

}  // namespace chorus::coord
