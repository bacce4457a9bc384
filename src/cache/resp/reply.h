// Replies in RESP2 and RESP3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chorus::cache {

/// Appends to a string of the connection. A handler says what it means; what the client's protocol lacks becomes what Redis makes of it.
class Reply {
 public:
  explicit Reply(std::string& out, int protocol = 2) : out_(&out), protocol_(protocol) {}

  int protocol() const { return protocol_; }
  void use_protocol(int protocol) { protocol_ = protocol; }
  std::string& out() { return *out_; }

  void ok() { out_->append("+OK\r\n"); }
  /// No CR or LF inside.
  void simple(std::string_view text);
  /// `text` begins with its code ("ERR ...") and goes without the dash; CR and LF inside become spaces.
  void error(std::string_view text);
  void integer(std::int64_t value);
  void bulk(std::string_view octets);
  /// An integer as a bulk string.
  void bulk_integer(std::int64_t value);
  /// Where a bulk string might have been: "$-1" or "_".
  void null();
  /// Where an array might have been: "*-1" or "_".
  void null_array();

  /// These are followed by so many elements, maps by twice as many.
  void array(std::size_t count) { header('*', count); }
  void map(std::size_t pairs) { protocol_ > 2 ? header('%', pairs) : header('*', pairs * 2); }
  void set(std::size_t count) { header(protocol_ > 2 ? '~' : '*', count); }
  /// Out of band in RESP3; an array for RESP2.
  void push(std::size_t count) { header(protocol_ > 2 ? '>' : '*', count); }
  void attribute(std::size_t pairs) { header('|', pairs); }  // RESP3 only

  void real(double value);
  void boolean(bool value);
  /// Decimal digits.
  void big_number(std::string_view digits);
  /// kind: three letters, "txt" or "mkd".
  void verbatim(std::string_view kind, std::string_view text);

  /// An array whose length is known only after its elements: mark where it begins, write them, then end it.
  std::size_t begin() const { return out_->size(); }
  void end_array(std::size_t mark, std::size_t count) { end('*', mark, count); }
  void end_set(std::size_t mark, std::size_t count) { end(protocol_ > 2 ? '~' : '*', mark, count); }
  void end_map(std::size_t mark, std::size_t pairs) { protocol_ > 2 ? end('%', mark, pairs) : end('*', mark, pairs * 2); }

 private:
  void header(char type, std::size_t count);
  void end(char type, std::size_t mark, std::size_t count);

  std::string* out_;
  int protocol_;
};

}  // namespace chorus::cache
