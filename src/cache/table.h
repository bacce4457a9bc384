// The hash table of keys, fields and members: buckets of one cache line, grown and shrunk a bucket at a time.
//
// A bucket holds seven items with eight bits of each one's hash; a full one has a child in place of its seventh item. While the table is
// resized there are two arrays, and every change moves a bucket or two from the old to the new, so that no operation waits for all of it.
// The low bits of a hash choose the bucket: those of a bucket of the smaller array are found in known buckets of the larger, which is what
// scan()'s cursor (bits counted from the highest) rests on, as in Redis.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "cache/hash.h"
#include "cache/memory.h"

namespace chorus::cache {

/// Policy: `using Item`, a pointer; `static std::string_view key(Item)`. The table owns the array, not what items point to.
template <class Policy>
class Table {
 public:
  using Item = typename Policy::Item;
  static constexpr std::size_t per_bucket = 7;

  Table() = default;
  Table(Table&& other) noexcept { swap(other); }
  Table& operator=(Table&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Table() {
    release(arrays_[0]);
    release(arrays_[1]);
  }
  void swap(Table& other) noexcept {
    std::swap(arrays_, other.arrays_);
    std::swap(size_, other.size_);
    std::swap(moved_, other.moved_);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool is_resizing() const { return arrays_[1].buckets != nullptr; }

  /// Where the item of that key is, or null. Good until the next change.
  Item* find(std::string_view key) const { return find(key, hash_of(key)); }
  Item* find(std::string_view key, std::uint64_t hash) const {
    for (const Array& array : arrays_) {
      if (array.buckets == nullptr) continue;
      for (Bucket* bucket = &array.buckets[hash & array.mask]; bucket != nullptr; bucket = bucket->child()) {
        for (std::size_t i = 0; i < per_bucket; ++i) {
          if (bucket->holds(i) && bucket->tags[i] == tag(hash) && Policy::key(bucket->items[i]) == key) return &bucket->items[i];
        }
      }
    }
    return nullptr;
  }

  /// An item whose key is not there yet.
  void insert(Item item) { insert(item, hash_of(Policy::key(item))); }
  void insert(Item item, std::uint64_t hash) {
    if (arrays_[0].buckets == nullptr) arrays_[0] = make(1);
    move_some(2);
    ++size_;
    if (!is_resizing() && size_ > arrays_[0].buckets_count() * per_bucket) begin_resize(arrays_[0].buckets_count() * 2);
    put(arrays_[is_resizing() ? 1 : 0], item, hash);
  }

  /// Takes the item of that key out; null when there is none.
  Item remove(std::string_view key) { return remove(key, hash_of(key)); }
  Item remove(std::string_view key, std::uint64_t hash) {
    for (Array& array : arrays_) {
      if (array.buckets == nullptr) continue;
      Bucket* parent = nullptr;
      for (Bucket* bucket = &array.buckets[hash & array.mask]; bucket != nullptr; parent = bucket, bucket = bucket->child()) {
        for (std::size_t i = 0; i < per_bucket; ++i) {
          if (!bucket->holds(i) || bucket->tags[i] != tag(hash) || Policy::key(bucket->items[i]) != key) continue;
          const Item item = bucket->items[i];
          bucket->drop(i);
          if (parent != nullptr && bucket->info == 0) parent->unlink();
          --size_;
          after_removal();
          return item;
        }
      }
    }
    return nullptr;
  }

  /// Calls visit(item) for the items at `cursor` (0 begins) and returns the next cursor, 0 at the end. Every item that is there from the
  /// first call to the last is visited at least once, however the table is resized between them. visit() must not change the table.
  template <class Visit>
  std::uint64_t scan(std::uint64_t cursor, Visit&& visit) const {
    if (arrays_[0].buckets == nullptr) return 0;
    const Array* small = &arrays_[0];
    const Array* large = &arrays_[0];
    if (is_resizing()) {
      large = &arrays_[1];
      if (small->mask > large->mask) std::swap(small, large);
    }
    if (small != large) visit_bucket(small->buckets[cursor & small->mask], visit);
    do {
      visit_bucket(large->buckets[cursor & large->mask], visit);
      cursor = next(cursor, large->mask);
    } while ((cursor & (small->mask ^ large->mask)) != 0);
    return cursor;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Array& array : arrays_) {
      if (array.buckets == nullptr) continue;
      for (std::size_t i = 0; i <= array.mask; ++i) visit_bucket(array.buckets[i], visit);
    }
  }

  /// Any item, all as likely; the table must not be empty.
  Item random(base::Random& random) const {
    const std::size_t first = arrays_[0].buckets_count(), second = is_resizing() ? arrays_[1].buckets_count() : 0;
    // A bucket is taken with a likelihood that grows with its items; one of more than so many, with its children, is rare.
    constexpr std::size_t most = 2 * per_bucket + 2;
    for (;;) {
      const std::size_t at = random.below(first + second);
      const Bucket* bucket = at < first ? &arrays_[0].buckets[at] : &arrays_[1].buckets[at - first];
      std::size_t count = 0;
      for (const Bucket* b = bucket; b != nullptr; b = b->child()) count += b->count();
      if (count == 0) continue;
      std::size_t which = random.below(std::max(most, count));
      if (which >= count) continue;
      for (const Bucket* b = bucket; b != nullptr; b = b->child()) {
        for (std::size_t i = 0; i < per_bucket; ++i) {
          if (b->holds(i) && which-- == 0) return b->items[i];
        }
      }
    }
  }

  /// Calls visit(item) for up to `count` items of neighbouring buckets, begun anywhere: cheaper than as many calls of random(), and less
  /// fair. Fewer where many buckets are empty. visit() must not change the table.
  template <class Visit>
  void sample(base::Random& random, std::size_t count, Visit&& visit) const {
    if (empty()) return;
    const std::size_t first = arrays_[0].buckets_count(), second = is_resizing() ? arrays_[1].buckets_count() : 0;
    std::size_t at = random.below(first + second);
    for (std::size_t left = count, looks = count * 10; left > 0 && looks > 0; --looks, at = (at + 1) % (first + second)) {
      const Bucket& bucket = at < first ? arrays_[0].buckets[at] : arrays_[1].buckets[at - first];
      visit_bucket(bucket, [&](Item item) {
        if (left == 0) return;
        --left;
        visit(item);
      });
    }
  }

  /// How full it is: visit(is_target, items) for each bucket, also of the array that it is being resized to.
  template <class Visit>
  void for_each_bucket(Visit&& visit) const {
    for (const Array& array : arrays_) {
      for (std::size_t i = 0; i < array.buckets_count(); ++i) {
        std::size_t items = 0;
        visit_bucket(array.buckets[i], [&](Item) { ++items; });
        visit(&array != arrays_, items);
      }
    }
  }

  /// Goes on with a resize by that many buckets; returns whether it is still under way.
  bool move_some(std::size_t buckets) {
    while (is_resizing() && buckets-- > 0) move_bucket();
    return is_resizing();
  }

  /// Hands about `count` items to destroy(item) and forgets them (an empty bucket counts as one); returns whether all is gone, the arrays
  /// too. For tables about to end: the work is spread, and the table may not be used otherwise from the first call on.
  template <class Destroy>
  bool drain(std::size_t count, Destroy&& destroy) {
    for (Array& array : arrays_) {
      while (array.buckets != nullptr) {
        if (count == 0) return false;
        Bucket& bucket = array.buckets[array.drained];
        std::size_t items = 0;
        visit_bucket(bucket, [&](Item item) {
          ++items;
          destroy(item);
        });
        release_children(bucket);
        bucket.info = 0;
        size_ -= items;
        count -= std::min(count, std::max<std::size_t>(items, 1));
        if (++array.drained > array.mask) release_drained(array);
      }
    }
    return true;
  }

  /// What the array itself holds, without what items point to.
  std::size_t octets() const { return (arrays_[0].buckets_count() + (is_resizing() ? arrays_[1].buckets_count() : 0)) * sizeof(Bucket); }
  std::size_t buckets() const { return arrays_[0].buckets_count() + (is_resizing() ? arrays_[1].buckets_count() : 0); }
  /// Room for that many without a resize on the way; for an empty table.
  void reserve(std::size_t items) {
    if (size_ == 0 && arrays_[0].buckets == nullptr) arrays_[0] = make(std::bit_ceil((items + per_bucket - 1) / per_bucket + 1));
  }

 private:
  struct Bucket {
    static constexpr std::uint8_t has_child = 0x80;
    std::uint8_t info;  // bit i: item i is there; the highest: item 6 is the child
    std::uint8_t tags[per_bucket];
    Item items[per_bucket];

    bool holds(std::size_t i) const { return (info >> i & 1) != 0; }
    void drop(std::size_t i) { info = static_cast<std::uint8_t>(info & ~(1U << i)); }
    std::size_t count() const { return static_cast<std::size_t>(std::popcount(static_cast<std::uint8_t>(info & 0x7f))); }
    Bucket* child() const { return (info & has_child) != 0 ? reinterpret_cast<Bucket*>(items[per_bucket - 1]) : nullptr; }
    /// The child, which is empty, goes; its own child takes its place.
    void unlink() {
      Bucket* gone = child();
      memory::release_lines(gone);
      info = static_cast<std::uint8_t>(info & ~has_child);
    }
  };
  static_assert(sizeof(Bucket) == 64);

  struct Array {
    Bucket* buckets = nullptr;
    std::size_t mask = 0;
    std::size_t drained = 0;
    std::size_t buckets_count() const { return buckets == nullptr ? 0 : mask + 1; }
  };

  static std::uint8_t tag(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 56); }
  static Array make(std::size_t count) {
    return {.buckets = static_cast<Bucket*>(memory::allocate_lines(count * sizeof(Bucket))), .mask = count - 1};
  }
  static void release(Array& array) {
    if (array.buckets == nullptr) return;
    for (std::size_t i = 0; i <= array.mask; ++i) release_children(array.buckets[i]);
    memory::release_lines(array.buckets);
    array = {};
  }
  /// The same, where every bucket's children are gone already: without a look at each.
  static void release_drained(Array& array) {
    memory::release_lines(array.buckets);
    array = {};
  }
  static void release_children(Bucket& bucket) {
    for (Bucket* child = bucket.child(); child != nullptr;) memory::release_lines(std::exchange(child, child->child()));
    bucket.info = static_cast<std::uint8_t>(bucket.info & ~Bucket::has_child);
  }

  static void put(Array& array, Item item, std::uint64_t hash) {
    Bucket* bucket = &array.buckets[hash & array.mask];
    for (;;) {
      const auto free = static_cast<std::size_t>(std::countr_one(static_cast<std::uint8_t>(bucket->info)));
      const bool chained = (bucket->info & Bucket::has_child) != 0;
      if (free < per_bucket - (chained ? 1 : 0)) return place(*bucket, free, item, tag(hash));
      if (!chained) {
        auto* child = static_cast<Bucket*>(memory::allocate_lines(sizeof(Bucket)));
        place(*child, 0, bucket->items[per_bucket - 1], bucket->tags[per_bucket - 1]);
        bucket->drop(per_bucket - 1);
        bucket->items[per_bucket - 1] = reinterpret_cast<Item>(child);
        bucket->info |= Bucket::has_child;
      }
      bucket = bucket->child();
    }
  }
  static void place(Bucket& bucket, std::size_t i, Item item, std::uint8_t tag) {
    bucket.items[i] = item;
    bucket.tags[i] = tag;
    bucket.info = static_cast<std::uint8_t>(bucket.info | 1U << i);
  }

  void begin_resize(std::size_t count) {
    arrays_[1] = make(count);
    moved_ = 0;
  }
  void move_bucket() {
    Bucket& from = arrays_[0].buckets[moved_];
    for (Bucket* bucket = &from; bucket != nullptr; bucket = bucket->child()) {
      for (std::size_t i = 0; i < per_bucket; ++i) {
        if (bucket->holds(i)) put(arrays_[1], bucket->items[i], hash_of(Policy::key(bucket->items[i])));
      }
    }
    release_children(from);
    from.info = 0;
    if (++moved_ > arrays_[0].mask) {
      release_drained(arrays_[0]);
      arrays_[0] = std::exchange(arrays_[1], {});
    }
  }
  void after_removal() {
    move_some(2);
    const std::size_t buckets = arrays_[0].buckets_count();
    if (!is_resizing() && buckets > 4 && size_ * 8 < buckets * per_bucket) {
      begin_resize(std::bit_ceil(size_ / per_bucket * 2 + 1));
    }
  }

  template <class Visit>
  static void visit_bucket(const Bucket& bucket, Visit&& visit) {
    for (const Bucket* b = &bucket; b != nullptr; b = b->child()) {
      for (std::size_t i = 0; i < per_bucket; ++i) {
        if (b->holds(i)) visit(b->items[i]);
      }
    }
  }
  static std::uint64_t reverse(std::uint64_t v) {
    v = std::byteswap(v);
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (v & 0x0f0f0f0f0f0f0f0fULL) << 4;
    v = (v >> 2 & 0x3333333333333333ULL) | (v & 0x3333333333333333ULL) << 2;
    return (v >> 1 & 0x5555555555555555ULL) | (v & 0x5555555555555555ULL) << 1;
  }
  static std::uint64_t next(std::uint64_t cursor, std::size_t mask) { return reverse(reverse(cursor | ~mask) + 1); }

  Array arrays_[2];
  std::size_t size_ = 0;
  std::size_t moved_ = 0;  // buckets of arrays_[0], while there is arrays_[1]
};

}  // namespace chorus::cache
