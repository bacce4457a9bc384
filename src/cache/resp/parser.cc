#include "cache/resp/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t stranger_arguments_max = 10;
constexpr std::int64_t stranger_octets_max = 16384;
constexpr std::size_t large_octets = 32U << 10;
constexpr std::size_t believed_octets = 1U << 20;

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

/// From behind the opening quote; leaves `at` behind the closing one. False: there is none.
bool quoted(std::string_view line, std::size_t& at, char quote, std::string& word) {
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || is_space(line[at]);
    }
    if (c != '\\' || at + 1 >= line.size()) {
      word += c;
    } else if (quote == '\'') {
      if (line[at + 1] == '\'') ++at;
      word += line[at];
    } else if (line[at + 1] == 'x' && at + 3 < line.size() && hex_digit(line[at + 2]) >= 0 && hex_digit(line[at + 3]) >= 0) {
      word += static_cast<char>(hex_digit(line[at + 2]) * 16 + hex_digit(line[at + 3]));
      at += 3;
    } else {
      word += unescape(line[++at]);
    }
  }
  return false;
}

}  // namespace

bool split_words(std::string_view line, std::vector<std::string>& words) {
  words.clear();
  for (std::size_t at = 0;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return true;
    std::string word;
    while (at < line.size() && !is_space(line[at])) {
      const char c = line[at++];
      if (c != '"' && c != '\'') {
        word += c;
      } else if (!quoted(line, at, c, word)) {
        words.clear();
        return false;
      } else {
        break;
      }
    }
    words.push_back(std::move(word));
  }
}

void Parser::feed(std::string_view octets) {
  if (at_ == data_.size()) {
    buffer_.clear();
    if (buffer_.capacity() > large_octets) buffer_.shrink_to_fit();
    data_ = octets;
    at_ = 0;
    return;
  }
  keep();
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(octets);
  data_ = buffer_;
}

void Parser::keep() {
  if (data_.data() == buffer_.data()) return;
  std::string kept;
  // A large argument is read straight into its place; of one that is only announced little is believed, the rest doubles as it comes.
  if (bulk_ > static_cast<std::int64_t>(large_octets)) {
    kept.reserve(std::min(scanned_ + static_cast<std::size_t>(bulk_) + 2, data_.size() - at_ + believed_octets));
  }
  kept.append(data_.substr(at_));
  buffer_ = std::move(kept);
  data_ = buffer_;
  at_ = 0;
}

Parser::Status Parser::fail(std::string words) {
  error_ = std::move(words);
  at_ = data_.size();
  return Status::protocol_error;
}

Parser::Status Parser::next(std::vector<std::string_view>& arguments) {
  arguments.clear();
  for (;;) {
    if (at_ == data_.size()) return Status::more;
    const bool is_multibulk = expected_ > 0 || data_[at_] == '*';
    const std::size_t before = at_;
    const Status status = is_multibulk ? multibulk(arguments) : inline_command(arguments);
    // Empty commands are passed over.
    if (status == Status::command && arguments.empty()) continue;
    if (status == Status::more) {
      if (data_.size() - at_ > limits.buffer_octets_max) return Status::ends;
      if (at_ == before || expected_ > 0) {
        keep();
        return Status::more;
      }
      continue;
    }
    return status;
  }
}

std::string_view Parser::line(std::size_t from, std::size_t& after) const {
  const void* found = std::memchr(data_.data() + from, '\r', data_.size() - from);
  after = std::string_view::npos;
  if (found == nullptr) return {};
  const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - data_.data());
  if (end + 1 >= data_.size()) return {};
  after = end + 2;
  return data_.substr(from, end - from);
}

Parser::Status Parser::multibulk(std::vector<std::string_view>& arguments) {
  std::size_t after = 0;
  if (expected_ == 0) {
    const std::string_view count_text = line(at_ + 1, after);
    if (after == std::string_view::npos) {
      if (data_.size() - at_ > limits.inline_octets_max) return fail("Protocol error: too big mbulk count string");
      return Status::more;
    }
    const auto count = parse_integer(count_text);
    if (!count || *count > std::numeric_limits<std::int32_t>::max()) return fail("Protocol error: invalid multibulk length");
    if (*count > stranger_arguments_max && !limits.is_authenticated) return fail("Protocol error: unauthenticated multibulk length");
    if (*count <= 0) {
      at_ = after;
      return Status::command;
    }
    expected_ = *count;
    scanned_ = after - at_;
    bulk_ = -1;
    pieces_.clear();
  }
  while (expected_ > 0) {
    if (bulk_ < 0) {
      const std::size_t from = at_ + scanned_;
      if (from >= data_.size()) return Status::more;
      const std::string_view size_text = line(from + 1 > data_.size() ? from : from + 1, after);
      if (after == std::string_view::npos) {
        if (data_.size() - from > limits.inline_octets_max) return fail("Protocol error: too big bulk count string");
        return Status::more;
      }
      if (data_[from] != '$') return fail(fmt::format("Protocol error: expected '$', got '{}'", data_[from]));
      const auto size = parse_integer(size_text);
      if (!size || *size < 0 || static_cast<std::size_t>(*size) > limits.bulk_octets_max) {
        return fail("Protocol error: invalid bulk length");
      }
      if (*size > stranger_octets_max && !limits.is_authenticated) return fail("Protocol error: unauthenticated bulk length");
      bulk_ = *size;
      scanned_ = after - at_;
    }
    // The two octets behind are passed over, whatever they are.
    const auto size = static_cast<std::size_t>(bulk_);
    if (data_.size() - at_ - scanned_ < size + 2) return Status::more;
    pieces_.push_back({scanned_, size});
    scanned_ += size + 2;
    bulk_ = -1;
    --expected_;
  }
  arguments.reserve(pieces_.size());
  for (const Piece& piece : pieces_) arguments.push_back(data_.substr(at_ + piece.at, piece.size));
  if (pieces_.capacity() > 1024) pieces_ = {};
  at_ += scanned_;
  last_octets_ = std::exchange(scanned_, 0);
  return Status::command;
}

Parser::Status Parser::inline_command(std::vector<std::string_view>& arguments) {
  const std::size_t end = data_.find('\n', at_);
  if (end == std::string_view::npos) {
    if (data_.size() - at_ > limits.inline_octets_max) return fail("Protocol error: too big inline request");
    return Status::more;
  }
  std::string_view text = data_.substr(at_, end - at_);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (!split_words(text, inline_)) return fail("Protocol error: unbalanced quotes in request");
  last_octets_ = end + 1 - at_;
  at_ = end + 1;
  for (const std::string& word : inline_) arguments.push_back(word);
  // A browser that was lured here: nothing of what its page says is done.
  if (!arguments.empty()) {
    const std::string first = base::lower(arguments.front());
    if (first == "post" || first == "host:") return Status::ends;
  }
  return Status::command;
}

}  // namespace chorus::cache
