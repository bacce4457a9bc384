// EXPIRE and its relatives.
#include <fmt/format.h>

#include "cache/call.h"
#include "cache/generic/handlers.h"
#include "cache/strings/expiry_option.h"

namespace chorus::cache {
namespace {

struct Conditions {
  bool nx = false, xx = false, gt = false, lt = false;
};

bool read_conditions(Call& call, Conditions& conditions) {
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "NX")) {
      conditions.nx = true;
    } else if (call.is_word(i, "XX")) {
      conditions.xx = true;
    } else if (call.is_word(i, "GT")) {
      conditions.gt = true;
    } else if (call.is_word(i, "LT")) {
      conditions.lt = true;
    } else {
      call.error(fmt::format("ERR Unsupported option {}", call[i]));
      return false;
    }
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    call.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions.gt && conditions.lt) {
    call.error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

void expire_at(Call& call, std::int64_t unit, bool is_absolute) {
  Conditions conditions;
  if (!read_conditions(call, conditions)) return;
  const auto at = expiry_of(call, 2, unit, is_absolute, false);
  if (!at) return;
  const std::string_view key = call[1];
  Entry* entry = call.write(key);
  if (entry == nullptr) return call.reply.integer(0);
  const auto before = entry->expiry();
  // Without an expiry a key lives forever: later than any time.
  const bool refused = (conditions.nx && before) || (conditions.xx && !before) || (conditions.gt && (!before || *at <= *before)) ||
                       (conditions.lt && before && *at >= *before);
  if (refused) return call.reply.integer(0);
  if (call.is_over(*at)) {
    call.erase(entry);
    call.changed(key, Notify::generic, "del");
    call.effect({"UNLINK", key});
  } else {
    call.database().set_expiry(entry, at);
    call.changed(key, Notify::generic, "expire");
    NumberText text;
    call.effect({"PEXPIREAT", key, text.of(*at)});
  }
  call.reply.integer(1);
}

enum class Shows { left_s, left_ms, at_s, at_ms };

void show_expiry(Call& call, Shows shows) {
  const Entry* entry = call.peek(call[1]);
  if (entry == nullptr) return call.reply.integer(-2);
  const auto at = entry->expiry();
  if (!at) return call.reply.integer(-1);
  const std::int64_t left = std::max<std::int64_t>(*at - call.now_ms(), 0);
  switch (shows) {
    case Shows::left_s:
      return call.reply.integer((left + 500) / 1000);
    case Shows::left_ms:
      return call.reply.integer(left);
    case Shows::at_s:
      return call.reply.integer(*at / 1000 + (*at % 1000 >= 500 ? 1 : 0));
    case Shows::at_ms:
      return call.reply.integer(*at);
  }
}

}  // namespace

void expire(Call& call) { expire_at(call, 1000, false); }
void pexpire(Call& call) { expire_at(call, 1, false); }
void expireat(Call& call) { expire_at(call, 1000, true); }
void pexpireat(Call& call) { expire_at(call, 1, true); }
void ttl(Call& call) { show_expiry(call, Shows::left_s); }
void pttl(Call& call) { show_expiry(call, Shows::left_ms); }
void expiretime(Call& call) { show_expiry(call, Shows::at_s); }
void pexpiretime(Call& call) { show_expiry(call, Shows::at_ms); }

void persist(Call& call) {
  Entry* entry = call.write(call[1]);
  if (entry == nullptr || !entry->expires()) return call.reply.integer(0);
  call.database().set_expiry(entry, {});
  call.changed(call[1], Notify::generic, "persist");
  call.reply.integer(1);
}

}  // namespace chorus::cache
