#include "cache/append/replay.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/text.h"
#include "cache/call.h"
#include "cache/resp/quote.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr std::string_view snapshot_magic = "REDIS";
constexpr std::size_t shown_octets_max = 128;

/// What changes data, chooses a database, or is harmless; scripts, too: Redis before 7.0 could write them as they came. Not what is about
/// the server or its connections: nobody is connected.
bool has_place_in_log(const Command& command) {
  if (command.run == nullptr || command.flags.has(Flag::admin)) return false;
  if (command.flags.has(Flag::write) || command.flags.has(Flag::may_replicate) || command.flags.has(Flag::readonly)) return true;
  if (command.group == Group::scripting) return true;
  return command.name == "select" || command.name == "ping";
}

}  // namespace

LogReplay::LogReplay(Server& server) : server_(server) {
  client_.is_script = true;  // connected to nobody: nothing of it waits
  client_.skips_effects = true;
  client_.is_authenticated = true;
}
LogReplay::~LogReplay() = default;

void LogReplay::begin_file() {
  head_.clear();
  is_known_ = false;
  snapshot_.reset();
  parser_ = std::make_unique<Parser>();
  // As long as they were when they were written: no limit of today matters.
  parser_->limits = {.bulk_octets_max = std::numeric_limits<std::size_t>::max() / 2,
                     .buffer_octets_max = std::numeric_limits<std::size_t>::max() / 2};
  fed_ = whole_ = 0;
  is_in_multi_ = false;
  queue_.clear();
  client_.db = 0;
}

base::Result<void, std::string> LogReplay::feed(std::string_view octets) {
  fed_ += octets.size();
  if (!is_known_) {
    head_ += octets;
    if (head_.size() < snapshot_magic.size() && snapshot_magic.starts_with(head_)) return {};
    is_known_ = true;
    if (head_.starts_with(snapshot_magic)) {
      // What has expired since may be needed by the commands that follow: it goes when all are done.
      snapshot_ = std::make_unique<Loader>(server_.databases_, server_.options_.thresholds, server_.options_.memory, server_.save_);
      snapshot_->keeps_expired = true;
    }
    const std::string head = std::exchange(head_, {});
    fed_ -= head.size();
    return feed(head);
  }
  if (snapshot_ == nullptr) return feed_commands(octets);
  const auto ended = snapshot_->feed(octets, server_.now_.unix_us);
  if (!ended) return std::unexpected(ended.error());
  if (!*ended) return {};
  for (const std::string& code : snapshot_->functions) {
    if (auto loaded = server_.scripts_->load(code, true); !loaded) return std::unexpected("a library of functions: " + loaded.error());
  }
  const std::string rest(snapshot_->rest());
  snapshot_.reset();
  whole_ = fed_ - rest.size();
  return rest.empty() ? base::Result<void, std::string>() : feed_commands(rest);
}

base::Result<void, std::string> LogReplay::feed_commands(std::string_view octets) {
  parser_->feed(octets);
  std::vector<std::string_view> words;
  for (;;) {
    const Parser::Status status = parser_->next(words);
    if (status == Parser::Status::more) return {};
    const std::uint64_t at = fed_ - parser_->waiting();
    if (status != Parser::Status::command) {
      return std::unexpected(fmt::format("at offset {}: {}", at, parser_->error().empty() ? "no command" : parser_->error()));
    }
    // Comments: times, and the lines before groups.
    if (!words.front().starts_with('#')) {
      if (auto done = take(words); !done) return std::unexpected(fmt::format("before offset {}: {}", at, done.error()));
    }
    if (!is_in_multi_) whole_ = at;
  }
}

base::Result<void, std::string> LogReplay::take(std::span<const std::string_view> words) {
  const std::string name = base::lower(words.front());
  if (name == "multi") {
    is_in_multi_ = true;
    return {};
  }
  if (name == "exec") {
    is_in_multi_ = false;
    for (const Words& each : std::exchange(queue_, {})) {
      const std::vector<std::string_view> queued(each.begin(), each.end());
      if (auto done = run(queued); !done) return done;
    }
    return {};
  }
  if (!is_in_multi_) return run(words);
  queue_.emplace_back(words.begin(), words.end());
  return {};
}

base::Result<void, std::string> LogReplay::run(std::span<const std::string_view> words) {
  const Command* command = CommandTable::all().find(words.front());
  if (command != nullptr && !command->subcommands.empty() && words.size() > 1) {
    command = CommandTable::all().find_subcommand(*command, words[1]);
  }
  if (command == nullptr) return std::unexpected(fmt::format("unknown command '{}'", shown(words.front(), shown_octets_max)));
  if (!has_place_in_log(*command)) return std::unexpected(fmt::format("'{}' has no place in a log", command->full_name()));
  if (!command->takes(words.size())) {
    return std::unexpected(fmt::format("wrong number of arguments for '{}'", command->full_name()));
  }
  Call call(server_, client_, *command, words, client_.db);
  command->run(call);
  call.finish();
  ++commands_;
  if (call.has_failed()) {
    if (++failures_ == 1) {
      first_failure_ = fmt::format("{}: {}", command->full_name(), shown(base::trim(client_.out), shown_octets_max));
    }
  }
  client_.out.clear();
  client_.pushes.clear();
  return {};
}

base::Result<std::uint64_t, std::string> LogReplay::end_file() {
  if (!is_known_ && !head_.empty()) {
    is_known_ = true;
    if (auto done = feed_commands(std::exchange(head_, {})); !done) return std::unexpected(done.error());
  }
  if (snapshot_ != nullptr) return std::unexpected("the snapshot ends before its end");
  queue_.clear();
  return whole_;
}

}  // namespace chorus::cache
