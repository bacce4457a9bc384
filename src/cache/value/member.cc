#include "cache/value/member.h"

#include <cstring>
#include <new>

#include "cache/memory.h"

namespace chorus::cache {
namespace {

std::size_t laid_out(std::string_view octets) { return octets.size() + (octets.size() < 255 ? 1 : 5); }

char* write(char* to, std::string_view octets) {
  if (octets.size() < 255) {
    *to++ = static_cast<char>(octets.size());
  } else {
    const auto size = static_cast<std::uint32_t>(octets.size());
    *to++ = static_cast<char>(255);
    std::memcpy(to, &size, sizeof size);
    to += sizeof size;
  }
  if (!octets.empty()) std::memcpy(to, octets.data(), octets.size());
  return to + octets.size();
}

std::string_view read(const char* from) {
  const auto first = static_cast<unsigned char>(*from);
  if (first < 255) return {from + 1, first};
  std::uint32_t size = 0;
  std::memcpy(&size, from + 1, sizeof size);
  return {from + 5, size};
}

template <class T>
T* make_table() {
  return new (memory::allocate(sizeof(T))) T();
}

template <class T>
void end_table(T* table) {
  table->~T();
  memory::release(table);
}

}  // namespace

Member* Member::make(std::string_view octets) {
  auto* block = static_cast<char*>(memory::allocate(laid_out(octets)));
  write(block, octets);
  return reinterpret_cast<Member*>(block);
}
void Member::destroy(Member* member) { memory::release(member); }
std::string_view Member::octets() const { return read(reinterpret_cast<const char*>(this)); }

Field* Field::make(std::string_view name, std::string_view value) {
  auto* block = static_cast<char*>(memory::allocate(laid_out(name) + laid_out(value)));
  write(write(block, name), value);
  return reinterpret_cast<Field*>(block);
}
void Field::destroy(Field* field) { memory::release(field); }
std::string_view Field::name() const { return read(reinterpret_cast<const char*>(this)); }
std::string_view Field::value() const {
  const std::string_view own = name();
  return read(own.data() + own.size());
}
bool Field::assign(std::string_view value) {
  const std::string_view own = name();
  const std::size_t whole = laid_out(own) + laid_out(value), room = memory::capacity(this);
  if (whole > room || room > 2 * whole + 32) return false;
  write(const_cast<char*>(own.data()) + own.size(), value);
  return true;
}

MemberTable* make_member_table() { return make_table<MemberTable>(); }
void destroy(MemberTable* table) {
  table->for_each([](Member* member) { Member::destroy(member); });
  end_table(table);
}
FieldTable* make_field_table() { return make_table<FieldTable>(); }
void destroy(FieldTable* table) {
  table->for_each([](Field* field) { Field::destroy(field); });
  end_table(table);
}

}  // namespace chorus::cache
