#include "cache/debug/digest.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <string_view>

#include "base/text.h"
#include "cache/hashes/hash_value.h"
#include "cache/lists/list_value.h"
#include "cache/sets/set_value.h"
#include "cache/value/stream.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache {
namespace {

/// What comes in any order.
void add(Digest& digest, std::string_view octets) {
  Digest own{};
  SHA1(reinterpret_cast<const unsigned char*>(octets.data()), octets.size(), own.data());
  for (std::size_t i = 0; i < own.size(); ++i) digest[i] ^= own[i];
}

/// What comes in this order: a digest of the digest.
void append(Digest& digest, std::string_view octets) {
  add(digest, octets);
  Digest own{};
  SHA1(digest.data(), digest.size(), own.data());
  digest = own;
}

std::string_view octets_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

/// Big endian.
void append_number(Digest& digest, std::uint32_t number) {
  const char octets[] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
                         static_cast<char>(number)};
  append(digest, {octets, sizeof octets});
}

/// By the numbers that Redis gives types; type() has them in another order.
std::uint32_t number_of(Type type) {
  switch (type) {
    case Type::string:
      return 0;
    case Type::list:
      return 1;
    case Type::set:
      return 2;
    case Type::zset:
      return 3;
    case Type::hash:
      return 4;
    case Type::stream:
      return 6;
  }
  return 0;
}

void add_pair(Digest& digest, std::string_view one, std::string_view other) {
  Digest own{};
  append(own, one);
  append(own, other);
  add(digest, octets_of(own));
}

void append_entries(Digest& digest, const Stream& stream) {
  StreamCursor cursor(stream, {}, StreamId::last());
  while (cursor.next()) {
    append(digest, fmt::format("{}.{}", cursor.id().ms, cursor.id().seq));
    cursor.for_each([&](std::string_view name, std::string_view value) {
      append(digest, name);
      append(digest, value);
    });
  }
}

void append_value(Digest& digest, Entry& entry) {
  const Thresholds thresholds;  // nothing is changed
  append_number(digest, number_of(entry.type()));
  switch (entry.type()) {
    case Type::string: {
      NumberText scratch;
      append(digest, entry.text(scratch));
      break;
    }
    case Type::list: {
      const ListValue list(thresholds, &entry);
      list.for_range(0, list.size(), false, [&](std::string_view element) { append(digest, element); });
      break;
    }
    case Type::set:
      SetValue(thresholds, &entry).for_each([&](std::string_view member) { add(digest, member); });
      break;
    case Type::zset: {
      const ZsetValue zset(thresholds, &entry);
      zset.for_range(0, zset.size(), false,
                     [&](std::string_view member, double score) { add_pair(digest, member, fmt::format("{:.17g}", score)); });
      break;
    }
    case Type::hash:
      HashValue(thresholds, &entry).for_each([&](std::string_view field, std::string_view value) { add_pair(digest, field, value); });
      break;
    case Type::stream:
      append_entries(digest, *entry.payload<Stream>());
  }
  if (entry.expires()) add(digest, "!!expire!!");
}

}  // namespace

Digest digest_of(Entry& entry) {
  Digest digest{};
  append_value(digest, entry);
  return digest;
}

void add_database(Digest& digest, std::uint32_t number, const Database& database) {
  if (database.size() == 0) return;
  append_number(digest, number);
  database.for_each([&](Entry* entry) {
    Digest own{};
    append(own, entry->key());
    append_value(own, *entry);
    add(digest, octets_of(own));
  });
}

std::string to_hex(const Digest& digest) { return base::hex(octets_of(digest)); }

}  // namespace chorus::cache
