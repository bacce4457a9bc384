#include "world/sim/disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace chorus::sim {

using world::FileErrc;
using world::FileResult;
using world::OpenMode;

namespace {

std::uint64_t blocks_for(std::uint64_t size) { return (size + block_size - 1) / block_size; }

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts = base::split(path, '/');
  std::erase_if(parts, [](std::string_view part) { return part.empty() || part == "."; });
  return parts;
}

std::unique_ptr<Inode::Octets> copy(const std::unique_ptr<Inode::Octets>& octets) {
  return octets == nullptr ? nullptr : std::make_unique<Inode::Octets>(*octets);
}

std::unique_ptr<Inode::Octets> zeros() {
  auto octets = std::make_unique<Inode::Octets>();
  octets->fill(0);
  return octets;
}

/// Each sector of `to` becomes that of `from` by an even chance.
void mix_sectors(std::unique_ptr<Inode::Octets>& to, const std::unique_ptr<Inode::Octets>& from, base::Random& random) {
  if (to == nullptr) to = zeros();
  const std::uint64_t coins = random.next();
  for (std::size_t sector = 0; sector < block_size / sector_size; ++sector) {
    if ((coins >> sector & 1) == 0) continue;
    char* at = to->data() + sector * sector_size;
    if (from == nullptr) {
      std::memset(at, 0, sector_size);
    } else {
      std::memcpy(at, from->data() + sector * sector_size, sector_size);
    }
  }
}

std::string read_all(const Disk& disk, const Inode& at) {
  std::string octets(at.size, '\0');
  disk.read(at, 0, octets.data(), octets.size());
  return octets;
}

}  // namespace

Disk::Disk(const DiskOptions& disk_options, base::Random random) : options(disk_options), random_(random) { root_->is_directory = true; }

Disk::Place Disk::place(std::string_view path) const {
  const auto parts = parts_of(path);
  if (parts.empty()) return {root_, ""};
  std::shared_ptr<Inode> at = root_;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto found = at->entries.find(std::string(parts[i]));
    if (found == at->entries.end() || !found->second->is_directory) return {};
    at = found->second;
  }
  return {at, std::string(parts.back())};
}

std::shared_ptr<Inode> Disk::find(std::string_view path) const {
  const Place where = place(path);
  if (where.directory == nullptr) return nullptr;
  if (where.name.empty()) return where.directory;
  const auto found = where.directory->entries.find(where.name);
  return found == where.directory->entries.end() ? nullptr : found->second;
}

FileResult<std::shared_ptr<Inode>> Disk::open(const std::string& path, OpenMode mode) {
  const Place where = place(path);
  if (where.directory == nullptr) return base::error(FileErrc::not_found, path + ": its directory does not exist");
  if (where.name.empty()) return base::error(FileErrc::io, path + " is a directory");
  const auto found = where.directory->entries.find(where.name);
  if (found != where.directory->entries.end()) {
    if (mode == OpenMode::create_new) return base::error(FileErrc::exists, path + " exists already");
    if (found->second->is_directory) return base::error(FileErrc::io, path + " is a directory");
    return found->second;
  }
  if (mode == OpenMode::read || mode == OpenMode::read_write) return base::error(FileErrc::not_found, path + " does not exist");
  auto inode = std::make_shared<Inode>();
  where.directory->entries.emplace(where.name, inode);
  changes_.push_back({Change::Kind::create, where.directory, where.name, inode, nullptr, ""});
  return inode;
}

std::size_t Disk::read(const Inode& at, std::uint64_t offset, char* to, std::size_t size) const {
  if (offset >= at.size) return 0;
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, at.size - offset));
  for (std::size_t done = 0; done < size;) {
    const std::uint64_t number = (offset + done) / block_size;
    const std::size_t inside = static_cast<std::size_t>((offset + done) % block_size);
    const std::size_t count = std::min(block_size - inside, size - done);
    const auto found = at.blocks.find(number);
    if (found == at.blocks.end() || found->second.now == nullptr) {
      std::memset(to + done, 0, count);
    } else {
      std::memcpy(to + done, found->second.now->data() + inside, count);
    }
    done += count;
  }
  return size;
}

bool Disk::take_blocks(std::uint64_t count) {
  if (blocks_used_ + count > options.capacity / block_size) return false;
  blocks_used_ += count;
  return true;
}

FileResult<void> Disk::no_space(const std::string& what) const {
  return base::error(FileErrc::no_space, fmt::format("{}: the disk of {} octets is full; make room on it", what, options.capacity));
}

std::uint64_t Disk::free_space() const {
  const std::uint64_t blocks = options.capacity / block_size;
  return blocks > blocks_used_ ? (blocks - blocks_used_) * block_size : 0;
}

Inode::Block* Disk::writable_block(Inode& at, std::uint64_t number) {
  auto found = at.blocks.find(number);
  if (found == at.blocks.end()) {
    if (number >= at.reserved_blocks && at.linked && !take_blocks(1)) return nullptr;
    found = at.blocks.try_emplace(number).first;
    Inode::Block& block = found->second;
    if (const auto cut_off = at.cut_off.find(number); cut_off != at.cut_off.end()) {
      block.medium = std::move(cut_off->second);
      at.cut_off.erase(cut_off);
    }
    block.dirty = true;
    at.dirty.push_back(number);
    block.now = zeros();
    return &block;
  }
  Inode::Block& block = found->second;
  if (!block.dirty) {
    if (!block.forsaken) block.medium = copy(block.now);
    block.forsaken = false;
    block.dirty = true;
    at.dirty.push_back(number);
  } else if (random_.below(4) == 0) {
    mix_sectors(block.medium, block.now, random_);  // the system wrote it back on its own account, in part
  }
  if (block.now == nullptr) block.now = zeros();
  return &block;
}

FileResult<void> Disk::write(Inode& at, std::uint64_t offset, std::string_view octets) {
  for (std::size_t done = 0; done < octets.size();) {
    const std::uint64_t position = offset + done;
    const std::size_t inside = static_cast<std::size_t>(position % block_size);
    const std::size_t count = std::min(block_size - inside, octets.size() - done);
    Inode::Block* block = writable_block(at, position / block_size);
    if (block == nullptr) return no_space("write");
    std::memcpy(block->now->data() + inside, octets.data() + done, count);
    done += count;
    at.size = std::max(at.size, position + count);
  }
  return {};
}

void Disk::sync(Inode& at) {
  for (const std::uint64_t number : std::exchange(at.dirty, {})) {
    const auto found = at.blocks.find(number);
    if (found == at.blocks.end() || !found->second.dirty) continue;
    found->second.dirty = false;
    found->second.medium.reset();
  }
  at.cut_off.clear();
  at.medium_size = at.size;
  at.medium_reserved_blocks = at.reserved_blocks;
}

void Disk::fail_sync(Inode& at) {
  // As Linux does: pages whose write failed are marked clean. They may still be read until they are evicted, or be read as before.
  for (const std::uint64_t number : std::exchange(at.dirty, {})) {
    const auto found = at.blocks.find(number);
    if (found == at.blocks.end() || !found->second.dirty) continue;
    Inode::Block& block = found->second;
    switch (random_.below(3)) {
      case 0:
        at.dirty.push_back(number);
        break;
      case 1:
        block.dirty = false;
        block.forsaken = true;
        break;
      default:
        block.dirty = false;
        block.now = std::move(block.medium);
        break;
    }
  }
}

std::uint64_t Disk::blocks_taken(const Inode& at) {
  return at.reserved_blocks + static_cast<std::uint64_t>(std::distance(at.blocks.lower_bound(at.reserved_blocks), at.blocks.end()));
}

void Disk::cut(Inode& at, std::uint64_t size) {
  const std::uint64_t keep = blocks_for(size);
  const std::uint64_t taken = blocks_taken(at);
  for (auto block = at.blocks.lower_bound(keep); block != at.blocks.end(); block = at.blocks.erase(block)) {
    const bool differs = block->second.dirty || block->second.forsaken;
    at.cut_off[block->first] = std::move(differs ? block->second.medium : block->second.now);
  }
  at.reserved_blocks = std::min(at.reserved_blocks, keep);
  if (at.linked) blocks_used_ -= taken - blocks_taken(at);
  at.size = size;
}

void Disk::truncate(Inode& at, std::uint64_t size) {
  if (size >= at.size) {
    at.size = size;
    return;
  }
  cut(at, size);
  if (const std::size_t inside = static_cast<std::size_t>(size % block_size); inside != 0 && at.blocks.contains(size / block_size)) {
    Inode::Block* block = writable_block(at, size / block_size);
    std::memset(block->now->data() + inside, 0, block_size - inside);
  }
}

FileResult<void> Disk::allocate(Inode& at, std::uint64_t size) {
  const std::uint64_t want = blocks_for(size);
  if (want > at.reserved_blocks) {
    const std::uint64_t before = std::exchange(at.reserved_blocks, want);
    const std::uint64_t have = before + static_cast<std::uint64_t>(std::distance(at.blocks.lower_bound(before), at.blocks.end()));
    if (const std::uint64_t need = blocks_taken(at) - have; at.linked && !take_blocks(need)) {
      at.reserved_blocks = before;
      return no_space("allocate");
    }
  }
  at.size = std::max(at.size, size);
  return {};
}

FileResult<void> Disk::make_directories(const std::string& path) {
  std::shared_ptr<Inode> at = root_;
  for (const std::string_view part : parts_of(path)) {
    auto& next = at->entries[std::string(part)];
    if (next == nullptr) {
      next = std::make_shared<Inode>();
      next->is_directory = true;
      changes_.push_back({Change::Kind::create, at, std::string(part), next, nullptr, ""});
    } else if (!next->is_directory) {
      return base::error(FileErrc::io, path + ": " + std::string(part) + " is a file");
    }
    at = next;
  }
  return {};
}

void Disk::unlink(const std::shared_ptr<Inode>& inode) {
  blocks_used_ -= blocks_taken(*inode);
  inode->linked = false;
}

FileResult<void> Disk::rename(const std::string& from, const std::string& to) {
  const Place source = place(from);
  const Place target = place(to);
  if (source.directory == nullptr || !source.directory->entries.contains(source.name)) {
    return base::error(FileErrc::not_found, from + " does not exist");
  }
  if (target.directory == nullptr || target.name.empty()) return base::error(FileErrc::not_found, to + ": its directory does not exist");
  const std::shared_ptr<Inode> inode = source.directory->entries[source.name];
  std::shared_ptr<Inode>& there = target.directory->entries[target.name];
  if (there == inode) return {};
  if (there != nullptr) {
    if (there->is_directory || inode->is_directory) return base::error(FileErrc::io, to + " exists and one of the two is a directory");
    unlink(there);
  }
  there = inode;
  source.directory->entries.erase(source.name);
  changes_.push_back({Change::Kind::rename, source.directory, source.name, inode, target.directory, target.name});
  return {};
}

FileResult<void> Disk::remove(const std::string& path) {
  const Place where = place(path);
  if (where.directory == nullptr || !where.directory->entries.contains(where.name)) {
    return base::error(FileErrc::not_found, path + " does not exist");
  }
  const std::shared_ptr<Inode> inode = where.directory->entries[where.name];
  if (!inode->entries.empty()) return base::error(FileErrc::io, path + " is a directory with files in it");
  where.directory->entries.erase(where.name);
  unlink(inode);
  changes_.push_back({Change::Kind::remove, where.directory, where.name, inode, nullptr, ""});
  return {};
}

void Disk::apply(const Change& change) {
  auto& names = change.directory->medium_entries;
  const auto found = names.find(change.name);
  const bool is_it = found != names.end() && found->second == change.inode;
  switch (change.kind) {
    case Change::Kind::create:
      names[change.name] = change.inode;
      break;
    case Change::Kind::remove:
      if (is_it) names.erase(found);
      break;
    case Change::Kind::rename:
      if (is_it) names.erase(found);
      change.to_directory->medium_entries[change.to_name] = change.inode;
      break;
  }
}

FileResult<void> Disk::sync_directory(const std::string& path) {
  const auto directory = find(path);
  if (directory == nullptr) return base::error(FileErrc::not_found, path + " does not exist");
  if (!directory->is_directory) return base::error(FileErrc::io, path + " is not a directory");
  std::erase_if(changes_, [&](const Change& change) {
    if (change.directory != directory && change.to_directory != directory) return false;
    apply(change);
    return true;
  });
  return {};
}

bool Disk::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const auto inode = find(path);
  if (inode == nullptr || offset >= inode->size) return false;
  const auto found = inode->blocks.find(offset / block_size);
  if (found == inode->blocks.end()) return false;
  const auto flip = [&](const std::unique_ptr<Inode::Octets>& octets) {
    if (octets != nullptr) (*octets)[offset % block_size] = static_cast<char>((*octets)[offset % block_size] ^ (1 << (bit % 8)));
  };
  flip(found->second.now);
  flip(found->second.medium);
  return true;
}

std::optional<std::string> Disk::contents(const std::string& path) const {
  const auto inode = find(path);
  if (inode == nullptr || inode->is_directory) return std::nullopt;
  return read_all(*this, *inode);
}

std::optional<std::string> Disk::synced_contents(const std::string& path) const {
  std::shared_ptr<Inode> at = root_;
  for (const std::string_view part : parts_of(path)) {
    const auto found = at->medium_entries.find(std::string(part));
    if (found == at->medium_entries.end()) return std::nullopt;
    at = found->second;
  }
  if (at->is_directory) return std::nullopt;
  std::string octets(at->medium_size, '\0');
  const auto put = [&](std::uint64_t number, const std::unique_ptr<Inode::Octets>& from) {
    const std::uint64_t start = number * block_size;
    if (from == nullptr || start >= octets.size()) return;
    std::memcpy(octets.data() + start, from->data(), std::min<std::size_t>(block_size, octets.size() - start));
  };
  for (const auto& [number, block] : at->blocks) put(number, block.dirty || block.forsaken ? block.medium : block.now);
  for (const auto& [number, medium] : at->cut_off) put(number, medium);
  return octets;
}

std::vector<std::string> Disk::all_files() const {
  std::vector<std::string> names;
  const auto walk = [&](const auto& self, const Inode& at, const std::string& path) -> void {
    for (const auto& [name, inode] : at.entries) {
      if (inode->is_directory) {
        self(self, *inode, path + "/" + name);
      } else {
        names.push_back(path + "/" + name);
      }
    }
  };
  walk(walk, *root_, "");
  return names;
}

}  // namespace chorus::sim
