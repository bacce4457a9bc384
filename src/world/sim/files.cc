// World's files over a simulated disk: the place where faults of the disk happen.
#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "world/sim/life.h"
#include "world/sim/simulation.h"

namespace chorus::sim {

using world::FileErrc;
using world::FileResult;

namespace {

std::unexpected<world::FileError> dead() { return base::error(FileErrc::io, "the process has died"); }
std::unexpected<world::FileError> device_failed(const std::string& what) {
  return base::error(FileErrc::io, what + ": Input/output error; check the disk");
}

}  // namespace

/// What files and directories of one life share: the chance of a fault, the time that an operation takes, the trace.
class DiskAccess {
 public:
  explicit DiskAccess(Life& life) : life_(life) {}

 protected:
  bool begins() { return life_.file_operation(); }
  bool fails(double chance);
  void takes(std::int64_t least_ns, std::int64_t most_ns);
  void record(Happening what, std::uint64_t a = 0, std::uint64_t b = 0);
  void record(Happening what, const std::string& path);
  Disk& disk() { return life_.host().disk(); }
  base::Random& dice();

  Life& life_;
};

class SimFile final : public world::File, DiskAccess {
 public:
  SimFile(Life& life, std::string path, std::shared_ptr<Inode> inode, bool writable)
      : DiskAccess(life), path_(std::move(path)), inode_(std::move(inode)), writable_(writable) {}

  FileResult<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override {
    if (!begins()) return dead();
    if (fails(disk().options.read_error)) return device_failed("read " + path_);
    const std::size_t count = disk().read(*inode_, offset, to, size);
    takes(1'000, 2'000);
    record(Happening::read, offset, count);
    return count;
  }
  FileResult<void> write_at(std::uint64_t offset, std::string_view octets) override {
    if (!begins()) return dead();
    if (!writable_) return base::error(FileErrc::not_permitted, path_ + " was opened for reading only");
    record(Happening::written, offset, octets.size());
    const bool failed = fails(disk().options.write_error);
    if (failed) octets = octets.substr(0, static_cast<std::size_t>(dice().below(octets.size() + 1)));
    const std::int64_t time = disk().options.write_time.count() + static_cast<std::int64_t>(octets.size());
    takes(time, time);
    if (auto written = disk().write(*inode_, offset, octets); !written) return written;
    if (failed) return device_failed("write " + path_);
    return {};
  }
  FileResult<void> sync() override {
    if (!begins()) return dead();
    takes(disk().options.sync_min.count(), disk().options.sync_max.count());
    if (fails(disk().options.sync_error)) {
      disk().fail_sync(*inode_);
      return device_failed("sync " + path_);
    }
    disk().sync(*inode_);
    record(Happening::synced, inode_->size);
    return {};
  }
  FileResult<std::uint64_t> size() override {
    if (!begins()) return dead();
    return inode_->size;
  }
  FileResult<void> truncate(std::uint64_t size) override {
    if (!begins()) return dead();
    if (!writable_) return base::error(FileErrc::not_permitted, path_ + " was opened for reading only");
    record(Happening::truncated, inode_->size, size);
    if (fails(disk().options.write_error)) return device_failed("truncate " + path_);
    disk().truncate(*inode_, size);
    return {};
  }
  FileResult<void> allocate(std::uint64_t size) override {
    if (!begins()) return dead();
    if (!writable_) return base::error(FileErrc::not_permitted, path_ + " was opened for reading only");
    record(Happening::allocated, inode_->size, size);
    if (fails(disk().options.write_error)) return device_failed("allocate " + path_);
    return disk().allocate(*inode_, size);
  }

 private:
  const std::string path_;
  const std::shared_ptr<Inode> inode_;
  const bool writable_;
};

class SimLock final : public world::DirectoryLock {
 public:
  SimLock(Life& life, std::set<std::string>& locks, std::string path) : life_(life), locks_(locks), path_(std::move(path)) {}
  ~SimLock() override {
    if (life_.alive) locks_.erase(path_);
  }

 private:
  Life& life_;
  std::set<std::string>& locks_;
  const std::string path_;
};

class SimFiles final : public world::Files, DiskAccess {
 public:
  explicit SimFiles(Life& life) : DiskAccess(life) {}

  FileResult<std::unique_ptr<world::File>> open(const std::string& path, world::OpenMode mode) override {
    if (!begins()) return dead();
    record(Happening::opened, path);
    if (fails(mode == world::OpenMode::read ? disk().options.read_error : disk().options.write_error)) return device_failed("open " + path);
    auto inode = disk().open(path, mode);
    if (!inode) return std::unexpected(inode.error());
    return std::make_unique<SimFile>(life_, path, *inode, mode != world::OpenMode::read);
  }
  FileResult<std::vector<world::Entry>> list(const std::string& directory) override {
    if (!begins()) return dead();
    if (fails(disk().options.read_error)) return device_failed("list " + directory);
    const auto inode = disk().find(directory);
    if (inode == nullptr) return base::error(FileErrc::not_found, directory + " does not exist");
    if (!inode->is_directory) return base::error(FileErrc::io, directory + " is not a directory");
    std::vector<world::Entry> entries;
    for (const auto& [name, entry] : inode->entries) entries.push_back({name, entry->is_directory, entry->size});
    return entries;
  }
  bool exists(const std::string& path) override { return begins() && disk().find(path) != nullptr; }
  FileResult<void> make_directories(const std::string& path) override {
    if (!begins()) return dead();
    if (fails(disk().options.write_error)) return device_failed("make directory " + path);
    return disk().make_directories(path);
  }
  FileResult<void> rename(const std::string& from, const std::string& to) override {
    if (!begins()) return dead();
    record(Happening::renamed, to);
    if (fails(disk().options.write_error)) return device_failed("rename " + from);
    return disk().rename(from, to);
  }
  FileResult<void> remove(const std::string& path) override {
    if (!begins()) return dead();
    record(Happening::removed, path);
    if (fails(disk().options.write_error)) return device_failed("remove " + path);
    return disk().remove(path);
  }
  FileResult<void> sync_directory(const std::string& path) override {
    if (!begins()) return dead();
    takes(disk().options.sync_min.count(), disk().options.sync_max.count());
    if (fails(disk().options.sync_error)) return device_failed("sync directory " + path);
    record(Happening::directory_synced, path);
    return disk().sync_directory(path);
  }
  FileResult<std::uint64_t> free_space(const std::string& path) override {
    if (!begins()) return dead();
    if (disk().find(path) == nullptr) return base::error(FileErrc::not_found, path + " does not exist");
    return disk().free_space();
  }
  FileResult<std::uint64_t> total_space(const std::string& path) override {
    if (!begins()) return dead();
    if (disk().find(path) == nullptr) return base::error(FileErrc::not_found, path + " does not exist");
    return disk().options.capacity;
  }
  FileResult<std::unique_ptr<world::DirectoryLock>> lock(const std::string& directory) override;
};

bool DiskAccess::fails(double chance) {
  if (!life_.host().disk_broken_ && (chance <= 0 || !dice().chance(chance))) return false;
  ++life_.host().disk_counts_.faults;
  record(Happening::disk_fault);
  return true;
}

void DiskAccess::takes(std::int64_t least_ns, std::int64_t most_ns) {
  std::int64_t time = dice().between(least_ns, most_ns);
  if (disk().options.slow > 0 && dice().chance(disk().options.slow)) {
    time += static_cast<std::int64_t>(dice().below(static_cast<std::uint64_t>(disk().options.slow_max.count()) + 1));
  }
  life_.spend(time);
}

void DiskAccess::record(Happening what, std::uint64_t a, std::uint64_t b) {
  if (what == Happening::synced) ++life_.host().disk_counts_.syncs;
  Scheduler& scheduler = life_.simulation().scheduler_;
  scheduler.trace.add(scheduler.now_ns(), life_.host().number(), what, a, b);
}

void DiskAccess::record(Happening what, const std::string& path) {
  Scheduler& scheduler = life_.simulation().scheduler_;
  scheduler.trace.add_text(scheduler.now_ns(), life_.host().number(), what, path);
}

base::Random& DiskAccess::dice() { return life_.host().random_; }

FileResult<std::unique_ptr<world::DirectoryLock>> SimFiles::lock(const std::string& directory) {
  if (!begins()) return dead();
  const auto inode = disk().find(directory);
  if (inode == nullptr || !inode->is_directory) return base::error(FileErrc::not_found, directory + " does not exist");
  if (!life_.host().locks_.insert(directory).second) {
    return base::error(FileErrc::in_use, directory + " is in use by another process; stop it first");
  }
  auto lock = std::make_unique<SimLock>(life_, life_.host().locks_, directory);
  if (auto file = disk().open(directory + "/.lock", world::OpenMode::create); !file) return std::unexpected(file.error());
  return lock;
}

std::unique_ptr<world::Files> make_files(Life& life) { return std::make_unique<SimFiles>(life); }

}  // namespace chorus::sim
