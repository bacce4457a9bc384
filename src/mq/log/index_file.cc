#include "mq/log/index_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/checksum.h"
#include "mq/log/frame.h"
#include "mq/log/index_layout.h"

namespace chorus::mq::log {

using namespace index_layout;

std::uint64_t IndexHeader::queues_at() const { return header_octets; }
std::uint64_t IndexHeader::entries_at() const { return queues_at() + std::uint64_t{queues} * queue_octets; }
std::uint64_t IndexHeader::keys_at() const { return entries_at() + std::uint64_t{entries} * entry_octets; }
std::uint64_t IndexHeader::dues_at() const { return keys_at() + std::uint64_t{keys} * key_octets; }
std::uint64_t IndexHeader::marks_at() const { return dues_at() + std::uint64_t{dues} * due_octets; }
std::uint64_t IndexHeader::epochs_at() const { return marks_at() + std::uint64_t{marks} * mark_octets; }
std::uint64_t IndexHeader::holes_at() const { return epochs_at() + std::uint64_t{epochs} * epoch_octets; }
std::uint64_t IndexHeader::names_at() const { return holes_at() + std::uint64_t{holes} * hole_octets; }
std::uint64_t IndexHeader::octets() const { return names_at() + name_octets; }

namespace {

StoreError damaged(Position base, std::string_view why) {
  return {StoreErrc::damaged, fmt::format("{} is damaged: {}", index_name(base), why)};
}

Packed read_packed(std::string_view octets) {
  base::Reader in(octets);
  Packed packed;
  packed.place = in.u32();
  packed.size = in.u32();
  packed.offset = in.u32();
  packed.count = in.u32();
  packed.tag_hash = in.i32();
  packed.time = in.u32();
  packed.head = in.u16();
  packed.kind = static_cast<Kind>(in.u8());
  return packed;
}

}  // namespace

IndexFiles::IndexFiles(world::Files& files, const std::string& directory, std::uint64_t cache_octets)
    : files_(files, directory, 32), cache_octets_(std::max<std::uint64_t>(cache_octets, 4 * index_block_octets)) {}

void IndexFiles::forget(Position base) {
  files_.forget(index_name(base));
  headers_.erase(base);
  for (auto block = blocks_.begin(); block != blocks_.end();) {
    if (block->base == base) {
      by_number_.erase({base, block->number});
      block = blocks_.erase(block);
    } else {
      ++block;
    }
  }
}

void IndexFiles::clear() {
  files_.clear();
  headers_.clear();
  blocks_.clear();
  by_number_.clear();
}

StoreResult<std::string_view> IndexFiles::block(Position base, std::uint64_t number) {
  if (const auto found = by_number_.find({base, number}); found != by_number_.end()) {
    blocks_.splice(blocks_.begin(), blocks_, found->second);
    return blocks_.front().content;
  }
  auto file = files_.get(index_name(base));
  if (!file) {
    if (file.error().code == world::FileErrc::not_found) return std::unexpected(damaged(base, "it is missing"));
    return std::unexpected(store_error(file.error()));
  }
  auto octets = read_octets(**file, number * index_block_octets, index_block_octets);
  if (!octets) return std::unexpected(octets.error());
  if (octets->size() < 4) return std::unexpected(damaged(base, "it is cut short"));
  const std::size_t size = octets->size() - 4;
  if (base::Reader(std::string_view(*octets).substr(size)).u32() != block_check(base, number, std::string_view(*octets).substr(0, size)))
    return std::unexpected(damaged(base, fmt::format("the checksum of block {} is wrong", number)));
  octets->resize(size);
  while ((blocks_.size() + 1) * index_block_octets > cache_octets_) {
    by_number_.erase({blocks_.back().base, blocks_.back().number});
    blocks_.pop_back();
  }
  blocks_.push_front({base, number, std::move(*octets)});
  by_number_[{base, number}] = blocks_.begin();
  return blocks_.front().content;
}

StoreResult<std::string> IndexFiles::octets(Position base, std::uint64_t at, std::size_t size) {
  std::string out;
  out.reserve(size);
  while (out.size() < size) {
    const std::uint64_t here = at + out.size();
    auto content = block(base, here / index_block_content);
    if (!content) return std::unexpected(content.error());
    const std::uint64_t skip = here % index_block_content;
    if (skip >= content->size()) return std::unexpected(damaged(base, "it is cut short"));
    out += content->substr(skip, size - out.size());
  }
  return out;
}

StoreResult<IndexHeader> IndexFiles::header(Position base) {
  if (const auto found = headers_.find(base); found != headers_.end()) return found->second;
  auto text = octets(base, 0, header_octets);
  if (!text) return std::unexpected(text.error());
  base::Reader in(*text);
  if (in.octets(magic.size()) != magic) return std::unexpected(damaged(base, "it does not begin as an index"));
  if (in.u32() != version) return std::unexpected(damaged(base, "it is of another version"));
  in.u32();
  IndexHeader header;
  header.base = in.i64();
  header.end = in.i64();
  header.first_time_ms = in.i64();
  header.last_time_ms = in.i64();
  header.due_ms_min = in.i64();
  header.due_ms_max = in.i64();
  header.name_octets = in.u64();
  for (std::uint32_t* count : {&header.queues, &header.entries, &header.keys, &header.dues, &header.marks, &header.epochs, &header.holes})
    *count = in.u32();
  if (!in.ok() || header.base != base || header.end <= base || header.name_octets > (std::uint64_t{1} << 40))
    return std::unexpected(damaged(base, "its header makes no sense"));
  auto file = files_.get(index_name(base));
  if (!file) return std::unexpected(store_error(file.error()));
  auto size = (*file)->size();
  if (!size) return std::unexpected(store_error(size.error()));
  if (*size != file_octets(header.octets())) return std::unexpected(damaged(base, "it has another length than it says"));
  headers_[base] = header;
  return header;
}

template <class Before>
StoreResult<std::uint32_t> IndexFiles::partition_point(std::uint32_t count, Before before) {
  std::uint32_t low = 0;
  while (count > 0) {
    const std::uint32_t half = count / 2;
    StoreResult<bool> left = before(low + half);
    if (!left) return std::unexpected(left.error());
    if (*left) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

StoreResult<std::optional<IndexQueue>> IndexFiles::find_queue(Position base, std::string_view topic, std::int32_t queue,
                                                              std::uint64_t hash) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  const auto hash_of = [&](std::uint32_t i) -> StoreResult<std::uint64_t> {
    auto text = octets(base, h->queues_at() + std::uint64_t{i} * queue_octets, 8);
    if (!text) return std::unexpected(text.error());
    return base::Reader(*text).u64();
  };
  auto found = partition_point(h->queues, [&](std::uint32_t i) -> StoreResult<bool> {
    auto other = hash_of(i);
    if (!other) return std::unexpected(other.error());
    return *other < hash;
  });
  if (!found) return std::unexpected(found.error());
  for (std::uint32_t i = *found; i < h->queues; ++i) {
    auto text = octets(base, h->queues_at() + std::uint64_t{i} * queue_octets, queue_octets);
    if (!text) return std::unexpected(text.error());
    std::uint32_t name_at = 0;
    IndexQueue result = read_queue(*text, name_at);
    if (result.hash != hash) break;
    if (name_at >= h->name_octets || result.first_entry > h->entries || result.entries > h->entries - result.first_entry)
      return std::unexpected(damaged(base, "a queue makes no sense"));
    const std::size_t name_size = std::min<std::uint64_t>(name_octets_max, h->name_octets - name_at);
    auto name = octets(base, h->names_at() + name_at, name_size);
    if (!name) return std::unexpected(name.error());
    if (!read_name(*name, result)) return std::unexpected(damaged(base, "a queue's name makes no sense"));
    if (result.topic == topic && result.queue == queue) return result;
  }
  return std::nullopt;
}

StoreResult<void> IndexFiles::for_each_queue(Position base, const std::function<void(const IndexQueue&)>& visit) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  for (std::uint32_t i = 0; i < h->queues; ++i) {
    auto text = octets(base, h->queues_at() + std::uint64_t{i} * queue_octets, queue_octets);
    if (!text) return std::unexpected(text.error());
    std::uint32_t name_at = 0;
    IndexQueue queue = read_queue(*text, name_at);
    if (name_at >= h->name_octets) return std::unexpected(damaged(base, "a queue makes no sense"));
    auto name = octets(base, h->names_at() + name_at, std::min<std::uint64_t>(name_octets_max, h->name_octets - name_at));
    if (!name) return std::unexpected(name.error());
    if (!read_name(*name, queue)) return std::unexpected(damaged(base, "a queue's name makes no sense"));
    visit(queue);
  }
  return {};
}

StoreResult<Packed> IndexFiles::packed(Position base, std::uint64_t at) {
  auto text = octets(base, at, entry_octets);
  if (!text) return std::unexpected(text.error());
  return read_packed(*text);
}

StoreResult<Place> IndexFiles::entry(Position base, const IndexQueue& queue, std::uint32_t number) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  auto p = packed(base, h->entries_at() + (std::uint64_t{queue.first_entry} + number) * entry_octets);
  if (!p) return std::unexpected(p.error());
  if (p->count == 0 || p->size > entry_octets_limit || (p->kind != Kind::message && p->kind != Kind::batch) ||
      base + p->place + framed_octets(p->head, p->size) > static_cast<std::uint64_t>(h->end))
    return std::unexpected(damaged(base, "an entry makes no sense"));
  return Place{.entry = {.position = base + p->place,
                         .size = p->size,
                         .count = p->count,
                         .offset = queue.base + p->offset,
                         .tag_hash = p->tag_hash,
                         .store_time_ms = h->first_time_ms + p->time,
                         .kind = p->kind},
               .head = p->head};
}

StoreResult<std::uint32_t> IndexFiles::find_offset(Position base, const IndexQueue& queue, Offset offset) {
  return partition_point(queue.entries, [&](std::uint32_t i) -> StoreResult<bool> {
    auto place = entry(base, queue, i);
    if (!place) return std::unexpected(place.error());
    return place->entry.offset + place->entry.count <= offset;
  });
}

StoreResult<std::uint32_t> IndexFiles::find_time(Position base, const IndexQueue& queue, std::int64_t time_ms) {
  return partition_point(queue.entries, [&](std::uint32_t i) -> StoreResult<bool> {
    auto place = entry(base, queue, i);
    if (!place) return std::unexpected(place.error());
    return place->entry.store_time_ms < time_ms;
  });
}

StoreResult<void> IndexFiles::for_each_with_key(Position base, std::uint64_t hash, std::int64_t from_ms, std::int64_t to_ms,
                                                const std::function<bool(Position)>& visit) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  const auto key = [&](std::uint32_t i) { return octets(base, h->keys_at() + std::uint64_t{i} * key_octets, key_octets); };
  // Ascending by hash and place: the newest of this hash stands before the first of the next hash.
  auto end = partition_point(h->keys, [&](std::uint32_t i) -> StoreResult<bool> {
    auto text = key(i);
    if (!text) return std::unexpected(text.error());
    return base::Reader(*text).u64() <= hash;
  });
  if (!end) return std::unexpected(end.error());
  for (std::uint32_t i = *end; i > 0; --i) {
    auto text = key(i - 1);
    if (!text) return std::unexpected(text.error());
    base::Reader in(*text);
    if (in.u64() != hash) break;
    const std::uint32_t place = in.u32();
    const std::int64_t time_ms = h->first_time_ms + in.u32();
    if (time_ms < from_ms || time_ms > to_ms) continue;
    if (!visit(base + place)) break;
  }
  return {};
}

StoreResult<Due> IndexFiles::due(Position base, const IndexHeader& h, std::uint32_t number) {
  auto text = octets(base, h.dues_at() + std::uint64_t{number} * due_octets, due_octets);
  if (!text) return std::unexpected(text.error());
  base::Reader in(*text);
  const std::int64_t due_ms = in.i64();
  return Due{due_ms, base + in.u32()};
}

StoreResult<std::uint32_t> IndexFiles::first_due_behind(Position base, const IndexHeader& h, Due after) {
  return partition_point(h.dues, [&](std::uint32_t i) -> StoreResult<bool> {
    auto d = due(base, h, i);
    if (!d) return std::unexpected(d.error());
    return *d <= after;
  });
}

StoreResult<void> IndexFiles::dues(Position base, Due after, std::int64_t to_ms, std::size_t max, std::vector<Due>& out) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  auto first = first_due_behind(base, *h, after);
  if (!first) return std::unexpected(first.error());
  for (std::uint32_t i = *first; i < h->dues && max > 0; ++i, --max) {
    auto d = due(base, *h, i);
    if (!d) return std::unexpected(d.error());
    if (d->due_ms > to_ms) break;
    out.push_back(*d);
  }
  return {};
}

StoreResult<std::optional<std::int64_t>> IndexFiles::next_due(Position base, Due after) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  auto first = first_due_behind(base, *h, after);
  if (!first) return std::unexpected(first.error());
  if (*first == h->dues) return std::nullopt;
  auto d = due(base, *h, *first);
  if (!d) return std::unexpected(d.error());
  return d->due_ms;
}

StoreResult<std::uint32_t> IndexFiles::mark_before(Position base, std::uint32_t place) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  const auto mark = [&](std::uint32_t i) -> StoreResult<std::uint32_t> {
    auto text = octets(base, h->marks_at() + std::uint64_t{i} * mark_octets, mark_octets);
    if (!text) return std::unexpected(text.error());
    return base::Reader(*text).u32();
  };
  auto after = partition_point(h->marks, [&](std::uint32_t i) -> StoreResult<bool> {
    auto m = mark(i);
    if (!m) return std::unexpected(m.error());
    return *m <= place;
  });
  if (!after) return std::unexpected(after.error());
  if (*after == 0) return static_cast<std::uint32_t>(segment_header_octets);
  return mark(*after - 1);
}

StoreResult<std::vector<std::pair<Epoch, Position>>> IndexFiles::epochs(Position base) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  std::vector<std::pair<Epoch, Position>> out;
  for (std::uint32_t i = 0; i < h->epochs; ++i) {
    auto text = octets(base, h->epochs_at() + std::uint64_t{i} * epoch_octets, epoch_octets);
    if (!text) return std::unexpected(text.error());
    base::Reader in(*text);
    const Epoch epoch = in.u32();
    out.emplace_back(epoch, in.i64());
  }
  return out;
}

StoreResult<std::vector<std::pair<std::uint32_t, std::uint32_t>>> IndexFiles::holes(Position base) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  for (std::uint32_t i = 0; i < h->holes; ++i) {
    auto text = octets(base, h->holes_at() + std::uint64_t{i} * hole_octets, hole_octets);
    if (!text) return std::unexpected(text.error());
    base::Reader in(*text);
    const std::uint32_t from = in.u32();
    out.emplace_back(from, in.u32());
  }
  return out;
}

StoreResult<void> IndexFiles::check(Position base) {
  auto h = header(base);
  if (!h) return std::unexpected(h.error());
  for (std::uint64_t number = 0; number * index_block_content < h->octets(); ++number) {
    auto content = block(base, number);
    if (!content) return std::unexpected(content.error());
  }
  return {};
}

}  // namespace chorus::mq::log
