#include "mq/rocketmq/json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/text.h"

namespace chorus::mq::rocketmq {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\b'; }
bool ends_word(char c) {
  return is_space(c) || c == ',' || c == ':' || c == '}' || c == ']' || c == '{' || c == '[' || c == '"' || c == '\'';
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char* put_utf8(char* out, std::uint32_t point) {
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xc0 | point >> 6);
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xe0 | point >> 12);
    *out++ = static_cast<char>(0x80 | (point >> 6 & 0x3f));
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  } else {
    *out++ = static_cast<char>(0xf0 | point >> 18);
    *out++ = static_cast<char>(0x80 | (point >> 12 & 0x3f));
    *out++ = static_cast<char>(0x80 | (point >> 6 & 0x3f));
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  }
  return out;
}

// Four hexadecimal digits; -1: they are not.
std::int32_t unit_of(std::string_view digits) {
  if (digits.size() < 4) return -1;
  std::int32_t unit = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = digit_of(c);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

}  // namespace

void JsonReader::space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

char JsonReader::peek() {
  space();
  return ok_ && at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::at_end() {
  space();
  return at_ == text_.size();
}

bool JsonReader::enter(char open) {
  if (peek() != open) {
    skip();
    return false;
  }
  if (++depth_ > depth_max) {
    fail();
    return false;
  }
  ++at_;
  return true;
}

std::optional<std::string_view> JsonReader::next_key() {
  while (peek() == ',') ++at_;
  std::string_view key;
  switch (const char c = peek(); c) {
    case '}':
      ++at_;
      return std::nullopt;
    case '"':
    case '\'':
      key = quoted(c);
      break;
    case '{':
    case '[':
      key = raw();
      break;
    default:
      key = word();
      if (key.empty()) fail();
  }
  if (peek() != ':') {
    fail();
    return std::nullopt;
  }
  ++at_;
  space();  // so that a value left alone is seen by the place standing still
  if (!ok_) return std::nullopt;
  return key;
}

bool JsonReader::has_element() {
  while (peek() == ',') ++at_;
  const char c = peek();
  if (c == ']') {
    ++at_;
    return false;
  }
  if (c == '\0' || c == '}' || c == ':') fail();
  return ok_;
}

std::string_view JsonReader::word() {
  space();
  const std::size_t begin = at_;
  while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
  return ok_ ? text_.substr(begin, at_ - begin) : std::string_view{};
}

std::string_view JsonReader::quoted(char quote) {
  const std::size_t begin = ++at_;
  // Most strings are short and have no escape.
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote) return text_.substr(begin, at_++ - begin);
    if (text_[at_] == '\\') return unescape(begin, quote);
  }
  fail();
  return {};
}

std::string_view JsonReader::unescape(std::size_t begin, char quote) {
  // All that is ever unescaped is shorter than the text, so one piece is enough and no view moves.
  if (!unescaped_) unescaped_ = std::make_unique_for_overwrite<char[]>(text_.size());
  char* const first = unescaped_.get() + unescaped_size_;
  char* out = first;
  std::memcpy(out, text_.data() + begin, at_ - begin);
  out += at_ - begin;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == quote) {
      unescaped_size_ += static_cast<std::size_t>(out - first);
      return {first, static_cast<std::size_t>(out - first)};
    }
    if (c != '\\') {
      *out++ = c;
      continue;
    }
    if (at_ == text_.size()) break;
    switch (const char escape = text_[at_++]; escape) {
      case 'n':
        *out++ = '\n';
        break;
      case 't':
        *out++ = '\t';
        break;
      case 'r':
        *out++ = '\r';
        break;
      case 'b':
        *out++ = '\b';
        break;
      case 'f':
      case 'F':
        *out++ = '\f';
        break;
      case 'v':
        *out++ = '\v';
        break;
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
        *out++ = static_cast<char>(escape - '0');
        break;
      case 'x': {
        const int high = at_ + 1 < text_.size() ? digit_of(text_[at_]) : -1, low = high < 0 ? -1 : digit_of(text_[at_ + 1]);
        if (low < 0) {
          fail();
          return {};
        }
        at_ += 2;
        out = put_utf8(out, static_cast<std::uint32_t>(high << 4 | low));
        break;
      }
      case 'u': {
        std::int32_t unit = unit_of(text_.substr(at_));
        if (unit < 0) {
          fail();
          return {};
        }
        at_ += 4;
        if (unit >= 0xd800 && unit < 0xdc00 && text_.substr(at_, 2) == "\\u") {
          const std::int32_t low = unit_of(text_.substr(at_ + 2));
          if (low >= 0xdc00 && low < 0xe000) {
            at_ += 6;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
          }
        }
        if (unit >= 0xd800 && unit < 0xe000) unit = '?';  // half of a pair, as Java writes it in UTF-8
        out = put_utf8(out, static_cast<std::uint32_t>(unit));
        break;
      }
      default:
        *out++ = escape;  // quotes, backslash, slash
    }
  }
  fail();
  return {};
}

std::string_view JsonReader::raw() {
  const char first = peek();
  const std::size_t begin = at_;
  if (!ok_) return {};
  if (first != '{' && first != '[') {
    if (first == '"' || first == '\'') {
      const std::size_t used = unescaped_size_;
      quoted(first);
      unescaped_size_ = used;  // nobody sees it
    } else if (word().empty()) {
      fail();
    }
    return ok_ ? text_.substr(begin, at_ - begin) : std::string_view{};
  }
  char closing[depth_max];  // what the open ones are closed with
  int open = 0;
  do {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (depth_ + open >= depth_max) {
        fail();
        return {};
      }
      closing[open++] = c == '{' ? '}' : ']';
      ++at_;
    } else if (c == '}' || c == ']') {
      if (closing[--open] != c) fail();
      ++at_;
    } else if (c == '"' || c == '\'') {
      const std::size_t used = unescaped_size_;
      quoted(c);
      unescaped_size_ = used;
    } else if (c == ',' || c == ':') {
      ++at_;
    } else if (word().empty()) {
      fail();
    }
  } while (ok_ && open > 0);
  return ok_ ? text_.substr(begin, at_ - begin) : std::string_view{};
}

std::optional<std::string_view> JsonReader::text() {
  const char c = peek();
  if (c == '"' || c == '\'') {
    const std::string_view value = quoted(c);
    return ok_ ? std::optional(value) : std::nullopt;
  }
  const std::string_view value = raw();
  if (!ok_ || value == "null") return std::nullopt;
  return value;
}

std::int64_t JsonReader::i64(std::int64_t fallback) {
  const auto value = text();
  if (!value || value->empty()) return fallback;
  if (const auto number = base::parse_int(*value)) return *number;
  fail();
  return fallback;
}

std::int32_t JsonReader::i32(std::int32_t fallback) {
  const std::int64_t value = i64(fallback);
  if (value == static_cast<std::int32_t>(value)) return static_cast<std::int32_t>(value);
  fail();
  return fallback;
}

double JsonReader::f64(double fallback) {
  const auto value = text();
  if (!value || value->empty()) return fallback;
  double number = fallback;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size() || !std::isfinite(number)) {
    fail();
    return fallback;
  }
  return number;
}

bool JsonReader::boolean(bool fallback) {
  const auto value = text();
  if (!value || value->empty()) return fallback;
  if (*value == "true" || *value == "1") return true;
  if (*value == "false" || *value == "0") return false;
  const std::string lower = base::lower(*value);
  if (lower != "true" && lower != "false") fail();
  return lower == "true";
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  out.push_back('"');
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(written, i - written));
    written = i + 1;
    out.push_back('\\');
    switch (c) {
      case '"':
      case '\\':
        out.push_back(static_cast<char>(c));
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      case '\b':
        out.push_back('b');
        break;
      case '\f':
        out.push_back('f');
        break;
      default:
        out.append("u00");
        out.push_back(digits[c >> 4]);
        out.push_back(digits[c & 15]);
    }
  }
  out.append(text.substr(written)).push_back('"');
}

void JsonWriter::key(std::int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(out_), "\"{}\":", number);
  first_ = true;
}

void JsonWriter::value(std::int64_t number) {
  separate();
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  out_.append(text, end);
}

void JsonWriter::value(double number) {
  if (!std::isfinite(number)) {
    null();
    return;
  }
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  raw(text);
}

}  // namespace chorus::mq::rocketmq
