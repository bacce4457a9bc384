#include "coord/node.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/text.h"
#include "coord/zk/four_letter.h"
#include "coord/zk/words.h"

namespace chorus::coord {

using std::chrono::duration_cast;

namespace {

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

}  // namespace

// One client's connection.
class Node::Client final : public world::ConnectionHandler {
 public:
  Client(Node& node, ConnectionId id, std::unique_ptr<world::Connection> connection)
      : node_(node), id_(id), connection_(std::move(connection)) {}

  void on_data(std::string_view octets) override { node_.received(*this, octets); }
  void on_drained() override { node_.step(Unsent{id_, 0}); }
  void on_closed(const world::NetError&) override {
    Node& node = node_;
    const ConnectionId id = id_;
    node.clients_.erase(id);  // this handler is gone from here on
    node.step(Disconnected{id});
    node.finish_stop();
  }
  ConnectionId id() const { return id_; }
  world::Connection& connection() { return *connection_; }

  bool introduced = false;  // the present Server knows of it
  bool closing = false;
  std::string word;  // came while nobody served: maybe the beginning of a four-letter word

 private:
  Node& node_;
  ConnectionId id_;
  std::unique_ptr<world::Connection> connection_;
};

base::Result<std::unique_ptr<Node>, NodeError> Node::start(world::World& world, const Options& options, spdlog::logger& logger) {
  std::unique_ptr<Node> node(new Node(world, options, logger));
  Storage::Loaded loaded;
  auto storage = Storage::open(world, options, logger, node->storage_callbacks(), loaded);
  if (!storage) return std::unexpected(storage.error());
  node->storage_ = std::move(*storage);
  const auto in_ms = [](world::Duration duration) { return duration_cast<milliseconds>(duration).count(); };
  node->statistics_.database_init.add(in_ms(loaded.took));
  node->statistics_.snapshot_load.add(in_ms(loaded.snapshot_took));
  node->statistics_.txns_load.add(in_ms(loaded.txns_took));
  node->statistics_.txns_loaded.add(loaded.txns);
  if (options.ensemble.is_distributed()) {
    auto member = Member::start(world, node->options_, *node->storage_, std::move(loaded), *node, logger);
    if (!member) return std::unexpected(member.error());
    node->member_ = std::move(*member);
  } else {
    node->begin_term({}, std::move(loaded.database));
  }
  if (auto listening = node->listen(); !listening) return std::unexpected(listening.error());
  node->tick();
  if (options.autopurge_interval.count() > 0) node->purge();
  return node;
}

Node::Node(world::World& world, const Options& options, spdlog::logger& logger)
    : world_(world), log_(logger), options_(options), started_(world.now()) {}

Node::~Node() {
  *alive_ = false;
  world_.cancel(tick_timer_);
  world_.cancel(purge_timer_);
}

Storage::Callbacks Node::storage_callbacks() {
  return {
      .on_durable =
          [this](disk::LogGroup group) {
            if (member_) return member_->on_durable(group);
            step(Persisted{std::move(group.octets)});
            finish_stop();
          },
      .on_synced =
          [this](world::Duration duration) {
            const auto took = duration_cast<milliseconds>(duration);
            if (server_) {
              ++server_->statistics().groups;
              server_->statistics().sync_latency.add(took.count());
            }
            if (took > options_.fsync_warning_threshold) log_.warn("writing the log was slow took_ms={}", took.count());
          },
      .on_failed = [this](const std::string& why) { fail(why); },
  };
}

base::Result<void, NodeError> Node::listen() {
  const Options& options = options_;
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

void Node::begin_term(const Serve& how, std::unique_ptr<Database> database) {
  ++term_;
  server_ = std::make_unique<Server>(options_, std::move(database), world_.now(), world_.random().next(), how);
  server_->statistics() = past_;
  server_->statistics().begin_term();
}

std::unique_ptr<Database> Node::end_term() {
  ++term_;
  for (const auto& [id, client] : clients_) {
    client->closing = true;
    client->connection().close();
  }
  past_ = server_->statistics();
  return std::exchange(server_, nullptr)->release();
}

void Node::accept(std::unique_ptr<world::Connection> connection) {
  const ConnectionId id(++last_connection_);
  Client& client = *clients_.emplace(id, std::make_unique<Client>(*this, id, std::move(connection))).first->second;
  client.connection().start(client);
  introduce(client);
}

bool Node::takes_clients() const { return server_ && (options_.ensemble.leader_serves || server_->role() != Serve::Role::leader); }

void Node::introduce(Client& client) {
  if (!takes_clients() || client.introduced) return;
  client.introduced = true;
  const world::Connection& connection = client.connection();
  step(Accepted{client.id(), connection.peer(), connection.is_tls(), connection.peer_subject()});
}

Node::Client* Node::find(ConnectionId id) {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : at->second.get();
}

// What other connections have at hand in this turn of the loop joins the same group.
void Node::received(Client& client, std::string_view octets) {
  if (client.closing) return;
  if (!takes_clients()) return received_idle(client, octets);
  introduce(client);
  if (!client.word.empty()) step(Received{client.id(), std::exchange(client.word, {}), true});
  step(Received{client.id(), octets, true});
  if (flush_posted_ || !server_ || !server_->wants_flush()) return;
  flush_posted_ = true;
  world_.post([this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    step(Flush{});
  });
}

// Nobody serves: only words are answered. source: AbstractFourLetterCommand, NIOServerCnxn
void Node::received_idle(Client& client, std::string_view octets) {
  client.word += octets.substr(0, 4 - std::min<std::size_t>(4, client.word.size()));
  if (client.word.size() < 4) return;
  client.closing = true;
  if (zk::is_known_word(client.word)) {
    client.connection().write(zk::answer_while_not_serving(client.word, options_));
  } else {
    ++statistics_.closed_without_service;
  }
  client.connection().close();
}

void Node::step(decltype(Event::what) what) {
  if (failed_ || !server_) return;
  run(std::move(what));
  // A connection that took less than it was given may make the server read less from it.
  while (!congested_.empty()) {
    const ConnectionId id = congested_.back();
    congested_.pop_back();
    if (Client* client = find(id)) run(Unsent{id, client->connection().unsent()});
  }
}

// What a step of the Server did, by what it counts.
struct Node::Tally {
  std::int64_t reads, prepared, closes_prepared, transactions;
};

void Node::run(decltype(Event::what) what) {
  ENSURE(!stepping_);
  stepping_ = true;
  actions_.clear();
  const world::Instant began = world_.now();
  const bool commits = std::holds_alternative<Committed>(what) || std::holds_alternative<Persisted>(what);
  const Tally before = tally();
  server_->step({began, world_.wall_now(), std::move(what)}, actions_);
  for (Action& action : actions_) perform(action);
  measure(before, commits, began);
  stepping_ = false;
}

Node::Tally Node::tally() const {
  const Statistics& now = server_->statistics();
  return {now.read_latency.count, now.prepared, now.closes_prepared, now.transactions};
}

void Node::measure(const Tally& before, bool commits, world::Instant began) {
  const Tally now = tally();
  const std::int64_t reads = now.reads - before.reads;
  const std::int64_t prepared = now.prepared - before.prepared;
  const std::int64_t requests = commits ? now.transactions - before.transactions : reads + prepared;
  if (requests <= 0) return;  // also where somebody had the counters reset
  const world::Duration took = world_.now() - began;
  const std::int64_t each = duration_cast<milliseconds>(took / requests).count();
  if (commits) {
    statistics_.commit_time.add(duration_cast<milliseconds>(took).count());
    statistics_.apply_time.add(each, requests);
  } else {
    statistics_.read_time.add(each, reads);
    statistics_.prepare_time.add(each, prepared);
    statistics_.close_prepare_time.add(each, now.closes_prepared - before.closes_prepared);
  }
}

void Node::perform(Action& action) {
  std::visit(
      [this](auto& what) {
        if constexpr (requires { perform_on(what); }) {
          perform_on(what);
        } else {
          ENSURE(false);  // of a member of an ensemble
        }
      },
      action);
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
  std::optional<QuorumFacts> quorum;
  if (member_) quorum = member_->facts();
  client->connection().write(zk::answer(action.word, *server_, facts(), quorum ? &*quorum : nullptr));
  client->connection().close();
}

void Node::perform_on(Pause& action) {
  if (Client* client = find(action.connection)) client->connection().pause_reading();
}

void Node::perform_on(Resume& action) {
  Client* client = find(action.connection);
  if (client != nullptr && !stopped_) client->connection().resume_reading();
}

void Node::perform_on(RefusedLink& action) {
  log_.warn("what another member sent cannot be read reason={}", action.why);
  member_->refuse(std::move(action));
}

void Node::perform_on(CannotApply& action) { fail(fmt::format("transaction 0x{:x} cannot be applied: {}", action.zxid, action.why)); }

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

void Node::perform_on(Persist& action) {
  storage_->log().append({std::move(action.group), action.first_zxid, action.last_zxid, action.last_zxid - action.first_zxid + 1});
}

void Node::perform_on(SnapshotBegin& action) {
  log_.info("snapshot begins zxid=0x{:x} nodes={}", action.zxid, server_->database().tree.size());
  storage_->write_snapshot(std::move(action), [this, term = term_](const auto& result) { snapshot_done(term, result, false); });
}

void Node::perform_on(SnapshotChunk& action) {
  const bool end = action.end;
  storage_->write_snapshot(std::move(action), [this, end, term = term_](const auto& result) { snapshot_done(term, result, end); });
}

void Node::snapshot_done(std::uint64_t term, const disk::SnapshotResult<std::string>& result, bool end) {
  if (term != term_) return;  // its Server is gone, and the tree that it went over
  if (!result) {
    log_.error("no snapshot was written reason={}", result.error().message);
    step(SnapshotFailed{});
    return;
  }
  if (end) log_.info("snapshot written path={}", *result);
  step(SnapshotAdvanced{});
}

bool Node::take_snapshot() {
  if (stepping_ || failed_ || !server_) return false;
  std::vector<Action> actions;
  if (!server_->start_snapshot(actions)) return false;
  for (Action& action : actions) perform(action);
  return true;
}

void Node::tick() {
  step(Tick{});
  const auto interval = std::clamp<milliseconds>(options_.tick_time / 4, milliseconds(1), milliseconds(500));
  tick_timer_ = world_.after(interval, [this] { tick(); });
}

void Node::purge() {
  storage_->purge();
  purge_timer_ = world_.after(options_.autopurge_interval, [this] { purge(); });
}

void Node::fail(std::string why) {
  failed_ = true;
  log_.critical("the node stops serving reason={}", why);
  listener_.reset();
  secure_listener_.reset();
  clients_.clear();
  // It may be the caller.
  if (member_)
    world_.post([this, alive = alive_] {
      if (*alive) member_.reset();
    });
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
  if (member_) {
    member_->stop([this, alive = alive_] {
      if (!*alive) return;
      member_stopped_ = true;
      finish_stop();
    });
  }
  finish_stop();
}

// In steps: the group under way, then the connections, which are owed their replies.
void Node::finish_stop() {
  if (!stopped_ || stepping_) return;
  if (!failed_ && member_ && !member_stopped_) return;
  if (!failed_ && server_ && server_->has_unpersisted()) return;
  if (!clients_.empty() && !failed_) {
    for (const auto& [id, client] : clients_) client->connection().close();
    return;
  }
  storage_->close(failed_, std::exchange(stopped_, nullptr));
}

ProcessFacts Node::facts() {
  ProcessFacts facts{
      .uptime = duration_cast<milliseconds>(world_.now() - started_), .statistics = statistics_, .log = storage_->log_statistics()};
  for (const world::Listener* listener : {listener_.get(), secure_listener_.get()}) {
    if (listener == nullptr) continue;
    facts.handshakes.under_way += listener->handshakes().under_way;
    facts.handshakes.failed += listener->handshakes().failed;
  }
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
  facts.data_dir_octets = octets_in(storage_->snapshot_directory());
  facts.log_dir_octets = octets_in(storage_->log_directory());
  return facts;
}

}  // namespace chorus::coord
