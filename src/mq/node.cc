#include "mq/node.h"

#include <fmt/format.h>

#include <utility>

#include "mq/acl/tree_records.h"
#include "mq/broker/tree_catalogue.h"
#include "mq/rocketmq/convert.h"
#include "mq/rocketmq/guard.h"
#include "mq/rocketmq/name_server.h"
#include "mq/rocketmq/port.h"
#include "mq/rocketmq/settings.h"
#include "mq/rocketmq/tree_names.h"

namespace chorus::mq {
namespace {

/// What a broker tells a name server of itself.
rocketmq::TopicConfig routed(const TopicConfig& topic, const Broker& broker) {
  rocketmq::TopicConfig shown = rocketmq::shown(topic);
  shown.perm &= broker.options().permission | perm::inherit;
  return shown;
}
std::map<std::string, rocketmq::TopicConfig> registered(const Broker& broker) {
  std::map<std::string, rocketmq::TopicConfig> all;
  for (const auto& [name, topic] : broker.topics().all()) all.emplace(name, routed(topic, broker));
  return all;
}

}  // namespace

class Node::Impl {
 public:
  Impl(world::World& world, Options options, spdlog::logger& logger)
      : world_(world), options_(std::move(options)), log_(logger), name_server_(*this), broker_port_(*this) {}

  base::Result<void, std::string> start() {
    if (options_.access.any()) {
      if (auto begun = begin_access(); !begun) return begun;
    }
    if (options_.name_server_address) {
      if (auto listening = name_server_.listen(*options_.name_server_address); !listening) return listening;
      name_server_.server.listens_on(name_server_.port->addresses().front().port);
      log_.info("name server listening address={}", to_string(name_server_.port->addresses().front()));
      expire_routes();
      if (auto begun = begin_names(); !begun) return begun;
    }
    if (!options_.broker_address) return {};
    return start_broker();
  }

  void stop(world::Callback done) {
    stopping_ = true;
    if (broker_port_.face) broker_port_.face->stop_observing();
    if (name_server_.port) name_server_.port->stop();
    if (broker_port_.port) broker_port_.port->stop();
    auto closed = [this, done = std::move(done)]() mutable { end_sessions(std::move(done)); };
    if (broker_) return broker_->stop(std::move(closed));
    if (store_) return store_->close([closed = std::move(closed)](StoreResult<void>) mutable { closed(); });
    world_.post(std::move(closed));
  }

  Facts facts() const {
    Facts facts{.serving = serving_, .ready = (serving_ || !options_.broker_address) && (!names_ || names_->is_loaded())};
    if (broker_port_.port) facts.connections = broker_port_.port->connections();
    for (const Role* role : {static_cast<const Role*>(&broker_port_), static_cast<const Role*>(&name_server_)}) {
      if (!role->port) continue;
      const rocketmq::PortCounters& counters = role->port->counters();
      facts.port.connections_refused += counters.connections_refused;
      facts.port.requests_refused += counters.requests_refused;
      facts.port.pauses += counters.pauses;
      facts.port.connections_ended += counters.connections_ended;
    }
    if (guard_) {
      facts.refused_authentication = guard_->counters().authentication;
      facts.refused_authorization = guard_->counters().authorization;
    }
    if (!broker_) return facts;
    facts.counters = broker_->counters();
    facts.store = broker_->store().statistics();
    for (const auto& [group, members] : broker_->clients().all_producers()) facts.producers += members.size();
    for (const auto& [group, consumers] : broker_->clients().all_consumers()) facts.consumers += consumers.members.size();
    facts.waiting = broker_->waiting();
    facts.topics = broker_->topics().all().size();
    facts.groups = broker_->groups().all().size();
    facts.pops_waiting = broker_->pops_waiting();
    facts.pops_in_flight = broker_->state().pops().handles().size();
    facts.open_transactions = broker_->state().halves().size();
    return facts;
  }

  Samples samples() const {
    if (!broker_ || !serving_) return {};
    const rocketmq::BrokerFace& face = *broker_port_.face;
    ExporterFacts facts{.address = to_string(broker_->options().host),
                        .runtime = face.runtime(face.observations().oldest_ms).table,
                        .observed = &face.observations()};
    if (const auto octets = world_.files().total_space(options_.store.directory)) facts.disk_octets = *octets;
    if (const auto octets = world_.files().free_space(options_.store.directory)) facts.disk_octets_free = *octets;
    return exporter_samples(*broker_, facts, world_.wall_now().time_since_epoch().count(), options_.metric_series_max);
  }

  std::function<void(const std::string&)> on_failure;
  bool is_serving() const { return serving_; }
  std::optional<world::Address> name_server_address() const { return name_server_.address(); }
  std::optional<world::Address> broker_address() const { return broker_port_.address(); }

 private:
  /// The port of one role.
  struct Role : rocketmq::Port::Handler, rocketmq::Sender {
    explicit Role(Impl& impl) : impl(impl) {}
    base::Result<void, std::string> listen(const world::Address& address) {
      port = std::make_unique<rocketmq::Port>(
          impl.world_,
          rocketmq::PortOptions{
              .addresses = {address}, .tls = impl.options_.tls, .plain_too = impl.options_.plain_too, .limits = impl.options_.limits},
          *this, impl.log_);
      return port->listen();
    }
    std::optional<world::Address> address() const {
      if (!port || port->addresses().empty()) return std::nullopt;
      return port->addresses().front();
    }
    void send(ConnectionId to, std::string frame, std::optional<std::int32_t> opaque) override { port->send(to, std::move(frame), opaque); }
    void request(ConnectionId to, std::string frame) override { port->request(to, std::move(frame)); }
    void close(ConnectionId connection) override { port->close(connection); }
    std::string address_of(ConnectionId connection) const override {
      const world::Address* address = port->peer(connection);
      return address ? to_string(*address) : std::string();
    }
    Impl& impl;
    std::unique_ptr<rocketmq::Port> port;
  };
  struct NameServerRole final : Role {
    using Role::Role;
    void on_command(ConnectionId from, const rocketmq::Command& command) override {
      if (command.is_response()) return;  // we ask nothing here
      if (impl.refused(rocketmq::Server::name_server, *this, from, command)) return;
      if (auto change = rocketmq::NameServer::key_value_change(command)) return keep(from, command, std::move(*change));
      const rocketmq::Outgoing answer = server.on(from, command, impl.world_.now());
      if (!command.is_oneway()) port->send(from, encode(answer), command.opaque);
    }
    void keep(ConnectionId from, const rocketmq::Command& command, rocketmq::KeyValueChange change) {
      auto answered = [this, from, oneway = command.is_oneway(),
                       answer = rocketmq::Outgoing::answer(command)](CatalogueResult kept) mutable {
        if (!kept) {
          answer.code = static_cast<std::int32_t>(rocketmq::ResponseCode::system_error);
          answer.remark = "it cannot be kept in the tree: " + kept.error();
        }
        if (!oneway) port->send(from, encode(answer), answer.opaque);
      };
      if (impl.names_) return impl.names_->keep(std::move(change), std::move(answered));
      answered(std::unexpected("there is none, set coord.connect"));
    }
    void on_closed(ConnectionId connection) override { server.closed(connection); }
    rocketmq::NameServer server;
  };
  struct BrokerRole final : Role {
    using Role::Role;
    void on_command(ConnectionId from, const rocketmq::Command& command) override {
      if (!command.is_response() && impl.refused(rocketmq::Server::broker, *this, from, command)) return;
      face->on_command(from, command);
    }
    void on_closed(ConnectionId connection) override { face->on_closed(connection); }
    std::unique_ptr<rocketmq::BrokerFace> face;
  };

  /// With the tree, where they are.
  void end_sessions(world::Callback done) {
    auto left = std::make_shared<int>(1);
    const auto ended = [left, done = std::make_shared<world::Callback>(std::move(done))] {
      if (--*left == 0) (*done)();
    };
    const auto end = [&](auto& session) {
      if (!session) return;
      ++*left;
      session->close(ended);
    };
    end(records_);
    end(names_);
    end(catalogue_);
    world_.post(ended);
  }

  base::Result<client::ClientOptions, std::string> tree() const {
    auto tree = client::options_for(options_.tree);
    if (!tree) return std::unexpected(fmt::format("coord.connect \"{}\": {}", options_.tree, tree.error().message));
    return std::move(*tree);
  }

  base::Result<void, std::string> begin_names() {
    if (options_.tree.empty()) return {};
    auto options = tree();
    if (!options) return std::unexpected(options.error());
    const auto own = options_.broker_address ? std::optional(broker_key()) : std::nullopt;
    names_ = std::make_unique<rocketmq::TreeNames>(world_, std::move(*options), own, name_server_.server, log_);
    names_->start();
    return {};
  }
  BrokerKey broker_key() const { return {options_.broker.cluster, options_.broker.name}; }

  base::Result<void, std::string> begin_access() {
    const auto tree = this->tree();
    if (!tree) return std::unexpected(tree.error());
    records_ = std::make_unique<acl::TreeRecords>(world_, *tree, options_.access.cluster, options_.tree_credentials, log_);
    access_ = std::make_unique<acl::Access>(options_.access, *records_, log_);
    guard_ = std::make_unique<rocketmq::Guard>(*access_, log_);
    records_->load(
        [this](std::vector<acl::Record> all) {
          access_->begin(all, [this] {
            if (contents_) serve(*std::exchange(contents_, std::nullopt));
          });
        },
        [this](const acl::Record& record) { access_->apply(record); });
    return {};
  }

  /// Whether it was, and is answered.
  bool refused(rocketmq::Server server, const Role& role, ConnectionId from, const rocketmq::Command& command) {
    if (!guard_) return false;
    const world::Address* peer = role.port->peer(from);
    if (peer == nullptr) return true;  // it has gone
    const auto answer = guard_->refusal(server, command, *peer, world_.now());
    if (answer && !command.is_oneway()) role.port->send(from, encode(*answer), command.opaque);
    return answer.has_value();
  }

  base::Result<void, std::string> start_broker() {
    auto state = std::make_unique<BrokerState>();
    if (const auto made = world::make_durable_directories(world_.files(), options_.store.directory); !made) {
      return std::unexpected(made.error().message);
    }
    auto lock = world_.files().lock(options_.store.directory);
    if (!lock) return std::unexpected(lock.error().message);
    lock_ = std::move(*lock);
    auto opened = open_store(world_, options_.store, state.get());
    if (!opened) return std::unexpected(opened.error().message);
    for (const std::string& line : to_lines(opened->report)) log_.warn("message log: {}", line);
    store_ = std::move(opened->store);
    state_ = std::move(state);

    const auto tree = this->tree();
    if (!tree) return std::unexpected(tree.error());
    catalogue_ = std::make_unique<TreeCatalogue>(world_, *tree, broker_key(), log_);
    catalogue_->load([this](CatalogueContents contents) {
      if (!access_ || access_->is_ready()) return serve(std::move(contents));
      contents_ = std::move(contents);  // nobody is served before it is known who may what
    });
    return {};
  }

  void serve(CatalogueContents contents) {
    if (stopping_) return;
    if (auto listening = broker_port_.listen(*options_.broker_address); !listening) return fail(listening.error());
    const world::Address bound = *broker_port_.address();
    // Clients with a "VIP channel" produce there: older ones unless told otherwise. source: BrokerController, fastRemotingServer
    if (bound.port > 2) {
      const world::Address vip{bound.host, static_cast<std::uint16_t>(bound.port - 2)};
      if (const auto listening = broker_port_.port->listen(vip); !listening) {
        log_.warn("clients with vipChannelEnabled will not find the broker: {}", listening.error());
      }
    }
    const std::string host = options_.advertised_host.empty() ? bound.host : options_.advertised_host;
    const std::string address = to_string(world::Address{host, bound.port});
    const auto parsed = parse_host(address);
    if (!parsed) return fail(fmt::format("mq.advertised_host: {} is no numeric address, as messages carry it", host));
    BrokerOptions options = options_.broker;
    rocketmq::FaceOptions face = options_.face;
    face.data_directory = options_.store.directory;
    for (const auto& [name, value] : contents.settings) {
      const std::string wrong = rocketmq::change_setting(options, face, name, value);
      if (wrong.empty()) {
        log_.info("a setting is as an administrator changed it {}={}", name, value);
      } else {
        log_.error("a setting that an administrator changed cannot be: {}", wrong);
      }
    }
    options.host = *parsed;
    const std::size_t topics = contents.topics.size(), groups = contents.groups.size();
    broker_ = std::make_unique<Broker>(world_, options, std::move(store_), std::move(state_), *catalogue_, log_);
    for (TopicConfig& topic : contents.topics) broker_->put(std::move(topic));
    for (GroupConfig& group : contents.groups) broker_->put(std::move(group));
    broker_->put(std::move(contents.settings));
    broker_port_.face = std::make_unique<rocketmq::BrokerFace>(world_, *broker_, std::move(face), broker_port_, log_);
    broker_port_.face->use(access_.get());
    broker_->start();
    if (options_.metric_series_max > 0) broker_port_.face->observe();
    broker_->on_topic([this, address](const std::string& topic, const TopicConfig* config) {
      if (broker_->topics().is_system(topic)) catalogue_->announce(announcement(address));
      if (!config) return name_server_.server.routes().put_topic(options_.broker.name, topic, nullptr);
      const rocketmq::TopicConfig shown = routed(*config, *broker_);
      name_server_.server.routes().put_topic(options_.broker.name, topic, &shown);
    });
    name_server_.server.routes().add({.cluster = options_.broker.cluster,
                                      .broker = options_.broker.name,
                                      .address = address,
                                      .ha_address = address,
                                      .topics = registered(*broker_)},
                                     world_.now());
    catalogue_->announce(announcement(address));
    serving_ = true;
    log_.info("broker listening address={} name={} cluster={} topics={} groups={}", address, options_.broker.name, options_.broker.cluster,
              topics, groups);
  }

  Announcement announcement(const std::string& address) const {
    Announcement announcement{.address = address, .permission = broker_->options().permission, .system_topics = {}};
    for (const auto& [name, topic] : broker_->topics().all()) {
      if (broker_->topics().is_system(name)) announcement.system_topics.push_back(topic);
    }
    return announcement;
  }

  void fail(const std::string& why) {
    log_.error("messaging cannot start: {}", why);
    broker_port_.port.reset();  // nobody is there to answer what comes
    if (on_failure) on_failure(why);
  }

  void expire_routes() {
    world_.after(std::chrono::seconds(5), [this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.lock() || stopping_) return;
      for (const ConnectionId connection : name_server_.server.routes().expire(world_.now())) name_server_.port->close(connection);
      if (names_) names_->restore();
      expire_routes();
    });
  }

  world::World& world_;
  const Options options_;
  spdlog::logger& log_;
  std::unique_ptr<world::DirectoryLock> lock_;
  std::unique_ptr<BrokerState> state_;  // until the broker has them
  std::unique_ptr<Store> store_;
  std::unique_ptr<acl::TreeRecords> records_;  // without access control there are none of these three
  std::unique_ptr<acl::Access> access_;
  std::unique_ptr<rocketmq::Guard> guard_;
  std::unique_ptr<TreeCatalogue> catalogue_;
  std::optional<CatalogueContents> contents_;  // until access control is ready
  std::unique_ptr<Broker> broker_;
  NameServerRole name_server_;
  std::unique_ptr<rocketmq::TreeNames> names_;  // where there is a name server, and a tree
  BrokerRole broker_port_;
  bool serving_ = false;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

base::Result<std::unique_ptr<Node>, std::string> Node::start(world::World& world, Options options, spdlog::logger& logger) {
  auto impl = std::make_unique<Impl>(world, std::move(options), logger);
  if (auto started = impl->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

void Node::stop(world::Callback done) { impl_->stop(std::move(done)); }
void Node::on_failure(std::function<void(const std::string&)> callback) { impl_->on_failure = std::move(callback); }
bool Node::is_serving() const { return impl_->is_serving(); }
Facts Node::facts() const { return impl_->facts(); }
Samples Node::samples() const { return impl_->samples(); }
std::optional<world::Address> Node::name_server_address() const { return impl_->name_server_address(); }
std::optional<world::Address> Node::broker_address() const { return impl_->broker_address(); }

}  // namespace chorus::mq
