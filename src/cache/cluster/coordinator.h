// Membership at work: reads and writes the tree for it.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <string>

#include "cache/cluster/membership.h"
#include "client/tree_watch.h"
#include "world/world.h"

namespace chorus::cache::cluster {

/// Where things are in the tree.
std::string map_path(std::string_view cluster);
std::string nodes_path(std::string_view cluster);
std::string lease_path(std::string_view cluster, std::string_view id);
std::string life_path(std::string_view cluster, std::string_view id);
/// Those above, which have to be there first, in the order in which they are made.
std::vector<std::string> parent_paths(std::string_view cluster);

/// Lives on one reactor. Tells what it learns by `step`, never from within perform().
class Coordinator {
 public:
  using Step = std::function<void(const Event&)>;
  /// membership, logger: outlive this
  Coordinator(world::World& world, client::ClientOptions tree, const Membership& membership, Step step, spdlog::logger& logger);

  void start();
  /// All but Finished and Changed, which are not its business.
  void perform(const Action& action);
  /// Leaves: others see at once that this node does not run.
  void close(world::Callback done);

 private:
  void changed(const std::string& path, const std::string* data);
  void read_map(std::uint64_t read);
  void write_map(const action::WriteMap& write);
  void create_map(const action::WriteMap& write);
  void written(event::Written how, std::int32_t version);
  void read_lease(const NodeId& id);
  void beat();
  void renew();
  void enlist();
  void create_own();
  void begin_life();
  void live(std::int32_t number);
  void make_parents();
  const std::string& name() const { return membership_.options().name; }
  std::string own_path() const { return nodes_path(name()) + "/" + membership_.self(); }
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

  world::World& world_;
  const Membership& membership_;
  Step step_;
  spdlog::logger& log_;
  client::TreeWatch watch_;
  bool is_reading_again_ = false;  // after what the watch told of could not be read
  bool is_enlisted_ = false, is_enlisting_ = false, is_renewing_ = false, is_closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::cache::cluster
