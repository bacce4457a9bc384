#include "cache/value/ranked_set.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/ensure.h"
#include "cache/memory.h"

namespace chorus::cache {
namespace {

constexpr std::uint32_t entries_max = 32;
// A page with fewer takes its neighbour in, where both are no more than a page should have.
constexpr std::uint32_t entries_few = entries_max / 4, entries_merged = entries_max * 3 / 4;
// Each level more takes at least entries_max / 2 times as many insertions.
constexpr std::uint32_t height_max = 24;

template <class T>
void make_room(T* array, std::uint32_t count, std::uint32_t at) {
  std::memmove(static_cast<void*>(array + at + 1), array + at, (count - at) * sizeof(T));
}
template <class T>
void close_gap(T* array, std::uint32_t count, std::uint32_t at) {
  std::memmove(static_cast<void*>(array + at), array + at + 1, (count - at - 1) * sizeof(T));
}

}  // namespace

/// Of a leaf: its nodes; of an inner page: the first node of each of its children.
struct RankedSet::Page {
  std::uint32_t count = 0;
  std::uint32_t height = 0;  // 0: a leaf
  double scores[entries_max];
  Node* nodes[entries_max];
};
struct RankedSet::Leaf : Page {
  Leaf* previous = nullptr;
  Leaf* next = nullptr;
};
struct RankedSet::Inner : Page {
  Page* children[entries_max];
  std::size_t weights[entries_max];  // nodes in each child
};
struct RankedSet::Path {
  struct Step {
    Inner* inner;
    std::uint32_t index;
  };
  Step steps[height_max];
  std::uint32_t length = 0;
};

namespace {

/// Whether an entry stands before that score and member.
struct Before {
  double score;
  std::string_view member;
  bool operator()(double its_score, const RankedSet::Node* node) const {
    return its_score < score || (its_score == score && node->member() < member);
  }
};

/// How many of a page's entries, from its first, are before.
template <class Page, class Before>
std::uint32_t count_in(const Page* page, Before before) {
  std::uint32_t from = 0, left = page->count;
  while (left > 0) {
    const std::uint32_t half = left / 2;
    if (before(page->scores[from + half], page->nodes[from + half])) {
      from += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return from;
}

template <class Inner>
std::size_t weight_of(const Inner* inner) {
  std::size_t sum = 0;
  for (std::uint32_t i = 0; i < inner->count; ++i) sum += inner->weights[i];
  return sum;
}

}  // namespace

const RankedSet::Node* RankedSet::Place::node() const { return leaf_ == nullptr ? nullptr : leaf_->nodes[index_]; }

void RankedSet::Place::next() {
  if (++index_ < leaf_->count) return;
  leaf_ = leaf_->next;
  index_ = 0;
}

void RankedSet::Place::previous() {
  if (index_-- > 0) return;
  leaf_ = leaf_->previous;
  index_ = leaf_ == nullptr ? 0 : leaf_->count - 1;
}

RankedSet* RankedSet::make() { return new (memory::allocate(sizeof(RankedSet))) RankedSet(); }

void RankedSet::destroy(RankedSet* set) {
  for (std::size_t items = 1 << 20; !set->drain(items);) items = 1 << 20;
  set->~RankedSet();
  memory::release(set);
}

bool RankedSet::drain(std::size_t& items) {
  while (root_ != nullptr && items > 0) {
    // The last leaf, or the last page that has no child any more.
    Path path;
    Page* page = root_;
    while (page->height > 0 && page->count > 0) {
      auto* inner = static_cast<Inner*>(page);
      path.steps[path.length++] = {inner, inner->count - 1};
      page = inner->children[inner->count - 1];
    }
    for (; page->height == 0 && page->count > 0 && items > 0; --items) memory::release(page->nodes[--page->count]);
    if (page->count > 0) break;
    release(page);
    if (path.length == 0) {
      root_ = nullptr;
    } else {
      --path.steps[path.length - 1].inner->count;
    }
  }
  // The table of nodes that are gone: only its array is left.
  return root_ == nullptr && table_.drain(items, [](Node*) {});
}

RankedSet::Node* RankedSet::make_node(double score, std::string_view member) {
  auto* node = static_cast<Node*>(memory::allocate(offsetof(Node, member_size) + sizeof(Node::member_size) + member.size()));
  node->score = score;
  node->member_size = static_cast<std::uint32_t>(member.size());
  if (!member.empty()) std::memcpy(const_cast<char*>(node->octets()), member.data(), member.size());
  return node;
}

template <class PageType>
PageType* RankedSet::make_page(std::uint32_t height) {
  auto* page = new (memory::allocate(sizeof(PageType))) PageType;
  page->height = height;
  page_octets_ += memory::cost(page);
  return page;
}

void RankedSet::release(Page* page) {
  page_octets_ -= memory::cost(page);
  memory::release(page);
}

std::size_t RankedSet::index_octets() const { return table_.octets() + page_octets_; }

RankedSet::Node* RankedSet::find(std::string_view member) const {
  Node** at = table_.find(member);
  return at == nullptr ? nullptr : *at;
}

void RankedSet::insert(std::string_view member, double score) {
  Node* node = make_node(score, member);
  link(node);
  table_.insert(node);
}

void RankedSet::remove(Node* node) {
  Path path;
  const auto [leaf, at] = find_entry(node, path);
  unlink(path, leaf, at);
  table_.remove(node->member());
  memory::release(node);
}

void RankedSet::remove(std::size_t rank) { remove(const_cast<Node*>(at(rank).node())); }

void RankedSet::set_score(Node* node, double score) {
  const std::string_view member = node->member();
  Path path;
  const auto [leaf, at] = find_entry(node, path);
  // Between its neighbours in the same leaf it stays where it is.
  if (at > 0 && at + 1 < leaf->count && Before{score, member}(leaf->scores[at - 1], leaf->nodes[at - 1]) &&
      !Before{score, member}(leaf->scores[at + 1], leaf->nodes[at + 1])) {
    leaf->scores[at] = node->score = score;
    return;
  }
  unlink(path, leaf, at);
  node->score = score;
  link(node);
}

/// The leaf where it is or would be, and the way there.
RankedSet::Leaf* RankedSet::descend(double score, std::string_view member, Path& path) const {
  Page* page = root_;
  while (page->height > 0) {
    auto* inner = static_cast<Inner*>(page);
    const std::uint32_t upper = count_in(
        inner, [&](double its_score, const Node* node) { return its_score < score || (its_score == score && node->member() <= member); });
    path.steps[path.length++] = {inner, upper == 0 ? 0 : upper - 1};
    page = inner->children[upper == 0 ? 0 : upper - 1];
  }
  return static_cast<Leaf*>(page);
}

std::pair<RankedSet::Leaf*, std::uint32_t> RankedSet::find_entry(const Node* node, Path& path) const {
  Leaf* leaf = descend(node->score, node->member(), path);
  const std::uint32_t at = count_in(leaf, Before{node->score, node->member()});
  ENSURE(at < leaf->count && leaf->nodes[at] == node);
  return {leaf, at};
}

/// A new page to the right with half of this one's entries; with none where the set is filled in ascending order.
RankedSet::Page* RankedSet::split(Page* page, bool ascending) {
  const std::uint32_t stay = ascending ? page->count : page->count / 2, go = page->count - stay;
  Page* right = page->height == 0 ? static_cast<Page*>(make_page<Leaf>(0)) : make_page<Inner>(page->height);
  std::copy_n(page->scores + stay, go, right->scores);
  std::copy_n(page->nodes + stay, go, right->nodes);
  if (page->height == 0) {
    auto *leaf = static_cast<Leaf*>(page), *other = static_cast<Leaf*>(right);
    other->previous = leaf;
    other->next = std::exchange(leaf->next, other);
    if (other->next != nullptr) other->next->previous = other;
  } else {
    auto *inner = static_cast<Inner*>(page), *other = static_cast<Inner*>(right);
    std::copy_n(inner->children + stay, go, other->children);
    std::copy_n(inner->weights + stay, go, other->weights);
  }
  right->count = go;
  page->count = stay;
  return right;
}

void RankedSet::insert_child(Inner* inner, std::uint32_t at, Page* child) {
  make_room(inner->scores, inner->count, at);
  make_room(inner->nodes, inner->count, at);
  make_room(inner->children, inner->count, at);
  make_room(inner->weights, inner->count, at);
  ++inner->count;
  inner->children[at] = child;
  mend(inner, at);
}

void RankedSet::erase_child(Inner* inner, std::uint32_t at) {
  close_gap(inner->scores, inner->count, at);
  close_gap(inner->nodes, inner->count, at);
  close_gap(inner->children, inner->count, at);
  close_gap(inner->weights, inner->count, at);
  --inner->count;
}

/// What the page knows of a child, looked up anew.
void RankedSet::mend(Inner* inner, std::uint32_t at) {
  const Page* child = inner->children[at];
  inner->scores[at] = child->scores[0];
  inner->nodes[at] = child->nodes[0];
  inner->weights[at] = child->height == 0 ? child->count : weight_of(static_cast<const Inner*>(child));
}

void RankedSet::link(Node* node) {
  if (root_ == nullptr) root_ = make_page<Leaf>(0);
  const std::string_view member = node->member();
  Path path;
  Leaf* leaf = descend(node->score, member, path);
  std::uint32_t at = count_in(leaf, Before{node->score, member});
  Page* right = nullptr;  // a new neighbour of the page below
  Page* target = leaf;
  if (leaf->count == entries_max) {
    right = split(leaf, at == leaf->count && leaf->next == nullptr);
    if (at > leaf->count || right->count == 0) {
      at -= leaf->count;
      target = right;
    }
  }
  make_room(target->scores, target->count, at);
  make_room(target->nodes, target->count, at);
  target->scores[at] = node->score;
  target->nodes[at] = node;
  ++target->count;

  while (path.length > 0) {
    const auto [inner, index] = path.steps[--path.length];
    if (right == nullptr) {
      inner->scores[index] = inner->children[index]->scores[0];
      inner->nodes[index] = inner->children[index]->nodes[0];
      ++inner->weights[index];
      continue;
    }
    mend(inner, index);
    Page* child = std::exchange(right, nullptr);
    if (inner->count < entries_max) {
      insert_child(inner, index + 1, child);
      continue;
    }
    right = split(inner, index + 1 == inner->count && path.length == 0);
    auto* other = static_cast<Inner*>(right);
    if (index + 1 > inner->count || right->count == 0) {
      insert_child(other, index + 1 - inner->count, child);
    } else {
      insert_child(inner, index + 1, child);
    }
  }
  if (right == nullptr) return;
  ENSURE(root_->height + 1 < height_max);
  auto* top = make_page<Inner>(root_->height + 1);
  insert_child(top, 0, std::exchange(root_, top));
  insert_child(top, 1, right);
}

/// Takes the child behind `at` into that at `at`.
void RankedSet::merge_children(Inner* inner, std::uint32_t at) {
  Page *left = inner->children[at], *right = inner->children[at + 1];
  std::copy_n(right->scores, right->count, left->scores + left->count);
  std::copy_n(right->nodes, right->count, left->nodes + left->count);
  if (left->height == 0) {
    auto *leaf = static_cast<Leaf*>(left), *other = static_cast<Leaf*>(right);
    leaf->next = other->next;
    if (leaf->next != nullptr) leaf->next->previous = leaf;
  } else {
    auto *page = static_cast<Inner*>(left), *other = static_cast<Inner*>(right);
    std::copy_n(other->children, right->count, page->children + left->count);
    std::copy_n(other->weights, right->count, page->weights + left->count);
  }
  left->count += right->count;
  release(right);
  erase_child(inner, at + 1);
  mend(inner, at);
}

/// Takes out an entry of a leaf, to which that path leads.
void RankedSet::unlink(Path& path, Leaf* leaf, std::uint32_t at) {
  close_gap(leaf->scores, leaf->count, at);
  close_gap(leaf->nodes, leaf->count, at);
  --leaf->count;

  while (path.length > 0) {
    const auto [inner, index] = path.steps[--path.length];
    Page* child = inner->children[index];
    if (child->count == 0) {
      if (child->height == 0) {
        auto* empty = static_cast<Leaf*>(child);
        if (empty->previous != nullptr) empty->previous->next = empty->next;
        if (empty->next != nullptr) empty->next->previous = empty->previous;
      }
      release(child);
      erase_child(inner, index);
      continue;
    }
    inner->scores[index] = child->scores[0];
    inner->nodes[index] = child->nodes[0];
    --inner->weights[index];
    if (child->count >= entries_few) continue;
    const auto fits = [&](std::uint32_t left) {
      return left + 1 < inner->count && inner->children[left]->count + inner->children[left + 1]->count <= entries_merged;
    };
    if (fits(index)) {
      merge_children(inner, index);
    } else if (index > 0 && fits(index - 1)) {
      merge_children(inner, index - 1);
    }
  }
  while (root_->height > 0 && root_->count == 1) {
    Page* only = static_cast<Inner*>(root_)->children[0];
    release(std::exchange(root_, only));
  }
  if (root_->count == 0) release(std::exchange(root_, nullptr));
}

RankedSet::Place RankedSet::at(std::size_t rank) const {
  if (rank >= size()) return {};
  const Page* page = root_;
  while (page->height > 0) {
    const auto* inner = static_cast<const Inner*>(page);
    std::uint32_t index = 0;
    for (; rank >= inner->weights[index]; ++index) rank -= inner->weights[index];
    page = inner->children[index];
  }
  return {static_cast<const Leaf*>(page), static_cast<std::uint32_t>(rank)};
}

/// How many are before, in the order of the set.
template <class Before>
std::size_t RankedSet::count_while(Before before) const {
  if (root_ == nullptr) return 0;
  std::size_t passed = 0;
  const Page* page = root_;
  while (page->height > 0) {
    const auto* inner = static_cast<const Inner*>(page);
    const std::uint32_t upper = count_in(inner, before);
    if (upper == 0) return passed;  // nothing of this page
    for (std::uint32_t i = 0; i + 1 < upper; ++i) passed += inner->weights[i];
    page = inner->children[upper - 1];
  }
  return passed + count_in(page, before);
}

std::size_t RankedSet::rank(const Node* node) const { return count_while(Before{node->score, node->member()}); }

std::size_t RankedSet::lower_bound(double score, bool beyond) const {
  return count_while([&](double other, const Node*) { return beyond ? other <= score : other < score; });
}

std::size_t RankedSet::lower_bound_lex(std::string_view member, bool beyond) const {
  return count_while([&](double, const Node* other) { return beyond ? other->member() <= member : other->member() < member; });
}

}  // namespace chorus::cache
