#include "cache/rdb/stream_reader.h"

#include <limits>
#include <utility>

#include "cache/rdb/packed.h"

namespace chorus::cache::rdb {
namespace {

constexpr std::string_view damaged = "a stream that is damaged";
constexpr std::size_t id_octets = 16;
/// Commands take no larger ones.
constexpr std::uint64_t count_max = std::numeric_limits<std::int64_t>::max();

StreamId id_of(std::string_view octets) {
  const auto big = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(octets[at + i]);
    return value;
  };
  return {big(0), big(8)};
}

bool read_id(Input& input, StreamId& id) {
  std::string_view octets;
  if (!input.octets(id_octets, octets)) return false;
  id = id_of(octets);
  return true;
}

bool read_lengths(Input& input, StreamId& id) { return input.length(id.ms) && input.length(id.seq); }

/// Whether the ids are in order, and none lies behind the last.
bool is_in_order(const Stream& stream) {
  StreamCursor cursor(stream, {}, StreamId::last());
  std::uint64_t seen = 0;
  for (StreamId before; cursor.next(); before = cursor.id(), ++seen) {
    if (cursor.id() <= before || cursor.id() > stream.last_id) return false;
  }
  return seen == stream.length;
}

}  // namespace

StreamReader::~StreamReader() {
  if (stream_ != nullptr) Stream::destroy(stream_);
}

Stream* StreamReader::take() { return std::exchange(stream_, nullptr); }

bool StreamReader::step(Input& input) {
  while (part_ != Part::done) {
    const std::size_t mark = input.position();
    if (read(input)) continue;
    input.rewind(mark);
    return false;
  }
  return true;
}

bool StreamReader::read(Input& input) {
  switch (part_) {
    case Part::node_count:
      if (!input.length(nodes_)) return false;
      part_ = Part::nodes;
      return true;
    case Part::nodes:
      return read_node(input);
    case Part::numbers:
      return read_numbers(input);
    case Part::group_head:
      return read_group_head(input);
    case Part::pending:
      return read_pending(input);
    case Part::consumer_head:
      return read_consumer_head(input);
    case Part::consumer_pending:
      return read_consumer_pending(input);
    case Part::done:
      break;
  }
  return true;
}

bool StreamReader::read_node(Input& input) {
  if (nodes_ == 0) {
    part_ = Part::numbers;
    return true;
  }
  if (!input.string(first_) || !input.string(second_)) return false;
  if (first_.view().size() != id_octets) return input.fail(damaged);
  const StreamId id = id_of(first_.view());
  if (!stream_->nodes().empty() && stream_->nodes().rbegin()->first >= id) return input.fail(damaged);
  auto pack = adopt_listpack(second_.view());
  const auto living = pack ? Stream::check_node(*pack) : std::nullopt;
  if (!living) {
    if (pack) pack->destroy();
    return input.fail(damaged);
  }
  stream_->add_node(id, *pack);
  living_ += *living;
  --nodes_;
  return true;
}

bool StreamReader::read_numbers(Input& input) {
  std::uint64_t length = 0, added = 0, groups = 0;
  StreamId last, first, deleted;
  if (!input.length(length) || !read_lengths(input, last)) return false;
  if (type_ == ValueType::stream) {
    added = length;
  } else if (!read_lengths(input, first) || !read_lengths(input, deleted) || !input.length(added)) {
    return false;
  }
  if (!input.length(groups)) return false;
  stream_->length = length;
  stream_->last_id = last;
  stream_->max_deleted_id = deleted;
  stream_->entries_added = added;
  if (length != living_ || added < length || added > count_max || !is_in_order(*stream_)) return input.fail(damaged);
  // Rather than what is said of it.
  StreamCursor cursor(*stream_, {}, StreamId::last());
  if (cursor.next()) stream_->first_id = cursor.id();
  groups_ = groups;
  part_ = Part::group_head;
  return true;
}

bool StreamReader::read_group_head(Input& input) {
  if (groups_ == 0) {
    part_ = Part::done;
    return true;
  }
  StreamId last;
  std::uint64_t read = 0;
  if (!input.string(first_) || !read_lengths(input, last)) return false;
  if (type_ != ValueType::stream && !input.length(read)) return false;
  if (!input.length(pending_)) return false;
  const auto [at, is_new] = stream_->groups.try_emplace(StreamName(first_.view()));
  if (!is_new) return input.fail("the same group twice");
  group_ = &at->second;
  group_->last_id = last;
  group_->entries_read = static_cast<std::int64_t>(read);
  if (type_ == ValueType::stream) {
    const auto distance = stream_->distance_from_first(last);
    group_->entries_read = distance ? static_cast<std::int64_t>(*distance) : -1;
  }
  if (group_->entries_read < -1) return input.fail(damaged);
  owned_ = 0;
  --groups_;
  part_ = Part::pending;
  return true;
}

bool StreamReader::read_pending(Input& input) {
  if (pending_ == 0) {
    if (!input.length(consumers_)) return false;
    part_ = Part::consumer_head;
    return true;
  }
  StreamId id;
  std::uint64_t delivered = 0, deliveries = 0;
  if (!read_id(input, id) || !input.little(8, delivered) || !input.length(deliveries)) return false;
  if (deliveries > count_max) return input.fail(damaged);
  const StreamPending pending{.consumer = nullptr, .delivered_ms = static_cast<std::int64_t>(delivered), .deliveries = deliveries};
  if (!group_->pending.emplace(id, pending).second) return input.fail("the same pending entry twice");
  --pending_;
  return true;
}

bool StreamReader::read_consumer_head(Input& input) {
  if (consumers_ == 0) {
    // One that nobody was given cannot be.
    if (owned_ != group_->pending.size()) return input.fail("a pending entry without a consumer");
    part_ = Part::group_head;
    return true;
  }
  std::uint64_t seen = 0, active = 0;
  if (!input.string(first_) || !input.little(8, seen)) return false;
  if (type_ == ValueType::stream3 && !input.little(8, active)) return false;
  if (!input.length(consumer_pending_)) return false;
  if (group_->find(first_.view()) != nullptr) return input.fail("the same consumer twice");
  consumer_ = &group_->add(first_.view(), static_cast<std::int64_t>(seen));
  consumer_->active_ms = static_cast<std::int64_t>(type_ == ValueType::stream3 ? active : seen);
  --consumers_;
  part_ = Part::consumer_pending;
  return true;
}

bool StreamReader::read_consumer_pending(Input& input) {
  if (consumer_pending_ == 0) {
    part_ = Part::consumer_head;
    return true;
  }
  StreamId id;
  if (!read_id(input, id)) return false;
  const auto found = group_->pending.find(id);
  if (found == group_->pending.end() || found->second.consumer != nullptr)
    return input.fail("a pending entry that the group does not have");
  found->second.consumer = consumer_;
  consumer_->pending.insert(id);
  ++owned_;
  --consumer_pending_;
  return true;
}

}  // namespace chorus::cache::rdb
