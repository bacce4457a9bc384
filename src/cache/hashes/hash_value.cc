#include "cache/hashes/hash_value.h"

#include "cache/value/listpack.h"
#include "cache/value/member.h"

namespace chorus::cache {

Entry* HashValue::make(std::string_view key) { return Entry::make(key, Type::hash, Encoding::listpack, Listpack::make().block()); }

std::size_t HashValue::size() const {
  return is_packed() ? Listpack(entry_->payload<void>()).count() / 2 : entry_->payload<FieldTable>()->size();
}

std::optional<std::string_view> HashValue::get(std::string_view field, NumberText& scratch) const {
  if (is_packed()) {
    const Listpack pack(entry_->payload<void>());
    const auto at = pack.find(field, pack.begin(), 2);
    if (at == pack.end()) return {};
    return pack.get(pack.next(at)).in(scratch);
  }
  Field** at = entry_->payload<FieldTable>()->find(field);
  if (at == nullptr) return {};
  return (*at)->value();
}

bool HashValue::set(std::string_view field, std::string_view value) {
  if (is_packed() && (field.size() > thresholds_.hash_listpack_value || value.size() > thresholds_.hash_listpack_value ||
                      !Listpack(entry_->payload<void>()).has_room(Listpack::size_of(field) + Listpack::size_of(value)))) {
    unpack();
  }
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    const auto at = pack.find(field, pack.begin(), 2);
    const bool is_new = at == pack.end();
    if (is_new) {
      pack.append(field);
      pack.append(value);
    } else {
      pack.replace(pack.next(at), value);
    }
    entry_->set_payload(Encoding::listpack, pack.block());
    if (pack.count() / 2 > thresholds_.hash_listpack_entries) unpack();
    return is_new;
  }
  auto* table = entry_->payload<FieldTable>();
  Field** at = table->find(field);
  if (at == nullptr) {
    table->insert(Field::make(field, value));
    return true;
  }
  if (!(*at)->assign(value)) {
    Field* old = *at;
    *at = Field::make(field, value);
    Field::destroy(old);
  }
  return false;
}

bool HashValue::remove(std::string_view field) {
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    const auto at = pack.find(field, pack.begin(), 2);
    if (at == pack.end()) return false;
    pack.erase(at, 2);
    entry_->set_payload(Encoding::listpack, pack.block());
    return true;
  }
  Field* gone = entry_->payload<FieldTable>()->remove(field);
  if (gone != nullptr) Field::destroy(gone);
  return gone != nullptr;
}

void HashValue::for_each(const Visit& visit) const {
  if (!is_packed()) return entry_->payload<FieldTable>()->for_each([&](const Field* field) { visit(field->name(), field->value()); });
  const Listpack pack(entry_->payload<void>());
  NumberText name, value;
  for (auto at = pack.begin(); at != pack.end();) {
    const auto value_at = pack.next(at);
    visit(pack.get(at).in(name), pack.get(value_at).in(value));
    at = pack.next(value_at);
  }
}

std::uint64_t HashValue::scan(std::uint64_t cursor, const Visit& visit) const {
  if (!is_packed()) {
    return entry_->payload<FieldTable>()->scan(cursor, [&](const Field* field) { visit(field->name(), field->value()); });
  }
  for_each(visit);
  return 0;
}

void HashValue::random(base::Random& random, const Visit& visit) const {
  if (!is_packed()) {
    const Field* field = entry_->payload<FieldTable>()->random(random);
    return visit(field->name(), field->value());
  }
  const Listpack pack(entry_->payload<void>());
  const auto at = pack.seek(static_cast<std::int64_t>(random.below(size())) * 2);
  NumberText name, value;
  visit(pack.get(at).in(name), pack.get(pack.next(at)).in(value));
}

void HashValue::unpack() {
  auto* table = make_field_table();
  for_each([&](std::string_view field, std::string_view value) { table->insert(Field::make(field, value)); });
  Listpack(entry_->payload<void>()).destroy();
  entry_->set_payload(Encoding::hashtable, table);
}

}  // namespace chorus::cache
