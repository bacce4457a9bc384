// What entries before a position made: the owner's state and the next offset of every queue. docs/formats.md has the layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/log/store.h"

namespace chorus::mq::log {

struct Checkpoint {
  Position position = 0;
  std::string state;
  struct Line {
    std::string topic;
    std::int32_t queue = 0;
    Offset next = 0;
  };
  std::vector<Line> queues;
};

inline constexpr std::uint64_t checkpoint_octets_max = std::uint64_t{1} << 31;
/// So many of the newest ones are kept.
inline constexpr std::size_t checkpoints_kept = 3;

std::string checkpoint_name(Position position);
std::string encode_checkpoint(const Checkpoint& checkpoint);
/// Empty: damaged, or of another version.
std::optional<Checkpoint> decode_checkpoint(std::string_view octets);

}  // namespace chorus::mq::log
