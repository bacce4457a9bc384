// Users, policies and accounts in the tree, over the ZooKeeper protocol, for all brokers of a cluster.
//
//   /chorus/mq-acl/CLUSTER/users/NAME       as json.cc says; a name is written with %XX where a path could not have it
//   /chorus/mq-acl/CLUSTER/policies/SUBJECT
//   /chorus/mq-acl/CLUSTER/accounts/KEY
//   /chorus/mq-acl/CLUSTER/settings/NAME
//
// With credentials nobody else can read or change them (scheme "auth", all permissions); without, whoever reaches the tree can.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "mq/acl/access.h"
#include "world/world.h"

namespace chorus::mq::acl {

/// Lives on one reactor. Goes on with a new session when the old one has ended.
class TreeRecords final : public Records {
 public:
  /// credentials: "user:password" of ZooKeeper's scheme digest; empty: none
  TreeRecords(world::World& world, client::ClientOptions options, std::string cluster, std::string credentials, spdlog::logger& logger);
  ~TreeRecords() override;

  /// Makes what is missing, reads what is there, again and again until there is a server that answers; then tells of every change that
  /// others make.
  void load(std::move_only_function<void(std::vector<Record>)> done, std::function<void(const Record&)> on_change);
  void close(world::Callback done);

  void put(const Record& record, Kept done) override;

 private:
  using Key = std::pair<Kind, std::string>;
  struct Known {
    std::string json;
    std::int32_t version = 0;
    std::int64_t zxid = 0;  // of its last change
  };
  struct Reading {
    std::map<Key, Known> found;
    std::map<Kind, std::int64_t> listed;  // the last change of the folder that its list has
    std::size_t left = 0;
    bool failed = false;
  };

  void connect();
  void make_parents();
  void watch();
  void read_all();
  void read_kind(Kind kind, const std::shared_ptr<Reading>& reading);
  void read_done(const std::shared_ptr<Reading>& reading);
  void read_failed(const std::shared_ptr<Reading>& reading, const client::Error& why);
  void refresh(const std::string& path);
  void found(const Key& key, std::optional<Known> known);
  void again_in(std::chrono::milliseconds delay);
  bool is_ended() const;
  std::string path_of(const Key& key) const;
  std::optional<Key> key_of(std::string_view path) const;
  std::vector<client::Acl> acl() const { return credentials_.empty() ? client::open_acl() : client::creator_acl(); }
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

  world::World& world_;
  const client::ClientOptions options_;
  const std::string base_;
  const std::string credentials_;
  spdlog::logger& log_;
  std::unique_ptr<client::Client> client_;
  std::move_only_function<void(std::vector<Record>)> loaded_;
  std::function<void(const Record&)> on_change_;
  std::map<Key, Known> known_;
  std::shared_ptr<Reading> reading_;  // under way
  bool made_ = false;                 // the parents are there
  bool can_watch_ = true;
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq::acl
