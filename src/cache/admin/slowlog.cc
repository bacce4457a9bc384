// SLOWLOG.
#include <algorithm>

#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {

void slowlog_get(Call& call) {
  std::int64_t count = 10;
  if (call.size() > 3) return reply_wrong_subcommand(call);
  if (call.size() == 3) {
    constexpr std::string_view wrong = "ERR count should be greater than or equal to -1";
    const auto given = call.integer(2, wrong);
    if (!given) return;
    if (*given < -1) return call.error(wrong);
    count = *given;
  }
  const auto& entries = call.server().diagnostics().slowlog.entries();
  const std::size_t chosen = count < 0 ? entries.size() : std::min(entries.size(), static_cast<std::size_t>(count));
  call.reply.array(chosen);
  for (std::size_t i = 0; i < chosen; ++i) {
    const Slowlog::Entry& entry = entries[i];
    call.reply.array(6);
    call.reply.integer(static_cast<std::int64_t>(entry.id));
    call.reply.integer(entry.unix_s);
    call.reply.integer(entry.us);
    call.reply.array(entry.arguments.size());
    for (const std::string& argument : entry.arguments) call.reply.bulk(argument);
    call.reply.bulk(entry.address);
    call.reply.bulk(entry.name);
  }
}

void slowlog_len(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.server().diagnostics().slowlog.entries().size())); }

void slowlog_reset(Call& call) {
  call.server().diagnostics().slowlog.clear();
  call.reply.ok();
}

void slowlog_help(Call& call) {
  reply_help(call, {"GET [<count>]", "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
                    "    Entries are made of:", "    id, timestamp, time in microseconds, arguments array, client IP and port,",
                    "    client name", "LEN", "    Return the length of the slowlog.", "RESET", "    Reset the slowlog."});
}

}  // namespace chorus::cache
