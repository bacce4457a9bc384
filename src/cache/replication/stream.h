// What was changed, as octets that replicas are sent: numbered, with the name of their history, and kept for those that come back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache::replication {

/// Octets have numbers from 1 on ("offset"). What is kept is one list for all: the backlog, and what the slowest replica has not been sent.
/// Bounded by trim(); whoever is too slow has to be let go by then.
class Stream {
 public:
  /// id: 40 digits in hexadecimal.
  explicit Stream(std::string id) : id_(std::move(id)) {}

  const std::string& id() const { return id_; }
  /// The history before, the same as this one for whoever has not got beyond second_end(), the number of its first octet that was never
  /// there; 40 zeros and -1: there is none.
  const std::string& second_id() const { return second_id_; }
  std::int64_t second_end() const { return second_end_; }
  /// The number of the last octet; 0: there was none.
  std::int64_t end() const { return end_; }

  /// False: octets are not even counted.
  bool is_kept() const { return is_kept_; }
  void keep() { is_kept_ = true; }
  /// Nothing is kept any more, and nobody can go on from what was.
  void forget(std::string new_id);
  /// Nobody can go on from what was, but for those who are there.
  void change_id(std::string new_id);
  void append(std::string_view octets);
  /// The number of the first octet that is kept; end() + 1: none is.
  std::int64_t first() const { return blocks_.empty() ? end_ + 1 : blocks_.front().first; }
  std::size_t octets() const { return static_cast<std::size_t>(end_ + 1 - first()); }
  /// Kept octets from number `from` on, as far as they lie together; empty: there are none yet. Good until the next change.
  std::string_view from(std::int64_t from) const;
  /// Lets go of what is beyond the last `most` octets, but for those from number `needed` on.
  void trim(std::size_t most, std::optional<std::int64_t> needed);

  /// Whether who has that history up to before `from` may go on here from `from`.
  bool can_continue(std::string_view id, std::int64_t from) const;
  /// What follows has that name, and what is before is known under the old one as well: this replica has become a primary, or the primary
  /// that it follows has been one.
  void branch(std::string new_id);
  /// Another history altogether, at that place of it.
  void become(std::string id, std::int64_t end);

 private:
  struct Block {
    std::int64_t first;
    std::string octets;
  };
  std::string id_, second_id_ = std::string(40, '0');
  std::int64_t end_ = 0, second_end_ = -1;
  bool is_kept_ = false;
  std::deque<Block> blocks_;
};

}  // namespace chorus::cache::replication
