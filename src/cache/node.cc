#include "cache/node.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cache/hash.h"
#include "cache/replication/replication.h"
#include "cache/scripts/scripts.h"
#include "client/client.h"
#include "world/files.h"

namespace chorus::cache {
namespace {

constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::milliseconds tick_least{1};
/// What is larger and may be sent at once is not counted as held until the next tick.
constexpr std::size_t large_reply = 16U << 10;
/// Between two steps of a snapshot for replicas.
constexpr world::Duration sync_pause_least = std::chrono::microseconds(500), sync_pause_idle = std::chrono::milliseconds(4);
/// In the folder of the cache's data.
constexpr std::string_view spool_file = "/temp-sync.rdb";

/// The id of this node, the same over restarts; made at the first.
base::Result<std::string, std::string> node_id(world::World& world, const std::string& path) {
  const auto make = [&] {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (int i = 0; i < 40; ++i) id += digits[world.random().below(16)];
    return id;
  };
  if (path.empty()) return make();
  world::Files& files = world.files();
  if (files.exists(path)) {
    constexpr std::uint64_t octets_max = 4096;
    auto text = world::read_file(files, path, octets_max);
    if (!text) return std::unexpected(text.error().message);
    const std::string id(base::trim(*text));
    if (cluster::is_node_id(id)) return id;
    return std::unexpected(path + " does not hold a node's id of 40 digits in hexadecimal: put it back, or remove the file for a new one");
  }
  const std::string id = make();
  if (auto made = world::make_durable_directories(files, world::parent_directory(path)); !made)
    return std::unexpected(made.error().message);
  if (auto written = world::write_file(files, path, id + "\n"); !written) return std::unexpected(written.error().message);
  return id;
}

/// What a node of a cluster needs to know of itself before it is one.
base::Result<void, std::string> complete(world::World& world, Options& options) {
  cluster::Options& own = options.cluster;
  if (options.tree.empty()) return std::unexpected("a cluster is kept in the tree: set coord.client_address or coord.connect");
  const world::Address address = options.address.value_or(world::Address{});
  if (own.announce_ip.empty()) own.announce_ip = address.host;
  if (own.announce_ip.empty() || own.announce_ip == "0.0.0.0" || own.announce_ip == "::") {
    return std::unexpected("clients of a cluster have to be told an address: set cache.cluster_announce_ip");
  }
  if (own.announce_port == 0) own.announce_port = address.port;
  if (own.announce_port == 0)
    return std::unexpected("a node of a cluster needs a fixed port in cache.address, or cache.cluster_announce_port");
  constexpr std::uint16_t beyond = 10'000;
  if (own.announce_bus_port == 0)
    own.announce_bus_port = own.announce_port <= 65'535 - beyond ? own.announce_port + beyond : own.announce_port;
  if (own.id.empty()) {
    auto id = node_id(world, options.cluster_config_file);
    if (!id) return std::unexpected(id.error());
    own.id = std::move(*id);
  }
  if (!cluster::parse_endpoint(cluster::format_endpoint(
          {.ip = own.announce_ip, .port = own.announce_port, .bus_port = own.announce_bus_port, .hostname = own.announce_hostname}))) {
    return std::unexpected("cache.cluster_announce_ip and cluster_announce_hostname may have letters, digits and . : - _ only");
  }
  return {};
}

base::Result<std::string, std::string> read_users(world::Files& files, const std::string& path) {
  constexpr std::uint64_t octets_max = 64U << 20;
  auto text = world::read_file(files, path, octets_max);
  if (!text) return std::unexpected(text.error().message);
  return std::move(*text);
}

ServerOptions with_port(const Options& options) {
  ServerOptions own = options;
  if (options.address) {
    own.port = options.address->port;
    own.host = options.address->host;
  }
  if (options.secure_address) own.secure_port = options.secure_address->port;
  return own;
}

}  // namespace

class Node::Channel final : public world::ConnectionHandler {
 public:
  Channel(Node& node, ClientId id, std::unique_ptr<world::Connection> connection)
      : node_(node), id_(id), connection_(std::move(connection)) {}

  void start() { connection_->start(*this); }
  const world::Connection& connection() const { return *connection_; }
  /// False: it takes no more for now; on_drained() follows. is_read_on: what it says is heard all the same.
  bool write(std::string octets, bool is_read_on) {
    if (!octets.empty()) connection_->write(std::move(octets));
    if (connection_->unsent() < world::Connection::high_water) return true;
    if (is_read_on) return false;
    if (!std::exchange(is_paused_, true) && !is_held_ && !stands_still_) connection_->pause_reading();
    return false;
  }
  /// So many octets of its are held back, or are not any more.
  void hold(std::size_t octets) {
    held_ += octets;
    if (held_ < world::Connection::high_water || std::exchange(is_held_, true)) return;
    if (!is_paused_ && !stands_still_) connection_->pause_reading();
  }
  void release(std::size_t octets) {
    held_ -= octets;
    if (held_ >= world::Connection::high_water || !std::exchange(is_held_, false)) return;
    if (!is_paused_ && !stands_still_) connection_->resume_reading();
  }
  /// Nothing is done for anybody: what it says waits where it is.
  void stand_still(bool on) {
    if (std::exchange(stands_still_, on) == on || is_paused_ || is_held_) return;
    on ? connection_->pause_reading() : connection_->resume_reading();
  }
  bool is_paused() const { return is_paused_ || is_held_; }
  std::size_t unsent() const { return connection_->unsent() + held_; }
  bool is_noted = false;  // among those that had not taken all
  void close() { connection_->close(); }
  void abort() { connection_->abort(); }

  void on_data(std::string_view octets) override {
    if (is_noted) node_.server_.note_unsent(id_, unsent());
    node_.server_.receive(id_, octets, node_.now());
    node_.deliver();
  }
  void on_drained() override {
    if (std::exchange(is_paused_, false) && !is_held_ && !stands_still_) connection_->resume_reading();
    node_.server_.note_unsent(id_, unsent());
    node_.server_.resume(id_, node_.now());
    node_.deliver();
  }
  void on_closed(const world::NetError& why) override {
    node_.log_.debug("connection ended client={} why={}", id_.value, why.message);
    node_.closed(id_);  // destroys this
  }

 private:
  Node& node_;
  const ClientId id_;
  std::unique_ptr<world::Connection> connection_;
  bool is_paused_ = false, is_held_ = false, stands_still_ = false;  // it is not read from in any of these cases
  std::size_t held_ = 0;
};

class Node::Link final : public world::ConnectionHandler {
 public:
  Link(Node& node, std::uint64_t number, std::unique_ptr<world::Connection> connection)
      : node_(node), number_(number), connection_(std::move(connection)) {}

  void start() { connection_->start(*this); }
  void write(std::string octets) { connection_->write(std::move(octets)); }

  void on_data(std::string_view octets) override {
    // It may be given up by what is answered.
    Node& node = node_;
    node.server_.link_data(number_, octets, node.now());
    node.world_.post([&node, alive = std::weak_ptr<bool>(node.alive_)] {
      if (alive.lock()) node.deliver();
    });
  }
  void on_closed(const world::NetError& why) override {
    Node& node = node_;
    const std::uint64_t number = number_;
    const std::string words = why.message;
    node.links_.erase(number);  // destroys this
    node.server_.link_down(number, words, node.now());
    node.deliver();
  }

 private:
  Node& node_;
  const std::uint64_t number_;
  std::unique_ptr<world::Connection> connection_;
};

void Node::perform(cluster::LinkAction action) {
  using What = cluster::LinkAction::What;
  if (action.what == What::close) {
    links_.erase(action.link);
    return;
  }
  if (action.what == What::send) {
    const auto found = links_.find(action.link);
    if (found != links_.end() && found->second != nullptr) found->second->write(std::move(action.octets));
    return;
  }
  links_.emplace(action.link, nullptr);
  world_.connect({action.to.ip, action.to.port}, {.timeout = std::chrono::microseconds(action.timeout_us)},
                 [this, link = action.link, alive = std::weak_ptr<bool>(alive_)](auto connection) {
                   if (alive.lock()) dialed(link, std::move(connection));
                 });
}

void Node::dialed(std::uint64_t link, world::NetResult<std::unique_ptr<world::Connection>> connection) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;  // given up
  if (!connection) {
    links_.erase(found);
    server_.link_down(link, connection.error().message, now());
  } else {
    found->second = std::make_unique<Link>(*this, link, std::move(*connection));
    found->second->start();
    server_.link_up(link, now());
  }
  deliver();
}

Node::Node(world::World& world, Options options, spdlog::logger& logger)
    : world_(world),
      log_(logger),
      let_others_in_(options.let_others_in),
      server_(with_port(options), world.random().next(), now()),
      saver_(
          world, server_, logger, [this] { return now(); }, [this] { deliver(); }),
      spool_(world, server_.options().save.directory + std::string(spool_file),
             [this](auto what, std::uint64_t transfer, std::string octets, const std::string& error) {
               file_done(what, transfer, std::move(octets), error);
             }),
      append_log_(world, server_, saver_, logger, [this] { return now(); }, [this] { deliver(); }) {}
Node::~Node() = default;

base::Result<std::unique_ptr<Node>, std::string> Node::start(world::World& world, Options options, spdlog::logger& logger) {
  set_hash_seed(world.random().next());
  const auto address = options.address;
  const auto secure_address = options.secure_address;
  const world::TlsOptions tls = options.tls;
  if (const std::string& primary = options.replication.primary; !primary.empty()) {
    if (options.cluster.enabled) return std::unexpected("a node of a cluster follows nobody: unset cache.replica_of");
    if (!replication::parse_primary(primary)) return std::unexpected("cache.replica_of is \"host port\", not \"" + primary + "\"");
  }
  if (options.cluster.enabled) {
    if (auto completed = complete(world, options); !completed) return std::unexpected(completed.error());
  }
  for (const auto& [name, value] : {std::pair("append_file", &options.append.file), std::pair("append_dir", &options.append.directory)}) {
    if (!append::is_file_name(*value)) return std::unexpected(std::string("cache.") + name + " has to be a name, not a path");
  }
  const std::string tree = options.tree;
  const std::string users = options.acl_file;
  std::unique_ptr<Node> node(new Node(world, std::move(options), logger));
  if (!users.empty()) {
    const auto text = read_users(world.files(), users);
    if (!text) return std::unexpected("Error loading ACLs, opening file '" + users + "': " + text.error());
    if (auto loaded = node->server_.load_users(*text); !loaded) return std::unexpected(loaded.error());
  }
  if (!address) return std::unexpected("the cache has no address: set cache.address");
  const auto listen = [&](const world::Address& where, std::optional<world::TlsOptions> with) {
    return world.listen(where, {.tls = std::move(with)},
                        [at = node.get()](std::unique_ptr<world::Connection> connection) { at->accept(std::move(connection)); });
  };
  auto listener = listen(*address, {});
  if (!listener) return std::unexpected(listener.error().message);
  node->listener_ = std::move(*listener);
  if (secure_address) {
    auto secure = listen(*secure_address, tls);
    if (!secure) return std::unexpected(secure.error().message);
    node->secure_listener_ = std::move(*secure);
    logger.info("cache listening address={} tls=true", to_string(node->secure_listener_->address()));
  }
  node->server_.use_stopwatch(
      [at = node.get()] { return std::chrono::duration_cast<std::chrono::microseconds>(at->world_.now().time_since_epoch()).count(); });
  logger.info("cache listening address={}", to_string(node->address()));
  if (node->server_.cluster() != nullptr) {
    if (auto joined = node->join_cluster(tree); !joined) return std::unexpected(joined.error());
  }
  node->server_.watch_scripts(node.get());
  node->append_log_.start([at = node.get()](const std::string& why) {
    if (at->failed_) at->failed_(why);
  });
  node->tick();
  return node;
}

base::Result<void, std::string> Node::join_cluster(const std::string& tree) {
  auto options = client::options_for(tree);
  if (!options) return std::unexpected(options.error().message);
  coordinator_ = std::make_unique<cluster::Coordinator>(
      world_, std::move(*options), *server_.cluster(),
      [this](const cluster::Event& event) {
        server_.cluster_event(event, now());
        deliver();
      },
      log_);
  coordinator_->start();
  return {};
}

Now Node::now() {
  const auto since = [](auto time) { return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count(); };
  return {.unix_us = since(world_.wall_now()), .monotonic_us = since(world_.now())};
}

void Node::accept(std::unique_ptr<world::Connection> connection) {
  const ClientId id(++last_id_);
  std::string peer = to_string(connection->peer()), local = to_string(connection->local());
  auto& channel = channels_[id] = std::make_unique<Channel>(*this, id, std::move(connection));
  channel->start();
  if (stands_still_) channel->stand_still(true);
  server_.connect(id, std::move(peer), std::move(local), now());
  deliver();
}

void Node::let_others_in() {
  // Their replies leave at once, whatever is being delivered below.
  const bool was_delivering = std::exchange(is_delivering_, false);
  if (let_others_in_) let_others_in_();
  is_delivering_ = was_delivering;
}

void Node::log(int level, std::string_view line) {
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::debug, spdlog::level::info, spdlog::level::warn};
  log_.log(levels[level], "{}", line);
}

void Node::closed(ClientId id) {
  if (server_.scripts().running() != nullptr) {
    ended_.push_back(id);
    return;
  }
  channels_.erase(id);
  server_.disconnect(id);
}

void Node::note_unsent(ClientId id, Channel& channel) {
  const std::size_t octets = channel.unsent();
  server_.note_unsent(id, octets);
  if (octets == 0) return;
  if (!std::exchange(channel.is_noted, true)) unsent_.push_back(id);
  if (octets < large_reply || std::exchange(looks_soon_, true)) return;
  world_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    looks_soon_ = false;
    look_at_unsent();
  });
}

/// Connections send later than they are written to, and do not tell when they have sent little.
void Node::look_at_unsent() {
  std::erase_if(unsent_, [&](ClientId id) {
    const auto found = channels_.find(id);
    if (found == channels_.end()) return true;
    const std::size_t octets = found->second->unsent();
    server_.note_unsent(id, octets);
    if (octets == 0) found->second->is_noted = false;
    return octets == 0;
  });
}

void Node::tick() {
  const auto begun = world_.now();
  look_at_unsent();
  if (server_.scripts().running() == nullptr) {
    for (const ClientId id : std::exchange(ended_, {})) closed(id);
  }
  const bool has_more = server_.tick(now());
  deliver();
  // Where much is due, up to a quarter of the time goes to it.
  const auto pause = std::max<world::Duration>(tick_least, 3 * (world_.now() - begun));
  world_.after(has_more ? std::min<world::Duration>(pause, tick_interval) : tick_interval, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) tick();
  });
}

void Node::deliver() {
  if (std::exchange(is_delivering_, true)) return;
  // A script, or the process, may have stood still for longer than the lease.
  const cluster::Membership* own = server_.cluster();
  const bool has_outlived_lease = own != nullptr && own->has_lease(server_.now().monotonic_us) && !own->has_lease(now().monotonic_us);
  const auto has_lease = [&] { return own != nullptr && own->has_lease(now().monotonic_us); };
  // Those who take their replies may have more to be done, which gives more replies.
  std::vector<Output> outputs;
  for (;;) {
    while (!held_.empty() && held_.front().after <= append_log_.released()) {
      Output output = std::move(held_.front().output);
      const bool has_lost_lease = held_.front().had_lease && !has_lease();
      held_.pop_front();
      const auto found = channels_.find(output.client);
      if (found == channels_.end()) continue;
      if (has_lost_lease) {
        found->second->abort();
        continue;
      }
      found->second->release(output.octets.size());
      send(*found->second, std::move(output));
    }
    server_.take_outputs(outputs);
    if (outputs.empty()) break;
    // What a reply tells may rest on any unit before it, of whomever: it goes when they are durable, as the log's policy has it.
    const std::uint64_t after = append_log_.position();
    const bool goes = held_.empty() && after <= append_log_.released();
    for (Output& output : outputs) {
      const auto found = channels_.find(output.client);
      if (found == channels_.end()) continue;
      if (has_outlived_lease) {
        // It was done while this node owned the slot, and may be acknowledged after another was given it without that.
        found->second->abort();
        continue;
      }
      if (goes) {
        send(*found->second, std::move(output));
        continue;
      }
      if (is_broken_off(output, *found->second)) continue;
      found->second->hold(output.octets.size());
      note_unsent(output.client, *found->second);
      held_.push_back({.after = after, .output = std::move(output), .had_lease = has_lease()});
    }
  }
  is_delivering_ = false;
  saver_.poll();
  append_log_.poll();
  if (const bool is_behind = server_.append_state().is_behind; std::exchange(stands_still_, is_behind) != is_behind) {
    for (const auto& [id, channel] : channels_) channel->stand_still(is_behind);
  }
  if (server_.shutdown() && ending_ == Ending::no) look_at_shutdown();
  dial_primary();
  look_after_sync();
  for (cluster::LinkAction& action : server_.take_link_actions()) perform(std::move(action));
  use_acl_file();
  if (!coordinator_) return;
  for (const cluster::Action& action : server_.take_cluster_actions()) coordinator_->perform(action);
}

void Node::dial_primary() {
  for (replication::Note& note : server_.replication().take_notes()) {
    log_.log(note.level == replication::Note::Level::info ? spdlog::level::info : spdlog::level::warn, "replication: {}", note.text);
  }
  const auto dial = server_.take_dial();
  if (!dial) return;
  world::ConnectOptions how{.timeout = std::chrono::seconds(dial->timeout_seconds)};
  if (dial->with_tls) {
    how.tls = server_.options().tls;
    // As Redis: who signed the certificate matters, not the name in it.
    how.tls->verify_peer = true;
    how.tls->verify_host = false;
  }
  world_.connect(dial->to, how, [this, number = dial->number, alive = std::weak_ptr<bool>(alive_)](auto connection) {
    if (!alive.lock()) return;
    if (!connection) {
      server_.dial_failed(number, connection.error().message, now());
    } else {
      const ClientId id(++last_id_);
      std::string peer = to_string((*connection)->peer()), local = to_string((*connection)->local());
      if (!server_.connect_primary(number, id, std::move(peer), std::move(local), now())) return;
      auto& channel = channels_[id] = std::make_unique<Channel>(*this, id, std::move(*connection));
      channel->start();
    }
    deliver();
  });
}

void Node::look_after_sync() {
  const bool is_step_due = server_.is_syncing() && !std::exchange(is_sync_due_, true);
  const auto begun = world_.now();
  bool has_more = false;
  if (is_step_due) {
    look_at_unsent();
    has_more = server_.step_sync(now());
  }
  for (replication::FileAction& action : server_.replication().primary().take_file_actions()) spool_.perform(std::move(action));
  if (!is_step_due) return;
  // At most half of the time goes to it; and where a replica or the disk has to take something first, they are waited for.
  const auto pause = std::max<world::Duration>(has_more ? sync_pause_least : sync_pause_idle, world_.now() - begun);
  world_.after(pause, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    is_sync_due_ = false;
    deliver();
  });
}

void Node::file_done(replication::FileAction::What what, std::uint64_t transfer, std::string octets, const std::string& error) {
  replication::Primary& primary = server_.replication().primary();
  if (what == replication::FileAction::What::remove) {
    if (!error.empty()) log_.warn("replication: the file of a snapshot stays why=\"{}\"", error);
    return;
  }
  if (!error.empty()) {
    primary.file_failed(transfer, error);
  } else if (what == replication::FileAction::What::read) {
    primary.file_read(transfer, std::move(octets));
  } else {
    primary.file_written(transfer);
  }
  deliver();
}

void Node::use_acl_file() {
  auto task = server_.take_acl_file_task();
  if (!task) return;
  const bool saves = task->saves;
  auto outcome = std::make_shared<base::Result<std::string, std::string>>(std::string());
  world_.run_in_background(
      [&files = world_.files(), path = server_.options().acl_file, task = std::move(*task), outcome] {
        if (task.saves) {
          if (auto written = world::write_file(files, path, task.text); !written) *outcome = std::unexpected(written.error().message);
        } else {
          *outcome = read_users(files, path);
        }
      },
      [this, saves, outcome, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.lock()) return;
        if (!*outcome) {
          log_.error("file of users not {} path={} why=\"{}\"", saves ? "written" : "read", server_.options().acl_file, outcome->error());
        }
        server_.end_acl_file_task(*outcome, now());
        deliver();
      });
}

/// It has more to take than it may.
bool Node::is_broken_off(const Output& output, Channel& channel) {
  if (!output.unsent_max || channel.unsent() + output.octets.size() <= *output.unsent_max) return false;
  log_.info("connection broken off client={} why=\"does not take its messages\" unsent={}", output.client.value, channel.unsent());
  server_.note_broken_off(output.client);
  channel.abort();
  return true;
}

void Node::send(Channel& channel, Output output) {
  if (is_broken_off(output, channel)) return;
  const bool takes_more = channel.write(std::move(output.octets), output.is_read_on);
  note_unsent(output.client, channel);
  if (output.closes) {
    channel.close();
  } else if (takes_more && !channel.is_paused()) {
    server_.resume(output.client, now());
  }
}

void Node::stop(std::function<void()> done) {
  // A snapshot on its way to replicas would be in the way of the last one for the disk.
  server_.stop_replication();
  listener_.reset();
  secure_listener_.reset();
  if (server_.scripts().running() != nullptr) server_.scripts().kill();
  append_log_.stop([this, done = std::move(done)] {
    for (const auto& [id, channel] : channels_) channel->close();
    // SHUTDOWN says itself what is saved; and what was written since its snapshot, others were told of.
    const auto& asked = ending_ == Ending::saved ? server_.shutdown() : std::nullopt;
    const auto saves = !asked                               ? Saver::AtStop::by_points
                       : asked->save == Shutdown::Save::yes ? Saver::AtStop::always
                       : asked->save == Shutdown::Save::no  ? Saver::AtStop::never
                                                            : Saver::AtStop::by_points;
    saver_.stop(saves, [this, done] {
      if (coordinator_) return coordinator_->close([done] { done(); });
      done();
    });
  });
}

}  // namespace chorus::cache
