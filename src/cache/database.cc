#include "cache/database.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ensure.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

/// More elements than this are freed a little at a time.
constexpr std::size_t at_once_max = 64;
/// When more than this wait to be freed, whoever brings more frees as many at once: memory does not grow faster than it is given back.
constexpr std::size_t backlog_max = 1U << 20;
/// Cursors of SCAN carry the slot in their low bits where there is a table a slot.
constexpr unsigned slot_bits = 14;

}  // namespace

void Reclaimer::take(Entry* entry) {
  const std::size_t count = elements_of(*entry);
  if (count <= at_once_max) return destroy(entry);
  pay(count);
  put_aside(entry, count);
}

void Reclaimer::put_aside(Entry* entry, std::size_t count) {
  waiting_.push_back({.entry = entry, .elements = count});
  ++put_off_;
  elements_ += count;
}

void Reclaimer::take(KeyTable keys) {
  if (keys.size() > at_once_max) {
    pay(keys.size());
    elements_ += keys.size();
    tables_.push_back(std::move(keys));
    ++put_off_;
  } else {
    keys.for_each([this](Entry* entry) { take(entry); });
  }
}

void Reclaimer::take_array(KeyTable keys) {
  if (keys.buckets() > at_once_max) arrays_.push_back(std::move(keys));
}

void Reclaimer::pay(std::size_t count) {
  if (elements_ > backlog_max) step(count);
}

bool Reclaimer::step(std::size_t items) {
  const auto destroy_or_keep = [this](Entry* entry) {
    const std::size_t count = elements_of(*entry);
    count <= at_once_max ? destroy(entry) : put_aside(entry, count);
  };
  while (!tables_.empty() && items > 0) {
    const std::size_t batch = std::min<std::size_t>(items, at_once_max), before = tables_.back().size();
    items -= batch;
    const bool is_empty = tables_.back().drain(batch, destroy_or_keep);
    elements_ -= before - tables_.back().size();
    if (is_empty) tables_.pop_back();
  }
  while (!arrays_.empty() && items > 0) {
    const std::size_t batch = std::min<std::size_t>(items, at_once_max);
    items -= batch;
    if (arrays_.back().drain(batch, [](Entry*) {})) arrays_.pop_back();
  }
  while (!waiting_.empty() && items > 0) {
    Waiting& last = waiting_.back();
    const std::size_t before = items;
    const bool is_gone = destroy_some(last.entry, items);
    const std::size_t freed = is_gone ? last.elements : std::min(last.elements, before - items);
    elements_ -= freed;
    last.elements -= freed;
    if (!is_gone) break;
    waiting_.pop_back();
  }
  return waiting() > 0;
}

Reclaimer::~Reclaimer() {
  for (const Waiting& each : waiting_) destroy(each.entry);
  for (KeyTable& keys : tables_) keys.for_each([](Entry* entry) { destroy(entry); });
}

Database::Database(Reclaimer& reclaimer, bool by_slot) : reclaimer_(&reclaimer), by_slot_(by_slot) { tables_.resize(by_slot ? slots : 1); }

Database::~Database() {
  for (KeyTable& keys : tables_) keys.for_each([](Entry* entry) { destroy(entry); });
}

Entry* Database::find(std::string_view key) const {
  Entry** at = keys_of(key).find(key);
  return at == nullptr ? nullptr : *at;
}

void Database::insert(Entry* entry) {
  entry->set_mark(mark_);
  keys_of(entry->key()).insert(entry);
  if (entry->expires()) expires_.insert(entry);
  ++size_;
}

void Database::replace(Entry* old, Entry* fresh, bool keeps_payload) {
  about_to_change(old);
  fresh->set_mark(mark_);
  const std::string_view key = fresh->key();
  Entry** at = keys_of(key).find(key);
  ENSURE(at != nullptr && *at == old);
  *at = fresh;
  if (old->expires()) {
    if (fresh->expires()) {
      *expires_.find(key) = fresh;
    } else {
      expires_.remove(key);
    }
  } else if (fresh->expires()) {
    expires_.insert(fresh);
  }
  if (keeps_payload) {
    Entry::release_shell(old);
  } else {
    reclaimer_->take(old);
  }
}

void Database::detach(Entry* entry) {
  about_to_change(entry);
  const std::string_view key = entry->key();
  if (entry->expires()) expires_.remove(key);
  ENSURE(keys_of(key).remove(key) == entry);
  --size_;
}

void Database::erase(Entry* entry) {
  detach(entry);
  reclaimer_->take(entry);
}

void Database::clear() {
  reclaimer_->take_array(std::exchange(expires_, KeyTable()));
  if (watcher_ != nullptr) watcher_->before_clear(tables_);
  for (KeyTable& keys : tables_) {
    reclaimer_->take(std::exchange(keys, KeyTable()));
  }
  size_ = 0;
}

Entry* Database::set_expiry(Entry* entry, std::optional<std::int64_t> at) {
  if (entry->expires() == at.has_value()) {
    about_to_change(entry);
    if (at) entry->set_expiry(*at);
    return entry;
  }
  Entry* fresh = Entry::remake(*entry, entry->key(), at);
  replace(entry, fresh, true);
  return fresh;
}

char* Database::writable(Entry*& entry, std::size_t size) {
  // As much again is taken beside, up to 1 MiB, so that many small appends do not copy each time.
  const std::size_t room = size + std::min<std::size_t>(size, 1U << 20);
  if (entry->encoding() != Encoding::raw) {
    NumberText scratch;
    const std::string_view before = entry->text(scratch);
    Text* text = make_text(before, size, before.size() == size ? size : room);
    Entry* fresh = Entry::make(entry->key(), Type::string, Encoding::raw, text, entry->expiry());
    fresh->set_access(entry->access());
    replace(entry, fresh, false);
    entry = fresh;
    return text->octets();
  }
  about_to_change(entry);
  auto* text = entry->payload<Text>();
  if (size <= text->size) {
    text->size = size;
    return text->octets();
  }
  if (memory::capacity(text) < sizeof(Text) + size) {
    text = static_cast<Text*>(memory::resize(text, sizeof(Text) + room));
    entry->set_payload(Encoding::raw, text);
  }
  std::memset(text->octets() + text->size, 0, size - text->size);
  text->size = size;
  return text->octets();
}

std::uint64_t Database::scan(std::uint64_t cursor, const std::function<void(Entry*)>& visit) const {
  if (!by_slot_) return tables_[0].scan(cursor, visit);
  std::uint64_t slot = cursor & (slots - 1), inside = cursor >> slot_bits;
  inside = tables_[slot].scan(inside, visit);
  if (inside == 0) {
    do {
      if (++slot == slots) return 0;
    } while (tables_[slot].empty());
  }
  return inside << slot_bits | slot;
}

void Database::for_each_bucket(const std::function<void(bool, std::size_t)>& visit) const {
  for (const KeyTable& keys : tables_) keys.for_each_bucket(visit);
}

void Database::for_each(const std::function<void(Entry*)>& visit) const {
  for (const KeyTable& keys : tables_) keys.for_each(visit);
}

std::uint64_t Database::scan_expiring(std::uint64_t cursor, const std::function<void(Entry*)>& visit) const {
  return expires_.scan(cursor, visit);
}

Entry* Database::random(base::Random& random) const {
  if (size_ == 0) return nullptr;
  if (!by_slot_) return tables_[0].random(random);
  // Each key is as likely: the how-manieth decides the slot.
  std::size_t which = random.below(size_);
  for (const KeyTable& keys : tables_) {
    if (which < keys.size()) return keys.random(random);
    which -= keys.size();
  }
  return nullptr;
}

Entry* Database::random_expiring(base::Random& random) const { return expires_.empty() ? nullptr : expires_.random(random); }

void Database::sample(base::Random& random, std::size_t count, bool only_expiring, const std::function<void(Entry*)>& visit) const {
  if (only_expiring) return expires_.sample(random, count, visit);
  if (size_ == 0) return;
  std::size_t at = by_slot_ ? random.below(slots) : 0;
  while (tables_[at].empty()) at = (at + 1) % tables_.size();
  tables_[at].sample(random, count, visit);
}

std::size_t Database::slot_size(std::uint16_t slot) const {
  if (by_slot_) return tables_[slot].size();
  std::size_t count = 0;
  for_each_in_slot(slot, [&](Entry*) { ++count; });
  return count;
}

std::uint64_t Database::scan_slot(std::uint16_t slot, std::uint64_t cursor, const std::function<void(Entry*)>& visit) const {
  if (by_slot_) return tables_[slot].scan(cursor, visit);
  for_each_in_slot(slot, visit);
  return 0;
}

void Database::for_each_in_slot(std::uint16_t slot, const std::function<void(Entry*)>& visit) const {
  if (by_slot_) return tables_[slot].for_each(visit);
  tables_[0].for_each([&](Entry* entry) {
    if (slot_of(entry->key()) == slot) visit(entry);
  });
}

void Database::maintain(std::size_t buckets) {
  expires_.move_some(buckets);
  // A few tables a call where there are thousands.
  for (std::size_t i = 0; i < std::min<std::size_t>(tables_.size(), 64); ++i) {
    maintained_ = (maintained_ + 1) % tables_.size();
    tables_[maintained_].move_some(buckets);
  }
}

std::size_t Database::keys_table_octets() const {
  std::size_t octets = 0;
  for (const KeyTable& keys : tables_) octets += keys.octets();
  return octets;
}

void Database::swap(Database& other) noexcept {
  std::swap(tables_, other.tables_);
  expires_.swap(other.expires_);
  std::swap(size_, other.size_);
  std::swap(watcher_, other.watcher_);
  std::swap(mark_, other.mark_);
  if (watcher_ != nullptr) watcher_->on_moved(*this);
  if (other.watcher_ != nullptr) other.watcher_->on_moved(other);
}

}  // namespace chorus::cache
