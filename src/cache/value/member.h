// What the tables of large sets and hashes hold: one block each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cache/table.h"

namespace chorus::cache {

/// A length (1 octet, or 5 from 255 on) and as many octets.
class Member {
 public:
  static Member* make(std::string_view octets);
  static void destroy(Member* member);
  std::string_view octets() const;
};
struct MemberPolicy {
  using Item = Member*;
  static std::string_view key(const Member* member) { return member->octets(); }
};
using MemberTable = Table<MemberPolicy>;

/// A field and its value, both as a Member is laid out.
class Field {
 public:
  static Field* make(std::string_view name, std::string_view value);
  static void destroy(Field* field);
  std::string_view name() const;
  std::string_view value() const;
  /// Whether `value` took the place of the old one in this block; else it needs a new Field.
  bool assign(std::string_view value);
};
struct FieldPolicy {
  using Item = Field*;
  static std::string_view key(const Field* field) { return field->name(); }
};
using FieldTable = Table<FieldPolicy>;

/// Tables as values own what they hold.
MemberTable* make_member_table();
void destroy(MemberTable* table);
FieldTable* make_field_table();
void destroy(FieldTable* table);

}  // namespace chorus::cache
