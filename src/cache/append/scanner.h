// Goes over a file of the append log before anything of it is done: how far it is whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/append/group.h"

namespace chorus::cache::append {

/// Takes a file's octets in any pieces: Redis' requests and comments, and groups of ours. Keeps no value. A unit within MULTI and EXEC is
/// whole when it has its EXEC.
class Scanner {
 public:
  /// False: what stands at bad() is no part of a log.
  bool feed(std::string_view octets);
  /// Octets that are whole.
  std::uint64_t whole() const { return whole_; }
  std::uint64_t offset() const { return offset_; }
  /// Where it is wrong, and why: after feed() was false, or at the end of a file that is_cut_short().
  std::uint64_t bad() const { return bad_; }
  const std::string& why() const { return why_; }
  /// The file may not end here.
  bool is_cut_short() const { return whole_ != offset_; }
  /// Where the group ends that bad() or the end of the file lies in, as its own line says, which is whole; else whole().
  std::uint64_t claimed() const { return state_ == State::group ? group_at_ + group_line_size + group_.octets : whole_; }
  /// What is whole ends with a group of ours: all that may follow it was written by us, and what is left of it judged by our rules.
  bool is_ours() const { return is_ours_; }

 private:
  enum class State : std::uint8_t { line, argument, group };
  bool fail(std::uint64_t at, std::string why);
  bool take_line();
  bool begin_group(std::string_view line);
  void end_argument();
  bool end_group();

  State state_ = State::line;
  std::uint64_t offset_ = 0, whole_ = 0, bad_ = 0;
  std::string why_;
  std::string line_;
  std::uint64_t line_at_ = 0;
  std::uint64_t arguments_ = 0;  // of the request, still to come
  bool is_name_ = false;         // the next is the request's first
  std::uint64_t left_ = 0;       // octets of the argument, with its end, or of the group
  std::string name_;             // as far as MULTI and EXEC need it
  char before_end_ = 0;          // the last octet but one
  bool is_in_multi_ = false, is_ours_ = false;
  Group group_;
  std::uint64_t group_at_ = 0;
  std::uint32_t check_ = 0;
};

}  // namespace chorus::cache::append
