// OBJECT.
#include "cache/access.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/generic/handlers.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

constexpr std::string_view lfu_selected =
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and "
    "LFU data will take some time to adjust.";
constexpr std::string_view lfu_not_selected =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at "
    "runtime "
    "LRU and LFU data will take some time to adjust.";

}  // namespace

void object_encoding(Call& call) {
  const Entry* entry = call.peek(call[2]);
  entry == nullptr ? call.reply.null() : call.reply.bulk(encoding_name(*entry));
}

void object_refcount(Call& call) {
  const Entry* entry = call.peek(call[2]);
  entry == nullptr ? call.reply.null() : call.reply.integer(1);
}

void object_idletime(Call& call) {
  const Entry* entry = call.peek(call[2]);
  if (entry == nullptr) return call.reply.null();
  if (is_lfu(call.options().memory.policy)) return call.error(lfu_selected);
  call.reply.integer(idle_seconds(entry->access(), call.now_us()));
}

void object_freq(Call& call) {
  const Entry* entry = call.peek(call[2]);
  if (entry == nullptr) return call.reply.null();
  const MemoryOptions& memory = call.options().memory;
  if (!is_lfu(memory.policy)) return call.error(lfu_not_selected);
  call.reply.integer(lfu_frequency(entry->access(), memory.lfu, call.now_us()));
}

void object_help(Call& call) {
  reply_help(
      call,
      {"ENCODING <key>", "    Return the kind of internal representation used in order to store the value", "    associated with a <key>.",
       "FREQ <key>", "    Return the access frequency index of the <key>. The returned integer is",
       "    proportional to the logarithm of the recent access frequency of the key.", "IDLETIME <key>",
       "    Return the idle time of the <key>, that is the approximated number of", "    seconds elapsed since the last access to the key.",
       "REFCOUNT <key>", "    Return the number of references of the value associated with the specified", "    <key>."});
}

}  // namespace chorus::cache
