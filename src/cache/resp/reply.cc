#include "cache/resp/reply.h"

#include <algorithm>
#include <charconv>

#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

/// Type, number and line end, without a detour over a string.
std::size_t write_header(char* to, char type, std::int64_t value) {
  to[0] = type;
  char* end = std::to_chars(to + 1, to + 22, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - to);
}

}  // namespace

void Reply::header(char type, std::size_t count) {
  char text[24];
  out_->append(text, write_header(text, type, static_cast<std::int64_t>(count)));
}

void Reply::end(char type, std::size_t mark, std::size_t count) {
  char text[24];
  out_->insert(mark, text, write_header(text, type, static_cast<std::int64_t>(count)));
}

void Reply::simple(std::string_view text) {
  out_->push_back('+');
  out_->append(text);
  out_->append("\r\n");
}

void Reply::error(std::string_view text) {
  out_->push_back('-');
  const std::size_t from = out_->size();
  out_->append(text);
  std::replace_if(out_->begin() + static_cast<std::ptrdiff_t>(from), out_->end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  out_->append("\r\n");
}

void Reply::integer(std::int64_t value) {
  char text[24];
  out_->append(text, write_header(text, ':', value));
}

void Reply::bulk(std::string_view octets) {
  char text[24];
  const std::size_t size = write_header(text, '$', static_cast<std::int64_t>(octets.size()));
  const std::size_t before = out_->size();
  // One growth for all three parts. What the string says it would be is its whole room with libstdc++ 12.
  const std::size_t whole = before + size + octets.size() + 2;
  out_->resize_and_overwrite(whole, [&](char* data, std::size_t) {
    char* at = std::copy_n(text, size, data + before);
    at = std::copy_n(octets.data(), octets.size(), at);
    *at++ = '\r';
    *at = '\n';
    return whole;
  });
}

void Reply::bulk_integer(std::int64_t value) {
  NumberText text;
  bulk(text.of(value));
}

void Reply::null() { out_->append(protocol_ > 2 ? "_\r\n" : "$-1\r\n"); }
void Reply::null_array() { out_->append(protocol_ > 2 ? "_\r\n" : "*-1\r\n"); }

void Reply::real(double value) {
  const std::string text = double_text(value);
  if (protocol_ < 3) return bulk(text);
  out_->push_back(',');
  out_->append(text);
  out_->append("\r\n");
}

void Reply::boolean(bool value) {
  if (protocol_ < 3) return integer(value ? 1 : 0);
  out_->append(value ? "#t\r\n" : "#f\r\n");
}

void Reply::big_number(std::string_view digits) {
  if (protocol_ < 3) return bulk(digits);
  out_->push_back('(');
  out_->append(digits);
  out_->append("\r\n");
}

void Reply::verbatim(std::string_view kind, std::string_view text) {
  if (protocol_ < 3) return bulk(text);
  header('=', text.size() + 4);
  out_->append(kind);
  out_->push_back(':');
  out_->append(text);
  out_->append("\r\n");
}

}  // namespace chorus::cache
