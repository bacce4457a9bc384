// What the store must know about the records of one kind of file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::store {

/// Number of a record (a zxid, an offset, ...): grows along the log, by at least one a record.
using Id = std::int64_t;

/// What stands at the start of some octets.
struct Scan {
  enum class Kind {
    complete,  // a whole record whose checksum is right
    end,       // a record of length zero: nothing was written from here on
    more,      // cannot tell without `length` octets
    bad,       // not a record: `why`
  };
  Kind kind = Kind::end;
  /// complete: octets of the record with its framing. more: octets to look at, from the record's start. bad: octets that the record claims
  /// to have, no more than its framing when the claim is absurd.
  std::uint64_t length = 0;
  Id id = 0;                   // complete
  std::string_view payload{};  // complete; borrowed from the scanned octets
  std::string_view why{};      // bad; constant
};

/// One kind of segment file. Stateless: one object serves every log and thread.
///
/// A segment is a header, records without gaps, then zeros or the end of the file. The store keeps its mark (see segment.h) in the first
/// `mark_size` octets behind the last record, so scan() has to answer `end` for any such octets followed by zeros.
class Format {
 public:
  virtual ~Format() = default;
  /// File name of the segment whose first record is `first`, and back (empty: not a segment of this kind).
  virtual std::string name_of(Id first) const = 0;
  virtual std::optional<Id> first_of(std::string_view name) const = 0;
  /// Octets with which every segment begins; always the same number.
  virtual std::string header(Id first) const = 0;
  /// Empty when `header` may be read, else why not.
  virtual std::string refuse_header(std::string_view header) const = 0;
  /// Never reads beyond `octets`; never answers `more` with a length that is there already.
  virtual Scan scan(std::string_view octets) const = 0;
  /// Octets before a record's payload, and how many of them, from the first on, are always zero.
  virtual std::size_t frame_size() const = 0;
  virtual std::size_t zero_prefix() const { return 0; }
  /// Whether a record with that id may begin there, in the segment whose first record is `first`.
  virtual bool may_stand_at([[maybe_unused]] Id first, [[maybe_unused]] std::uint64_t offset, [[maybe_unused]] Id id) const { return true; }
  /// Whether no record can be missing between these two.
  virtual bool follows(Id before, Id after) const { return after == before + 1; }
};

}  // namespace chorus::store
