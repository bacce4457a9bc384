#include "world/files.h"

namespace chorus::world {

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

FileResult<std::string> read_file(Files& files, const std::string& path, std::uint64_t limit) {
  auto file = files.open(path, OpenMode::read);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > limit)
    return base::error(FileErrc::io,
                       path + " has " + std::to_string(*size) + " octets, more than the " + std::to_string(limit) + " expected of it");
  std::string octets(*size, '\0');
  auto count = (*file)->read_at(0, octets.data(), octets.size());
  if (!count) return std::unexpected(count.error());
  octets.resize(*count);
  return octets;
}

FileResult<void> write_file(Files& files, const std::string& path, std::string_view octets) {
  const std::string temporary = path + ".tmp";
  {
    auto file = files.open(temporary, OpenMode::create);
    if (!file) return std::unexpected(file.error());
    if (auto done = (*file)->truncate(0); !done) return done;
    if (auto done = (*file)->write_at(0, octets); !done) return done;
    if (auto done = (*file)->sync(); !done) return done;
  }
  if (auto done = files.rename(temporary, path); !done) return done;
  return files.sync_directory(parent_directory(path));
}

FileResult<void> make_durable_directories(Files& files, const std::string& path) {
  if (auto made = files.make_directories(path); !made) return made;
  for (std::string at = path; at != "/" && at != ".";) {
    at = parent_directory(at);
    auto synced = files.sync_directory(at);
    if (!synced && synced.error().code == FileErrc::not_permitted) break;  // where we may not even look, nothing of ours was made
    if (!synced) return synced;
  }
  return {};
}

}  // namespace chorus::world
