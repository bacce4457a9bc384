// How an entry lies in the log: a frame of 32 octets, a head that says which queue, offset, tag, keys and due time, the payload.
// docs/formats.md has the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mq/log/store.h"
#include "store/format.h"

namespace chorus::mq::log {

inline constexpr std::size_t segment_header_octets = 64;
inline constexpr std::size_t frame_octets = 32;
inline constexpr std::size_t entry_alignment = 8;
inline constexpr std::size_t topic_octets_max = 255;
inline constexpr std::size_t keys_max = 255;
/// Longer ones are damage, whatever the options say.
inline constexpr std::uint32_t entry_octets_limit = 1U << 30;

/// Of segments: the id of a record is the entry's position, a segment is named by the position of its first octet, which is its header's.
/// So an entry lies in its file where position and name differ.
class EntryFormat final : public store::Format {
 public:
  std::string name_of(store::Id first) const override;
  std::optional<store::Id> first_of(std::string_view name) const override;
  std::string header(store::Id first) const override;
  std::string refuse_header(std::string_view header) const override;
  /// payload: head and payload of the entry
  store::Scan scan(std::string_view octets) const override;
  std::size_t frame_size() const override { return frame_octets; }
  bool may_stand_at(store::Id first, std::uint64_t offset, store::Id id) const override {
    return id - first == static_cast<Position>(offset) - static_cast<Position>(segment_header_octets);
  }
  /// The frame does not tell how long the entry before it was: the caller knows.
  bool follows(store::Id, store::Id) const override { return false; }
};
inline const EntryFormat entry_format;

/// Names of what belongs to a segment, in one directory.
std::string log_name(Position base);
std::string index_name(Position base);
/// Position in such a name; empty: another file.
std::optional<Position> position_in_name(std::string_view name, std::string_view extension);

/// Stable over builds and machines: it is on disks.
std::uint64_t hash64(std::string_view octets);
std::uint64_t hash64(std::string_view topic, std::int32_t queue);

/// Octets that the entry takes in the log.
std::uint64_t framed_octets(const NewEntry& entry);
std::uint64_t framed_octets(std::uint64_t head, std::uint64_t payload);
/// Octets of the entry's head.
std::size_t head_octets(const NewEntry& entry);

struct Stamp {
  Position position;
  Epoch epoch;
  Offset offset;
  std::int64_t store_time_ms;
};
/// Appends the entry to `group`, all but its checksum, with what the store fills in.
void encode_entry(const NewEntry& entry, const Stamp& stamp, std::string& group);
/// Whether the payload is long enough for what the store fills in.
bool is_patchable(const NewEntry& entry);
/// Fills in the checksums of whole frames, back to back.
void fill_checksums(std::string& group);

/// The octets that a whole entry has; 0: not enough octets to tell, or not an entry's.
std::uint64_t framed_octets(std::string_view frame);
/// An entry whose checksum is known to be right. Empty: its head makes no sense.
std::optional<EntryView> decode_entry(std::string_view frame);
/// The same but for the payload, which need not be there.
std::optional<EntryView> decode_head(std::string_view frame);
/// As decode_entry(), of an entry read at `position`, checked in full.
std::optional<EntryView> check_entry(std::string_view octets, Position position);
Entry to_entry(const EntryView& view);

}  // namespace chorus::mq::log
