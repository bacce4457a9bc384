// The keys of one database of one shard.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "cache/table.h"
#include "cache/value/entry.h"

namespace chorus::cache {

struct EntryPolicy {
  using Item = Entry*;
  static std::string_view key(const Entry* entry) { return entry->key(); }
};

/// Which hash slot a key belongs to, 0 .. 16383; the one place that knows how that is found.
std::uint16_t slot_of(std::string_view key);
inline constexpr std::size_t slots = 16384;

using KeyTable = Table<EntryPolicy>;

/// What became of values that are not needed any more: freed at once when small, else a little at a time.
class Reclaimer {
 public:
  Reclaimer() = default;
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;
  ~Reclaimer();

  /// Takes the entry with all it holds.
  void take(Entry* entry);
  /// The same for all entries of a table.
  void take(KeyTable keys);
  /// Of a table whose entries live, or end, elsewhere: only the array.
  void take_array(KeyTable keys);
  /// Frees up to `items` elements; returns whether any is left.
  bool step(std::size_t items);
  /// How many values and tables were not freed at once, ever.
  std::size_t put_off() const { return put_off_; }
  /// As if those that are freed had never been.
  void forget_freed() { put_off_ = waiting(); }
  std::size_t waiting() const { return waiting_.size() + tables_.size() + arrays_.size(); }
  /// Elements of all that waits, keys of tables among them.
  std::size_t elements() const { return elements_; }

 private:
  struct Waiting {
    Entry* entry;
    std::size_t elements;  // not freed yet
  };
  void put_aside(Entry* entry, std::size_t count);
  void pay(std::size_t count);

  std::vector<Waiting> waiting_;
  std::vector<KeyTable> tables_, arrays_;
  std::size_t elements_ = 0;
  std::size_t put_off_ = 0;
};

class Database;

/// Told before keys of a database change, by whoever needs them as they are.
class KeyWatcher {
 public:
  virtual ~KeyWatcher() = default;
  /// `entry`, which has not the mark of the watch, is about to change, move or go.
  virtual void before_change(Entry* entry) = 0;
  /// All keys are about to go; what is taken out of `tables` stays, the watcher's.
  virtual void before_clear(std::vector<KeyTable>& tables) = 0;
  /// The keys are that database's from now on (SWAPDB).
  virtual void on_moved(Database& to) = 0;
};

/// Knows nothing of time: whoever asks decides what an expiry means. In cluster mode there is one table a slot, so that the keys of a slot
/// are counted and listed at once. Pointers to entries are good until the next change of that key.
class Database {
 public:
  Database(Reclaimer& reclaimer, bool by_slot);
  ~Database();
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) = delete;

  std::size_t size() const { return size_; }
  std::size_t expiring() const { return expires_.size(); }
  Entry* find(std::string_view key) const;

  /// watcher: null ends it. New keys have that mark, now and afterwards.
  void watch(KeyWatcher* watcher, std::uint8_t mark) {
    watcher_ = watcher;
    mark_ = mark;
  }
  /// To be said before what an entry holds is changed in its place; all that is done by the calls below says it by itself.
  void about_to_change(Entry* entry) {
    if (watcher_ != nullptr && entry->mark() != mark_) watcher_->before_change(entry);
  }

  /// A key that is not there yet.
  void insert(Entry* entry);
  /// `fresh` has the key of `old`; what `old` held is reclaimed (`keeps_payload`: it lives on in `fresh`).
  void replace(Entry* old, Entry* fresh, bool keeps_payload);
  /// Out of the database, with all it holds.
  void erase(Entry* entry);
  /// The same, but the entry lives on, the caller's.
  void detach(Entry* entry);
  /// Empties it; large databases end a little at a time.
  void clear();

  /// Sets, changes or (nullopt) removes the expiry; the entry may move.
  Entry* set_expiry(Entry* entry, std::optional<std::int64_t> at);
  /// The string's octets, `size` of them from now on (zeros where it was shorter), to be changed in place; the entry may move and becomes
  /// raw.
  char* writable(Entry*& entry, std::size_t size);

  /// Cursor 0 begins, and 0 is returned at the end; see Table::scan.
  std::uint64_t scan(std::uint64_t cursor, const std::function<void(Entry*)>& visit) const;
  void for_each(const std::function<void(Entry*)>& visit) const;
  std::uint64_t scan_expiring(std::uint64_t cursor, const std::function<void(Entry*)>& visit) const;
  /// Null when empty.
  Entry* random(base::Random& random) const;
  Entry* random_expiring(base::Random& random) const;
  /// Up to `count` of the keys (`only_expiring`: of those that expire), see Table::sample.
  void sample(base::Random& random, std::size_t count, bool only_expiring, const std::function<void(Entry*)>& visit) const;
  std::size_t slot_size(std::uint16_t slot) const;
  /// A part of one slot's keys, as scan(); where there is not one table a slot, all in one.
  std::uint64_t scan_slot(std::uint16_t slot, std::uint64_t cursor, const std::function<void(Entry*)>& visit) const;
  void for_each_in_slot(std::uint16_t slot, const std::function<void(Entry*)>& visit) const;
  /// Goes on with resizes of its tables.
  void maintain(std::size_t buckets);
  void swap(Database& other) noexcept;
  /// What the tables take, without the keys.
  std::size_t keys_table_octets() const;
  /// See Table::for_each_bucket; of all tables.
  void for_each_bucket(const std::function<void(bool is_target, std::size_t items)>& visit) const;
  void for_each_expiring_bucket(const std::function<void(bool is_target, std::size_t items)>& visit) const {
    expires_.for_each_bucket(visit);
  }
  std::size_t expires_table_octets() const { return expires_.octets(); }

 private:
  KeyTable& keys_of(std::string_view key) { return by_slot_ ? tables_[slot_of(key)] : tables_[0]; }
  const KeyTable& keys_of(std::string_view key) const { return by_slot_ ? tables_[slot_of(key)] : tables_[0]; }

  Reclaimer* reclaimer_;
  bool by_slot_;
  std::vector<KeyTable> tables_;
  KeyTable expires_;  // the same entries, of those that expire
  std::size_t size_ = 0;
  std::size_t maintained_ = 0;
  KeyWatcher* watcher_ = nullptr;
  std::uint8_t mark_ = 0;
};

}  // namespace chorus::cache
