#include "cache/value/destroy.h"

#include <algorithm>
#include <cstring>

#include "cache/memory.h"
#include "cache/value/intset.h"
#include "cache/value/listpack.h"
#include "cache/value/member.h"
#include "cache/value/quicklist.h"
#include "cache/value/ranked_set.h"
#include "cache/value/stream.h"

namespace chorus::cache {
namespace {

void destroy_payload(Entry* entry) {
  switch (entry->encoding()) {
    case Encoding::integer:
    case Encoding::embedded:
      return;
    case Encoding::raw:
    case Encoding::listpack:
    case Encoding::intset:
      return memory::release(entry->payload<void>());
    case Encoding::quicklist:
      return Quicklist::destroy(entry->payload<Quicklist>());
    case Encoding::hashtable:
      if (entry->type() == Type::set) return destroy(entry->payload<MemberTable>());
      return destroy(entry->payload<FieldTable>());
    case Encoding::skiplist:
      return RankedSet::destroy(entry->payload<RankedSet>());
    case Encoding::stream:
      return Stream::destroy(entry->payload<Stream>());
  }
}

/// A block as it is, in one of its own.
void* copy_block(const void* block, std::size_t octets) {
  void* copy = memory::allocate(octets);
  std::memcpy(copy, block, octets);
  return copy;
}

template <class T, class Cost>
std::size_t table_cost(const Table<T>& table, std::size_t samples, Cost cost) {
  std::size_t total = sizeof(table) + table.octets(), seen = 0, octets = 0;
  std::uint64_t cursor = 0;
  do {
    cursor = table.scan(cursor, [&](auto* item) {
      ++seen;
      octets += cost(item);
    });
  } while (cursor != 0 && (samples == 0 || seen < samples));
  if (seen > 0) total += octets * table.size() / seen;
  return total;
}

}  // namespace

std::size_t elements_of(const Entry& entry) {
  switch (entry.encoding()) {
    case Encoding::quicklist:
      return entry.payload<Quicklist>()->nodes();
    case Encoding::hashtable:
      return entry.type() == Type::set ? entry.payload<MemberTable>()->size() : entry.payload<FieldTable>()->size();
    case Encoding::skiplist:
      return entry.payload<RankedSet>()->size();
    case Encoding::stream:
      return entry.payload<Stream>()->elements();
    default:
      return 1;
  }
}

void destroy(Entry* entry) {
  destroy_payload(entry);
  Entry::release_shell(entry);
}

bool destroy_some(Entry* entry, std::size_t& items) {
  bool empty = true;
  const std::size_t allowed = items;
  switch (entry->encoding()) {
    case Encoding::quicklist:
      empty = entry->payload<Quicklist>()->drain(items);
      break;
    case Encoding::skiplist:
      empty = entry->payload<RankedSet>()->drain(items);
      break;
    case Encoding::stream:
      empty = entry->payload<Stream>()->drain(items);
      break;
    case Encoding::hashtable:
      if (entry->type() == Type::set) {
        auto* table = entry->payload<MemberTable>();
        const std::size_t before = table->size();
        empty = table->drain(allowed, [](Member* member) { Member::destroy(member); });
        items -= std::min(items, before - table->size());
      } else {
        auto* table = entry->payload<FieldTable>();
        const std::size_t before = table->size();
        empty = table->drain(allowed, [](Field* field) { Field::destroy(field); });
        items -= std::min(items, before - table->size());
      }
      break;
    default:
      --items;
  }
  if (empty) destroy(entry);
  return empty;
}

std::size_t memory_of(const Entry& entry, std::size_t samples) {
  std::size_t total = entry.shell_cost();
  switch (entry.encoding()) {
    case Encoding::integer:
    case Encoding::embedded:
      return total;
    case Encoding::raw:
    case Encoding::listpack:
    case Encoding::intset:
      return total + memory::cost(entry.payload<void>());
    case Encoding::quicklist: {
      const auto* list = entry.payload<Quicklist>();
      std::size_t seen = 0, octets = 0;
      for (const auto* node = list->first_node(); node != nullptr && (samples == 0 || seen < samples); node = node->next, ++seen) {
        octets += memory::cost(node) + memory::cost(node->block);
      }
      return total + memory::cost(list) + (seen == 0 ? 0 : octets * list->nodes() / seen);
    }
    case Encoding::hashtable:
      if (entry.type() == Type::set) {
        return total + table_cost(*entry.payload<MemberTable>(), samples, [](const Member* member) { return memory::cost(member); });
      }
      return total + table_cost(*entry.payload<FieldTable>(), samples, [](const Field* field) { return memory::cost(field); });
    case Encoding::skiplist: {
      const auto* set = entry.payload<RankedSet>();
      std::size_t seen = 0, octets = 0;
      for (auto at = set->first(); at.node() != nullptr && (samples == 0 || seen < samples); at.next(), ++seen) {
        octets += memory::cost(at.node());
      }
      const std::size_t each = seen == 0 ? 0 : octets * set->size() / seen;
      return total + memory::cost(set) + each + set->index_octets();
    }
    case Encoding::stream:
      return total + entry.payload<Stream>()->memory(samples);
  }
  return total;
}

Entry* copy_of(const Entry& entry, std::string_view key, std::optional<std::int64_t> expiry) {
  Entry* copy = Entry::remake(entry, key, expiry);
  void* payload = nullptr;
  switch (entry.encoding()) {
    case Encoding::integer:
    case Encoding::embedded:
      return copy;
    case Encoding::raw: {
      const auto* text = entry.payload<Text>();
      payload = make_text({text->octets(), text->size}, text->size, text->size);
      break;
    }
    case Encoding::listpack:
      payload = copy_block(entry.payload<void>(), Listpack(entry.payload<void>()).octets());
      break;
    case Encoding::intset:
      payload = copy_block(entry.payload<void>(), Intset(entry.payload<void>()).octets());
      break;
    case Encoding::quicklist: {
      auto* list = Quicklist::make();
      for (const auto* node = entry.payload<Quicklist>()->first_node(); node != nullptr; node = node->next) {
        list->append_pack(Listpack(copy_block(node->block, node->pack().octets())));
      }
      payload = list;
      break;
    }
    case Encoding::hashtable:
      if (entry.type() == Type::set) {
        auto* table = make_member_table();
        const auto* from = entry.payload<MemberTable>();
        table->reserve(from->size());
        from->for_each([&](const Member* member) { table->insert(Member::make(member->octets())); });
        payload = table;
      } else {
        auto* table = make_field_table();
        const auto* from = entry.payload<FieldTable>();
        table->reserve(from->size());
        from->for_each([&](const Field* field) { table->insert(Field::make(field->name(), field->value())); });
        payload = table;
      }
      break;
    case Encoding::skiplist: {
      auto* set = RankedSet::make();
      for (auto at = entry.payload<RankedSet>()->first(); at.node() != nullptr; at.next())
        set->insert(at.node()->member(), at.node()->score);
      payload = set;
      break;
    }
    case Encoding::stream:
      payload = entry.payload<Stream>()->copy();
      break;
  }
  copy->set_payload(entry.encoding(), payload);
  return copy;
}

std::string_view encoding_name(const Entry& entry) {
  switch (entry.encoding()) {
    case Encoding::integer:
      return "int";
    case Encoding::embedded:
      return entry.text_size() <= Entry::embstr_octets_max ? "embstr" : "raw";
    case Encoding::raw:
      return "raw";
    case Encoding::listpack:
      return "listpack";
    case Encoding::quicklist:
      return "quicklist";
    case Encoding::intset:
      return "intset";
    case Encoding::hashtable:
      return "hashtable";
    case Encoding::skiplist:
      return "skiplist";
    case Encoding::stream:
      return "stream";
  }
  return "raw";
}

}  // namespace chorus::cache
