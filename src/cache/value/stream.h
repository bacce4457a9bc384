// A stream: its entries in packed lists of some hundred, in Redis' own form, and the groups that read it.
//
// A node's list: count, deleted, number of fields, those fields, 0; then for each entry: flags (1: deleted, 2: its fields are the node's),
// ms and seq as differences from the node's id, the fields unless they are the node's: their number and name, value, ...; else the values;
// the number of these elements. The node's id and fields are those of its first entry. source: redis-wire.md, 8.5
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/memory.h"
#include "cache/value/listpack.h"
#include "cache/value/stream_id.h"

namespace chorus::cache {

using StreamName = std::basic_string<char, std::char_traits<char>, memory::Allocator<char>>;
struct StreamNameOrder {
  using is_transparent = void;
  bool operator()(std::string_view one, std::string_view other) const { return one < other; }
};
template <class Value>
using ByStreamName = std::map<StreamName, Value, StreamNameOrder, memory::Allocator<std::pair<const StreamName, Value>>>;
template <class Value>
using ByStreamId = absl::btree_map<StreamId, Value, std::less<>, memory::Allocator<std::pair<const StreamId, Value>>>;

struct StreamConsumer {
  std::string_view name;  // lies in the group's map
  std::int64_t seen_ms = 0;
  std::int64_t active_ms = -1;  // -1: it never got anything
  absl::btree_set<StreamId, std::less<>, memory::Allocator<StreamId>> pending;
};

/// Delivered and not acknowledged.
struct StreamPending {
  StreamConsumer* consumer;
  std::int64_t delivered_ms = 0;
  std::uint64_t deliveries = 1;

  /// Up to the largest that RETRYCOUNT takes: what has more could not be said to those who follow.
  void count_delivery() {
    if (deliveries < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) ++deliveries;
  }
};

struct StreamGroup {
  StreamId last_id;
  std::int64_t entries_read = -1;  // -1: unknown
  ByStreamId<StreamPending> pending;
  ByStreamName<StreamConsumer> consumers;

  /// Null: there is none.
  StreamConsumer* find(std::string_view consumer);
  /// One that is not there yet.
  StreamConsumer& add(std::string_view consumer, std::int64_t now_ms);
  /// With what is pending for it; how much that was.
  std::size_t remove(std::string_view consumer);
  /// Pending for that consumer from now on; it was not pending.
  void put(StreamId id, StreamPending pending);
  /// Makes a pending one another consumer's.
  void give(StreamId id, StreamPending& pending, StreamConsumer& consumer);
  /// Returns whether it was pending.
  bool acknowledge(StreamId id);
};

/// Which entries go: those beyond `length` from the end, or those before `id`.
struct StreamTrim {
  std::optional<std::uint64_t> length;
  StreamId id;
  bool whole_nodes = false;
  std::uint64_t limit = 0;  // of entries looked at; 0: none
};

class Stream {
 public:
  using Nodes = ByStreamId<void*>;  // blocks of packed lists, by the id of their first entry

  static Stream* make();
  static void destroy(Stream* stream);
  Stream* copy() const;

  std::uint64_t length = 0;
  StreamId first_id;  // of what is there; 0-0 when nothing is
  StreamId last_id;   // of all that ever were
  StreamId max_deleted_id;
  std::uint64_t entries_added = 0;  // up to the largest that ENTRIESADDED takes
  ByStreamName<StreamGroup> groups;

  const Nodes& nodes() const { return nodes_; }
  /// A node as it is, behind all there are, for what reads files; the caller keeps the numbers above true. See check_node().
  void add_node(StreamId id, Listpack pack) { nodes_.emplace(id, pack.block()); }
  /// Whether the elements of a list that is sound make up a node: null where they do not, else how many entries live.
  static std::optional<std::uint64_t> check_node(const Listpack& pack);

  /// id: larger than last_id. fields: name, value, ... node_octets, node_entries: see Thresholds. False: they are too large to be stored.
  bool append(StreamId id, std::span<const std::string_view> fields, std::size_t node_octets, std::size_t node_entries);
  /// Returns whether it was there.
  bool erase(StreamId id);
  std::uint64_t trim(const StreamTrim& trim);
  bool contains(StreamId id) const;
  /// The largest id that is there; 0-0: none.
  StreamId top() const;

  /// How many entries there ever were up to `id`; empty: deletions hide it.
  std::optional<std::uint64_t> distance_from_first(StreamId id) const;
  /// Whether entries behind `from` may have been deleted.
  bool has_holes_behind(StreamId from) const;
  /// What a group has not read yet; empty: unknown.
  std::optional<std::int64_t> lag_of(const StreamGroup& group) const;
  /// Notes that the group was handed `id`; returns whether it went on by that.
  bool advance(StreamGroup& group, StreamId id) const;

  std::size_t elements() const;
  /// Frees up to `items`, which are counted down; true: nothing is left.
  bool drain(std::size_t& items);
  std::size_t memory(std::size_t samples) const;

 private:
  Stream() = default;
  ~Stream();
  std::uint64_t trim_within(Nodes::iterator node, const StreamTrim& trim);
  void find_first();

  Nodes nodes_;
};

/// Goes over the entries from `first` to `last`, both included, in either direction. The stream must not change meanwhile.
class StreamCursor {
 public:
  StreamCursor(const Stream& stream, StreamId first, StreamId last, bool reverse = false);

  /// To the next that is there; false: there is none.
  bool next();
  StreamId id() const { return id_; }
  std::size_t fields() const { return fields_; }
  /// visit(name, value); views are good within the call.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const Listpack& pack = *pack_;
    Listpack::Position name = names_, value = values_;
    NumberText of_name, of_value;
    for (std::size_t i = 0; i < fields_; ++i) {
      if (!shares_fields_) name = value;
      const std::string_view text = pack.get(name).in(of_name);
      name = pack.next(name);
      if (!shares_fields_) value = name;
      visit(text, pack.get(value).in(of_value));
      value = pack.next(value);
    }
  }

 private:
  void enter();
  bool step_forward();
  bool step_back();
  void parse(Listpack::Position at);

  const Stream::Nodes& nodes_;
  Stream::Nodes::const_iterator node_;
  StreamId first_, last_, id_;
  bool reverse_, is_over_;
  std::optional<Listpack> pack_;
  StreamId node_id_;
  std::size_t node_fields_ = 0;
  Listpack::Position node_names_ = 0, begin_ = 0;
  Listpack::Position at_ = 0;  // forward: of the next entry; backward: behind the next
  // of the entry
  std::size_t fields_ = 0;
  bool shares_fields_ = false, is_deleted_ = false;
  Listpack::Position names_ = 0, values_ = 0;
};

}  // namespace chorus::cache
