// What replication needs of a message log beside Store: entries as they lie in it, to be sent and to be taken.
//
// A log that follows has every entry at the leader's position, with the leader's epoch, offsets and store time: its files are the
// leader's, octet for octet, segment for segment. docs/decisions/0016-leading-and-following-a-log.md
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mq/log/store.h"

namespace chorus::mq {

/// Whole entries of one segment, back to back, as docs/formats.md has them.
struct Frames {
  Position first = 0;  // of the first entry
  std::string octets;  // empty: nothing yet
  Position next = 0;   // to read from next time
  Position end = 0;    // of what is readable; `next` is there: all was given
};

using FramesDone = std::move_only_function<void(StoreResult<Frames>)>;
using FollowDone = std::move_only_function<void(StoreResult<void>)>;

/// Every store of open_store() is one. Lives on one reactor; completions never come from within the call, and none comes once it is
/// destroyed.
class FrameStore {
 public:
  virtual ~FrameStore() = default;

  /// Entries from `from` on, readable ones, at most so many octets, but always one.
  ///   from     where an entry begins, what `next` said, or 0: the oldest
  ///   errors   not_found: it is gone, not there yet, or no entry begins there · damaged: what is there cannot be read any more
  virtual void read_frames(Position from, std::uint64_t octets_max, FramesDone done) = 0;

  /// Appends what read_frames() of the leader gave, as it is; `done` when it is as durable as the store's flush policy says. All of it is
  /// taken or nothing. From then on the store is of the epoch of the last entry.
  ///   first    of its first entry: where this log goes on, or where a new segment of it would begin
  ///   errors   not_found: the log does not go on there (the words say where) · damaged: a checksum is wrong, or an entry contradicts what
  ///            is in the log: an older epoch, another offset of its queue, an earlier time · else as append()
  virtual void append_frames(Position first, std::string octets, FollowDone done) = 0;
};
FrameStore& frames_of(Store& store);

using Epochs = std::vector<std::pair<Epoch, Position>>;  // as Store::epochs()

/// Up to where two logs are the same: the one that is to follow is truncated there. Equal epochs that begin at one place (the oldest of a
/// log: anywhere, as its begin may be deleted) were written by one leader, so that one of the two is the beginning of the other as far as
/// the epoch goes. Empty: nothing tells; it has to be copied anew.
std::optional<Position> parting_of(const Epochs& leader, Position leader_end, const Epochs& follower, Position follower_end);

}  // namespace chorus::mq
