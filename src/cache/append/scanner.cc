#include "cache/append/scanner.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/text.h"
#include "cache/resp/number.h"

namespace chorus::cache::append {
namespace {

/// Redis reads no longer one.
constexpr std::size_t line_octets_max = 1024;
constexpr std::size_t name_octets_max = 8;
constexpr std::int64_t argument_octets_max = std::int64_t{1} << 40;
constexpr std::int64_t arguments_max = std::int64_t{1} << 31;

}  // namespace

bool Scanner::fail(std::uint64_t at, std::string why) {
  bad_ = at;
  why_ = std::move(why);
  return false;
}

bool Scanner::begin_group(std::string_view line) {
  const auto group = read_group_line(line_at_, line);
  if (!group) return false;
  group_ = *group;
  group_at_ = line_at_;
  left_ = group->octets;
  check_ = 0;
  state_ = State::group;
  return true;
}

bool Scanner::end_group() {
  if (check_ != group_.check) return fail(group_at_, "the check of a group of commands is wrong");
  state_ = State::line;
  whole_ = offset_;
  is_ours_ = true;
  return true;
}

bool Scanner::take_line() {
  const std::string line = std::exchange(line_, {});
  const std::string_view text = base::trim(line);
  if (arguments_ == 0 && line.front() == '#') {
    if (!line.starts_with("#G:")) {
      // A line of ours that was damaged is none of others': Redis' are of the time.
      const bool is_plain = std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
      if (!is_plain || (is_ours_ && !line.starts_with("#TS:"))) return fail(line_at_, "a comment is damaged");
      if (!is_in_multi_) whole_ = offset_;
      return true;
    }
    if (!begin_group(line)) return fail(line_at_, "the line before a group of commands is damaged");
    return left_ > 0 || end_group();
  }
  const char kind = arguments_ == 0 ? '*' : '$';
  const auto number = parse_integer(text.substr(std::min<std::size_t>(1, text.size())));
  if (line.front() != kind || !number) return fail(line_at_, arguments_ == 0 ? "no command begins there" : "no argument begins there");
  if (kind == '*') {
    if (*number < 1 || *number > arguments_max) return fail(line_at_, "a command has an impossible number of arguments");
    arguments_ = static_cast<std::uint64_t>(*number);
    is_name_ = true;
    return true;
  }
  if (*number < 0 || *number > argument_octets_max) return fail(line_at_, "an argument has an impossible length");
  left_ = static_cast<std::uint64_t>(*number) + 2;
  state_ = State::argument;
  name_.clear();
  return true;
}

void Scanner::end_argument() {
  state_ = State::line;
  if (std::exchange(is_name_, false)) {
    const std::string name = base::lower(name_);
    if (name == "multi\r\n") is_in_multi_ = true;
    if (name == "exec\r\n") is_in_multi_ = false;
  }
  if (--arguments_ == 0 && !is_in_multi_) {
    whole_ = offset_;
    is_ours_ = false;
  }
}

bool Scanner::feed(std::string_view octets) {
  while (!octets.empty()) {
    if (state_ == State::line) {
      if (line_.empty()) line_at_ = offset_;
      const std::size_t end = octets.find('\n');
      const std::size_t taken = std::min(end == std::string_view::npos ? octets.size() : end + 1, line_octets_max + 1 - line_.size());
      line_.append(octets.substr(0, taken));
      octets.remove_prefix(taken);
      offset_ += taken;
      // What is no line, which a disk may leave, is told at its first octet.
      const char first = line_.front();
      const bool may_be = arguments_ == 0 ? first == '*' || first == '#' : first == '$';
      if (!may_be) return fail(line_at_, arguments_ == 0 ? "no command begins there" : "no argument begins there");
      if (line_.back() == '\n') {
        if (!take_line()) return false;
      } else if (line_.size() > line_octets_max) {
        return fail(line_at_, "a line is too long");
      }
      continue;
    }
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), left_));
    const std::string_view piece = octets.substr(0, taken);
    octets.remove_prefix(taken);
    offset_ += taken;
    left_ -= taken;
    if (state_ == State::group) {
      check_ = base::crc32c(piece, check_);
      if (left_ == 0 && !end_group()) return false;
      continue;
    }
    if (is_name_ && name_.size() < name_octets_max) name_.append(piece.substr(0, name_octets_max - name_.size()));
    const char last_but_one = piece.size() > 1 ? piece[piece.size() - 2] : before_end_;
    before_end_ = piece.back();
    if (left_ > 0) continue;
    if (last_but_one != '\r' || before_end_ != '\n') return fail(offset_ - 2, "an argument is not of its length");
    end_argument();
  }
  return true;
}

}  // namespace chorus::cache::append
