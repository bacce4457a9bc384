// A client of one cache in a simulation: a request, its reply.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "world/world.h"

namespace chorus::cache_sim {

/// Connects when it is asked, and again after a failure.
class RedisConnection final : public world::ConnectionHandler {
 public:
  /// The reply as it came, or nothing: the connection was lost, or none came in time.
  using Done = std::function<void(std::optional<std::string> reply)>;
  RedisConnection(world::World& world, world::Address address, world::Duration patience)
      : world_(world), address_(std::move(address)), patience_(patience) {}

  void ask(const std::vector<std::string>& words, Done done);

  void on_data(std::string_view octets) override;
  void on_closed(const world::NetError& why) override;

 private:
  struct Waiting {
    Done done;
    std::uint64_t number;
  };
  void connected(world::NetResult<std::unique_ptr<world::Connection>> connection);
  void lose();

  world::World& world_;
  const world::Address address_;
  const world::Duration patience_;
  std::unique_ptr<world::Connection> connection_;
  bool is_dialing_ = false;
  std::string out_, in_;
  std::deque<Waiting> waiting_;
  std::uint64_t asked_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// How long the first reply in `octets` is; nothing: it is not whole yet.
std::optional<std::size_t> reply_size(std::string_view octets);

}  // namespace chorus::cache_sim
