// The catalogue in the tree, over the ZooKeeper protocol: on our own ensemble or on any other.
//
//   /chorus/mq/CLUSTER/BROKER               a broker
//   /chorus/mq/CLUSTER/BROKER/topics/NAME   its topics, config_json.h
//   /chorus/mq/CLUSTER/BROKER/groups/NAME   its groups
//   /chorus/mq/CLUSTER/BROKER/settings      what an administrator changed of its settings: {"traceOn":"false"}
//   /chorus/mq/CLUSTER/BROKER/live          while it runs: {"address":"host:port","id":0,...}, config_json.h
//
// The names of cluster and broker are written with %XX where a path could not have them.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "mq/broker/catalogue.h"
#include "mq/broker/config_json.h"
#include "mq/broker/tree_directory.h"
#include "world/world.h"

namespace chorus::mq {

struct CatalogueContents {
  std::vector<TopicConfig> topics;
  std::vector<GroupConfig> groups;
  std::map<std::string, std::string> settings;  // changed while it ran, under RocketMQ's names
};

/// Lives on one reactor. Goes on with a new session when the old one has ended.
class TreeCatalogue final : public Catalogue {
 public:
  TreeCatalogue(world::World& world, client::ClientOptions options, const BrokerKey& broker, spdlog::logger& logger);
  ~TreeCatalogue() override;

  /// Makes what is missing, and reads what is there; again and again until there is a server that answers.
  void load(std::move_only_function<void(CatalogueContents)> done);
  /// The broker runs, and this is what others are to know of it from now on. Where another one of its name runs it has to wait.
  void announce(const Announcement& announcement);
  /// Takes the announcement back and ends the session.
  void close(world::Callback done);

  void put(const TopicConfig& topic, Stored done) override;
  void remove_topic(const std::string& topic, Stored done) override;
  void put(const GroupConfig& group, Stored done) override;
  void remove_group(const std::string& group, Stored done) override;
  void put(const std::map<std::string, std::string>& settings, Stored done) override;

 private:
  void connect();
  void begin_load();
  void read(const std::vector<std::string>& topics, const std::vector<std::string>& groups, const std::string& settings);
  void read_settings(std::move_only_function<void(std::string json)> done);
  void read_all(const std::string& kind, std::move_only_function<void(std::vector<std::string>)> done);
  void load_failed(const client::Error& why);
  void announce_now();
  /// Somebody's announcement is there already.
  void take_place();
  /// What is announced now differs from what is there.
  void tell();
  /// Looks whether the announcement is there and ours, now and whenever it changes.
  void keep_announced();
  void announce_again_in(std::chrono::milliseconds delay);
  bool is_ended() const { return closing_ || client::is_final(client_->state()); }
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
  Announcement announcement_;
  std::string announced_;       // as JSON; empty: not
  bool is_live_ = false;        // it is there, in this session
  bool was_live_ = false;       // ever
  std::string other_;           // the address of another broker of this name
  client::Watcher live_watch_;  // of this session
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq
