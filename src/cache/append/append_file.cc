#include "cache/append/append_file.h"

#include "base/checksum.h"
#include "base/ensure.h"
#include "cache/append/group.h"

namespace chorus::cache::append {

using world::FileErrc;
using world::FileResult;
using world::OpenMode;

FileResult<std::unique_ptr<AppendFile>> AppendFile::create(world::Files& files, const std::string& path) {
  auto file = files.open(path, OpenMode::create);
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->truncate(0); !done) return std::unexpected(done.error());
  std::unique_ptr<AppendFile> made(new AppendFile(std::move(*file), 0));
  if (auto done = made->seal(); !done) return std::unexpected(done.error());
  return made;
}

FileResult<std::unique_ptr<AppendFile>> AppendFile::open(world::Files& files, const std::string& path) {
  auto file = files.open(path, OpenMode::read_write);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return std::unique_ptr<AppendFile>(new AppendFile(std::move(*file), *size));
}

FileResult<void> AppendFile::append(std::string& group) {
  ENSURE(group.size() >= group_line_size);
  const std::string_view units = std::string_view(group).substr(group_line_size);
  group.replace(0, group_line_size, group_line(end_, {.octets = units.size(), .unsynced = end_ - synced_, .check = base::crc32c(units)}));
  if (auto done = file_->write_at(end_, group); !done) {
    if (done.error().code != FileErrc::no_space) return done;
    if (auto undone = file_->truncate(end_); !undone) return base::error(FileErrc::io, undone.error().message);
    return done;
  }
  end_ += group.size();
  return {};
}

FileResult<void> AppendFile::sync() {
  if (synced_ == end_) return {};
  if (auto done = file_->sync(); !done) return done;
  synced_ = end_;
  return {};
}

FileResult<void> AppendFile::seal() {
  if (auto done = sync(); !done) return done;
  std::string group(group_line_size, ' ');
  if (auto done = append(group); !done) return done;
  return sync();
}

}  // namespace chorus::cache::append
