// Lets a NameServer know what stands in the tree: the brokers that run there with their topics, and keys and values, which all NameServers
// of a tree share.
//
//   /chorus/mq-key-values/NAMESPACE/KEY   the value; a name is written with %XX where a path could not have it
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <optional>
#include <string>

#include "client/tree_watch.h"
#include "mq/broker/catalogue.h"
#include "mq/broker/tree_directory.h"
#include "mq/rocketmq/name_server.h"
#include "world/world.h"

namespace chorus::mq::rocketmq {

/// Lives on one reactor.
class TreeNames {
 public:
  /// own: the broker beside it, which tells the NameServer of itself; `server` and `logger` outlive this
  TreeNames(world::World& world, client::ClientOptions options, std::optional<BrokerKey> own, NameServer& server, spdlog::logger& logger);

  void start() { watch_.start(); }
  /// The NameServer knows all that was in the tree when it was first read.
  bool is_loaded() const { return watch_.is_loaded(); }
  /// Kept in the tree first, then known to this NameServer, and soon to the others. Fails when the tree cannot be reached for 2 s.
  void keep(KeyValueChange change, Stored done);
  /// From time to time: brokers of the tree whose place others had, who registered under the same name and have gone.
  void restore();
  void close(world::Callback done) { watch_.close(std::move(done)); }

 private:
  void changed(const std::string& path, const std::string* data);
  void carry_out(const DirectoryChange& change);
  void key_value_changed(std::string_view path, const std::string* data);
  void put(const KeyValueChange& change, bool may_create, Stored done);
  void kept(const KeyValueChange& change, Stored done);
  void add(const BrokerUp& up);

  world::World& world_;
  NameServer& server_;
  spdlog::logger& log_;
  TreeDirectory directory_;
  client::TreeWatch watch_;
};

}  // namespace chorus::mq::rocketmq
