// Large sorted sets: a B+ tree that counts what is below each of its pages, ordered by score and then member, and a table of the members.
// paper: Bayer, McCreight, "Organization and Maintenance of Large Ordered Indices", Acta Informatica 1, 1972
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "cache/table.h"

namespace chorus::cache {

/// A member's score and octets lie in one block. Scores stand in the pages of the tree as well, so that a search looks at members only
/// where scores are equal.
class RankedSet {
 public:
  struct Node {
    double score;
    std::uint32_t member_size;

    /// Behind it in the same block.
    const char* octets() const { return reinterpret_cast<const char*>(&member_size + 1); }
    std::string_view member() const { return {octets(), member_size}; }
  };
  struct Leaf;
  /// Of a node in the order; good until the next change.
  class Place {
   public:
    Place() = default;
    Place(const Leaf* leaf, std::uint32_t index) : leaf_(leaf), index_(index) {}
    /// Null beyond either end.
    const Node* node() const;
    void next();
    void previous();

   private:
    const Leaf* leaf_ = nullptr;
    std::uint32_t index_ = 0;
  };

  static RankedSet* make();
  static void destroy(RankedSet* set);
  RankedSet(const RankedSet&) = delete;
  RankedSet& operator=(const RankedSet&) = delete;

  std::size_t size() const { return table_.size(); }
  /// Null when it is not there.
  Node* find(std::string_view member) const;
  /// A member that is not there; the score is no NaN.
  void insert(std::string_view member, double score);
  void remove(Node* node);
  /// The one of that rank, which is there.
  void remove(std::size_t rank);
  void set_score(Node* node, double score);

  Place first() const { return at(0); }
  /// rank: from 0.
  Place at(std::size_t rank) const;
  std::size_t rank(const Node* node) const;
  /// The rank of the first whose score is at least `score` (beyond: more than); size() when there is none.
  std::size_t lower_bound(double score, bool beyond) const;
  /// The same by member, where all scores are equal.
  std::size_t lower_bound_lex(std::string_view member, bool beyond) const;
  /// The nodes by member, in no order; see Table::scan.
  template <class Visit>
  std::uint64_t scan(std::uint64_t cursor, Visit&& visit) const {
    return table_.scan(cursor, visit);
  }
  Node* random(base::Random& random) const { return table_.random(random); }
  /// Of the table of members, see Table::for_each_bucket.
  template <class Visit>
  void for_each_bucket(Visit&& visit) const {
    table_.for_each_bucket(visit);
  }
  /// Of the table and the tree's pages.
  std::size_t index_octets() const;
  /// Frees up to `items` of those left, which it counts down; returns whether all are. Afterwards only destroy() may follow.
  bool drain(std::size_t& items);

 private:
  struct NodePolicy {
    using Item = Node*;
    static std::string_view key(const Node* node) { return node->member(); }
  };
  struct Page;
  struct Inner;
  struct Path;

  RankedSet() = default;
  static Node* make_node(double score, std::string_view member);
  template <class PageType>
  PageType* make_page(std::uint32_t height);
  void release(Page* page);
  Leaf* descend(double score, std::string_view member, Path& path) const;
  void link(Node* node);
  std::pair<Leaf*, std::uint32_t> find_entry(const Node* node, Path& path) const;
  void unlink(Path& path, Leaf* leaf, std::uint32_t at);
  Page* split(Page* page, bool ascending);
  void insert_child(Inner* inner, std::uint32_t at, Page* child);
  void erase_child(Inner* inner, std::uint32_t at);
  void merge_children(Inner* inner, std::uint32_t at);
  void mend(Inner* inner, std::uint32_t at);
  template <class Before>
  std::size_t count_while(Before before) const;

  Page* root_ = nullptr;
  std::size_t page_octets_ = 0;
  Table<NodePolicy> table_;
};

}  // namespace chorus::cache
