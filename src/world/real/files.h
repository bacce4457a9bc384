// Files of this machine, by POSIX.
#pragma once

#include "world/files.h"

namespace chorus::world::real {

class PosixFiles final : public Files {
 public:
  FileResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  FileResult<std::vector<Entry>> list(const std::string& directory) override;
  bool exists(const std::string& path) override;
  FileResult<void> make_directories(const std::string& path) override;
  FileResult<void> rename(const std::string& from, const std::string& to) override;
  FileResult<void> remove(const std::string& path) override;
  FileResult<void> sync_directory(const std::string& path) override;
  FileResult<std::uint64_t> free_space(const std::string& path) override;
  FileResult<std::uint64_t> total_space(const std::string& path) override;
  FileResult<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) override;
};

}  // namespace chorus::world::real
