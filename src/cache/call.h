// What a command's handler works with.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "cache/resp/reply.h"
#include "cache/server.h"
#include "cache/value/entry.h"

namespace chorus::cache {

namespace errors {
inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view not_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view not_float = "ERR value is not a valid float";
inline constexpr std::string_view not_positive = "ERR value is out of range, must be positive";
inline constexpr std::string_view out_of_range = "ERR index out of range";
inline constexpr std::string_view no_such_key = "ERR no such key";
inline constexpr std::string_view same_object = "ERR source and destination objects are the same";
inline constexpr std::string_view db_out_of_range = "ERR DB index is out of range";
inline constexpr std::string_view too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
}  // namespace errors

/// One run of one command: of a client, within EXEC, or once more when a key it waits for is there. A handler writes exactly one reply and
/// says what it changed.
class Call {
 public:
  Call(Server& server, Client& client, const Command& command, Arguments arguments, unsigned db);

  Reply reply;

  // --- what was asked
  std::size_t size() const { return arguments_.size(); }
  std::string_view operator[](std::size_t i) const { return arguments_[i]; }
  Arguments arguments() const { return arguments_; }
  /// Whether argument `i` is that word, in any case; `word` is in upper case.
  bool is_word(std::size_t i, std::string_view word) const;
  const Command& command() const { return command_; }
  Client& client() { return client_; }
  Server& server() { return server_; }
  const ServerOptions& options() const;
  Statistics& statistics();
  /// The numbers of arguments; empty when it is none, and then the error is replied.
  std::optional<std::int64_t> integer(std::size_t i, std::string_view error = errors::not_integer);
  std::optional<double> real(std::size_t i, std::string_view error = errors::not_float);
  std::optional<unsigned> database_index(std::size_t i, std::string_view error);

  // --- the world
  std::int64_t now_ms() const;
  std::int64_t now_us() const;
  base::Random& random();

  // --- keys; what is expired is not there
  unsigned db() const { return db_; }
  void use_db(unsigned db) { db_ = db; }
  Database& database() { return database(db_); }
  Database& database(unsigned db);
  unsigned databases() const;
  /// For reading: counted as hit or miss, and the key as used.
  Entry* read(std::string_view key);
  /// For changing: as used, not counted.
  Entry* write(std::string_view key) { return write(db_, key); }
  Entry* write(unsigned db, std::string_view key);
  /// Leaves no trace (expired keys go all the same).
  Entry* peek(std::string_view key) { return peek(db_, key); }
  Entry* peek(unsigned db, std::string_view key);
  /// False: it is of another type, and that is replied. Null is of every type.
  bool is(const Entry* entry, Type type);
  /// A key that is not there.
  void insert(Entry* entry) { insert(db_, entry); }
  void insert(unsigned db, Entry* entry);
  /// Removes a key with all it holds.
  void erase(Entry* entry) { erase(db_, entry); }
  void erase(unsigned db, Entry* entry);
  /// SET's way: whatever the key was, it is that string now.
  void set_string(std::string_view key, std::string_view value, std::optional<std::int64_t> expiry, bool keeps_expiry);
  void swap_databases(unsigned one, unsigned other);
  /// Empties it; returns how many keys there were.
  std::size_t clear_database(unsigned db);

  /// Whether a key that ends then is gone by now. What a primary says is of the primary's time, and it says itself when a key is gone; what
  /// is done again from a log, of the time of the log.
  bool is_over(std::int64_t unix_ms) const;

  // --- what was done
  /// The key was changed: transactions that watch it fail, and so on. Not for what changes nothing.
  void changed(std::string_view key, Notify what, std::string_view event) { changed(db_, key, what, event); }
  void changed(unsigned db, std::string_view key, Notify what, std::string_view event);
  /// The same, where no notification tells of it.
  void changed_quietly(std::string_view key);
  /// An event without a change of its own (a "del" after the change that emptied a key).
  void event(std::string_view key, Notify what, std::string_view event);
  /// Something changed that is not a key.
  void changed();
  std::size_t changes() const { return changes_; }
  /// What does the same again, where the command as it came does not; may be called several times. In place of the command.
  void effect(std::initializer_list<std::string_view> words) { effect(Arguments(words.begin(), words.size())); }
  void effect(Arguments words);
  void effect(unsigned db, Arguments words);
  /// The change needs not be repeated anywhere.
  void no_effect() { has_effects_ = true; }

  // --- waiting
  /// The client waits until one of `keys` is there, when the command is run once more. Nothing is replied. timeout_us: 0 is forever. In a
  /// transaction or a script that is not allowed: `false`, and the handler replies as if the time were over.
  bool block(std::span<const std::string_view> keys, std::int64_t timeout_us) { return block(keys, timeout_us, arguments_, false); }
  /// The same, but with these arguments the next time. without_key: also run when a key has gone, or has become something else.
  bool block(std::span<const std::string_view> keys, std::int64_t timeout_us, Arguments again, bool without_key);
  /// The client waits for replicas. Nothing is replied; when there are enough, or the time is over, their number is. timeout_ms: 0 is
  /// forever. False: as block().
  bool wait_for(Acknowledgement wanted, std::int64_t timeout_ms);
  /// There is more in a key that was there before: those who wait for it are to be served.
  void ready(std::string_view key);

  /// Whether the reply has become longer than a client may have: a handler that only reads may stop then, as the client will not see it.
  bool is_too_long() const;

  /// Another command in place of this one, from its reply to its effects; touches no other keys. words: its name and arguments.
  void run_instead(Arguments words);
  void error(std::string_view text);
  /// One that was counted before, when a command that a script called failed.
  void repeat_error(std::string_view text);
  /// Argument `i` is a secret: MONITOR and SLOWLOG show it as "(redacted)".
  void hide(std::size_t i) { hidden_.push_back(i); }
  std::span<const std::size_t> hidden() const { return hidden_; }
  bool has_failed() const { return has_failed_; }
  /// What it was called with lies where the next client's requests are read to: before others are let in, it is copied.
  void keep_arguments();
  /// At the end of the run: what was changed and not said otherwise is repeated by the command as it came.
  void finish();

 private:
  Entry* touch(Entry* entry);

  Server& server_;
  Client& client_;
  const Command& command_;
  Arguments arguments_;
  std::vector<std::string> kept_;  // what they are then
  std::vector<std::string_view> kept_arguments_;
  unsigned db_;
  std::size_t changes_ = 0;
  std::vector<std::size_t> hidden_;
  bool has_effects_ = false;
  bool has_failed_ = false;
};

}  // namespace chorus::cache
