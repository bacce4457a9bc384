// SET and its relatives, GETEX and GETDEL.
#include <fmt/format.h>

#include <limits>

#include "cache/call.h"
#include "cache/strings/expiry_option.h"
#include "cache/strings/handlers.h"

namespace chorus::cache {

std::optional<std::int64_t> expiry_of(Call& call, std::size_t argument, std::int64_t unit, bool is_absolute, bool must_be_positive) {
  const auto given = call.integer(argument);
  if (!given) return {};
  const auto invalid = [&]() -> std::optional<std::int64_t> {
    call.error(fmt::format("ERR invalid expire time in '{}' command", call.command().full_name()));
    return {};
  };
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  if (must_be_positive && *given <= 0) return invalid();
  if (unit > 1 && (*given > largest / unit || *given < -(largest / unit))) return invalid();
  const std::int64_t ms = *given * unit;
  if (is_absolute) return ms;
  if (ms > largest - call.now_ms()) return invalid();
  return call.now_ms() + ms;
}

namespace {

struct SetOptions {
  enum class When { always, absent, present } when = When::always;
  bool gets = false, keeps_expiry = false, persists = false;
  std::optional<std::size_t> expiry_argument;
  std::int64_t unit = 1;
  bool is_absolute = false;
};

/// Of SET, or of GETEX, which has fewer. False: replied.
bool read_options(Call& call, std::size_t from, bool is_getex, SetOptions& options) {
  bool has_expiry = false;
  for (std::size_t i = from; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    using When = SetOptions::When;
    if (!is_getex && call.is_word(i, "NX") && options.when != When::present) {
      options.when = When::absent;
    } else if (!is_getex && call.is_word(i, "XX") && options.when != When::absent) {
      options.when = When::present;
    } else if (!is_getex && call.is_word(i, "GET")) {
      options.gets = true;
    } else if (!is_getex && call.is_word(i, "KEEPTTL") && !has_expiry) {
      options.keeps_expiry = true;
    } else if (is_getex && call.is_word(i, "PERSIST") && !has_expiry) {
      options.persists = true;
    } else if ((call.is_word(i, "EX") || call.is_word(i, "PX") || call.is_word(i, "EXAT") || call.is_word(i, "PXAT")) && has_value &&
               !has_expiry && !options.keeps_expiry && !options.persists) {
      has_expiry = true;
      options.unit = call.is_word(i, "EX") || call.is_word(i, "EXAT") ? 1000 : 1;
      options.is_absolute = call[i].size() == 4;
      options.expiry_argument = ++i;
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  return true;
}

/// Gone at once: what a time of expiry that is over means.
void remove_as_expired(Call& call, Entry* entry, std::string_view key) {
  call.erase(entry);
  call.changed(key, Notify::generic, "del");
  call.effect({"UNLINK", key});
}

void store(Call& call, std::string_view key, std::string_view value, std::optional<std::int64_t> expiry, bool keeps_expiry) {
  if (expiry && call.is_over(*expiry)) {
    Entry* old = call.peek(key);
    if (old != nullptr) remove_as_expired(call, old, key);
    return;
  }
  call.set_string(key, value, expiry, keeps_expiry);
  call.changed(key, Notify::string, "set");
  if (expiry) {
    call.event(key, Notify::generic, "expire");
    NumberText at;
    call.effect({"SET", key, value, "PXAT", at.of(*expiry)});
  } else if (keeps_expiry) {
    call.effect({"SET", key, value, "KEEPTTL"});
  } else {
    call.effect({"SET", key, value});
  }
}

void reply_text(Call& call, const Entry* entry) {
  if (entry == nullptr) return call.reply.null();
  NumberText scratch;
  call.reply.bulk(entry->text(scratch));
}

bool fits(Call& call, std::string_view value) {
  if (value.size() <= call.options().bulk_octets_max) return true;
  call.error(errors::too_long);
  return false;
}

}  // namespace

void set(Call& call) {
  SetOptions options;
  if (!read_options(call, 3, false, options)) return;
  std::optional<std::int64_t> expiry;
  if (options.expiry_argument) {
    expiry = expiry_of(call, *options.expiry_argument, options.unit, options.is_absolute, true);
    if (!expiry) return;
  }
  const std::string_view key = call[1], value = call[2];
  if (options.gets) {
    const Entry* old = call.read(key);
    if (!call.is(old, Type::string)) return;
    reply_text(call, old);
  }
  using When = SetOptions::When;
  if (options.when != When::always && (call.peek(key) != nullptr) != (options.when == When::present)) {
    if (!options.gets) call.reply.null();
    return;
  }
  store(call, key, value, expiry, options.keeps_expiry);
  if (!options.gets) call.reply.ok();
}

void setnx(Call& call) {
  if (call.peek(call[1]) != nullptr) return call.reply.integer(0);
  store(call, call[1], call[2], {}, false);
  call.reply.integer(1);
}

namespace {

void set_with_expiry(Call& call, std::int64_t unit) {
  const auto expiry = expiry_of(call, 2, unit, false, true);
  if (!expiry || !fits(call, call[3])) return;
  store(call, call[1], call[3], expiry, false);
  call.reply.ok();
}

}  // namespace

void setex(Call& call) { set_with_expiry(call, 1000); }
void psetex(Call& call) { set_with_expiry(call, 1); }

void get(Call& call) {
  const Entry* entry = call.read(call[1]);
  if (call.is(entry, Type::string)) reply_text(call, entry);
}

void getset(Call& call) {
  const Entry* old = call.read(call[1]);
  if (!call.is(old, Type::string)) return;
  reply_text(call, old);
  store(call, call[1], call[2], {}, false);
}

void getdel(Call& call) {
  Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  reply_text(call, entry);
  if (entry == nullptr) return;
  call.erase(entry);
  call.changed(call[1], Notify::generic, "del");
  call.effect({"DEL", call[1]});
}

void getex(Call& call) {
  SetOptions options;
  if (!read_options(call, 2, true, options)) return;
  Entry* entry = call.read(call[1]);
  if (entry == nullptr) return call.reply.null();
  if (!call.is(entry, Type::string)) return;
  std::optional<std::int64_t> expiry;
  if (options.expiry_argument) {
    expiry = expiry_of(call, *options.expiry_argument, options.unit, options.is_absolute, true);
    if (!expiry) return;
  }
  reply_text(call, entry);
  const std::string_view key = call[1];
  if (expiry && call.is_over(*expiry)) {
    remove_as_expired(call, entry, key);
  } else if (expiry) {
    call.database().set_expiry(entry, expiry);
    call.changed(key, Notify::generic, "expire");
    NumberText at;
    call.effect({"PEXPIREAT", key, at.of(*expiry)});
  } else if (options.persists && entry->expires()) {
    call.database().set_expiry(entry, {});
    call.changed(key, Notify::generic, "persist");
    call.effect({"PERSIST", key});
  }
}

void mget(Call& call) {
  call.reply.array(call.size() - 1);
  for (std::size_t i = 1; i < call.size() && !call.is_too_long(); ++i) {
    const Entry* entry = call.read(call[i]);
    reply_text(call, entry != nullptr && entry->type() == Type::string ? entry : nullptr);
  }
}

namespace {

/// False: not every key has a value, and that is replied.
bool has_pairs(Call& call) {
  if (call.size() % 2 == 1) return true;
  call.error(fmt::format("ERR wrong number of arguments for '{}' command", call.command().name));
  return false;
}

void store_pairs(Call& call) {
  for (std::size_t i = 1; i < call.size(); i += 2) {
    call.set_string(call[i], call[i + 1], {}, false);
    call.changed(call[i], Notify::string, "set");
  }
}

}  // namespace

void mset(Call& call) {
  if (!has_pairs(call)) return;
  store_pairs(call);
  call.reply.ok();
}

void msetnx(Call& call) {
  if (!has_pairs(call)) return;
  for (std::size_t i = 1; i < call.size(); i += 2) {
    if (call.peek(call[i]) != nullptr) return call.reply.integer(0);
  }
  store_pairs(call);
  call.reply.integer(1);
}

}  // namespace chorus::cache
