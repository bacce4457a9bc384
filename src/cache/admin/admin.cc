// Databases as wholes, time and memory.
#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/help.h"

namespace chorus::cache {
namespace {

/// Values are freed a little at a time whatever is asked for, so SYNC and ASYNC are one. False: replied.
bool takes_flush_option(Call& call) {
  if (call.size() == 1 || (call.size() == 2 && (call.is_word(1, "SYNC") || call.is_word(1, "ASYNC")))) return true;
  call.error(errors::syntax);
  return false;
}

}  // namespace

void dbsize(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.database().size())); }

void flushdb(Call& call) {
  if (!takes_flush_option(call)) return;
  call.clear_database(call.db());
  call.server().invalidate_all();
  call.changed();
  call.reply.ok();
}

void flushall(Call& call) {
  if (!takes_flush_option(call)) return;
  for (unsigned db = 0; db < call.databases(); ++db) call.clear_database(db);
  call.server().invalidate_all();
  call.changed();
  call.reply.ok();
}

void swapdb(Call& call) {
  if (call.server().cluster() != nullptr) return call.error("ERR SWAPDB is not allowed in cluster mode");
  const auto first = call.database_index(1, "ERR invalid first DB index");
  if (!first) return;
  const auto second = call.database_index(2, "ERR invalid second DB index");
  if (!second) return;
  call.swap_databases(*first, *second);
  call.changed();
  call.reply.ok();
}

void time(Call& call) {
  call.reply.array(2);
  call.reply.bulk_integer(call.now_us() / 1'000'000);
  call.reply.bulk_integer(call.now_us() % 1'000'000);
}

void monitor(Call& call) {
  if (call.client().transaction) return call.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  // Redis answers the second one with nothing.
  if (call.client().is_monitor) return;
  call.server().monitor(call.client());
  call.reply.ok();
}

void module_list(Call& call) { call.reply.array(0); }

void module_help(Call& call) { reply_help(call, {"LIST", "    Return a list of loaded modules."}); }

}  // namespace chorus::cache
