// DEBUG: values and tables as they lie in memory.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "cache/access.h"
#include "cache/call.h"
#include "cache/debug/digest.h"
#include "cache/debug/handlers.h"
#include "cache/rdb/value_writer.h"
#include "cache/resp/quote.h"
#include "cache/value/destroy.h"
#include "cache/value/member.h"
#include "cache/value/quicklist.h"
#include "cache/value/ranked_set.h"

namespace chorus::cache {
namespace {

/// How full buckets are; one bucket stands for a chain of Redis'.
struct Chains {
  std::size_t buckets = 0, items = 0, longest = 0;
  std::map<std::size_t, std::size_t> by_length;

  void add(std::size_t length) {
    ++buckets;
    items += length;
    longest = std::max(longest, length);
    ++by_length[length];
  }
  std::string describe(int which, std::string_view what) const {
    std::string text = fmt::format("Hash table {} stats ({}):\n", which, what);
    if (items == 0) return text + "No stats available for empty dictionaries\n";
    const std::size_t used = buckets - (by_length.contains(0) ? by_length.at(0) : 0);
    const double average = static_cast<double>(items) / static_cast<double>(used);
    text += fmt::format(
        " table size: {}\n number of elements: {}\n different slots: {}\n max chain length: {}\n avg chain length (counted): {:.2f}\n"
        " avg chain length (computed): {:.2f}\n Chain length distribution:\n",
        buckets * KeyTable::per_bucket, items, used, longest, average, average);
    for (const auto& [length, count] : by_length) {
      text += fmt::format("   {}: {} ({:.2f}%)\n", length, count, 100.0 * static_cast<double>(count) / static_cast<double>(buckets));
    }
    return text;
  }
};

/// for_each_bucket(visit): of one table or of several that are one in effect.
template <class ForEachBucket>
std::string describe_table(ForEachBucket for_each_bucket) {
  Chains main, target;
  for_each_bucket([&](bool is_target, std::size_t items) { (is_target ? target : main).add(items); });
  std::string text = main.describe(0, "main hash table");
  if (target.buckets > 0) text += target.describe(1, "rehashing target");
  return text;
}

/// Null: that is replied.
Entry* find(Call& call) {
  Entry* entry = call.peek(call[2]);
  if (entry == nullptr) call.error(errors::no_such_key);
  return entry;
}

std::string describe_pack(const Listpack& pack) {
  std::string text = fmt::format("{{octets {}}} {{count {}}}\n", pack.octets(), pack.count());
  std::size_t index = 0;
  NumberText scratch;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(at), ++index) {
    const Listpack::Element element = pack.get(at);
    text += fmt::format("  {}: at {}, {} {}\n", index, at, element.integer ? "integer" : "string", quoted(element.in(scratch)));
  }
  return text;
}

}  // namespace

void debug_digest(Call& call) {
  Digest digest{};
  for (unsigned db = 0; db < call.databases(); ++db) add_database(digest, db, call.database(db));
  call.reply.simple(to_hex(digest));
}

void debug_digest_value(Call& call) {
  call.reply.array(call.size() - 2);
  for (const std::string_view key : call.arguments().subspan(2)) {
    Entry* entry = call.peek(key);
    call.reply.simple(to_hex(entry == nullptr ? Digest{} : digest_of(*entry)));
  }
}

void debug_object(Call& call) {
  // Also what has expired and is not gone yet.
  const Entry* entry = call.database().find(call[2]);
  if (entry == nullptr) return call.error(errors::no_such_key);
  std::string saved;
  rdb::write_value(saved, *entry, call.options().rdb);
  const bool has_idle_time = !is_lfu(call.options().memory.policy);
  std::string text =
      fmt::format("Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}", static_cast<const void*>(entry),
                  encoding_name(*entry), saved.size(), entry->access(), has_idle_time ? idle_seconds(entry->access(), call.now_us()) : 0);
  if (entry->encoding() == Encoding::quicklist) {
    const auto& list = *entry->payload<Quicklist>();
    std::size_t octets = 0;
    for (const Quicklist::Node* node = list.first_node(); node != nullptr; node = node->next) octets += node->pack().octets();
    text += fmt::format(" ql_nodes:{} ql_avg_node:{:.2f} ql_listpack_max:{} ql_compressed:0 ql_uncompressed_size:{}", list.nodes(),
                        static_cast<double>(list.size()) / static_cast<double>(list.nodes()), call.options().thresholds.list_listpack_size,
                        octets);
  }
  call.reply.simple(text);
}

void debug_htstats(Call& call) {
  const auto db = call.integer(2);
  if (!db) return;
  if (*db < 0 || *db >= static_cast<std::int64_t>(call.databases())) return call.error("ERR Out of range database");
  const Database& database = call.database(static_cast<unsigned>(*db));
  std::string text = "[Dictionary HT]\n" + describe_table([&](auto visit) { database.for_each_bucket(visit); });
  text += "[Expires HT]\n" + describe_table([&](auto visit) { database.for_each_expiring_bucket(visit); });
  call.reply.verbatim("txt", text);
}

void debug_htstats_key(Call& call) {
  const Entry* entry = find(call);
  if (entry == nullptr) return;
  const auto describe = [](const auto& table) { return describe_table([&](auto visit) { table.for_each_bucket(visit); }); };
  if (entry->encoding() == Encoding::skiplist) return call.reply.verbatim("txt", describe(*entry->payload<RankedSet>()));
  if (entry->encoding() == Encoding::hashtable && entry->type() == Type::set)
    return call.reply.verbatim("txt", describe(*entry->payload<MemberTable>()));
  if (entry->encoding() == Encoding::hashtable) return call.reply.verbatim("txt", describe(*entry->payload<FieldTable>()));
  call.error("ERR The value stored at the specified key is not represented using an hash table");
}

// Redis prints what these two find on its standard output; whoever asks is told here, since there is nobody to read that.
void debug_listpack(Call& call) {
  const Entry* entry = find(call);
  if (entry == nullptr) return;
  if (entry->encoding() != Encoding::listpack) return call.error("ERR Not a listpack encoded object.");
  call.reply.verbatim("txt", describe_pack(Listpack(entry->payload<void>())));
}

void debug_quicklist(Call& call) {
  const Entry* entry = find(call);
  if (entry == nullptr) return;
  if (entry->encoding() != Encoding::quicklist) return call.error("ERR Not a quicklist encoded object.");
  const bool is_full = call.size() == 4 && call[3] != "0";
  std::string text;
  std::size_t index = 0;
  for (const Quicklist::Node* node = entry->payload<Quicklist>()->first_node(); node != nullptr; node = node->next, ++index) {
    text += fmt::format("node {}: {} elements, {} octets\n", index, node->count, node->pack().octets());
    if (is_full) text += describe_pack(node->pack());
  }
  call.reply.verbatim("txt", text);
}

}  // namespace chorus::cache
