#include "cache/replication/stream.h"

#include <algorithm>
#include <utility>

namespace chorus::cache::replication {
namespace {

constexpr std::size_t block_octets = 16U << 10;

}  // namespace

void Stream::forget(std::string new_id) {
  blocks_.clear();
  is_kept_ = false;
  change_id(std::move(new_id));
}

void Stream::change_id(std::string new_id) {
  id_ = std::move(new_id);
  second_id_.assign(40, '0');
  second_end_ = -1;
}

void Stream::append(std::string_view octets) {
  while (!octets.empty()) {
    if (blocks_.empty() || blocks_.back().octets.size() >= block_octets) {
      blocks_.push_back({.first = end_ + 1, .octets = {}});
      blocks_.back().octets.reserve(block_octets);
    }
    std::string& to = blocks_.back().octets;
    const std::size_t size = std::min(octets.size(), block_octets - to.size());
    to.append(octets.substr(0, size));
    octets.remove_prefix(size);
    end_ += static_cast<std::int64_t>(size);
  }
}

std::string_view Stream::from(std::int64_t from) const {
  if (from < first() || from > end_) return {};
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), from, [](std::int64_t at, const Block& block) { return at < block.first; });
  const Block& block = *std::prev(after);
  return std::string_view(block.octets).substr(static_cast<std::size_t>(from - block.first));
}

void Stream::trim(std::size_t most, std::optional<std::int64_t> needed) {
  std::int64_t keep_from = end_ + 1 - static_cast<std::int64_t>(most);
  if (needed) keep_from = std::min(keep_from, *needed);
  // Only whole blocks go, and the one that is being filled stays.
  while (blocks_.size() > 1 && blocks_[1].first <= keep_from) blocks_.pop_front();
}

bool Stream::can_continue(std::string_view id, std::int64_t from) const {
  if (!is_kept_) return false;
  const bool is_known = id == id_ || (id == second_id_ && from <= second_end_);
  return is_known && from >= first() && from <= end_ + 1;
}

void Stream::branch(std::string new_id) {
  if (new_id == id_) return;
  second_id_ = std::exchange(id_, std::move(new_id));
  // Who asks for the next octet has all that was common.
  second_end_ = end_ + 1;
}

void Stream::become(std::string id, std::int64_t end) {
  blocks_.clear();
  id_ = std::move(id);
  second_id_.assign(40, '0');
  second_end_ = -1;
  end_ = end;
  is_kept_ = true;
}

}  // namespace chorus::cache::replication
