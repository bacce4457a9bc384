#include "store/segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/checksum.h"

namespace chorus::store {
namespace {

constexpr std::size_t window_size = 256 << 10;

std::string mark_check(Id first, std::uint64_t offset, std::uint32_t unsynced) {
  std::string octets;
  base::Writer writer(octets);
  writer.i64(first);
  writer.u64(offset);
  writer.u32(unsynced);
  return octets;
}

bool all_zero(std::string_view octets) {
  return octets.empty() || (octets[0] == 0 && std::char_traits<char>::compare(octets.data(), octets.data() + 1, octets.size() - 1) == 0);
}

/// The end of what is not zero at or behind `from`; `from` when all is.
LogResult<std::uint64_t> end_of_data(SegmentReader& reader, std::uint64_t from) {
  std::uint64_t end = reader.size();
  while (end > from) {
    const std::uint64_t start = end - std::min<std::uint64_t>(window_size, end - from);
    auto octets = reader.octets_at(start, end - start);
    if (!octets) return std::unexpected(octets.error());
    if (!all_zero(*octets)) return start + octets->find_last_not_of('\0') + 1;
    end = start;
  }
  return from;
}

/// Whether a sector inside [from, to) still holds the zeros that were there before the write. `trusted` octets from `from` on are zero
/// in whole records too.
LogResult<bool> has_hole(SegmentReader& reader, std::uint64_t from, std::uint64_t to, std::size_t trusted) {
  for (std::uint64_t sector = from / sector_size * sector_size; sector < to; sector += sector_size) {
    const std::uint64_t start = std::max(sector, from);
    if (start >= reader.size()) return true;
    auto octets = reader.octets_at(start, sector + sector_size - start);
    if (!octets) return std::unexpected(octets.error());
    if (start == from && octets->size() <= trusted) continue;
    if (all_zero(*octets)) return true;
  }
  return false;
}

/// Whether whole records with ids after `last` stand one after another from somewhere behind `from` exactly up to `end`: then the record
/// at `from` was whole once, and it is its length that is wrong.
LogResult<bool> records_up_to(SegmentReader& reader, const Format& format, std::uint64_t from, std::uint64_t end, Id last) {
  constexpr std::uint64_t search_max = 4 << 20;
  if (end - from > search_max) return true;  // no single record that we write is so long and cut short
  auto octets = reader.octets_at(from, end - from);
  if (!octets) return std::unexpected(octets.error());
  for (std::size_t start = 1; start < octets->size(); ++start) {
    std::string_view rest = octets->substr(start);
    Id before = last;
    while (!rest.empty()) {
      const Scan scan = format.scan(rest);
      if (scan.kind != Scan::Kind::complete || scan.id <= before) break;
      before = scan.id;
      rest.remove_prefix(scan.length);
    }
    if (rest.empty()) return true;
  }
  return false;
}

struct Mark {
  std::uint64_t offset;
  std::uint64_t unsynced_from;
};
/// The mark of the last group, which ends the data.
LogResult<std::optional<Mark>> last_mark(SegmentReader& reader, std::uint64_t from, std::uint64_t end) {
  for (std::uint64_t offset = end - std::min<std::uint64_t>(mark_size, end - from); offset < end; ++offset) {
    auto octets = reader.octets_at(offset, mark_size);
    if (!octets) return std::unexpected(octets.error());
    if (const auto unsynced = read_mark(reader.first(), offset, *octets)) return Mark{offset, offset - *unsynced};
  }
  return std::nullopt;
}

}  // namespace

std::string make_mark(Id first, std::uint64_t offset, std::uint32_t unsynced) {
  if (offset / sector_size != (offset + mark_size - 1) / sector_size) return std::string(mark_size, '\0');
  std::string mark;
  base::Writer writer(mark);
  writer.u32(unsynced);
  writer.u32(base::crc32c(mark_check(first, offset, unsynced)));
  return mark;
}

std::optional<std::uint32_t> read_mark(Id first, std::uint64_t offset, std::string_view octets) {
  base::Reader reader(octets);
  const std::uint32_t unsynced = reader.u32();
  const std::uint32_t check = reader.u32();
  if (!reader.ok() || unsynced > offset || check != base::crc32c(mark_check(first, offset, unsynced))) return std::nullopt;
  return unsynced;
}

LogError corruption(const std::string& path, std::uint64_t offset, std::string_view why) {
  return {
      LogErrc::corrupt,
      fmt::format("{} is damaged at offset {}: {}. No crash explains this, so it is not repaired silently. Either bring the file back from "
                  "a copy or another member; or look at it with 'chorus inspect --all {}' and, to give up this record and all "
                  "later ones, cut the file with 'truncate -s {} {}' and move later files of this log away",
                  path, offset, why, path, offset, path)};
}

LogError disk_error(const world::FileError& error) {
  return {error.code == world::FileErrc::no_space ? LogErrc::no_space : LogErrc::failed, error.message};
}

SegmentReader::SegmentReader(const Format& format, std::string path, Id first, std::unique_ptr<world::File> file, std::uint64_t size)
    : format_(&format), path_(std::move(path)), first_(first), file_(std::move(file)), size_(size), offset_(format.header(first).size()) {}

LogResult<SegmentReader> SegmentReader::open(world::Files& files, const Format& format, std::string path, Id first) {
  auto file = files.open(path, world::OpenMode::read);
  if (!file) return std::unexpected(disk_error(file.error()));
  auto size = (*file)->size();
  if (!size) return std::unexpected(disk_error(size.error()));
  return SegmentReader(format, std::move(path), first, std::move(*file), *size);
}

LogResult<std::string_view> SegmentReader::octets_at(std::uint64_t offset, std::size_t size) {
  if (offset >= size_) return std::string_view();
  size = std::min<std::uint64_t>(size, size_ - offset);
  if (offset < window_offset_ || offset + size > window_offset_ + window_.size()) {
    window_.resize(std::min<std::uint64_t>(std::max(size, window_size), size_ - offset));
    auto count = file_->read_at(offset, window_.data(), window_.size());
    if (!count) {
      window_.clear();
      return std::unexpected(disk_error(count.error()));
    }
    window_.resize(*count);
    window_offset_ = offset;
  }
  return std::string_view(window_).substr(offset - window_offset_, size);
}

LogResult<std::string> SegmentReader::check_header() {
  const std::size_t size = format_->header(first_).size();
  auto octets = octets_at(0, size);
  if (!octets) return std::unexpected(octets.error());
  if (octets->size() < size) return std::string("the file ends inside of its header");
  return format_->refuse_header(*octets);
}

LogResult<Scan> SegmentReader::next() {
  std::size_t wanted = format_->frame_size();
  for (;;) {
    if (offset_ >= size_) return Scan{.kind = Scan::Kind::end};
    auto octets = octets_at(offset_, wanted);
    if (!octets) return std::unexpected(octets.error());
    // All that the window holds, so that most records need one look.
    const std::string_view seen = std::string_view(window_).substr(offset_ - window_offset_, size_ - offset_);
    const Scan scan = format_->scan(seen);
    const bool can_see_more = octets->size() == std::min<std::uint64_t>(wanted, size_ - offset_);
    if (scan.kind == Scan::Kind::more && scan.length > wanted && scan.length <= size_ - offset_ && can_see_more) {
      wanted = scan.length;
      continue;
    }
    if (scan.kind == Scan::Kind::complete) {
      if (!format_->may_stand_at(first_, offset_, scan.id))
        return Scan{.kind = Scan::Kind::bad, .length = scan.length, .why = "a record belongs to another place"};
      offset_ += scan.length;
    }
    return scan;
  }
}

LogResult<Tail> judge_tail(SegmentReader& reader, const Format& format, const Scan& stop, Id last) {
  const std::uint64_t here = reader.offset();
  if (here >= reader.size()) return Tail{};
  auto end = end_of_data(reader, here);
  if (!end) return std::unexpected(end.error());
  Tail tail{.octets = *end - here};
  if (*end == here) return tail;

  auto octets = reader.octets_at(here, mark_size);
  if (!octets) return std::unexpected(octets.error());
  if (read_mark(reader.first(), here, *octets)) {
    tail.marked = true;
    if (*end <= here + mark_size) return tail;
    // The next group's first sector never got here, so that group was not synced.
    tail.kind = Tail::Kind::torn;
    tail.why = "the start of the last write is missing";
    return tail;
  }

  const auto corrupt = [&](std::string why) {
    tail.kind = Tail::Kind::corrupt;
    tail.why = std::move(why);
    return tail;
  };
  const std::string what(stop.kind == Scan::Kind::bad   ? stop.why
                         : stop.kind == Scan::Kind::end ? "a record is missing before others"
                                                        : "a record is longer than the file");
  auto mark = last_mark(reader, here, *end);
  if (!mark) return std::unexpected(mark.error());
  tail.marked = mark->has_value();
  if (*mark && here < (*mark)->unsynced_from) return corrupt(what + ", though later records show that it had been written out");
  const std::uint64_t frame_end = here + format.frame_size();
  const std::uint64_t record_end = std::max(frame_end, here + stop.length);
  if (!*mark && *end > std::max(record_end, here) + unsynced_octets_max)
    return corrupt(what + ", and far more follows than one write holds");

  tail.kind = Tail::Kind::torn;
  auto frame_hole = has_hole(reader, here, frame_end, format.zero_prefix());
  if (!frame_hole) return std::unexpected(frame_hole.error());
  if (*frame_hole) {
    tail.why = "the last write was cut short";
    return tail;
  }
  if (record_end > *end) {
    if (*mark) return corrupt("the length of a record is wrong");
    auto whole = records_up_to(reader, format, here, *end, last);
    if (!whole) return std::unexpected(whole.error());
    if (*whole) return corrupt("the length of a record is wrong");
    tail.why = "the last record was cut short";
    return tail;
  }
  auto hole = has_hole(reader, here, record_end, format.zero_prefix());
  if (!hole) return std::unexpected(hole.error());
  if (!*hole) return corrupt(what);
  tail.why = "parts of the last write are missing";
  return tail;
}

}  // namespace chorus::store
