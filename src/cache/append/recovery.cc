#include "cache/append/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "cache/append/scanner.h"

namespace chorus::cache::append {
namespace {

using world::FileErrc;
using world::FileResult;
using world::OpenMode;

constexpr std::size_t window_octets = 1U << 20;
constexpr std::uint64_t sector_octets = 512;
/// Written once more before anybody relies on it: a system whose sync failed may take it for written. More is not on its way for long.
constexpr std::uint64_t settled_octets_max = 16U << 20;

/// Calls `each` with the file's octets in order, from `from` on, until it is false.
FileResult<void> go_over(world::File& file, std::uint64_t from, std::uint64_t to,
                         const std::function<bool(std::uint64_t, std::string_view)>& each) {
  std::string window;
  while (from < to) {
    window.resize(std::min<std::uint64_t>(window_octets, to - from));
    const auto size = file.read_at(from, window.data(), window.size());
    if (!size) return std::unexpected(size.error());
    if (*size == 0 || !each(from, std::string_view(window).substr(0, *size))) break;
    from += *size;
  }
  return {};
}

/// Whether a sector behind `from` is zeros: it had not reached the disk when the power failed.
FileResult<bool> has_hole(world::File& file, std::uint64_t from, std::uint64_t size) {
  bool is_zero = true, has = false;
  const auto done = go_over(file, from, size, [&](std::uint64_t at, std::string_view octets) {
    for (std::size_t i = 0; i < octets.size() && !has; ++i) {
      is_zero = is_zero && octets[i] == '\0';
      const std::uint64_t next = at + i + 1;
      if (next % sector_octets != 0 && next != size) continue;
      has = is_zero;
      is_zero = true;
    }
    return !has;
  });
  if (!done) return std::unexpected(done.error());
  return has;
}

/// Whether a group further on was written when what stands at `place` was durable.
/// from: what is before it is of that group itself, and values may hold anything.
FileResult<bool> was_durable(world::File& file, std::uint64_t place, std::uint64_t from, std::uint64_t size) {
  std::string kept;
  bool was = false;
  const auto done = go_over(file, from, size, [&](std::uint64_t at, std::string_view octets) {
    const std::uint64_t begin = at - kept.size();
    kept += octets;
    for (std::size_t found = kept.find("#G:"); found != std::string::npos && !was; found = kept.find("#G:", found + 1)) {
      const auto group = read_group_line(begin + found, std::string_view(kept).substr(found, group_line_size));
      was = group && group->unsynced <= begin + found && begin + found - group->unsynced > place;
    }
    kept.erase(0, kept.size() - std::min(kept.size(), group_line_size - 1));
    return !was;
  });
  if (!done) return std::unexpected(done.error());
  return was;
}

std::string damage(const std::string& path, std::uint64_t offset, std::string_view why) {
  return fmt::format(
      "{} is damaged at offset {}: {}. No crash explains this, so it is not repaired silently. Bring the file back from a copy; or, if it "
      "was "
      "edited, remove all lines that begin with '#G:'; or, to give up this and all that came later, run 'redis-check-aof --fix' on the "
      "manifest",
      path, offset, why);
}

/// What of one file may be loaded.
class Examination {
 public:
  Examination(world::Files& files, std::string path, bool is_last) : files_(files), path_(std::move(path)), is_last_(is_last) {}

  base::Result<std::uint64_t, std::string> run(bool loads_truncated, std::vector<Cut>& cuts) {
    auto file = files_.open(path_, OpenMode::read);
    if (!file) return std::unexpected(file.error().message);
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error().message);
    constexpr std::string_view magic = "REDIS";
    char head[5] = {};
    const auto begun = (*file)->read_at(0, head, sizeof head);
    if (!begun) return std::unexpected(begun.error().message);
    // It has a checksum of its own; what is appended to it is judged while it is loaded.
    if (std::string_view(head, *begun) == magic) return *size;
    bool is_good = true;
    const auto done = go_over(**file, 0, *size, [&](std::uint64_t, std::string_view octets) { return is_good = scanner_.feed(octets); });
    if (!done) return std::unexpected(done.error().message);
    if (is_good && !scanner_.is_cut_short()) {
      is_ours_ = scanner_.is_ours();
      return *size;
    }
    const std::uint64_t whole = scanner_.whole();
    const std::string why = is_good ? "it ends within a command, a group or a transaction" : scanner_.why();
    const auto is_torn = is_torn_write(**file, is_good, *size);
    if (!is_torn) return std::unexpected(is_torn.error().message);
    if (!*is_torn || !is_last_) return std::unexpected(damage(path_, is_good ? whole : scanner_.bad(), why));
    if (!loads_truncated) {
      return std::unexpected(
          fmt::format("{}: unexpected end of file after offset {}: {}. Let it be cut off there by "
                      "cache.append_load_truncated, or run 'redis-check-aof --fix' on the manifest",
                      path_, whole, why));
    }
    cuts.push_back({.path = path_, .offset = whole, .octets = *size - whole, .why = why});
    is_ours_ = scanner_.is_ours();
    return whole;
  }
  bool is_ours() const { return is_ours_; }

 private:
  FileResult<bool> is_torn_write(world::File& file, bool is_good, std::uint64_t size) {
    // Of what others wrote nobody knows what was durable: a command cut short is a crash, all else damage. As in Redis.
    if (!scanner_.is_ours()) return is_good;
    const auto was = was_durable(file, scanner_.whole(), scanner_.claimed(), size);
    if (!was) return std::unexpected(was.error());
    if (*was) return false;
    return is_good ? true : has_hole(file, scanner_.whole(), size);
  }

  world::Files& files_;
  const std::string path_;
  const bool is_last_;
  Scanner scanner_;
  bool is_ours_ = false;
};

/// What is there becomes durable, whatever the system believes.
FileResult<void> settle(world::Files& files, const std::string& path) {
  auto file = files.open(path, OpenMode::read_write);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  FileResult<void> written;
  const auto done = go_over(**file, *size - std::min(*size, settled_octets_max), *size, [&](std::uint64_t at, std::string_view octets) {
    written = (*file)->write_at(at, octets);
    return written.has_value();
  });
  if (!done) return done;
  if (!written) return written;
  return (*file)->sync();
}

/// As Redis does: the file is the base of a new log, and its manifest is there before it is moved.
FileResult<void> upgrade(world::Files& files, const Place& place) {
  if (auto done = world::make_durable_directories(files, place.log_directory()); !done) return done;
  if (!files.exists(place.manifest())) {
    const Manifest manifest{.base = Manifest::File{.name = place.file, .sequence = 1}};
    if (auto done = world::write_file(files, place.manifest(), to_string(manifest)); !done) return done;
  }
  if (auto done = files.rename(place.data + "/" + place.file, place.path(place.file)); !done) return done;
  if (auto done = files.sync_directory(place.log_directory()); !done) return done;
  return files.sync_directory(place.data);
}

/// Files of a log whose manifest is gone are no reason to begin another one in their place.
base::Result<void, std::string> check_leftovers(world::Files& files, const Place& place) {
  if (!files.exists(place.log_directory()) || files.exists(place.first_mark())) return {};
  const auto entries = files.list(place.log_directory());
  if (!entries) return std::unexpected(entries.error().message);
  for (const world::Entry& entry : *entries) {
    if (!entry.name.starts_with(place.file + ".") || (!entry.name.ends_with(".aof") && !entry.name.ends_with(".rdb"))) continue;
    return std::unexpected(fmt::format("{} is there, but no {} that says how it is to be read. Bring it back from a copy, or move {} away",
                                       place.path(entry.name), place.manifest(), place.log_directory()));
  }
  return {};
}

}  // namespace

Place place_of(const std::string& data, const AppendOptions& options) {
  return {.data = data, .directory = options.directory, .file = options.file};
}

base::Result<Manifest, std::string> read_manifest(world::Files& files, const Place& place) {
  if (!files.exists(place.manifest())) return Manifest{};
  const auto text = world::read_file(files, place.manifest(), manifest_octets_max);
  if (!text) return std::unexpected(text.error().message);
  auto manifest = parse_manifest(*text);
  if (!manifest) return std::unexpected(fmt::format("{}: {}", place.manifest(), manifest.error()));
  return manifest;
}

world::FileResult<void> cut_file(world::Files& files, const std::string& path, std::uint64_t octets) {
  auto file = files.open(path, OpenMode::read_write);
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->truncate(octets); !done) return done;
  return (*file)->sync();
}

base::Result<std::optional<Recovered>, std::string> recover(world::Files& files, const Place& place, bool loads_truncated) {
  const bool has_single = files.exists(place.data + "/" + place.file);
  auto manifest = read_manifest(files, place);
  if (!manifest) return std::unexpected(manifest.error());
  const bool is_half_moved =
      manifest->base && manifest->base->name == place.file && !files.exists(place.path(place.file)) && manifest->increments.empty();
  if (has_single && (is_half_moved || !files.exists(place.manifest()))) {
    if (auto done = upgrade(files, place); !done) return std::unexpected(done.error().message);
    manifest = read_manifest(files, place);
    if (!manifest) return std::unexpected(manifest.error());
  }
  if (!files.exists(place.manifest())) {
    if (auto done = check_leftovers(files, place); !done) return std::unexpected(done.error());
    return std::nullopt;
  }
  Recovered log{.manifest = std::move(*manifest), .files = {}, .cuts = {}};
  if (log.manifest.base) log.files.push_back({.path = place.path(log.manifest.base->name), .octets = 0, .is_base = true});
  for (const Manifest::File& file : log.manifest.increments) log.files.push_back({.path = place.path(file.name)});
  for (Recovered::File& file : log.files) {
    if (!files.exists(file.path)) return std::unexpected(fmt::format("{} names {}, which is not there", place.manifest(), file.path));
    Examination examination(files, file.path, &file == &log.files.back());
    const auto octets = examination.run(loads_truncated, log.cuts);
    if (!octets) return std::unexpected(octets.error());
    file.octets = *octets;
    log.may_append = examination.is_ours() && !file.is_base;
  }
  for (const Cut& cut : log.cuts) {
    if (auto done = cut_file(files, cut.path, cut.offset); !done) return std::unexpected(done.error().message);
  }
  if (!log.files.empty()) {
    if (auto done = settle(files, log.files.back().path); !done) return std::unexpected(done.error().message);
  }
  return log;
}

}  // namespace chorus::cache::append
