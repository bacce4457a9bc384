// The catalogue in the tree, over the ZooKeeper protocol: on our own ensemble or on any other.
//
//   /chorus/mq/CLUSTER/BROKER               a broker
//   /chorus/mq/CLUSTER/BROKER/topics/NAME   its topics, config_json.h
//   /chorus/mq/CLUSTER/BROKER/groups/NAME   its groups
//   /chorus/mq/CLUSTER/BROKER/settings      what an administrator changed of its settings: {"traceOn":"false"}
//   /chorus/mq/CLUSTER/BROKER/key-values    of the name server in the same process: {"ORDER_TOPIC_CONFIG":{"topic":"broker:4"}}
//   /chorus/mq/CLUSTER/BROKER/live          while it runs: {"address":"host:port","id":0}
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "client/client.h"
#include "mq/broker/catalogue.h"
#include "world/world.h"

namespace chorus::mq {

using KeyValues = std::map<std::string, std::map<std::string, std::string>>;  // namespace, key

struct CatalogueContents {
  std::vector<TopicConfig> topics;
  std::vector<GroupConfig> groups;
  KeyValues key_values;                         // of the name server beside it
  std::map<std::string, std::string> settings;  // changed while it ran, under RocketMQ's names
};

/// Lives on one reactor. Goes on with a new session when the old one has ended.
class TreeCatalogue final : public Catalogue {
 public:
  TreeCatalogue(world::World& world, client::ClientOptions options, std::string cluster, std::string broker, spdlog::logger& logger);
  ~TreeCatalogue() override;

  /// Makes what is missing, and reads what is there; again and again until there is a server that answers.
  void load(std::move_only_function<void(CatalogueContents)> done);
  /// The broker runs at this address from now on.
  void announce(std::string address);
  /// Takes the announcement back and ends the session.
  void close(world::Callback done);

  void put(const TopicConfig& topic, Stored done) override;
  void remove_topic(const std::string& topic, Stored done) override;
  void put(const GroupConfig& group, Stored done) override;
  void remove_group(const std::string& group, Stored done) override;
  void put(const std::map<std::string, std::string>& settings, Stored done) override;
  void put_key_values(const KeyValues& all, Stored done);

 private:
  void connect();
  void begin_load();
  void read(const std::vector<std::string>& topics, const std::vector<std::string>& groups, const nlohmann::json& settings,
            const nlohmann::json& key_values);
  /// An object, empty when there is none.
  void read_json(const std::string& path, std::move_only_function<void(nlohmann::json)> done);
  void read_all(const std::string& kind, std::move_only_function<void(std::vector<std::string>)> done);
  void load_failed(const client::Error& why);
  void announce_now();
  void put(std::string path, std::string json, Stored done);
  void remove(std::string path, Stored done);
  std::string path_of(std::string_view kind, std::string_view name) const;
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

  world::World& world_;
  const client::ClientOptions options_;
  const std::string base_;
  spdlog::logger& log_;
  std::unique_ptr<client::Client> client_;
  std::move_only_function<void(CatalogueContents)> loaded_;
  std::string announced_;  // empty: not
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq
