// Files in memory for tests and fuzzers: what a crash leaves of them, and disks that fail when told to.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "base/random.h"
#include "world/files.h"

namespace chorus::store {

/// One flat name space: directories are there when asked for. Names are durable at once; octets and sizes are when synced.
class MemoryFiles final : public world::Files {
 public:
  struct Node {
    std::string now;
    std::string synced;
  };
  std::map<std::string, std::shared_ptr<Node>> nodes;
  std::uint64_t capacity = std::uint64_t(-1);  // octets of all files together
  bool fail_next_sync = false;
  bool fail_next_write = false;

  void put(const std::string& path, std::string_view octets) {
    nodes[path] = std::make_shared<Node>(Node{std::string(octets), std::string(octets)});
  }

  /// Power fails: every sector of 512 octets that was not synced is old or new by chance, and so is every size.
  void crash(base::Random& random) {
    for (auto& [path, node] : nodes) {
      const std::size_t size = random.chance(0.5) ? node->now.size() : node->synced.size();
      std::string left(std::max(node->now.size(), node->synced.size()), '\0');
      const double kept = random.unit();
      for (std::size_t at = 0; at < left.size(); at += 512) {
        const std::string& from = random.chance(kept) ? node->now : node->synced;
        if (at < from.size()) std::memcpy(left.data() + at, from.data() + at, std::min<std::size_t>(512, from.size() - at));
      }
      left.resize(size);
      *node = Node{left, left};
    }
  }

  world::FileResult<std::unique_ptr<world::File>> open(const std::string& path, world::OpenMode mode) override {
    const auto found = nodes.find(path);
    if (found != nodes.end() && mode == world::OpenMode::create_new) return base::error(world::FileErrc::exists, path + " exists");
    if (found == nodes.end() && (mode == world::OpenMode::read || mode == world::OpenMode::read_write)) {
      return base::error(world::FileErrc::not_found, path + " does not exist");
    }
    auto& node = nodes[path];
    if (node == nullptr) node = std::make_shared<Node>();
    return std::make_unique<Handle>(*this, node, path);
  }
  world::FileResult<std::vector<world::Entry>> list(const std::string& directory) override {
    std::vector<world::Entry> entries;
    for (const auto& [path, node] : nodes) {
      if (world::parent_directory(path) == directory) entries.push_back({path.substr(directory.size() + 1), false, node->now.size()});
    }
    return entries;
  }
  bool exists(const std::string& path) override { return nodes.contains(path); }
  world::FileResult<void> make_directories(const std::string&) override { return {}; }
  world::FileResult<void> rename(const std::string& from, const std::string& to) override {
    const auto found = nodes.find(from);
    if (found == nodes.end()) return base::error(world::FileErrc::not_found, from + " does not exist");
    nodes[to] = found->second;
    nodes.erase(from);
    return {};
  }
  world::FileResult<void> remove(const std::string& path) override {
    if (nodes.erase(path) == 0) return base::error(world::FileErrc::not_found, path + " does not exist");
    return {};
  }
  world::FileResult<void> sync_directory(const std::string&) override { return {}; }
  world::FileResult<std::uint64_t> free_space(const std::string&) override { return capacity - used(); }
  world::FileResult<std::uint64_t> total_space(const std::string&) override { return capacity; }
  world::FileResult<std::unique_ptr<world::DirectoryLock>> lock(const std::string&) override {
    return std::make_unique<world::DirectoryLock>();
  }

 private:
  std::uint64_t used() const {
    std::uint64_t total = 0;
    for (const auto& [path, node] : nodes) total += node->now.size();
    return total;
  }

  class Handle final : public world::File {
   public:
    Handle(MemoryFiles& files, std::shared_ptr<Node> node, std::string path)
        : files_(files), node_(std::move(node)), path_(std::move(path)) {}
    world::FileResult<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override {
      if (offset >= node_->now.size()) return 0;
      size = std::min<std::size_t>(size, node_->now.size() - offset);
      std::memcpy(to, node_->now.data() + offset, size);
      return size;
    }
    world::FileResult<void> write_at(std::uint64_t offset, std::string_view octets) override {
      const std::uint64_t size = node_->now.size();
      const std::uint64_t end = offset + octets.size();
      const bool full = end > size && files_.used() + (end - size) > files_.capacity;
      const bool fails = std::exchange(files_.fail_next_write, false);
      if (full || fails)
        octets = octets.substr(0, std::min<std::size_t>(octets.size() / 2, full && offset < size ? size - offset : octets.size()));
      if (offset + octets.size() > size && !octets.empty()) node_->now.resize(offset + octets.size());
      if (!octets.empty()) std::memcpy(node_->now.data() + offset, octets.data(), octets.size());
      if (full) return base::error(world::FileErrc::no_space, path_ + ": no space left");
      if (fails) return base::error(world::FileErrc::io, path_ + ": the device failed");
      return {};
    }
    world::FileResult<void> sync() override {
      if (std::exchange(files_.fail_next_sync, false)) return base::error(world::FileErrc::io, path_ + ": the device failed to sync");
      node_->synced = node_->now;
      return {};
    }
    world::FileResult<std::uint64_t> size() override { return node_->now.size(); }
    world::FileResult<void> truncate(std::uint64_t size) override {
      node_->now.resize(size);
      return {};
    }
    world::FileResult<void> allocate(std::uint64_t size) override {
      if (size <= node_->now.size()) return {};
      if (files_.used() + size - node_->now.size() > files_.capacity)
        return base::error(world::FileErrc::no_space, path_ + ": no space left");
      node_->now.resize(size);
      return {};
    }

   private:
    MemoryFiles& files_;
    std::shared_ptr<Node> node_;
    std::string path_;
  };
};

}  // namespace chorus::store
