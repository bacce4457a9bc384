// A stream out of a file or payload, as far as its octets are there.
#pragma once

#include <cstdint>

#include "cache/rdb/format.h"
#include "cache/rdb/input.h"
#include "cache/value/stream.h"

namespace chorus::cache::rdb {

/// Reads one stream: step() until it is whole, take().
///
///   count, nodes { string: id of 16 octets BE; string: packed list } · length · last id · from stream2 on: first id, largest deleted id,
///   entries ever added · count, groups { name; last id; from stream2 on: entries read; count, pending { id of 16 octets BE, u64 LE ms,
///   deliveries }; count, consumers { name; u64 LE seen ms; stream3: u64 LE active ms; count, ids of 16 octets BE } }
class StreamReader {
 public:
  /// type: stream, stream2 or stream3.
  explicit StreamReader(ValueType type) : type_(type), stream_(Stream::make()) {}
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  /// True: it is whole. False: more octets are needed, or the input has failed.
  bool step(Input& input);
  /// The caller's.
  Stream* take();

 private:
  enum class Part : std::uint8_t { node_count, nodes, numbers, group_head, pending, consumer_head, consumer_pending, done };

  bool read(Input& input);
  bool read_node(Input& input);
  bool read_numbers(Input& input);
  bool read_group_head(Input& input);
  bool read_pending(Input& input);
  bool read_consumer_head(Input& input);
  bool read_consumer_pending(Input& input);

  const ValueType type_;
  Stream* stream_;
  Part part_ = Part::node_count;
  std::uint64_t nodes_ = 0, groups_ = 0, pending_ = 0, consumers_ = 0, consumer_pending_ = 0;  // that are left
  std::uint64_t living_ = 0;
  std::size_t owned_ = 0;  // of the group's pending entries: those with a consumer
  StreamGroup* group_ = nullptr;
  StreamConsumer* consumer_ = nullptr;
  Token first_, second_;
};

}  // namespace chorus::cache::rdb
