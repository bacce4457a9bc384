// DUMP and RESTORE.
#include <string>
#include <vector>

#include "cache/call.h"
#include "cache/persistence/handlers.h"
#include "cache/persistence/loader.h"
#include "cache/rdb/payload.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

struct RestoreOptions {
  bool replaces = false, is_absolute = false;
  std::optional<std::int64_t> idle_s, frequency;
};

/// False: the error is replied.
bool read_options(Call& call, RestoreOptions& options) {
  for (std::size_t i = 4; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    if (call.is_word(i, "REPLACE")) {
      options.replaces = true;
    } else if (call.is_word(i, "ABSTTL")) {
      options.is_absolute = true;
    } else if (call.is_word(i, "IDLETIME") && has_value && !options.frequency) {
      options.idle_s = call.integer(++i);
      if (!options.idle_s) return false;
      if (*options.idle_s < 0) {
        call.error("ERR Invalid IDLETIME value, must be >= 0");
        return false;
      }
    } else if (call.is_word(i, "FREQ") && has_value && !options.idle_s) {
      options.frequency = call.integer(++i);
      if (!options.frequency) return false;
      if (*options.frequency < 0 || *options.frequency > 255) {
        call.error("ERR Invalid FREQ value, must be >= 0 and <= 255");
        return false;
      }
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  return true;
}

}  // namespace

void dump(Call& call) {
  const Entry* entry = call.read(call[1]);
  if (entry == nullptr) return call.reply.null();
  call.reply.bulk(rdb::make_payload(*entry, call.options().rdb));
}

void restore(Call& call) {
  RestoreOptions options;
  if (!read_options(call, options)) return;
  const std::string_view key = call[1];
  Entry* there = call.write(key);
  if (there != nullptr && !options.replaces) return call.error("BUSYKEY Target key name already exists.");
  const auto ttl = call.integer(2);
  if (!ttl) return;
  std::int64_t expiry = *ttl;
  if (*ttl < 0 || (*ttl > 0 && !options.is_absolute && __builtin_add_overflow(*ttl, call.now_ms(), &expiry))) {
    return call.error("ERR Invalid TTL value, must be >= 0");
  }
  const auto entry = rdb::read_payload(call[3], key, expiry == 0 ? std::nullopt : std::optional(expiry), call.options().thresholds);
  if (!entry) {
    return call.error(entry.error() == rdb::PayloadErrc::checksum ? "ERR DUMP payload version or checksum are wrong"
                                                                  : "ERR Bad data format");
  }
  if (there != nullptr) call.erase(there);
  call.reply.ok();
  if (expiry != 0 && call.is_over(expiry)) {
    destroy(*entry);
    if (there == nullptr) return;
    call.effect({"UNLINK", key});
    return call.changed(key, Notify::generic, "del");
  }
  call.insert(*entry);
  if (options.idle_s || options.frequency) {
    rdb::KeyUse use;
    if (options.idle_s) use.idle_s = static_cast<std::uint64_t>(*options.idle_s);
    if (options.frequency) use.frequency = static_cast<std::uint8_t>(*options.frequency);
    (*entry)->set_access(access_of(use, call.options().memory, call.now_us()));
  }
  call.changed(key, Notify::generic, "restore");
  if (expiry == 0 || options.is_absolute) return;
  const std::string at = std::to_string(expiry);
  std::vector<std::string_view> words(call.arguments().begin(), call.arguments().end());
  words[2] = at;
  words.push_back("ABSTTL");
  call.effect(words);
}

}  // namespace chorus::cache
