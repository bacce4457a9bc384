#include "mq/rocketmq/tree_names.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {
namespace {

using client::Code;

constexpr std::string_view key_values_root = "/chorus/mq-key-values";

client::ClientOptions impatient(client::ClientOptions options) {
  options.session.queue_timeout = std::chrono::seconds(2);  // somebody waits for what he wants to have kept
  return options;
}

std::string folder_of(const KeyValueChange& change) { return fmt::format("{}/{}", key_values_root, client::path_part(change.space)); }
std::string path_of(const KeyValueChange& change) { return fmt::format("{}/{}", folder_of(change), client::path_part(change.key)); }

}  // namespace

TreeNames::TreeNames(world::World& world, client::ClientOptions options, std::optional<BrokerKey> own, NameServer& server,
                     spdlog::logger& logger)
    : world_(world),
      server_(server),
      log_(logger),
      directory_(std::move(own)),
      watch_(world, impatient(std::move(options)), {std::string(brokers_root), std::string(key_values_root)},
             {.changed = [this](const std::string& path, const std::string* data) { changed(path, data); },
              .loaded = [this] { log_.info("the name server knows the brokers of the tree topics={}", server_.routes().topics().size()); },
              .trouble = [this](const std::string& words) { log_.warn("name server: {}", words); }}) {}

void TreeNames::add(const BrokerUp& up) {
  std::map<std::string, TopicConfig> topics;
  for (const auto& [name, topic] : up.topics) topics.emplace(name, shown(topic));
  server_.routes().add({.cluster = up.broker.cluster,
                        .broker = up.broker.name,
                        .address = up.address,
                        .id = up.id,
                        .ha_address = up.address,
                        .topics = std::move(topics)},
                       world_.now());
}

void TreeNames::changed(const std::string& path, const std::string* data) {
  if (path.starts_with(key_values_root)) return key_value_changed(path, data);
  std::vector<DirectoryChange> changes;
  directory_.apply(path, data, changes);
  for (const DirectoryChange& change : changes) carry_out(change);
}

void TreeNames::carry_out(const DirectoryChange& change) {
  if (const auto* up = std::get_if<BrokerUp>(&change)) {
    log_.info("a broker of the tree is there name={} cluster={} address={}", up->broker.name, up->broker.cluster, up->address);
    add(*up);
  } else if (const auto* down = std::get_if<BrokerDown>(&change)) {
    log_.info("a broker of the tree is gone name={} address={}", down->broker.name, down->address);
    server_.routes().remove(down->broker.name, down->address);
  } else if (const auto* topic = std::get_if<TopicChanged>(&change)) {
    // Unless somebody else of the same name has its place.
    const auto address = directory_.address_of(topic->broker);
    if (!address || server_.routes().address_of(topic->broker.name, 0) != address) return;
    const auto config = topic->config ? std::optional(shown(*topic->config)) : std::nullopt;
    server_.routes().put_topic(topic->broker.name, topic->topic, config ? &*config : nullptr);
  } else if (const auto* node = std::get_if<NodeUnreadable>(&change)) {
    log_.error("what is at {} in the tree cannot be read", node->path);
  }
}

void TreeNames::key_value_changed(std::string_view path, const std::string* data) {
  if (path.size() <= key_values_root.size() + 1) return;
  const std::vector<std::string_view> parts = base::split(path.substr(key_values_root.size() + 1), '/');
  if (parts.size() != 2) return;
  auto space = client::name_of_part(parts[0]), key = client::name_of_part(parts[1]);
  if (!space || !key) return log_.error("what is at {} in the tree cannot be read", path);
  server_.apply({std::move(*space), std::move(*key), data ? std::optional(*data) : std::nullopt});
}

void TreeNames::restore() {
  directory_.for_each_up([this](const BrokerKey& broker, const std::string&, std::int64_t id) {
    if (!server_.routes().address_of(broker.name, id)) add(*directory_.find(broker));
  });
}

void TreeNames::keep(KeyValueChange change, Stored done) {
  if (change.value) return put(change, true, std::move(done));
  const std::string path = path_of(change);
  watch_.client().remove(path, -1, [this, change = std::move(change), done = std::move(done)](client::Result<void> removed) mutable {
    if (!removed && removed.error().code != Code::no_node) return done(std::unexpected(removed.error().message));
    kept(change, std::move(done));
  });
}

void TreeNames::put(const KeyValueChange& change, bool may_create, Stored done) {
  watch_.client().set(path_of(change), *change.value, -1,
                      [this, change, may_create, done = std::move(done)](client::Result<client::Stat> set) mutable {
                        if (set) return kept(change, std::move(done));
                        if (set.error().code != Code::no_node || !may_create) return done(std::unexpected(set.error().message));
                        // Each parent in turn; the answers come in order, so the last tells of all.
                        client::Client& tree = watch_.client();
                        for (const std::string& path : {std::string("/chorus"), std::string(key_values_root), folder_of(change)}) {
                          tree.create(path, "", {}, [](client::Result<client::Created>) {});
                        }
                        tree.create(path_of(change), *change.value, {},
                                    [this, change, done = std::move(done)](client::Result<client::Created> made) mutable {
                                      if (made) return kept(change, std::move(done));
                                      // Another NameServer was faster.
                                      if (made.error().code == Code::node_exists) return put(change, false, std::move(done));
                                      done(std::unexpected(made.error().message));
                                    });
                      });
}

void TreeNames::kept(const KeyValueChange& change, Stored done) {
  server_.apply(change);
  done({});
}

}  // namespace chorus::mq::rocketmq
