// Stands between programs that talk over TCP and makes what one connection carries late, differently from one moment to the next and from
// one connection to another: the order between connections changes, the order within each is kept.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/random.h"
#include "world/world.h"

namespace chorus::chaos {

class Relay {
 public:
  Relay(world::World& world, base::Random random);
  ~Relay();

  /// What connects to `listen` is connected to `target` from now on. Returns the address with the port that the system picked.
  world::NetResult<world::Address> add_route(const world::Address& listen, const world::Address& target);
  /// Each piece of octets received from now on waits so long, drawn anew for each. Zero, the default: none waits.
  void set_delay(world::Duration least, world::Duration most);
  std::size_t connections() const { return links_.size(); }

 private:
  class Link;
  world::Duration draw_delay();
  void accept(std::unique_ptr<world::Connection> near, const world::Address& target);

  world::World& world_;
  base::Random random_;
  world::Duration least_{}, most_{};
  std::vector<std::unique_ptr<world::Listener>> listeners_;
  std::map<const Link*, std::shared_ptr<Link>> links_;
};

}  // namespace chorus::chaos
