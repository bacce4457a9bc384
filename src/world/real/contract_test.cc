#include "world/contract.h"

#include "world/real/reactor.h"
#include "world/real/temporary.h"

namespace chorus::world::contract {

struct RealRig {
  static constexpr bool threads = true;
  World& server() { return reactor; }
  World& client() { return reactor; }
  Address address() { return {"127.0.0.1", 0}; }
  std::string directory() { return temporary.path(); }
  bool run_until(const std::function<bool()>& done) { return reactor.run_until(done, std::chrono::seconds(30)); }

  real::TemporaryDirectory temporary;
  real::Reactor reactor;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Real, WorldContract, RealRig);

}  // namespace chorus::world::contract
