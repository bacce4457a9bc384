// What is noted of each command: how often, how long, and for those who monitor.
#include <fmt/format.h>

#include <algorithm>

#include "cache/call.h"
#include "cache/resp/quote.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {
namespace {

constexpr std::string_view redacted = "(redacted)";

}  // namespace

std::string Server::new_id() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (int i = 0; i < 40; ++i) id += digits[random_.below(16)];
  return id;
}

void Server::note_call(const Command& command, bool has_failed) {
  ++statistics_.commands;
  CommandStatistics& counts = by_command_[&command];
  ++counts.calls;
  counts.failed += has_failed ? 1 : 0;
}

void Server::count_error(std::string_view error) {
  ++statistics_.errors;
  // Codes that scripts make up are bounded by how many are kept.
  constexpr std::size_t codes_max = 128;
  const std::string code(error.substr(0, error.find(' ')));
  if (errors_.size() < codes_max || errors_.contains(code)) ++errors_[code];
}

/// Once a call; one that waits is counted when its wait is over, but monitors see when it came.
void Server::note_run(Client& client, const Command& command, Arguments arguments, std::span<const std::size_t> hidden) {
  if (client.blocked == nullptr) {
    note_call(command, false);
    note_time(client, command, arguments, hidden);
  }
  if (monitors_.empty() || command.flags.has(Flag::skip_monitor) || command.flags.has(Flag::admin)) return;
  std::vector<std::string_view> shown(arguments.begin(), arguments.end());
  for (const std::size_t i : hidden) shown[i] = redacted;
  feed_monitors(client, shown);
}

void Server::note_time(Client& client, const Command& command, Arguments arguments, std::span<const std::size_t> hidden) {
  if (!stopwatch_) return;
  const std::int64_t ended = stopwatch_();
  // The end of one is the beginning of the next: one look at the clock for each.
  const std::int64_t took = std::max<std::int64_t>(0, ended - std::exchange(begun_us_, ended));
  by_command_[&command].us += took;
  diagnostics_->cycles.commands_us += static_cast<std::uint64_t>(took);
  const DiagnosticsOptions& wanted = options_.diagnostics;
  if (wanted.tracks_latency) diagnostics_->by_command[&command].add(took * 1000);
  if (wanted.latency_threshold_ms > 0) note_latency(command.flags.has(Flag::fast) ? "fast-command" : "command", took);
  if (wanted.slow_us < 0 || took < wanted.slow_us || wanted.slow_entries_max == 0 || command.flags.has(Flag::skip_slowlog)) return;
  std::vector<std::string_view> shown(arguments.begin(), arguments.end());
  for (const std::size_t i : hidden) shown[i] = redacted;
  diagnostics_->slowlog.add(now_.unix_us / 1'000'000, took, shown, client.address, client.name,
                            static_cast<std::size_t>(wanted.slow_entries_max));
}

/// What was begun then is done; its commands have moved begun_us_ on.
void Server::note_cycle(std::int64_t begun_us) {
  Cycles& cycles = diagnostics_->cycles;
  ++cycles.count;
  cycles.us += static_cast<std::uint64_t>(std::max<std::int64_t>(0, begun_us_ - begun_us));
}

void Server::note_latency(std::string_view event, std::int64_t us) {
  const std::int64_t threshold = options_.diagnostics.latency_threshold_ms;
  if (threshold > 0 && us / 1000 >= threshold) diagnostics_->latency.add(event, now_.unix_us / 1'000'000, us / 1000);
}

void Server::look_at_rates() {
  counted_peak_ = std::max(counted_peak_, memory_counted());
  diagnostics_->commands.look(statistics_.commands, now_.monotonic_us);
  diagnostics_->octets_in.look(statistics_.octets_in, now_.monotonic_us);
  diagnostics_->octets_out.look(statistics_.octets_out, now_.monotonic_us);
  diagnostics_->primary_octets_in.look(statistics_.primary_octets_in, now_.monotonic_us);
  diagnostics_->replica_octets_out.look(statistics_.replica_octets_out, now_.monotonic_us);
  diagnostics_->cycles_begun.look(diagnostics_->cycles.count, now_.monotonic_us);
  diagnostics_->cycles_us.look(diagnostics_->cycles.us, now_.monotonic_us);
}

void Server::monitor(Client& client) {
  if (!std::exchange(client.is_monitor, true)) monitors_.push_back(client.id);
}

void Server::stop_monitoring(Client& client) {
  if (std::exchange(client.is_monitor, false)) std::erase(monitors_, client.id);
}

void Server::feed_monitors(const Client& client, Arguments arguments) {
  std::string line = fmt::format("+{}.{:06} [{} {}]", now_.unix_us / 1'000'000, now_.unix_us % 1'000'000, client.db, client.address);
  for (const std::string_view argument : arguments) line += " " + quoted(argument);
  line += "\r\n";
  for (const ClientId id : monitors_) {
    Client* monitor = find_client(id);
    if (monitor->closes) continue;
    (monitor->is_run ? monitor->pushes : monitor->out) += line;
    list(*monitor);
    const std::size_t hard = output_limit(*monitor).hard;
    if (hard == 0 || monitor->out.size() + monitor->pushes.size() <= hard) continue;
    ++statistics_.output_limit_disconnections;
    cut_off(*monitor);
  }
}

}  // namespace chorus::cache
