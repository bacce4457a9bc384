#include "cache/rdb/value_writer.h"

#include <lzf.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "base/bytes.h"
#include "base/ensure.h"
#include "cache/value/intset.h"
#include "cache/value/listpack.h"
#include "cache/value/member.h"
#include "cache/value/quicklist.h"
#include "cache/value/ranked_set.h"
#include "cache/value/stream.h"

namespace chorus::cache::rdb {
namespace {

/// Shorter ones are not worth compressing, and as numbers at most this long.
constexpr std::size_t plain_octets_max = 20, number_octets_max = 11;
constexpr char special_lzf = static_cast<char>(0xc3);
constexpr unsigned version_with_packed_sets = 11, version_with_active_times = 11;

void put(std::string& out, std::uint64_t octet) { out.push_back(static_cast<char>(octet)); }

bool write_small_number(std::string& out, std::int64_t value) {
  const auto fits = [value](int bits) { return value >= -(1LL << (bits - 1)) && value < 1LL << (bits - 1); };
  if (!fits(32)) return false;
  const unsigned kind = fits(8) ? 0 : fits(16) ? 1 : 2;
  put(out, 0xc0 | kind);
  write_little(out, std::size_t{1} << kind, static_cast<std::uint64_t>(value));
  return true;
}

bool write_compressed(std::string& out, std::string_view octets) {
  // At least four octets shorter, and what the library can count.
  const std::size_t room = octets.size() - 4;
  if (octets.size() > std::numeric_limits<unsigned>::max()) return false;
  const std::size_t mark = out.size();
  // The lengths before it are known afterwards; they have up to ten octets.
  constexpr std::size_t head_max = 1 + 5 + 5;
  out.resize(mark + head_max + room);
  const std::size_t packed =
      lzf_compress(octets.data(), static_cast<unsigned>(octets.size()), out.data() + mark + head_max, static_cast<unsigned>(room));
  if (packed == 0) {
    out.resize(mark);
    return false;
  }
  std::string head(1, special_lzf);
  write_length(head, packed);
  write_length(head, octets.size());
  out.resize(mark + head_max + packed);
  out.replace(mark, head_max, head);
  return true;
}

std::string_view block_of(const void* block, std::size_t octets) { return {static_cast<const char*>(block), octets}; }

void write_id(std::string& out, StreamId id) {
  base::Writer writer(out);
  writer.u64(id.ms);
  writer.u64(id.seq);
}

void write_lengths(std::string& out, StreamId id) {
  write_length(out, id.ms);
  write_length(out, id.seq);
}

/// All of a stream but its entries.
void write_stream_rest(std::string& out, const Stream& stream, const WriteOptions& options) {
  write_length(out, stream.length);
  for (const StreamId id : {stream.last_id, stream.first_id, stream.max_deleted_id}) write_lengths(out, id);
  write_length(out, stream.entries_added);
  write_length(out, stream.groups.size());
  for (const auto& [name, group] : stream.groups) {
    write_string(out, name, options);
    write_lengths(out, group.last_id);
    write_length(out, static_cast<std::uint64_t>(group.entries_read));
    write_length(out, group.pending.size());
    for (const auto& [id, pending] : group.pending) {
      write_id(out, id);
      write_little(out, 8, static_cast<std::uint64_t>(pending.delivered_ms));
      write_length(out, pending.deliveries);
    }
    write_length(out, group.consumers.size());
    for (const auto& [consumer_name, consumer] : group.consumers) {
      write_string(out, consumer_name, options);
      write_little(out, 8, static_cast<std::uint64_t>(consumer.seen_ms));
      if (options.version >= version_with_active_times) write_little(out, 8, static_cast<std::uint64_t>(consumer.active_ms));
      write_length(out, consumer.pending.size());
      for (const StreamId id : consumer.pending) write_id(out, id);
    }
  }
}

}  // namespace

void write_little(std::string& out, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) put(out, value >> (8 * i) & 255);
}

void write_length(std::string& out, std::uint64_t length) {
  const auto big = [&](int octets) {
    for (int i = octets; i-- > 0;) put(out, length >> (8 * i) & 255);
  };
  if (length < 1U << 6) return put(out, length);
  if (length < 1U << 14) {
    put(out, 0x40 | length >> 8);
    return put(out, length & 255);
  }
  const bool is_short = length <= std::numeric_limits<std::uint32_t>::max();
  put(out, is_short ? 0x80 : 0x81);
  big(is_short ? 4 : 8);
}

void write_number(std::string& out, std::int64_t value) {
  if (write_small_number(out, value)) return;
  NumberText digits;
  const std::string_view text = digits.of(value);
  write_length(out, text.size());
  out += text;
}

void write_string(std::string& out, std::string_view octets, const WriteOptions& options) {
  if (octets.size() <= number_octets_max) {
    if (const auto number = parse_integer(octets); number && write_small_number(out, *number)) return;
  }
  if (options.compresses && octets.size() > plain_octets_max && write_compressed(out, octets)) return;
  write_length(out, octets.size());
  out += octets;
}

ValueType value_type(const Entry& entry, const WriteOptions& options) {
  switch (entry.type()) {
    case Type::string:
      return ValueType::string;
    case Type::list:
      return ValueType::list_quicklist2;
    case Type::set:
      if (entry.encoding() == Encoding::intset) return ValueType::set_intset;
      if (entry.encoding() == Encoding::listpack && options.version >= version_with_packed_sets) return ValueType::set_listpack;
      return ValueType::set;
    case Type::zset:
      return entry.encoding() == Encoding::listpack ? ValueType::zset_listpack : ValueType::zset2;
    case Type::hash:
      return entry.encoding() == Encoding::listpack ? ValueType::hash_listpack : ValueType::hash;
    case Type::stream:
      return options.version >= version_with_active_times ? ValueType::stream3 : ValueType::stream2;
  }
  ENSURE(false, "a value that no command makes");
  return ValueType::string;
}

bool ValueWriter::step(std::string& out, std::size_t octets_max) {
  switch (entry_->encoding()) {
    case Encoding::integer:
      write_number(out, entry_->integer());
      return true;
    case Encoding::embedded:
    case Encoding::raw:
      return write_text(out, octets_max);
    case Encoding::listpack: {
      const Listpack pack(entry_->payload<void>());
      if (entry_->type() == Type::list) {
        write_length(out, 1);
        write_length(out, 2);
      } else if (value_type(*entry_, options_) == ValueType::set) {
        write_members(out);
        return true;
      }
      write_string(out, block_of(pack.block(), pack.octets()), options_);
      return true;
    }
    case Encoding::intset: {
      const Intset set(entry_->payload<void>());
      write_string(out, block_of(set.block(), set.octets()), options_);
      return true;
    }
    case Encoding::quicklist:
      return write_chain(out, octets_max);
    case Encoding::hashtable:
      return write_table(out, octets_max);
    case Encoding::skiplist:
      return write_ranked(out, octets_max);
    case Encoding::stream:
      return write_stream(out, octets_max);
  }
  return true;
}

bool ValueWriter::write_text(std::string& out, std::size_t octets_max) {
  NumberText digits;
  const std::string_view text = entry_->text(digits);
  if (!is_begun_ && (text.size() < piece_octets || octets_max == std::numeric_limits<std::size_t>::max())) {
    write_string(out, text, options_);
    return true;
  }
  if (!is_begun_) {
    write_length(out, text.size());
    is_begun_ = true;
  }
  const std::string_view piece = text.substr(cursor_, octets_max - std::min(out.size(), octets_max));
  out += piece;
  cursor_ += piece.size();
  return cursor_ == text.size();
}

void ValueWriter::write_members(std::string& out) {
  const Listpack pack(entry_->payload<void>());
  write_length(out, pack.count());
  NumberText digits;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(at)) write_string(out, pack.get(at).in(digits), options_);
}

bool ValueWriter::write_table(std::string& out, std::size_t octets_max) {
  const auto write = [&](const auto& table, const auto& write_item) {
    if (!is_begun_) {
      write_length(out, table.size());
      is_begun_ = true;
    }
    // Unchanged, it gives each once.
    do {
      cursor_ = table.scan(cursor_, write_item);
    } while (cursor_ != 0 && out.size() < octets_max);
    return cursor_ == 0;
  };
  if (entry_->type() == Type::set) {
    return write(*entry_->payload<MemberTable>(), [&](const Member* member) { write_string(out, member->octets(), options_); });
  }
  return write(*entry_->payload<FieldTable>(), [&](const Field* field) {
    write_string(out, field->name(), options_);
    write_string(out, field->value(), options_);
  });
}

bool ValueWriter::write_ranked(std::string& out, std::size_t octets_max) {
  const auto* set = entry_->payload<RankedSet>();
  if (!is_begun_) {
    write_length(out, set->size());
    cursor_ = set->size();
    is_begun_ = true;
  }
  if (cursor_ == 0) return true;
  // From the highest, as whoever reads it puts each before the others.
  for (auto at = set->at(cursor_ - 1); cursor_ > 0 && out.size() < octets_max; --cursor_, at.previous()) {
    write_string(out, at.node()->member(), options_);
    write_little(out, 8, std::bit_cast<std::uint64_t>(at.node()->score));
  }
  return cursor_ == 0;
}

bool ValueWriter::write_stream(std::string& out, std::size_t octets_max) {
  const auto* stream = entry_->payload<Stream>();
  auto node = stream->nodes().begin();
  if (is_begun_) {
    node = stream->nodes().upper_bound(node_);
  } else {
    write_length(out, stream->nodes().size());
    is_begun_ = true;
  }
  for (; node != stream->nodes().end() && out.size() < octets_max; ++node) {
    write_length(out, 2 * sizeof(std::uint64_t));
    write_id(out, node->first);
    write_string(out, block_of(node->second, Listpack(node->second).octets()), options_);
    node_ = node->first;
  }
  if (node != stream->nodes().end()) return false;
  write_stream_rest(out, *stream, options_);
  return true;
}

bool ValueWriter::write_chain(std::string& out, std::size_t octets_max) {
  const auto* list = entry_->payload<Quicklist>();
  const auto* node = static_cast<const Quicklist::Node*>(next_);
  if (!is_begun_) {
    write_length(out, list->nodes());
    node = list->first_node();
    is_begun_ = true;
  }
  for (; node != nullptr && out.size() < octets_max; node = node->next) {
    write_length(out, 2);
    write_string(out, block_of(node->block, node->pack().octets()), options_);
  }
  next_ = node;
  return node == nullptr;
}

void write_value(std::string& out, const Entry& entry, const WriteOptions& options) {
  ValueWriter(entry, options).step(out, std::numeric_limits<std::size_t>::max());
}

}  // namespace chorus::cache::rdb
