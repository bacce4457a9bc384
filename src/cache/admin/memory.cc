// MEMORY.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cache/admin/handlers.h"
#include "cache/admin/info_sections.h"
#include "cache/admin/memory_facts.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/replication/replication.h"
#include "cache/value/destroy.h"

namespace chorus::cache {

MemoryFacts memory_facts(const Server& server) {
  MemoryFacts facts{.used = server.memory_counted(),
                    .peak = server.memory_peak(),
                    .clients = server.clients_memory(),
                    .overhead = server.clients_memory(),
                    .heap = memory::heap_at_once(server.memory_counted())};
  for (unsigned db = 0; db < server.options().databases; ++db) {
    facts.overhead += server.database(db).keys_table_octets() + server.database(db).expires_table_octets();
  }
  return facts;
}

void memory_usage(Call& call) {
  std::int64_t samples = 5;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (!call.is_word(i, "SAMPLES") || i + 1 >= call.size()) return call.error(errors::syntax);
    const auto given = call.integer(i + 1);
    if (!given) return;
    if (*given < 0) return call.error(errors::syntax);
    samples = *given;
  }
  const Entry* entry = call.peek(call[2]);
  if (entry == nullptr) return call.reply.null();
  // And its place in the table.
  call.reply.integer(static_cast<std::int64_t>(memory_of(*entry, static_cast<std::size_t>(samples)) + sizeof(void*) + 1));
}

void memory_stats(Call& call) {
  const Server& server = call.server();
  const MemoryFacts facts = memory_facts(server);
  std::vector<unsigned> used;
  for (unsigned db = 0; db < call.databases(); ++db) {
    if (call.database(db).size() > 0) used.push_back(db);
  }
  const auto number = [&](std::string_view name, std::size_t value) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<std::int64_t>(value));
  };
  const auto real = [&](std::string_view name, double value) {
    call.reply.bulk(name);
    call.reply.real(value);
  };
  const auto difference = [&](std::string_view name, std::size_t part, std::size_t whole) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<std::int64_t>(part) - static_cast<std::int64_t>(whole));
  };
  const memory::Heap& allocator = facts.heap;
  const std::size_t keys = server.keys();
  call.reply.map(27 + used.size());
  number("peak.allocated", facts.peak);
  number("total.allocated", facts.used);
  number("startup.allocated", 0);
  number("replication.backlog", call.server().replication().stream().octets());
  number("clients.slaves", 0);
  number("clients.normal", facts.clients);
  number("cluster.links", 0);
  number("aof.buffer", server.append_state().buffer_octets);
  number("lua.caches", 0);
  number("functions.caches", 0);
  for (const unsigned db : used) {
    call.reply.bulk(fmt::format("db.{}", db));
    call.reply.map(3);
    number("overhead.hashtable.main", call.database(db).keys_table_octets());
    number("overhead.hashtable.expires", call.database(db).expires_table_octets());
    number("overhead.hashtable.slot-to-keys", 0);
  }
  number("overhead.total", facts.overhead);
  number("keys.count", keys);
  number("keys.bytes-per-key", keys == 0 ? 0 : facts.used / keys);
  number("dataset.bytes", facts.dataset());
  real("dataset.percentage", 100 * ratio(facts.dataset(), facts.used));
  real("peak.percentage", 100 * ratio(facts.used, facts.peak));
  number("allocator.allocated", allocator.allocated);
  number("allocator.active", allocator.active);
  number("allocator.resident", allocator.resident);
  real("allocator-fragmentation.ratio", ratio(allocator.active, allocator.allocated));
  difference("allocator-fragmentation.bytes", allocator.active, allocator.allocated);
  real("allocator-rss.ratio", ratio(allocator.resident, allocator.active));
  difference("allocator-rss.bytes", allocator.resident, allocator.active);
  real("rss-overhead.ratio", 1);
  number("rss-overhead.bytes", 0);
  real("fragmentation", ratio(allocator.resident, facts.used));
  difference("fragmentation.bytes", allocator.resident, facts.used);
}

void memory_doctor(Call& call) {
  constexpr std::size_t small = 5U << 20;
  const MemoryFacts facts = memory_facts(call.server());
  const MemoryOptions& limit = call.options().memory;
  if (facts.used <= small) {
    return call.reply.verbatim("txt", "There is so little data that its memory says nothing: ask again with more than 5 MB in use.\n");
  }
  const memory::Heap heap = memory::heap();
  std::string found;
  if (facts.peak > small && ratio(facts.peak, facts.used) > 1.5) {
    found += fmt::format(" * The peak was {}, and {} is used now: the process keeps pages that the peak took until MEMORY PURGE.\n",
                         human_octets(facts.peak), human_octets(facts.used));
  }
  if (heap.active > 4 * small && ratio(heap.active, heap.allocated) > 1.4) {
    found += fmt::format(" * {} of what the allocator took from the system lies between blocks that are used (fragmentation).\n",
                         human_octets(heap.active - heap.allocated));
  }
  if (facts.clients > small && ratio(facts.clients, facts.used) > 0.5) {
    found += fmt::format(" * Clients take {}: look at CLIENT LIST for large qbuf, multi-mem and omem, and set maxmemory-clients.\n",
                         human_octets(facts.clients));
  }
  if (limit.octets_max > 0 && limit.policy == EvictionPolicy::noeviction && facts.used > limit.octets_max / 10 * 9) {
    found += " * More than nine tenths of maxmemory are used, and maxmemory-policy is noeviction: writes will be refused.\n";
  }
  call.reply.verbatim("txt", found.empty() ? "No problem with memory was found.\n" : "What was found about memory:\n\n" + found);
}

void memory_malloc_stats(Call& call) {
  const memory::Heap facts = memory::heap();
  call.reply.verbatim("txt", fmt::format("allocator: {}\nallocated: {}\nactive: {}\nresident: {}\n", memory::allocator_name(),
                                         facts.allocated, facts.active, facts.resident));
}

void memory_purge(Call& call) {
  memory::give_back();
  call.reply.ok();
}

void memory_help(Call& call) {
  reply_help(call, {"DOCTOR", "    Return memory problems reports.", "MALLOC-STATS",
                    "    Return internal statistics report from the memory allocator.", "PURGE",
                    "    Attempt to purge dirty pages for reclamation by the allocator.", "STATS",
                    "    Return information about the memory usage of the server.", "USAGE <key> [SAMPLES <count>]",
                    "    Return memory in bytes used by <key> and its value. Nested values are",
                    "    sampled up to <count> times (default: 5, 0 means sample all)."});
}

}  // namespace chorus::cache
