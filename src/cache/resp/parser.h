// Requests as they come from a connection: arrays of bulk strings, and inline lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::cache {

/// Octets in, commands out. Arguments are views of the octets given, unless a command lay in several pieces. Memory is bounded by
/// `buffer_octets_max` and no length is believed before its octets are there.
class Parser {
 public:
  struct Limits {
    std::size_t bulk_octets_max = 512U << 20;  // proto-max-bulk-len
    std::size_t buffer_octets_max = 1U << 30;  // client-query-buffer-limit
    std::size_t inline_octets_max = 64U << 10;
    bool is_authenticated = true;  // a stranger's requests are small
  };
  enum class Status : std::uint8_t {
    command,         // `arguments` has one, never empty
    more,            // all that was fed is read
    protocol_error,  // error() has the words; the connection is to be closed after them
    ends,            // to be closed without an answer: too much, or an HTTP request
  };

  Limits limits;

  /// `octets` are borrowed until next() has answered anything but `command`, or until keep().
  void feed(std::string_view octets);
  /// The views are good until the next call to the parser.
  Status next(std::vector<std::string_view>& arguments);
  /// Copies what is not read yet, so that what was fed may go: a connection that has to wait keeps its requests here.
  void keep();
  /// "Protocol error: ..."
  std::string_view error() const { return error_; }
  /// Octets held that are no command yet, or not asked for.
  std::size_t waiting() const { return data_.size() - at_; }
  /// Octets of the command that next() gave last.
  std::size_t last_octets() const { return last_octets_; }
  /// What its own memory takes.
  std::size_t octets() const { return buffer_.capacity(); }

 private:
  struct Piece {
    std::size_t at, size;
  };
  Status fail(std::string words);
  Status multibulk(std::vector<std::string_view>& arguments);
  Status inline_command(std::vector<std::string_view>& arguments);
  bool split(std::string_view line);
  /// A line that begins at `from`, without its end; npos in `after` when it is not whole yet.
  std::string_view line(std::size_t from, std::size_t& after) const;

  std::string buffer_;  // data_ is a view of it, or of what was fed
  std::string_view data_;
  std::size_t at_ = 0;       // where the command begins that is not whole yet
  std::size_t scanned_ = 0;  // of it: how far it is understood
  std::size_t last_octets_ = 0;
  std::int64_t expected_ = 0;  // arguments still to come; 0: between commands
  std::int64_t bulk_ = -1;     // octets of the argument to come, once known
  std::vector<Piece> pieces_;
  std::vector<std::string> inline_;
  std::string error_;
};

/// Words as Redis splits a line: "..." with \n \r \t \b \a \xHH, '...' with \'. False: quotes do not match.
bool split_words(std::string_view line, std::vector<std::string>& words);

}  // namespace chorus::cache
