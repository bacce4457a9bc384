#include "cache/sets/set_value.h"

#include <algorithm>

#include "cache/value/intset.h"
#include "cache/value/listpack.h"
#include "cache/value/member.h"

namespace chorus::cache {
namespace {

/// What a number takes in a packed list, at most.
constexpr std::size_t number_octets_max = 10;

}  // namespace

Entry* SetValue::make(const Thresholds& thresholds, std::string_view key, std::string_view first) {
  if (thresholds.set_intset_entries > 0 && parse_integer(first)) {
    return Entry::make(key, Type::set, Encoding::intset, Intset::make().block());
  }
  if (thresholds.set_listpack_entries > 0 && first.size() <= thresholds.set_listpack_value) {
    return Entry::make(key, Type::set, Encoding::listpack, Listpack::make().block());
  }
  return Entry::make(key, Type::set, Encoding::hashtable, make_member_table());
}

std::size_t SetValue::size() const {
  if (encoding() == Encoding::intset) return Intset(entry_->payload<void>()).count();
  if (encoding() == Encoding::listpack) return Listpack(entry_->payload<void>()).count();
  return entry_->payload<MemberTable>()->size();
}

bool SetValue::contains(std::string_view member) const {
  if (encoding() == Encoding::intset) {
    const auto number = parse_integer(member);
    return number && Intset(entry_->payload<void>()).contains(*number);
  }
  if (encoding() == Encoding::listpack) {
    const Listpack pack(entry_->payload<void>());
    return pack.find(member, pack.begin()) != pack.end();
  }
  return entry_->payload<MemberTable>()->find(member) != nullptr;
}

bool SetValue::add(std::string_view member) {
  if (encoding() == Encoding::intset) {
    if (const auto number = parse_integer(member)) {
      Intset set(entry_->payload<void>());
      if (!set.add(*number)) return false;
      entry_->set_payload(Encoding::intset, set.block());
      // A power of two bounds it too: the whole block moves at each change.
      if (set.count() > std::min<std::size_t>(thresholds_->set_intset_entries, 1U << 30)) to_table();
      return true;
    }
    widen_for(member);
  }
  if (encoding() == Encoding::listpack) {
    Listpack pack(entry_->payload<void>());
    if (pack.find(member, pack.begin()) != pack.end()) return false;
    if (pack.count() < thresholds_->set_listpack_entries && member.size() <= thresholds_->set_listpack_value &&
        pack.has_room(Listpack::size_of(member))) {
      pack.append(member);
      entry_->set_payload(Encoding::listpack, pack.block());
      return true;
    }
    to_table();
  }
  auto* table = entry_->payload<MemberTable>();
  if (table->find(member) != nullptr) return false;
  table->insert(Member::make(member));
  return true;
}

bool SetValue::remove(std::string_view member) {
  if (encoding() == Encoding::intset) {
    const auto number = parse_integer(member);
    Intset set(entry_->payload<void>());
    if (!number || !set.remove(*number)) return false;
    entry_->set_payload(Encoding::intset, set.block());
    return true;
  }
  if (encoding() == Encoding::listpack) {
    Listpack pack(entry_->payload<void>());
    const auto at = pack.find(member, pack.begin());
    if (at == pack.end()) return false;
    pack.erase(at);
    entry_->set_payload(Encoding::listpack, pack.block());
    return true;
  }
  Member* gone = entry_->payload<MemberTable>()->remove(member);
  if (gone != nullptr) Member::destroy(gone);
  return gone != nullptr;
}

void SetValue::for_each(const Visit& visit) const {
  NumberText scratch;
  if (encoding() == Encoding::intset) {
    const Intset set(entry_->payload<void>());
    for (std::size_t i = 0; i < set.count(); ++i) visit(scratch.of(set.at(i)));
  } else if (encoding() == Encoding::listpack) {
    const Listpack pack(entry_->payload<void>());
    for (auto at = pack.begin(); at != pack.end(); at = pack.next(at)) visit(pack.get(at).in(scratch));
  } else {
    entry_->payload<MemberTable>()->for_each([&](const Member* member) { visit(member->octets()); });
  }
}

std::uint64_t SetValue::scan(std::uint64_t cursor, const Visit& visit) const {
  if (encoding() == Encoding::hashtable) {
    return entry_->payload<MemberTable>()->scan(cursor, [&](const Member* member) { visit(member->octets()); });
  }
  for_each(visit);
  return 0;
}

std::string SetValue::random(base::Random& random) const {
  NumberText scratch;
  if (encoding() == Encoding::intset) {
    const Intset set(entry_->payload<void>());
    return std::string(scratch.of(set.at(random.below(set.count()))));
  }
  if (encoding() == Encoding::listpack) {
    const Listpack pack(entry_->payload<void>());
    return std::string(pack.get(pack.seek(static_cast<std::int64_t>(random.below(pack.count())))).in(scratch));
  }
  return std::string(entry_->payload<MemberTable>()->random(random)->octets());
}

void SetValue::widen_for(std::string_view member) {
  const Intset set(entry_->payload<void>());
  // The longest of them as text counts as well.
  const bool fits = set.count() < thresholds_->set_listpack_entries && member.size() <= thresholds_->set_listpack_value &&
                    thresholds_->set_listpack_value >= 20 &&
                    set.count() * number_octets_max + Listpack::size_of(member) <= Listpack::octets_max / 2;
  if (!fits) return to_table();
  Listpack pack = Listpack::make();
  for_each([&](std::string_view each) { pack.append(each); });
  Intset(set).destroy();
  entry_->set_payload(Encoding::listpack, pack.block());
}

void SetValue::to_table() {
  auto* table = make_member_table();
  table->reserve(size() + 1);
  for_each([&](std::string_view member) { table->insert(Member::make(member)); });
  memory::release(entry_->payload<void>());
  entry_->set_payload(Encoding::hashtable, table);
}

}  // namespace chorus::cache
