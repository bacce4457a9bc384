#include "world/real/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace chorus::world::real {
namespace {

/// A file descriptor, closed when destroyed.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::uint64_t octets_left(const std::string& path) {
  struct statvfs disk;
  if (::statvfs(path.c_str(), &disk) != 0 && ::statvfs(parent_directory(path).c_str(), &disk) != 0) return 0;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

std::string user_name(uid_t uid) {
  char text[1024];
  passwd entry;
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, text, sizeof text, &found) != 0 || found == nullptr) return fmt::format("uid {}", uid);
  return fmt::format("{} (uid {})", found->pw_name, uid);
}

/// The deepest of `path` and its parents that exists: the one whose owner or mode is in the way.
std::string owner_words(std::string path) {
  struct stat info;
  while (::stat(path.c_str(), &info) != 0) {
    if (path == "/" || path == ".") return {};
    path = parent_directory(path);
  }
  return fmt::format("{} belongs to {}, mode {:04o}, and this process runs as {}", path, user_name(info.st_uid), info.st_mode & 07777U,
                     user_name(::geteuid()));
}

FileError make_error(const char* doing, const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      return {FileErrc::not_found, fmt::format("cannot {} {}: there is no such file or directory", doing, path)};
    case EEXIST:
      return {FileErrc::exists, fmt::format("cannot {} {}: it exists already", doing, path)};
    case EACCES:
    case EPERM:
      return {FileErrc::not_permitted,
              fmt::format("cannot {} {}: not permitted: {}; change its owner or run as that user", doing, path, owner_words(path))};
    case EROFS:
      return {FileErrc::not_permitted, fmt::format("cannot {} {}: the file system is mounted read-only", doing, path)};
    case ENOSPC:
    case EDQUOT:
      return {FileErrc::no_space, fmt::format("cannot {} {}: {}, {} octets left; make room or move the data to a larger disk", doing, path,
                                              error == EDQUOT ? "the quota is used up" : "the disk is full", octets_left(path))};
    default:
      return {FileErrc::io, fmt::format("cannot {} {}: {}", doing, path, std::generic_category().message(error))};
  }
}

std::unexpected<FileError> failed(const char* doing, const std::string& path, int error = errno) {
  return std::unexpected(make_error(doing, path, error));
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  FileResult<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t count = ::pread(fd_.get(), to + done, size - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("read", path_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  FileResult<void> write_at(std::uint64_t offset, std::string_view octets) override {
    while (!octets.empty()) {
      const ssize_t count = ::pwrite(fd_.get(), octets.data(), octets.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("write", path_);
      offset += static_cast<std::uint64_t>(count);
      octets.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  FileResult<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed("sync", path_);
    return {};
  }

  FileResult<std::uint64_t> size() override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return failed("look at", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  FileResult<void> truncate(std::uint64_t size) override {
    while (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      if (errno != EINTR) return failed("truncate", path_);
    }
    return {};
  }

  FileResult<void> allocate(std::uint64_t size) override {
    const auto present = this->size();
    if (!present) return std::unexpected(present.error());
    if (*present >= size) return {};
    int error;
    do {
      error = ::posix_fallocate(fd_.get(), static_cast<off_t>(*present), static_cast<off_t>(size - *present));
    } while (error == EINTR);
    if (error != 0) {
      // The part that there was room for may have been added.
      if (auto done = truncate(*present); !done) return done;
      return failed("allocate space for", path_, error);
    }
    // Space that was only reserved is marked as written by the first write to each of its blocks, which makes the sync of that write wait
    // for the file system's journal as well (README.md has figures). Written zeros leave nothing to mark.
    // In pieces, since a write makes the page cache's units as large as itself, and every later write into a unit looks at all of it.
    const std::string zeros(std::min<std::uint64_t>(size - *present, 16 << 10), '\0');
    for (std::uint64_t at = *present; at < size; at += zeros.size()) {
      if (auto done = write_at(at, std::string_view(zeros).substr(0, size - at)); !done) return done;
    }
    return sync();
  }

 private:
  const Descriptor fd_;
  const std::string path_;
};

/// flock() on `.lock`: it goes with the descriptor, so that a killed process leaves none behind. The file stays, since removing it would
/// let a third process lock another one of that name.
class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;
};

}  // namespace

FileResult<std::unique_ptr<File>> PosixFiles::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case OpenMode::read:
      flags |= O_RDONLY;
      break;
    case OpenMode::read_write:
      flags |= O_RDWR;
      break;
    case OpenMode::create:
      flags |= O_RDWR | O_CREAT;
      break;
    case OpenMode::create_new:
      flags |= O_RDWR | O_CREAT | O_EXCL;
      break;
  }
  Descriptor fd(::open(path.c_str(), flags, 0644));
  if (!fd.ok()) return failed("open", path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return failed("look at", path);
  if (S_ISDIR(info.st_mode)) return failed("open", path, EISDIR);
  return std::make_unique<PosixFile>(std::move(fd), path);
}

FileResult<std::vector<Entry>> PosixFiles::list(const std::string& directory) {
  std::error_code ec;
  std::vector<Entry> entries;
  for (std::filesystem::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
    struct stat info;
    if (::stat(it->path().c_str(), &info) != 0) continue;  // removed meanwhile
    const bool is_directory = S_ISDIR(info.st_mode);
    entries.push_back({it->path().filename().string(), is_directory, is_directory ? 0 : static_cast<std::uint64_t>(info.st_size)});
  }
  if (ec) return failed("list", directory, ec.value());
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

bool PosixFiles::exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

FileResult<void> PosixFiles::make_directories(const std::string& path) {
  std::error_code ec;
  std::filesystem::create_directories(path, ec);
  if (ec) return failed("make the directory", path, ec.value());
  return {};
}

FileResult<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
  return {};
}

FileResult<void> PosixFiles::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return failed("remove", path);
  return {};
}

FileResult<void> PosixFiles::sync_directory(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return failed("open the directory", path);
  if (::fsync(fd.get()) != 0) return failed("sync the directory", path);
  return {};
}

FileResult<std::uint64_t> PosixFiles::free_space(const std::string& path) {
  struct statvfs disk;
  if (::statvfs(path.c_str(), &disk) != 0) return failed("ask for the free space of", path);
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

FileResult<std::uint64_t> PosixFiles::total_space(const std::string& path) {
  struct statvfs disk;
  if (::statvfs(path.c_str(), &disk) != 0) return failed("ask for the size of the disk of", path);
  // What only the superuser may fill is as good as full.
  return static_cast<std::uint64_t>(disk.f_blocks - disk.f_bfree + disk.f_bavail) * disk.f_frsize;
}

FileResult<std::unique_ptr<DirectoryLock>> PosixFiles::lock(const std::string& directory) {
  const std::string path = directory + "/.lock";
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return failed("lock", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", path);
    char text[32];
    const ssize_t count = ::pread(fd.get(), text, sizeof text, 0);
    const auto pid = base::parse_int(base::trim(std::string_view(text, count > 0 ? static_cast<std::size_t>(count) : 0)));
    return base::error(FileErrc::in_use, fmt::format("cannot use {}: {} works on it; end it first, or choose another directory", directory,
                                                     pid ? fmt::format("process {}", *pid) : std::string("another process")));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) return failed("write", path);
  return std::make_unique<PosixLock>(std::move(fd));
}

}  // namespace chorus::world::real
