// What a log has, done again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/client.h"
#include "cache/persistence/loader.h"
#include "cache/resp/parser.h"

namespace chorus::cache {

class Server;

/// Takes the files of a log one after another, their octets in any pieces: a snapshot (with commands behind it, in old files) or commands.
/// What is within MULTI and EXEC is done when its EXEC is there. Nobody is told of what is done: it was told once. Lives on the server's
/// reactor, while that serves no command on keys.
class LogReplay {
 public:
  explicit LogReplay(Server& server);
  ~LogReplay();
  LogReplay(const LogReplay&) = delete;
  LogReplay& operator=(const LogReplay&) = delete;

  void begin_file();
  /// The error is final.
  base::Result<void, std::string> feed(std::string_view octets);
  /// The file has ended. Returns how many octets of it were done: fewer than it has where its last command or transaction is cut short.
  base::Result<std::uint64_t, std::string> end_file();
  std::uint64_t commands() const { return commands_; }
  /// Commands that replied an error, and the first of these with it.
  std::uint64_t failures() const { return failures_; }
  const std::string& first_failure() const { return first_failure_; }

 private:
  using Words = std::vector<std::string>;
  base::Result<void, std::string> feed_commands(std::string_view octets);
  base::Result<void, std::string> take(std::span<const std::string_view> words);
  base::Result<void, std::string> run(std::span<const std::string_view> words);

  Server& server_;
  Client client_{ClientId(0)};
  std::string head_;  // of the file, until it is known what it is
  bool is_known_ = false;
  std::unique_ptr<Loader> snapshot_;  // while one is read
  std::unique_ptr<Parser> parser_;
  std::uint64_t fed_ = 0, whole_ = 0;  // octets of the file
  bool is_in_multi_ = false;
  std::vector<Words> queue_;  // since MULTI
  std::uint64_t commands_ = 0, failures_ = 0;
  std::string first_failure_;
};

}  // namespace chorus::cache
