// The users of a server, and the log of what they were refused.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/acl/user.h"

namespace chorus::cache::acl {

/// Something that was refused, once or several times within a minute.
struct LogEntry {
  std::uint64_t id = 0;
  std::uint64_t count = 1;
  Denied reason = Denied::command;
  std::string_view context;  // "toplevel", "multi", "lua"
  std::string object, user, client;
  std::int64_t created_ms = 0, updated_ms = 0;
};

/// Rules of which those that a selector's parentheses hold together are one. The error: the word that opens one which nothing closes.
base::Result<std::vector<std::string>, std::string> merge_selectors(std::span<const std::string_view> words);

class Acl {
 public:
  /// With the user "default", who needs that password (empty: none) and may do all.
  explicit Acl(std::string_view password);

  /// Null: there is none of that name.
  std::shared_ptr<const User> find(std::string_view name) const;
  /// By name.
  const std::map<std::string, std::shared_ptr<User>, std::less<>>& users() const { return users_; }
  /// Makes the user or changes it by all rules or none; those who have it find it changed. The error is ready to be replied.
  base::Result<void, std::string> set(std::string_view name, std::span<const std::string_view> rules, bool all_channels);
  bool remove(std::string_view name);
  /// A line for each user, as ACL LIST has it and as load() takes it.
  std::string file_text() const;
  /// The users of a file in place of all there are; "default" is as in the beginning where the file has none of it. The error names all
  /// that is wrong, by `path` and line, and then nothing is changed. Who has a user that stays finds it changed.
  base::Result<void, std::string> load(std::string_view text, std::string_view path, bool all_channels);
  /// requirepass.
  void set_default_password(std::string_view password);

  /// Like ones within a minute become one.
  void log(LogEntry entry, std::size_t entries_max);
  const std::deque<LogEntry>& entries() const { return log_; }
  void clear_log() { log_.clear(); }
  std::uint64_t denied(Denied why) const { return denied_[static_cast<std::size_t>(why)]; }

 private:
  std::map<std::string, std::shared_ptr<User>, std::less<>> users_;
  std::deque<LogEntry> log_;  // the newest first
  std::uint64_t next_entry_ = 0;
  std::uint64_t denied_[5] = {};
};

}  // namespace chorus::cache::acl
