// Large sorted sets: a skip list with spans, ordered by score and then member, and a table of its nodes by member.
// paper: Pugh, "Skip Lists: A Probabilistic Alternative to Balanced Trees", CACM 33(6), 1990
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cache/table.h"

namespace chorus::cache {

/// Node, links and member lie in one block.
class RankedSet {
 public:
  struct Node;
  struct Link {
    Node* next;
    std::size_t span;  // nodes from here to `next`, it included; to the end where there is none
  };
  struct Node {
    double score;
    Node* previous;
    std::uint32_t member_size;
    std::uint32_t height;

    /// `height` of them, behind it in the same block; then the member.
    Link* links() { return reinterpret_cast<Link*>(this + 1); }
    const Link* links() const { return reinterpret_cast<const Link*>(this + 1); }
    std::string_view member() const { return {reinterpret_cast<const char*>(links() + height), member_size}; }
    Node* next() const { return links()[0].next; }
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
  void set_score(Node* node, double score);

  Node* first() const { return head_->links()[0].next; }
  Node* last() const { return tail_; }
  /// rank: from 0; null beyond the last.
  Node* at(std::size_t rank) const;
  std::size_t rank(const Node* node) const;
  /// The first whose score is at least `score` (beyond: more than), null when there is none.
  Node* lower_bound(double score, bool beyond) const;
  /// The same by member, where all scores are equal.
  Node* lower_bound_lex(std::string_view member, bool beyond) const;
  /// The nodes by member, in no order; see Table::scan.
  template <class Visit>
  std::uint64_t scan(std::uint64_t cursor, Visit&& visit) const {
    return table_.scan(cursor, visit);
  }
  Node* random(base::Random& random) const { return table_.random(random); }
  std::size_t table_octets() const { return table_.octets(); }
  /// Frees up to `items` of those left, which it counts down; returns whether all are. Afterwards only destroy() may follow.
  bool drain(std::size_t& items);

 private:
  struct NodePolicy {
    using Item = Node*;
    static std::string_view key(const Node* node) { return node->member(); }
  };
  static constexpr std::uint32_t height_max = 32;

  RankedSet();
  static Node* make_node(std::uint32_t height, double score, std::string_view member);
  std::uint32_t draw_height(std::string_view member);
  void link(Node* node);
  void unlink(Node* node);

  Node* head_;
  Node* tail_ = nullptr;
  std::uint32_t height_ = 1;
  std::size_t linked_ = 0;
  std::uint64_t dice_ = 0;  // stirred by the members' keyed hashes: strangers do not know which nodes are high
  Table<NodePolicy> table_;
};

}  // namespace chorus::cache
