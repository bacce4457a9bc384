// The file of a log that is appended to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "world/files.h"

namespace chorus::cache::append {

/// All calls block: on the disk thread. After an error that is not no_space nothing more may be appended.
class AppendFile {
 public:
  /// A new one, or in the place of what is there. It begins with an empty group, which is durable; its name is once its directory is
  /// synced.
  static world::FileResult<std::unique_ptr<AppendFile>> create(world::Files& files, const std::string& path);
  /// One that is whole and durable up to its end.
  static world::FileResult<std::unique_ptr<AppendFile>> open(world::Files& files, const std::string& path);

  /// group: as many octets of room as group_line() has, then whole units; the line is put into them. Not durable before sync().
  ///   errors   no_space: the file is as it was
  world::FileResult<void> append(std::string& group);
  world::FileResult<void> sync();
  /// Says behind the last group that all before it is durable, which it is then.
  world::FileResult<void> seal();
  std::uint64_t octets() const { return end_; }

 private:
  AppendFile(std::unique_ptr<world::File> file, std::uint64_t end) : file_(std::move(file)), end_(end), synced_(end) {}

  std::unique_ptr<world::File> file_;
  std::uint64_t end_, synced_;
};

}  // namespace chorus::cache::append
