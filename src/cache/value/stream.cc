#include "cache/value/stream.h"

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "cache/value/stream_node.h"

namespace chorus::cache {

StreamConsumer* StreamGroup::find(std::string_view consumer) {
  const auto found = consumers.find(consumer);
  return found == consumers.end() ? nullptr : &found->second;
}

StreamConsumer& StreamGroup::add(std::string_view consumer, std::int64_t now_ms) {
  const auto at = consumers.try_emplace(StreamName(consumer)).first;
  at->second.name = at->first;
  at->second.seen_ms = now_ms;
  return at->second;
}

std::size_t StreamGroup::remove(std::string_view consumer) {
  const auto found = consumers.find(consumer);
  if (found == consumers.end()) return 0;
  const std::size_t count = found->second.pending.size();
  for (const StreamId id : found->second.pending) pending.erase(id);
  consumers.erase(found);
  return count;
}

void StreamGroup::put(StreamId id, StreamPending what) {
  pending.emplace(id, what);
  what.consumer->pending.insert(id);
}

void StreamGroup::give(StreamId id, StreamPending& what, StreamConsumer& consumer) {
  if (what.consumer == &consumer) return;
  what.consumer->pending.erase(id);
  what.consumer = &consumer;
  consumer.pending.insert(id);
}

bool StreamGroup::acknowledge(StreamId id) {
  const auto found = pending.find(id);
  if (found == pending.end()) return false;
  found->second.consumer->pending.erase(id);
  pending.erase(found);
  return true;
}

Stream* Stream::make() { return new (memory::allocate(sizeof(Stream))) Stream(); }

void Stream::destroy(Stream* stream) {
  stream->~Stream();
  memory::release(stream);
}

Stream::~Stream() {
  for (const auto& [id, block] : nodes_) memory::release(block);
}

Stream* Stream::copy() const {
  Stream* copy = make();
  copy->length = length;
  copy->first_id = first_id;
  copy->last_id = last_id;
  copy->max_deleted_id = max_deleted_id;
  copy->entries_added = entries_added;
  for (const auto& [id, block] : nodes_) {
    const std::size_t octets = Listpack(block).octets();
    void* mine = memory::allocate(octets);
    std::memcpy(mine, block, octets);
    copy->nodes_.emplace_hint(copy->nodes_.end(), id, mine);
  }
  for (const auto& [name, group] : groups) {
    StreamGroup& mine = copy->groups[name];
    mine.last_id = group.last_id;
    mine.entries_read = group.entries_read;
    for (const auto& [consumer_name, consumer] : group.consumers) {
      StreamConsumer& own = mine.add(consumer_name, consumer.seen_ms);
      own.active_ms = consumer.active_ms;
      own.pending = consumer.pending;
    }
    for (const auto& [id, each] : group.pending) {
      StreamPending own = each;
      own.consumer = mine.find(each.consumer->name);
      mine.pending.emplace_hint(mine.pending.end(), id, own);
    }
  }
  return copy;
}

bool Stream::append(StreamId id, std::span<const std::string_view> fields, std::size_t node_octets, std::size_t node_entries) {
  constexpr std::size_t numbers_octets = 256;  // more than all that is in a node beside the fields of one entry
  std::size_t octets = 0, packed = numbers_octets;
  for (const std::string_view each : fields) {
    octets += each.size();
    packed += Listpack::size_of(each);
  }
  if (packed > Listpack::octets_max || fields.size() > Listpack::octets_max / 16) return false;
  if (node_octets == 0 || node_octets > Listpack::octets_max) node_octets = Listpack::octets_max;
  auto node = nodes_.end();
  if (!nodes_.empty()) {
    node = std::prev(nodes_.end());
    Listpack pack(node->second);
    const StreamNodeHead head(pack);
    const bool is_full = pack.octets() + octets >= node_octets || !pack.has_room(packed) ||
                         (node_entries > 0 && head.count() + head.deleted() >= node_entries);
    if (is_full) {
      pack.trim();
      node->second = pack.block();
      node = nodes_.end();
    }
  }
  if (node == nodes_.end()) {
    Listpack pack = Listpack::make();
    std::vector<std::string_view> words{"0", "0"};
    NumberText number;
    words.push_back(number.of(static_cast<std::int64_t>(fields.size() / 2)));
    for (std::size_t i = 0; i < fields.size(); i += 2) words.push_back(fields[i]);
    words.emplace_back("0");
    pack.append_all(words);
    node = nodes_.emplace_hint(nodes_.end(), id, pack.block());
  }
  Listpack pack(node->second);
  StreamNodeHead head(pack);
  const bool shares = head.has_fields(fields);
  NumberText ms, seq, number, total;
  absl::InlinedVector<std::string_view, 16> words{shares ? "2" : "0", ms.of(static_cast<std::int64_t>(id.ms - node->first.ms)),
                                                  seq.of(static_cast<std::int64_t>(id.seq - node->first.seq))};
  if (!shares) words.push_back(number.of(static_cast<std::int64_t>(fields.size() / 2)));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!shares || i % 2 == 1) words.push_back(fields[i]);
  }
  words.push_back(total.of(static_cast<std::int64_t>(words.size())));
  pack.append_all(words);
  head.change(pack, 1, 0);
  node->second = pack.block();
  if (entries_added < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) ++entries_added;
  ++length;
  last_id = id;
  if (length == 1) first_id = id;
  return true;
}

bool Stream::contains(StreamId id) const { return StreamCursor(*this, id, id).next(); }

StreamId Stream::top() const {
  StreamCursor cursor(*this, {}, StreamId::last(), true);
  return cursor.next() ? cursor.id() : StreamId{};
}

void Stream::find_first() {
  StreamCursor cursor(*this, {}, StreamId::last());
  first_id = cursor.next() ? cursor.id() : StreamId{};
}

bool Stream::erase(StreamId id) {
  auto node = nodes_.upper_bound(id);
  if (node == nodes_.begin()) return false;
  --node;
  Listpack pack(node->second);
  const StreamNodeHead head(pack);
  for (auto at = head.entries(); at != pack.end();) {
    const StreamNodeEntry entry(pack, head.fields(), node->first, at);
    if (entry.id != id || entry.is_deleted) {
      at = entry.end;
      continue;
    }
    if (head.count() == 1) {
      pack.destroy();
      nodes_.erase(node);
    } else {
      entry.mark_deleted(pack);
      head.change(pack, -1, 1);
      node->second = pack.block();
    }
    --length;
    max_deleted_id = std::max(max_deleted_id, id);
    if (id == first_id) find_first();
    return true;
  }
  return false;
}

std::uint64_t Stream::trim(const StreamTrim& trim) {
  std::uint64_t removed = 0;
  for (auto node = nodes_.begin(); node != nodes_.end(); node = nodes_.begin()) {
    if (trim.length && length <= *trim.length) break;
    Listpack pack(node->second);
    const std::uint64_t count = StreamNodeHead(pack).count();
    if (trim.limit > 0 && removed + count > trim.limit) break;
    const bool goes = trim.length ? length - count >= *trim.length : last_of_node(pack, node->first) < trim.id;
    if (!goes) {
      if (!trim.whole_nodes) removed += trim_within(node, trim);
      break;
    }
    pack.destroy();
    nodes_.erase(node);
    length -= count;
    removed += count;
  }
  if (removed > 0) find_first();
  return removed;
}

std::uint64_t Stream::trim_within(Nodes::iterator node, const StreamTrim& trim) {
  Listpack pack(node->second);
  const StreamNodeHead head(pack);
  std::int64_t removed = 0;
  for (auto at = head.entries(); at != pack.end();) {
    const StreamNodeEntry entry(pack, head.fields(), node->first, at);
    if (trim.length ? length <= *trim.length : entry.id >= trim.id) break;
    if (!entry.is_deleted) {
      entry.mark_deleted(pack);
      ++removed;
      --length;
    }
    at = entry.end;
  }
  head.change(pack, -removed, removed);
  node->second = pack.block();
  return static_cast<std::uint64_t>(removed);
}

bool Stream::has_holes_behind(StreamId from) const {
  if (length == 0 || max_deleted_id.is_zero()) return false;
  if (first_id > max_deleted_id) return false;  // all deletions were before what is there
  return from <= max_deleted_id;
}

std::optional<std::uint64_t> Stream::distance_from_first(StreamId id) const {
  if (entries_added == 0) return 0;
  if (length == 0 && id <= last_id) return entries_added;
  if (id == last_id) return entries_added;
  if (id > last_id) return {};
  if (!max_deleted_id.is_zero() && max_deleted_id >= first_id) return {};
  if (id < first_id) return entries_added - length;
  if (id == first_id) return entries_added - length + 1;
  return {};
}

std::optional<std::int64_t> Stream::lag_of(const StreamGroup& group) const {
  if (entries_added == 0) return 0;
  const auto added = static_cast<std::int64_t>(entries_added);
  if (group.entries_read >= 0 && !has_holes_behind(group.last_id)) return added - group.entries_read;
  const auto read = distance_from_first(group.last_id);
  return read ? std::optional(added - static_cast<std::int64_t>(*read)) : std::nullopt;
}

bool Stream::advance(StreamGroup& group, StreamId id) const {
  if (id <= group.last_id) return false;
  if (group.entries_read >= 0 && !has_holes_behind(id)) {
    if (group.entries_read < std::numeric_limits<std::int64_t>::max()) ++group.entries_read;
  } else if (entries_added > 0) {
    const auto read = distance_from_first(id);
    group.entries_read = read ? static_cast<std::int64_t>(*read) : -1;
  }
  group.last_id = id;
  return true;
}

std::size_t Stream::elements() const {
  std::size_t count = nodes_.size() + 1;
  for (const auto& [name, group] : groups) count += group.pending.size() + group.consumers.size() + 1;
  return count;
}

bool Stream::drain(std::size_t& items) {
  for (; !nodes_.empty() && items > 0; --items) {
    memory::release(nodes_.begin()->second);
    nodes_.erase(nodes_.begin());
  }
  while (!groups.empty() && items > 0) {
    StreamGroup& group = groups.begin()->second;
    for (; !group.pending.empty() && items > 0; --items) group.acknowledge(group.pending.begin()->first);
    if (!group.pending.empty()) break;
    for (; !group.consumers.empty() && items > 0; --items) group.consumers.erase(group.consumers.begin());
    if (!group.consumers.empty()) break;
    items -= std::min<std::size_t>(items, 1);
    groups.erase(groups.begin());
  }
  return nodes_.empty() && groups.empty();
}

std::size_t Stream::memory(std::size_t samples) const {
  // A tree's node is filled to three quarters in the mean.
  const auto tree = [](std::size_t count, std::size_t each) { return count * each * 4 / 3; };
  std::size_t seen = 0, octets = 0;
  for (auto node = nodes_.begin(); node != nodes_.end() && (samples == 0 || seen < samples); ++node, ++seen) {
    octets += memory::cost(node->second);
  }
  std::size_t total = memory::cost(this) + (seen == 0 ? 0 : octets * nodes_.size() / seen) + tree(nodes_.size(), sizeof(Nodes::value_type));
  constexpr std::size_t map_node = 48;  // three pointers and a colour, and what the allocator adds
  for (const auto& [name, group] : groups) {
    total += map_node + sizeof(name) + sizeof(group) + name.capacity();
    total += tree(group.pending.size(), sizeof(StreamId) * 2 + sizeof(StreamPending));
    for (const auto& [consumer_name, consumer] : group.consumers) {
      total += map_node + sizeof(consumer_name) + sizeof(consumer) + consumer_name.capacity();
    }
  }
  return total;
}

}  // namespace chorus::cache
