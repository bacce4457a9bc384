// A machine's disk with what lies on it: what programs see, and what a power failure would leave.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "world/files.h"
#include "world/sim/options.h"

namespace chorus::sim {

inline constexpr std::size_t block_size = 4096;
inline constexpr std::size_t sector_size = 512;

/// A file or directory.
///
/// A file is kept in blocks of 4 KiB as programs see them; a block written since the last sync also keeps its state on the medium.
struct Inode {
  using Octets = std::array<char, block_size>;
  struct Block {
    std::unique_ptr<Octets> now;     // null: zeros
    std::unique_ptr<Octets> medium;  // of a block that differs from its medium; null: zeros
    bool dirty = false;              // the next sync writes it
    bool forsaken = false;           // differs from the medium, but a failed sync made the system forget that
  };

  bool is_directory = false;
  bool linked = true;  // has a name; else its space is free again

  std::map<std::uint64_t, Block> blocks;
  std::vector<std::uint64_t> dirty;
  std::map<std::uint64_t, std::unique_ptr<Octets>> cut_off;  // on the medium, but behind the end since a truncate() not yet synced
  std::uint64_t size = 0;
  std::uint64_t medium_size = 0;
  std::uint64_t reserved_blocks = 0;  // from the start of the file, by allocate()
  std::uint64_t medium_reserved_blocks = 0;

  std::map<std::string, std::shared_ptr<Inode>> entries;
  std::map<std::string, std::shared_ptr<Inode>> medium_entries;
};

class Disk {
 public:
  Disk(const DiskOptions& options, base::Random random);

  DiskOptions options;
  PowerLoss power_loss = PowerLoss::random;

  // What File and Files do, without their faults; `at` borrowed.
  std::shared_ptr<Inode> find(std::string_view path) const;
  world::FileResult<std::shared_ptr<Inode>> open(const std::string& path, world::OpenMode mode);
  std::size_t read(const Inode& at, std::uint64_t offset, char* to, std::size_t size) const;
  world::FileResult<void> write(Inode& at, std::uint64_t offset, std::string_view octets);
  void sync(Inode& at);
  /// What a sync leaves that the device failed.
  void fail_sync(Inode& at);
  void truncate(Inode& at, std::uint64_t size);
  world::FileResult<void> allocate(Inode& at, std::uint64_t size);
  world::FileResult<void> make_directories(const std::string& path);
  world::FileResult<void> rename(const std::string& from, const std::string& to);
  world::FileResult<void> remove(const std::string& path);
  world::FileResult<void> sync_directory(const std::string& path);
  std::uint64_t free_space() const;

  /// Leaves what was synced and, as power_loss says, some of the rest.
  void lose_power();

  // For tests and faults.
  /// Flips one bit, in memory and on the medium; false when there is no such octet.
  bool flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);
  /// As programs see it; empty when there is no such file.
  std::optional<std::string> contents(const std::string& path) const;
  /// What programs would see after a power failure that loses everything not synced.
  std::optional<std::string> synced_contents(const std::string& path) const;
  /// Names of all files, sorted.
  std::vector<std::string> all_files() const;

 private:
  struct Change {
    enum class Kind { create, remove, rename } kind;
    std::shared_ptr<Inode> directory;
    std::string name;
    std::shared_ptr<Inode> inode;
    std::shared_ptr<Inode> to_directory;
    std::string to_name;
  };
  struct Place {
    std::shared_ptr<Inode> directory;  // null when a parent is missing
    std::string name;                  // empty: the root
  };
  Place place(std::string_view path) const;
  static std::uint64_t blocks_taken(const Inode& at);
  bool take_blocks(std::uint64_t count);
  world::FileResult<void> no_space(const std::string& what) const;
  Inode::Block* writable_block(Inode& at, std::uint64_t number);
  void cut(Inode& at, std::uint64_t size);
  void unlink(const std::shared_ptr<Inode>& inode);
  static void apply(const Change& change);
  void settle_names(PowerLoss how);
  void settle_file(Inode& at);
  void settle(Inode& at);

  base::Random random_;
  std::shared_ptr<Inode> root_ = std::make_shared<Inode>();
  std::vector<Change> changes_;  // of names, not yet synced
  std::uint64_t blocks_used_ = 0;
};

}  // namespace chorus::sim
