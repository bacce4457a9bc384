#include "cache/value/quicklist.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/ensure.h"
#include "cache/memory.h"

namespace chorus::cache {

bool NodeLimit::allows(std::size_t octets, std::size_t count) const {
  constexpr std::size_t safety = 8192;  // a limit in elements is one in octets as well
  if (setting >= 0) return count <= static_cast<std::size_t>(std::max<std::int64_t>(setting, 1)) && octets <= safety;
  const auto step = static_cast<unsigned>(std::min<std::int64_t>(-setting, 5) - 1);
  return octets <= std::size_t{4096} << step;
}

Quicklist* Quicklist::make() { return new (memory::allocate(sizeof(Quicklist))) Quicklist(); }

void Quicklist::destroy(Quicklist* list) {
  while (list->first_ != nullptr) list->remove_node(list->first_);
  memory::release(list);
}

bool Quicklist::drain(std::size_t& items) {
  while (first_ != nullptr && items > 0) {
    items -= std::min(items, first_->count);
    remove_node(first_);
  }
  return first_ == nullptr;
}

Quicklist::Node* Quicklist::add_node(Node* before, void* block, std::size_t count) {
  Node* previous = before == nullptr ? last_ : before->previous;
  auto* node = new (memory::allocate(sizeof(Node))) Node{.previous = previous, .next = before, .block = block, .count = count};
  (previous == nullptr ? first_ : previous->next) = node;
  (before == nullptr ? last_ : before->previous) = node;
  ++nodes_;
  return node;
}

void Quicklist::remove_node(Node* node) {
  (node->previous == nullptr ? first_ : node->previous->next) = node->next;
  (node->next == nullptr ? last_ : node->next->previous) = node->previous;
  node->pack().destroy();
  memory::release(node);
  --nodes_;
}

void Quicklist::push_front(std::string_view value, NodeLimit limit) {
  if (first_ == nullptr || !limit.allows(first_->pack().octets() + Listpack::size_of(value), first_->count + 1)) {
    add_node(first_, Listpack::make().block(), 0);
  }
  Listpack pack = first_->pack();
  pack.insert(pack.begin(), value);
  first_->block = pack.block();
  ++first_->count;
  ++size_;
}

void Quicklist::push_back(std::string_view value, NodeLimit limit) {
  if (last_ == nullptr || !limit.allows(last_->pack().octets() + Listpack::size_of(value), last_->count + 1)) {
    add_node(nullptr, Listpack::make().block(), 0);
  }
  Listpack pack = last_->pack();
  pack.append(value);
  last_->block = pack.block();
  ++last_->count;
  ++size_;
}

void Quicklist::append_pack(Listpack pack) {
  const std::size_t count = pack.count();
  add_node(nullptr, pack.block(), count);
  size_ += count;
}

void* Quicklist::take_only_block() {
  ENSURE(nodes_ == 1);
  void* block = std::exchange(first_->block, Listpack::make().block());
  remove_node(first_);
  size_ = 0;
  return block;
}

Quicklist::Place Quicklist::seek(std::int64_t index) const {
  const auto total = static_cast<std::int64_t>(size_);
  if (index < 0) index += total;
  if (index < 0 || index >= total) return {};
  auto left = static_cast<std::size_t>(index);
  if (left <= size_ / 2) {
    Node* node = first_;
    for (; left >= node->count; node = node->next) left -= node->count;
    return {.node = node, .at = node->pack().seek(static_cast<std::int64_t>(left))};
  }
  left = size_ - left;  // elements from there on
  Node* node = last_;
  for (; left > node->count; node = node->previous) left -= node->count;
  return {.node = node, .at = node->pack().seek(-static_cast<std::int64_t>(left))};
}

Quicklist::Place Quicklist::next(Place place) const {
  const Listpack pack = place.node->pack();
  place.at = pack.next(place.at);
  if (place.at != pack.end()) return place;
  Node* node = place.node->next;
  return node == nullptr ? Place{} : Place{.node = node, .at = node->pack().begin()};
}

Quicklist::Place Quicklist::previous(Place place) const {
  const Listpack pack = place.node->pack();
  if (place.at != pack.begin()) return {.node = place.node, .at = pack.previous(place.at)};
  Node* node = place.node->previous;
  return node == nullptr ? Place{} : Place{.node = node, .at = node->pack().last()};
}

void Quicklist::insert_before(Place place, std::string_view value, NodeLimit limit) {
  Node* node = place.node;
  Listpack pack = node->pack();
  ++size_;
  if (limit.allows(pack.octets() + Listpack::size_of(value), node->count + 1)) {
    pack.insert(place.at, value);
    node->block = pack.block();
    ++node->count;
    return;
  }
  // The node is split there, and the value goes into one of its own between the halves.
  Listpack before = Listpack::make();
  std::size_t count = 0;
  NumberText scratch;
  for (Listpack::Position at = pack.begin(); at != place.at; at = pack.next(at), ++count) before.append(pack.get(at).in(scratch));
  if (count > 0) {
    add_node(node, before.block(), count);
    pack.erase(pack.begin(), count);
    node->block = pack.block();
    node->count -= count;
  } else {
    before.destroy();
  }
  Listpack own = Listpack::make();
  own.append(value);
  add_node(node, own.block(), 1);
}

void Quicklist::replace(Place place, std::string_view value, NodeLimit limit) {
  Listpack pack = place.node->pack();
  if (place.node->count == 1 || limit.allows(pack.octets() + Listpack::size_of(value), place.node->count)) {
    pack.replace(place.at, value);
    place.node->block = pack.block();
    return;
  }
  const Place after = erase(place);
  if (after) {
    insert_before(after, value, limit);
  } else {
    push_back(value, limit);
  }
}

Quicklist::Place Quicklist::erase(Place place, std::size_t count) {
  while (place && count > 0) {
    Node* node = place.node;
    Listpack pack = node->pack();
    std::size_t here = 0;
    for (Listpack::Position at = place.at; at != pack.end() && here < count; at = pack.next(at)) ++here;
    count -= here;
    size_ -= here;
    if (here == node->count) {
      Node* next = node->next;
      remove_node(node);
      place = next == nullptr ? Place{} : Place{.node = next, .at = next->pack().begin()};
      continue;
    }
    place.at = pack.erase(place.at, here);
    node->block = pack.block();
    node->count -= here;
    if (place.at == pack.end()) place = node->next == nullptr ? Place{} : Place{.node = node->next, .at = node->next->pack().begin()};
  }
  return place;
}

}  // namespace chorus::cache
