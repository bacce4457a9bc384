// What a power failure leaves on a disk.
#include <algorithm>
#include <cstring>
#include <utility>

#include "world/sim/disk.h"

namespace chorus::sim {

namespace {

std::uint64_t blocks_for(std::uint64_t size) { return (size + block_size - 1) / block_size; }

}  // namespace

void Disk::lose_power() {
  settle_names(power_loss);
  blocks_used_ = 0;
  settle(*root_);
}

void Disk::settle_names(PowerLoss how) {
  // A journal keeps a first part of the changes; a simpler file system any of them. What a lost creation would have named is lost with it.
  std::size_t first_part = changes_.size();
  bool each_by_chance = false;
  if (how == PowerLoss::lose) first_part = 0;
  if (how == PowerLoss::random) {
    switch (random_.below(4)) {
      case 0:
        first_part = 0;
        break;
      case 1:
        break;
      case 2:
        first_part = static_cast<std::size_t>(random_.below(changes_.size() + 1));
        break;
      default:
        each_by_chance = true;
        break;
    }
  }
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (each_by_chance ? random_.below(2) == 0 : i >= first_part) continue;
    if (change.kind == Change::Kind::rename) {
      const auto found = change.directory->medium_entries.find(change.name);
      if (found == change.directory->medium_entries.end() || found->second != change.inode) continue;
    }
    apply(change);
  }
  changes_.clear();
}

void Disk::settle(Inode& at) {
  at.linked = true;
  if (!at.is_directory) {
    settle_file(at);
    blocks_used_ += blocks_taken(at);
    return;
  }
  at.entries = at.medium_entries;
  for (const auto& [name, inode] : at.entries) settle(*inode);
}

void Disk::settle_file(Inode& at) {
  PowerLoss how = power_loss;
  bool mixed = false;
  if (how == PowerLoss::random) {
    const std::uint64_t draw = random_.below(4);
    mixed = draw >= 2;
    how = draw == 0 ? PowerLoss::lose : PowerLoss::keep;
  }

  std::uint64_t size = how == PowerLoss::lose ? at.medium_size : at.size;
  if (mixed && at.size != at.medium_size) {
    const std::uint64_t low = std::min(at.size, at.medium_size);
    const std::uint64_t high = std::max(at.size, at.medium_size);
    switch (random_.below(4)) {
      case 0:
        size = low;
        break;
      case 1:
        size = high;
        break;
      // A size in between is one that was never cut off: of a file that grew.
      case 2:
        size = at.size > at.medium_size ? low + random_.below(high - low) : low;
        break;
      default:
        size = at.size > at.medium_size ? std::min(high, (low + random_.below(high - low)) / block_size * block_size + block_size) : high;
        break;
    }
  }
  // The cut that was not synced did not happen, or some of it.
  const bool keep_cut = how == PowerLoss::keep && !mixed;
  for (auto& [number, medium] : std::exchange(at.cut_off, {})) {
    if (keep_cut || number * block_size >= size || medium == nullptr) continue;
    at.blocks[number].now = std::move(medium);
  }
  for (auto block = at.blocks.begin(); block != at.blocks.end();) {
    Inode::Block& b = block->second;
    const std::uint64_t draw = mixed && b.dirty ? random_.below(4) : how == PowerLoss::lose ? 0 : 1;
    if (b.forsaken || (b.dirty && draw == 0)) {
      b.now = std::move(b.medium);
    } else if (b.dirty && draw >= 2) {
      for (std::size_t sector = 0; sector < block_size / sector_size; ++sector) {
        if (random_.below(2) == 0) continue;
        char* to = b.now->data() + sector * sector_size;
        if (b.medium == nullptr) {
          std::memset(to, 0, sector_size);
        } else {
          std::memcpy(to, b.medium->data() + sector * sector_size, sector_size);
        }
      }
    }
    b.medium.reset();
    b.dirty = b.forsaken = false;
    block = b.now == nullptr || block->first >= blocks_for(size) ? at.blocks.erase(block) : std::next(block);
  }
  if (const std::size_t inside = static_cast<std::size_t>(size % block_size); inside != 0) {
    if (const auto last = at.blocks.find(size / block_size); last != at.blocks.end()) {
      std::memset(last->second.now->data() + inside, 0, block_size - inside);
    }
  }
  at.dirty.clear();
  at.size = at.medium_size = size;
  if (how == PowerLoss::lose || (mixed && random_.below(2) == 0)) at.reserved_blocks = at.medium_reserved_blocks;
  at.reserved_blocks = std::min(at.reserved_blocks, blocks_for(size));
  at.medium_reserved_blocks = at.reserved_blocks;
}

}  // namespace chorus::sim
