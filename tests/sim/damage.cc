#include "damage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ensure.h"

namespace chorus::coord_sim {

namespace {

bool is_below(const std::string& path, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(), [&](const std::string& one) { return path.starts_with(one + "/"); });
}

/// The zxid in the name of a file "log.<zxid>" or "snapshot.<zxid>".
std::optional<std::int64_t> zxid_of(const std::string& path, std::string_view prefix) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (!name.starts_with(prefix)) return std::nullopt;
  std::int64_t zxid = 0;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), zxid, 16);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(zxid) : std::nullopt;
}

struct Found {
  std::vector<std::string> files;  // logs and snapshots
  std::string newest_log;
};

Found find_files(const sim::Disk& disk, const std::vector<std::string>& directories) {
  Found found;
  std::int64_t newest = -1;
  for (const std::string& path : disk.all_files()) {
    if (!is_below(path, directories)) continue;
    const auto log = zxid_of(path, "log.");
    if (!log && !zxid_of(path, "snapshot.")) continue;
    found.files.push_back(path);
    if (!log || *log <= newest) continue;
    newest = *log;
    found.newest_log = path;
  }
  return found;
}

/// Of what is there, not of the zeros behind it that a log has in store.
std::size_t used_octets(const std::string& contents) {
  const std::size_t last = contents.find_last_not_of('\0');
  return last == std::string::npos ? 0 : last + 1;
}

}  // namespace

std::string flip_a_bit(sim::Disk& disk, const std::vector<std::string>& directories, base::Random& dice) {
  const std::vector<std::string> files = find_files(disk, directories).files;
  if (files.empty()) return "";
  const std::string& path = files[dice.below(files.size())];
  const std::size_t used = used_octets(*disk.contents(path));
  if (used == 0) return "";
  const std::uint64_t offset = dice.below(used);
  const auto bit = static_cast<unsigned>(dice.below(8));
  if (!disk.flip_bit(path, offset, bit)) return "";
  return fmt::format("flipped bit {} of octet {} of {}", bit, offset, path);
}

std::string tear_a_file(sim::Disk& disk, const std::vector<std::string>& directories, base::Random& dice) {
  Found found = find_files(disk, directories);
  std::erase(found.files, found.newest_log);
  if (found.files.empty()) return "";
  const std::string& path = found.files[dice.below(found.files.size())];
  const std::size_t used = used_octets(*disk.contents(path));
  const bool is_log = zxid_of(path, "log.").has_value();
  // The mark at the end of a log stays.
  const std::size_t spared = is_log ? 16 : 0;
  const std::size_t sectors = (used - std::min(used, spared)) / sim::sector_size;
  const auto inode = disk.find(path);
  if (is_log && sectors == 0) return "";
  if (!is_log && (dice.below(2) == 0 || sectors == 0)) {
    const std::uint64_t size = dice.below(used + 1);
    disk.truncate(*inode, size);
    disk.sync(*inode);
    return fmt::format("cut {} to {} of {} octets", path, size, used);
  }
  const std::uint64_t first = dice.below(sectors);
  const std::uint64_t count = 1 + dice.below(std::min<std::uint64_t>(sectors - first, 4));
  ENSURE(disk.write(*inode, first * sim::sector_size, std::string(count * sim::sector_size, '\0')).has_value());
  disk.sync(*inode);
  return fmt::format("zeroed {} sectors of {} from sector {}", count, path, first);
}

void empty_disk(sim::Disk& disk, const std::vector<std::string>& directories) {
  for (const std::string& path : disk.all_files()) {
    if (!is_below(path, directories)) continue;
    ENSURE(disk.remove(path).has_value());
    ENSURE(disk.sync_directory(path.substr(0, path.rfind('/'))).has_value());
  }
}

}  // namespace chorus::coord_sim
