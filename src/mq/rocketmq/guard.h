// Looks at each request before a server does: who sends it, and whether they may.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mq/acl/access.h"
#include "mq/rocketmq/command.h"
#include "world/world.h"

namespace chorus::mq::rocketmq {

enum class Server { broker, name_server };

/// Lives on one reactor. What it refuses is counted, and written to the log as far as it is not too much.
class Guard {
 public:
  struct Counters {
    std::uint64_t authentication = 0;  // not known, or not signed as they should
    std::uint64_t authorization = 0;   // known, and may not
  };
  static constexpr std::size_t lines_a_second_max = 10;

  /// `access` outlives it.
  Guard(const acl::Access& access, spdlog::logger& logger) : access_(access), log_(logger) {}

  /// The answer to one that is refused; empty: it may pass. peer: as it is connected from.
  std::optional<Outgoing> refusal(Server server, const Command& request, const world::Address& peer, world::Instant now);
  const Counters& counters() const { return counters_; }

 private:
  struct Refusal {
    bool authentication = false;
    ResponseCode code = ResponseCode::no_permission;
    std::string why;
  };
  std::optional<Refusal> by_accounts(const Command& request, const std::string& ip) const;
  std::optional<Refusal> by_users(const Command& request, const std::string& ip) const;
  void note(const Refusal& refusal, Server server, const Command& request, const world::Address& peer, world::Instant now);

  const acl::Access& access_;
  spdlog::logger& log_;
  Counters counters_;
  world::Instant second_;         // since when lines are counted
  std::size_t lines_ = 0;         // in it
  std::uint64_t not_logged_ = 0;  // in it, beyond those
};

}  // namespace chorus::mq::rocketmq
