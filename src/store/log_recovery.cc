// Log::open: finds the end of the log and makes it safe to go on from there.
#include <fmt/format.h>

#include <algorithm>

#include "store/log.h"

namespace chorus::store {

using world::OpenMode;

std::string to_string(const TornTail& torn) {
  return fmt::format("{}: cut off {} octets at offset {}: {} (never synced, so never acknowledged)", torn.path, torn.octets, torn.offset,
                     torn.why);
}

LogResult<std::unique_ptr<Log>> Log::open(world::Files& files, const Format& format, LogOptions options) {
  std::unique_ptr<Log> log(new Log(files, format, std::move(options)));
  if (auto done = log->recover(); !done) return std::unexpected(done.error());
  return log;
}

LogResult<void> Log::recover() {
  auto entries = files_->list(options_.directory);
  if (!entries) return std::unexpected(disk_error(entries.error()));
  for (const world::Entry& entry : *entries) {
    if (entry.is_directory) continue;
    if (const auto first = format_->first_of(entry.name)) segments_.push_back(*first);
  }
  std::sort(segments_.begin(), segments_.end());
  while (!segments_.empty()) {
    auto has_records = recover_last();
    if (!has_records) return std::unexpected(has_records.error());
    if (*has_records) return {};
    if (auto done = drop_last_segment(); !done) return done;
  }
  return {};
}

/// False: the segment holds no record and never did.
LogResult<bool> Log::recover_last() {
  const Id first = segments_.back();
  auto reader = SegmentReader::open(*files_, *format_, path_of(first), first);
  if (!reader) return std::unexpected(reader.error());
  auto refusal = reader->check_header();
  if (!refusal) return std::unexpected(refusal.error());
  std::string damage_why;  // of the header
  if (!refusal->empty()) {
    // Header and name are synced before the first record is written: without a header there can be no record.
    const std::size_t header_size = format_->header(first).size();
    auto header = reader->octets_at(0, header_size);
    if (!header) return std::unexpected(header.error());
    // A write of it that the device failed may have left a first part, with zeros behind.
    const std::string wanted = format_->header(first);
    const auto differs = std::mismatch(header->begin(), header->end(), wanted.begin(), wanted.end()).first;
    const auto begun = static_cast<std::size_t>(differs - header->begin());
    if (reader->size() >= header_size && header->find_first_not_of('\0', begun) != std::string_view::npos) {
      if (!options_.isolate_damage) return std::unexpected(corruption(reader->path(), 0, *refusal));
      damage_why = *refusal;
    }
    auto tail = judge_tail(*reader, *format_, Scan{.kind = Scan::Kind::end}, none);
    if (!tail) return std::unexpected(tail.error());
    if (tail->octets == 0) {
      torn_.push_back({reader->path(), 0, reader->size(), "a new file was left without its header"});
      return false;
    }
    if (!options_.isolate_damage) return std::unexpected(corruption(reader->path(), 0, "the header is missing before records"));
    if (damage_why.empty()) damage_why = "the header is missing before records";
  }
  Id last = none;
  Scan stop;
  for (;;) {
    auto scan = reader->next();
    if (!scan) return std::unexpected(scan.error());
    if (scan->kind != Scan::Kind::complete) {
      stop = *scan;
      break;
    }
    last = scan->id;
  }
  auto tail = judge_tail(*reader, *format_, stop, last);
  if (!tail) return std::unexpected(tail.error());
  if (!damage_why.empty()) {
    tail->kind = Tail::Kind::corrupt;
    tail->why = damage_why;
  }
  if (tail->kind == Tail::Kind::corrupt) {
    if (!options_.isolate_damage) return std::unexpected(corruption(reader->path(), reader->offset(), tail->why));
    last_ = std::max(last, first);
    if (auto done = isolate(*reader, *tail); !done) return std::unexpected(done.error());
    return true;
  }
  if (tail->kind == Tail::Kind::torn) torn_.push_back({reader->path(), reader->offset(), tail->octets, tail->why});
  if (last == none) return false;
  last_ = last;
  if (auto done = settle(*reader, tail->kind == Tail::Kind::torn); !done) return std::unexpected(done.error());
  return true;
}

/// Makes what was read durable before anybody relies on it. After a mere end of the process the last group may be in the system's memory
/// alone; after a failed sync the system may even believe that it was written. So it is written again.
LogResult<void> Log::settle(SegmentReader& reader, bool torn) {
  end_ = synced_ = reader.offset();
  allocated_ = torn ? end_ : reader.size();
  auto mark = reader.octets_at(end_, mark_size);
  if (!mark) return std::unexpected(mark.error());
  const auto unsynced = read_mark(reader.first(), end_, *mark);
  const std::uint64_t header_size = format_->header(reader.first()).size();
  std::uint64_t from = end_ - std::min<std::uint64_t>(end_ - header_size, unsynced ? *unsynced : unsynced_octets_max);

  auto file = files_->open(reader.path(), OpenMode::read_write);
  if (!file) return std::unexpected(disk_error(file.error()));
  file_ = std::move(*file);
  if (torn) {
    if (auto done = file_->truncate(end_); !done) return poison(done.error().message);
  }
  if (!torn && from == end_) return {};
  if (auto done = write_again(reader, from, end_); !done) return done;
  if (auto done = file_->write_at(end_, make_mark(reader.first(), end_, 0)); !done) return poison(done.error().message);
  allocated_ = std::max(allocated_, end_ + mark_size);
  return {};
}

LogResult<void> Log::write_again(SegmentReader& reader, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t step = 1 << 20;
  for (; from < to; from += step) {
    auto octets = reader.octets_at(from, std::min(step, to - from));
    if (!octets) return std::unexpected(octets.error());
    if (auto done = file_->write_at(from, *octets); !done) return poison(done.error().message);
  }
  if (auto done = file_->sync(); !done) return poison(done.error().message);
  return {};
}

/// Whole records may stand behind the damage: all of it is made durable, nothing is cut off or appended.
LogResult<void> Log::isolate(SegmentReader& reader, const Tail& tail) {
  const std::uint64_t end = reader.offset() + tail.octets;
  damage_ = Damage{reader.path(), reader.offset(), tail.octets, tail.why};
  auto file = files_->open(reader.path(), OpenMode::read_write);
  if (!file) return std::unexpected(disk_error(file.error()));
  file_ = std::move(*file);
  const std::uint64_t header_size = format_->header(reader.first()).size();
  auto done = write_again(reader, std::max(header_size, end - std::min(end, unsynced_octets_max)), end);
  file_.reset();
  end_ = synced_ = allocated_ = 0;
  return done;
}

}  // namespace chorus::store
