#include "cache/value/ranked_set.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "cache/memory.h"

namespace chorus::cache {
namespace {

bool before(const RankedSet::Node* node, double score, std::string_view member) {
  return node->score < score || (node->score == score && node->member() < member);
}

}  // namespace

RankedSet::RankedSet() : head_(make_node(height_max, 0, {})) {}

RankedSet* RankedSet::make() { return new (memory::allocate(sizeof(RankedSet))) RankedSet(); }

void RankedSet::destroy(RankedSet* set) {
  for (Node* node = set->head_; node != nullptr;) {
    Node* next = node->next();
    memory::release(node);
    node = next;
  }
  set->~RankedSet();
  memory::release(set);
}

bool RankedSet::drain(std::size_t& items) {
  Node*& first = head_->links()[0].next;
  while (first != nullptr && items > 0) {
    Node* next = first->next();
    memory::release(first);
    first = next;
    --items;
  }
  // The table of nodes that are gone: only its array is left.
  return first == nullptr && table_.drain(items, [](Node*) {});
}

RankedSet::Node* RankedSet::make_node(std::uint32_t height, double score, std::string_view member) {
  auto* node = static_cast<Node*>(memory::allocate(sizeof(Node) + height * sizeof(Link) + member.size()));
  node->score = score;
  node->previous = nullptr;
  node->member_size = static_cast<std::uint32_t>(member.size());
  node->height = height;
  std::fill_n(node->links(), height, Link{});
  if (!member.empty()) std::memcpy(static_cast<void*>(node->links() + height), member.data(), member.size());
  return node;
}

std::uint32_t RankedSet::draw_height(std::string_view member) {
  // splitmix64; a quarter of the nodes of each level reach the next.
  std::uint64_t z = dice_ += hash_of(member) | 1;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  return std::min<std::uint32_t>(1 + static_cast<std::uint32_t>(std::countr_zero(z | 1ULL << 62)) / 2, height_max);
}

RankedSet::Node* RankedSet::find(std::string_view member) const {
  Node** at = table_.find(member);
  return at == nullptr ? nullptr : *at;
}

void RankedSet::insert(std::string_view member, double score) {
  Node* node = make_node(draw_height(member), score, member);
  link(node);
  table_.insert(node);
}

void RankedSet::link(Node* node) {
  Node* path[height_max];
  std::size_t passed[height_max];
  Node* at = head_;
  const std::string_view member = node->member();
  for (std::uint32_t level = height_; level-- > 0;) {
    passed[level] = level + 1 == height_ ? 0 : passed[level + 1];
    while (at->links()[level].next != nullptr && before(at->links()[level].next, node->score, member)) {
      passed[level] += at->links()[level].span;
      at = at->links()[level].next;
    }
    path[level] = at;
  }
  for (; height_ < node->height; ++height_) {
    path[height_] = head_;
    passed[height_] = 0;
    head_->links()[height_].span = linked_;
  }
  const std::size_t rank = passed[0];  // of those before
  for (std::uint32_t level = 0; level < node->height; ++level) {
    Link& link = path[level]->links()[level];
    node->links()[level] = {.next = link.next, .span = link.span - (rank - passed[level])};
    link = {.next = node, .span = rank - passed[level] + 1};
  }
  for (std::uint32_t level = node->height; level < height_; ++level) ++path[level]->links()[level].span;
  node->previous = path[0] == head_ ? nullptr : path[0];
  (node->next() != nullptr ? node->next()->previous : tail_) = node;
  ++linked_;
}

void RankedSet::unlink(Node* node) {
  Node* at = head_;
  const std::string_view member = node->member();
  for (std::uint32_t level = height_; level-- > 0;) {
    while (at->links()[level].next != nullptr && before(at->links()[level].next, node->score, member)) at = at->links()[level].next;
    Link& link = at->links()[level];
    if (link.next == node) {
      link = {.next = node->links()[level].next, .span = link.span + node->links()[level].span - 1};
    } else {
      --link.span;
    }
  }
  (node->next() != nullptr ? node->next()->previous : tail_) = node->previous;
  --linked_;
  while (height_ > 1 && head_->links()[height_ - 1].next == nullptr) --height_;
}

void RankedSet::remove(Node* node) {
  unlink(node);
  table_.remove(node->member());
  memory::release(node);
}

void RankedSet::set_score(Node* node, double score) {
  const bool stays = (node->previous == nullptr || before(node->previous, score, node->member())) &&
                     (node->next() == nullptr || !before(node->next(), score, node->member()));
  if (!stays) unlink(node);
  node->score = score;
  if (!stays) link(node);
}

RankedSet::Node* RankedSet::at(std::size_t rank) const {
  if (rank >= size()) return nullptr;
  Node* at = head_;
  std::size_t left = rank + 1;
  for (std::uint32_t level = height_; level-- > 0;) {
    while (at->links()[level].next != nullptr && at->links()[level].span <= left) {
      left -= at->links()[level].span;
      at = at->links()[level].next;
    }
    if (left == 0) return at;
  }
  return nullptr;
}

std::size_t RankedSet::rank(const Node* node) const {
  const Node* at = head_;
  std::size_t passed = 0;
  const std::string_view member = node->member();
  for (std::uint32_t level = height_; level-- > 0;) {
    while (at->links()[level].next != nullptr && before(at->links()[level].next, node->score, member)) {
      passed += at->links()[level].span;
      at = at->links()[level].next;
    }
  }
  return passed;
}

RankedSet::Node* RankedSet::lower_bound(double score, bool beyond) const {
  Node* at = head_;
  for (std::uint32_t level = height_; level-- > 0;) {
    for (Node* next = at->links()[level].next; next != nullptr && (beyond ? next->score <= score : next->score < score);
         next = at->links()[level].next) {
      at = next;
    }
  }
  return at->next();
}

RankedSet::Node* RankedSet::lower_bound_lex(std::string_view member, bool beyond) const {
  Node* at = head_;
  for (std::uint32_t level = height_; level-- > 0;) {
    for (Node* next = at->links()[level].next; next != nullptr && (beyond ? next->member() <= member : next->member() < member);
         next = at->links()[level].next) {
      at = next;
    }
  }
  return at->next();
}

}  // namespace chorus::cache
