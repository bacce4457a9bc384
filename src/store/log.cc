#include "store/log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ensure.h"

namespace chorus::store {

using world::FileErrc;
using world::OpenMode;

Log::Log(world::Files& files, const Format& format, LogOptions options) : files_(&files), format_(&format), options_(std::move(options)) {}

Log::~Log() = default;

std::unexpected<LogError> Log::poison(std::string why) {
  if (poisoned_.empty()) poisoned_ = std::move(why);
  file_.reset();
  return base::error(LogErrc::failed, fmt::format("nothing more can be written to the log in {} until it is opened anew: {}",
                                                  options_.directory, poisoned_));
}

LogResult<void> Log::append(std::string& group, Id first, Id last) {
  if (!poisoned_.empty()) return poison("");
  ENSURE(first <= last && first > last_ && !group.empty() && group.size() < std::uint32_t(-1) / 2, first, last, last_, group.size());
  if (file_ != nullptr && options_.segment_octets_max != 0 && end_ >= options_.segment_octets_max) {
    if (auto done = roll(); !done) return done;
  }
  const bool without_records = end_ == format_->header(first).size();
  if (file_ != nullptr && without_records && segments_.back() != first) {
    if (auto done = drop_last_segment(); !done) return done;
  }
  if (file_ == nullptr) {
    if (auto done = begin_segment(first); !done) return done;
  }
  if (synced_ != end_ && end_ - synced_ + group.size() > unsynced_octets_max) {
    if (auto done = sync(); !done) return done;
  }
  if (auto done = grow_for(group.size() + mark_size); !done) return done;

  const std::size_t size = group.size();
  group += make_mark(segments_.back(), end_ + size, static_cast<std::uint32_t>(end_ + size - synced_));
  const auto written = file_->write_at(end_, group);
  group.resize(size);
  if (!written) return undo_append(written.error());
  end_ += size;
  allocated_ = std::max(allocated_, end_ + mark_size);
  last_ = last;
  return {};
}

LogResult<void> Log::grow_for(std::size_t octets) {
  const std::uint64_t needed = end_ + octets;
  if (needed <= allocated_ || options_.allocate_octets == 0) return {};
  std::uint64_t size = allocated_;
  while (size < needed) size += options_.allocate_octets;
  if (auto done = file_->allocate(size); done) {
    allocated_ = size;
  } else if (done.error().code != FileErrc::no_space) {
    return poison(done.error().message);
  }
  // Too full for a whole step ahead: this group may fit still, and its write will tell.
  return {};
}

LogResult<void> Log::undo_append(const world::FileError& why) {
  if (why.code != FileErrc::no_space) return poison(why.message);
  // Some of the group may be there: nothing of it may be seen later, and zeros have to follow the last record again.
  if (auto done = file_->truncate(end_); !done) return poison(done.error().message);
  allocated_ = end_;
  if (auto done = file_->sync(); !done) return poison(done.error().message);
  synced_ = end_;
  return base::error(LogErrc::no_space, why.message);
}

LogResult<void> Log::sync() {
  if (!poisoned_.empty()) return poison("");
  if (file_ == nullptr || synced_ == end_) return {};
  if (auto done = file_->sync(); !done) return poison(done.error().message);
  synced_ = end_;
  return {};
}

LogResult<void> Log::begin_segment(Id first) {
  const std::string path = path_of(first);
  const std::string header = format_->header(first);
  const auto fail = [&](const world::FileError& why) -> LogResult<void> {
    file_.reset();
    if (why.code != FileErrc::no_space) return poison(why.message);
    if (auto removed = files_->remove(path); !removed && removed.error().code != FileErrc::not_found)
      return poison(removed.error().message);
    return base::error(LogErrc::no_space, why.message);
  };
  auto file = files_->open(path, OpenMode::create);
  if (!file) return fail(file.error());
  file_ = std::move(*file);
  if (auto done = file_->truncate(0); !done) return fail(done.error());
  std::uint64_t size = header.size() + mark_size;
  if (options_.allocate_octets != 0) {
    if (auto done = file_->allocate(options_.allocate_octets); done) {
      size = std::max(size, options_.allocate_octets);
    } else if (done.error().code != FileErrc::no_space) {
      return fail(done.error());
    }
  }
  // Header and name are durable before any record, so that recovery may take a file without them for one that never had records.
  if (auto done = file_->write_at(0, header + make_mark(first, header.size(), 0)); !done) return fail(done.error());
  if (auto done = file_->sync(); !done) return fail(done.error());
  if (auto done = files_->sync_directory(options_.directory); !done) return fail(done.error());
  segments_.push_back(first);
  end_ = synced_ = header.size();
  allocated_ = size;
  return {};
}

LogResult<void> Log::seal() {
  if (auto done = sync(); !done) return done;
  // Where the mark's place is taken already, it is kept: on a full disk somebody else could take it meanwhile.
  const std::uint64_t kept = allocated_ >= end_ + mark_size ? end_ + mark_size : end_;
  if (kept == end_) {
    if (auto done = file_->truncate(end_); !done) return poison(done.error().message);
  }
  if (auto done = file_->write_at(end_, make_mark(segments_.back(), end_, 0)); !done) return poison(done.error().message);
  if (kept != end_) {
    if (auto done = file_->truncate(kept); !done) return poison(done.error().message);
  }
  if (auto done = file_->sync(); !done) return poison(done.error().message);
  allocated_ = end_ + mark_size;
  return {};
}

LogResult<void> Log::roll() {
  if (!poisoned_.empty()) return poison("");
  if (file_ == nullptr) return {};
  if (end_ == format_->header(segments_.back()).size()) return drop_last_segment();
  if (auto done = seal(); !done) return done;
  file_.reset();
  return {};
}

LogResult<void> Log::drop_last_segment() {
  file_.reset();
  if (auto done = files_->remove(path_of(segments_.back())); !done) return poison(done.error().message);
  if (auto done = files_->sync_directory(options_.directory); !done) return poison(done.error().message);
  segments_.pop_back();
  return {};
}

LogResult<void> Log::truncate_after(Id last) {
  if (auto done = sync(); !done) return done;
  if (last >= last_) return {};
  while (!segments_.empty()) {
    if (segments_.back() > last) {
      if (auto done = drop_last_segment(); !done) return done;
      continue;
    }
    auto reader = SegmentReader::open(*files_, *format_, path_of(segments_.back()), segments_.back());
    if (!reader) return std::unexpected(reader.error());
    Id kept = none;
    std::uint64_t end = reader->offset();
    for (;;) {
      auto scan = reader->next();
      if (!scan) return std::unexpected(scan.error());
      if (scan->kind != Scan::Kind::complete || scan->id > last) break;
      kept = scan->id;
      end = reader->offset();
    }
    if (kept == none) {
      if (auto done = drop_last_segment(); !done) return done;
      continue;
    }
    auto file = files_->open(reader->path(), OpenMode::read_write);
    if (!file) return poison(file.error().message);
    file_ = std::move(*file);
    end_ = synced_ = allocated_ = end;
    last_ = kept;
    return seal();
  }
  last_ = none;
  end_ = synced_ = allocated_ = 0;
  return {};
}

LogResult<void> Log::remove_before(Id first) {
  bool removed = false;
  while (segments_.size() > 1 && segments_[1] <= first) {
    if (auto done = files_->remove(path_of(segments_.front())); !done) return std::unexpected(disk_error(done.error()));
    segments_.erase(segments_.begin());
    removed = true;
  }
  if (!removed) return {};
  if (auto done = files_->sync_directory(options_.directory); !done) return std::unexpected(disk_error(done.error()));
  return {};
}

std::vector<std::string> Log::release_before(Id first) {
  std::vector<std::string> paths;
  for (; segments_.size() > 1 && segments_[1] <= first; segments_.erase(segments_.begin())) paths.push_back(path_of(segments_.front()));
  return paths;
}

Cursor Log::read_from(Id from) const {
  std::size_t start = 0;
  while (start + 1 < segments_.size() && segments_[start + 1] <= from) ++start;
  std::vector<Id> firsts(segments_.begin() + static_cast<std::ptrdiff_t>(start), segments_.end());
  std::vector<std::string> paths;
  for (const Id segment : firsts) paths.push_back(path_of(segment));
  return Cursor(*files_, *format_, std::move(paths), std::move(firsts), end_, from);
}

LogResult<std::optional<Record>> Cursor::next() {
  for (; segment_ < paths_.size(); ++segment_, reader_.reset()) {
    const bool is_last = segment_ + 1 == paths_.size();
    if (!reader_) {
      auto reader = SegmentReader::open(*files_, *format_, paths_[segment_], firsts_[segment_]);
      if (!reader) return std::unexpected(reader.error());
      reader_.emplace(std::move(*reader));
      if (is_last) reader_->limit(last_size_);
      auto refusal = reader_->check_header();
      if (!refusal) return std::unexpected(refusal.error());
      if (!refusal->empty()) return std::unexpected(corruption(paths_[segment_], 0, *refusal));
    }
    for (;;) {
      const std::uint64_t offset = reader_->offset();
      auto scan = reader_->next();
      if (!scan) return std::unexpected(scan.error());
      if (scan->kind != Scan::Kind::complete) {
        if (is_last && offset < last_size_)
          return std::unexpected(corruption(paths_[segment_], offset, "a record changed since the start"));
        if (auto done = end_segment(*scan); !done) return std::unexpected(done.error());
        break;
      }
      last_ = scan->id;
      if (scan->id >= from_) return Record{scan->id, scan->payload, offset};
    }
  }
  return std::nullopt;
}

LogResult<void> Cursor::end_segment(const Scan& stop) {
  if (segment_ + 1 == paths_.size()) return {};
  auto tail = judge_tail(*reader_, *format_, stop, last_);
  if (!tail) return std::unexpected(tail.error());
  // Where identities may be left out, records may be missing without a trace before zeros. This store ends what it seals with a mark and
  // nothing behind, be it of zeros where it would lie in two sectors; ZooKeeper fills up to whole KiB.
  const bool is_next = firsts_[segment_ + 1] == last_ + 1;
  const bool is_longer = reader_->size() > reader_->offset() + mark_size && reader_->size() % 1024 != 0;
  const bool may_have_lost = !is_next && !tail->marked && is_longer;
  if (may_have_lost && tail->why.empty()) tail->why = "records are missing before its end";
  if (may_have_lost) return std::unexpected(corruption(paths_[segment_], reader_->offset(), tail->why + ", and later files follow"));
  if (tail->kind == Tail::Kind::clean) return {};
  // This store seals a segment before it begins the next one. ZooKeeper leaves torn tails where they are and goes on in a new file: fine
  // when that file goes on right after the last whole record.
  if (tail->kind == Tail::Kind::corrupt || tail->marked || !format_->follows(last_, firsts_[segment_ + 1])) {
    return std::unexpected(corruption(paths_[segment_], reader_->offset(), tail->why + ", and later files follow"));
  }
  torn_.push_back({paths_[segment_], reader_->offset(), tail->octets, tail->why});
  return {};
}

}  // namespace chorus::store
