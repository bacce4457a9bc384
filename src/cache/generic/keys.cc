// Keys made away with, renamed, copied and moved.
#include <string>

#include "cache/call.h"
#include "cache/generic/handlers.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

std::int64_t remove_all(Call& call) {
  std::int64_t count = 0;
  for (const std::string_view key : call.arguments().subspan(1)) {
    Entry* entry = call.peek(key);
    if (entry == nullptr) continue;
    call.erase(entry);
    call.changed(key, Notify::generic, "del");
    ++count;
  }
  return count;
}

}  // namespace

void del(Call& call) { call.reply.integer(remove_all(call)); }
void unlink(Call& call) { call.reply.integer(remove_all(call)); }

void exists(Call& call) {
  std::int64_t count = 0;
  for (const std::string_view key : call.arguments().subspan(1)) count += call.peek(key) != nullptr ? 1 : 0;
  call.reply.integer(count);
}

void touch(Call& call) {
  std::int64_t count = 0;
  for (const std::string_view key : call.arguments().subspan(1)) count += call.read(key) != nullptr ? 1 : 0;
  call.reply.integer(count);
}

void type(Call& call) {
  const Entry* entry = call.peek(call[1]);
  call.reply.simple(entry == nullptr ? "none" : name_of(entry->type()));
}

namespace {

/// The entry leaves its key and takes `to`'s, in the database `db`, whatever was there.
void rehome(Call& call, Entry* entry, unsigned db, std::string_view to) {
  if (Entry* there = call.peek(db, to); there != nullptr) call.erase(db, there);
  call.ready(entry->key());  // some wait for it to go
  call.database().detach(entry);
  Entry* fresh = Entry::remake(*entry, to, entry->expiry());
  Entry::release_shell(entry);
  call.insert(db, fresh);
}

void rename_to(Call& call, bool only_if_absent) {
  const std::string_view from = call[1], to = call[2];
  Entry* entry = call.write(from);
  if (entry == nullptr) return call.error(errors::no_such_key);
  if (from == to) return only_if_absent ? call.reply.integer(0) : call.reply.ok();
  if (only_if_absent && call.peek(to) != nullptr) return call.reply.integer(0);
  rehome(call, entry, call.db(), to);
  call.changed(from, Notify::generic, "rename_from");
  call.changed(to, Notify::generic, "rename_to");
  only_if_absent ? call.reply.integer(1) : call.reply.ok();
}

}  // namespace

void rename(Call& call) { rename_to(call, false); }
void renamenx(Call& call) { rename_to(call, true); }

void move(Call& call) {
  if (call.server().cluster() != nullptr) return call.error("ERR MOVE is not allowed in cluster mode");
  const auto to = call.database_index(2, errors::not_integer);
  if (!to) return;
  if (*to == call.db()) return call.error(errors::same_object);
  Entry* entry = call.write(call[1]);
  if (entry == nullptr || call.peek(*to, call[1]) != nullptr) return call.reply.integer(0);
  rehome(call, entry, *to, call[1]);
  call.changed(call[1], Notify::generic, "move_from");
  call.changed(*to, call[1], Notify::generic, "move_to");
  call.reply.integer(1);
}

void copy(Call& call) {
  unsigned to = call.db();
  bool replaces = false;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "REPLACE")) {
      replaces = true;
    } else if (call.is_word(i, "DB") && i + 1 < call.size()) {
      const auto db = call.database_index(++i, errors::not_integer);
      if (!db) return;
      if (call.server().cluster() != nullptr && *db != 0) return call.error(errors::db_out_of_range);
      to = *db;
    } else {
      return call.error(errors::syntax);
    }
  }
  if (to == call.db() && call[1] == call[2]) return call.error(errors::same_object);
  const Entry* entry = call.read(call[1]);
  if (entry == nullptr) return call.reply.integer(0);
  Entry* there = call.write(to, call[2]);
  if (there != nullptr && !replaces) return call.reply.integer(0);
  Entry* fresh = copy_of(*entry, call[2], entry->expiry());
  if (there != nullptr) call.erase(to, there);
  call.insert(to, fresh);
  call.changed(to, call[2], Notify::generic, "copy_to");
  call.reply.integer(1);
}

void randomkey(Call& call) {
  // What is expired goes on the way, so that this ends; where it must not go, at a replica or in a pause, Redis names one at last.
  constexpr int tries_max = 100;
  int tries = 0;
  while (Entry* entry = call.database().random(call.random())) {
    const std::string key(entry->key());
    const std::size_t before = call.database().size();
    if (call.peek(key) != nullptr || (call.database().size() == before && ++tries == tries_max)) return call.reply.bulk(key);
  }
  call.reply.null();
}

}  // namespace chorus::cache
