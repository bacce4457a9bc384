#include <algorithm>

#include "base/ensure.h"
#include "mq/log/frame.h"
#include "mq/log/index_file.h"
#include "mq/log/index_layout.h"

namespace chorus::mq::log {

using namespace index_layout;

namespace {

constexpr std::size_t piece_octets = 256 << 10;

void write_packed(base::Writer& out, const Packed& packed) {
  out.u32(packed.place);
  out.u32(packed.size);
  out.u32(packed.offset);
  out.u32(packed.count);
  out.i32(packed.tag_hash);
  out.u32(packed.time);
  out.u16(packed.head);
  out.u8(static_cast<std::uint8_t>(packed.kind));
  out.u8(0);
}

}  // namespace

IndexWriter::IndexWriter(world::Files& files, std::string path, IndexSource source)
    : files_(files), path_(std::move(path)), source_(std::move(source)) {}

void IndexWriter::prepare() {
  const MemoryIndex& index = *source_.index;
  std::sort(source_.queues.begin(), source_.queues.end(), [](const auto& a, const auto& b) { return a.hash < b.hash; });
  header_ = {.base = index.base,
             .end = source_.end,
             .first_time_ms = index.first_time_ms,
             .last_time_ms = index.last_time_ms,
             .queues = static_cast<std::uint32_t>(source_.queues.size()),
             .keys = static_cast<std::uint32_t>(index.keys.size()),
             .dues = static_cast<std::uint32_t>(index.dues.size()),
             .marks = static_cast<std::uint32_t>(index.marks.size()),
             .epochs = static_cast<std::uint32_t>(index.epochs.size()),
             .holes = static_cast<std::uint32_t>(index.holes.size()),
             .due_ms_min = index.dues.empty() ? 0 : index.dues.begin()->first,
             .due_ms_max = index.dues.empty() ? 0 : index.dues.rbegin()->first};
  for (const auto& line : source_.queues) {
    header_.entries += line.run == nullptr ? 0 : static_cast<std::uint32_t>(line.run->entries.size());
    header_.name_octets += 4 + 1 + line.topic.size();
  }
  keys_.reserve(index.keys.size());
  for (const MemoryIndex::Key& key : index.keys) keys_.push_back({key.hash, {key.place, key.time}});
  std::sort(keys_.begin(), keys_.end());

  base::Writer out(content_);
  out.octets(magic);
  out.u32(version);
  out.u32(0);
  out.i64(header_.base);
  out.i64(header_.end);
  out.i64(header_.first_time_ms);
  out.i64(header_.last_time_ms);
  out.i64(header_.due_ms_min);
  out.i64(header_.due_ms_max);
  out.u64(header_.name_octets);
  for (const std::uint32_t count :
       {header_.queues, header_.entries, header_.keys, header_.dues, header_.marks, header_.epochs, header_.holes})
    out.u32(count);
  content_.resize(header_octets, '\0');

  std::uint32_t first_entry = 0;
  std::uint32_t name_at = 0;
  for (const auto& line : source_.queues) {
    const auto entries = line.run == nullptr ? 0 : static_cast<std::uint32_t>(line.run->entries.size());
    out.u64(line.hash);
    out.i64(line.run == nullptr ? line.base : line.run->base);
    out.i64(line.next);
    out.u32(first_entry);
    out.u32(entries);
    out.u32(name_at);
    first_entry += entries;
    name_at += static_cast<std::uint32_t>(4 + 1 + line.topic.size());
  }
}

void IndexWriter::restart() {
  header_ = {};
  keys_.clear();
  content_.clear();
  block_ = 0;
  file_.reset();
  section_ = Section::start;
  at_ = entry_at_ = 0;
}

void IndexWriter::next_piece() {
  const MemoryIndex& index = *source_.index;
  base::Writer out(content_);
  const auto room = [&] { return content_.size() < piece_octets; };
  const auto next = [&](Section section) {
    section_ = section;
    at_ = entry_at_ = 0;
  };
  switch (section_) {
    case Section::start:
      prepare();
      return next(Section::entries);
    case Section::entries:
      for (; at_ < source_.queues.size() && room(); ++at_, entry_at_ = 0) {
        const Run* run = source_.queues[at_].run;
        if (run == nullptr) continue;
        for (; entry_at_ < run->entries.size() && room(); ++entry_at_) write_packed(out, run->entries[entry_at_]);
        if (entry_at_ < run->entries.size()) return;
      }
      if (at_ == source_.queues.size()) next(Section::keys);
      return;
    case Section::keys:
      for (; at_ < keys_.size() && room(); ++at_) {
        out.u64(keys_[at_].first);
        out.u32(keys_[at_].second.first);
        out.u32(keys_[at_].second.second);
      }
      if (at_ == keys_.size()) next(Section::dues);
      return;
    case Section::dues:
      for (const auto& [due_ms, place] : index.dues) {
        out.i64(due_ms);
        out.u32(place);
      }
      return next(Section::marks);
    case Section::marks:
      for (const std::uint32_t mark : index.marks) out.u32(mark);
      for (const auto& [epoch, position] : index.epochs) {
        out.u32(epoch);
        out.i64(position);
      }
      for (const auto& [from, to] : index.holes) {
        out.u32(from);
        out.u32(to);
      }
      return next(Section::names);
    case Section::names:
      for (const auto& line : source_.queues) {
        out.i32(line.queue);
        out.u8(static_cast<std::uint8_t>(line.topic.size()));
        out.octets(line.topic);
      }
      return next(Section::done);
    case Section::done:
      return;
  }
}

world::FileResult<void> IndexWriter::write_blocks(bool all) {
  std::string octets;
  std::size_t at = 0;
  const std::uint64_t first = block_;
  while (content_.size() - at >= index_block_content || (all && at < content_.size())) {
    const std::string_view content = std::string_view(content_).substr(at, index_block_content);
    octets += content;
    base::Writer(octets).u32(block_check(header_.base, block_++, content));
    at += content.size();
  }
  content_.erase(0, at);
  if (octets.empty()) return {};
  return file_->write_at(first * index_block_octets, octets);
}

world::FileResult<bool> IndexWriter::step(std::uint64_t octets) {
  const std::string temporary = path_ + ".tmp";
  if (file_ == nullptr) {
    auto file = files_.open(temporary, world::OpenMode::create);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    if (auto done = file_->truncate(0); !done) return std::unexpected(done.error());
  }
  const std::uint64_t until = block_ + octets / index_block_octets + 1;
  while (section_ != Section::done && block_ < until) {
    next_piece();
    if (auto done = write_blocks(false); !done) return std::unexpected(done.error());
  }
  if (section_ != Section::done) return false;
  if (auto done = write_blocks(true); !done) return std::unexpected(done.error());
  if (auto done = finish(); !done) return std::unexpected(done.error());
  return true;
}

world::FileResult<void> IndexWriter::finish() {
  if (auto done = file_->sync(); !done) return done;
  file_.reset();
  if (auto done = files_.rename(path_ + ".tmp", path_); !done) return done;
  return files_.sync_directory(world::parent_directory(path_));
}

}  // namespace chorus::mq::log
