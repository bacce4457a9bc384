// Large lists: a chain of packed lists, each up to a node's limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cache/value/listpack.h"

namespace chorus::cache {

/// How much a node of a list may hold (list-max-listpack-size): octets for -1 .. -5, else elements.
struct NodeLimit {
  std::int64_t setting = -2;
  bool allows(std::size_t octets, std::size_t count) const;
};

class Quicklist {
 public:
  struct Node {
    Node* previous;
    Node* next;
    void* block;
    std::size_t count;
    Listpack pack() const { return Listpack(block); }
  };
  /// An element; `node` is null beyond either end.
  struct Place {
    Node* node = nullptr;
    Listpack::Position at = 0;
    explicit operator bool() const { return node != nullptr; }
  };

  static Quicklist* make();
  static void destroy(Quicklist* list);
  Quicklist(const Quicklist&) = delete;
  Quicklist& operator=(const Quicklist&) = delete;

  std::size_t size() const { return size_; }
  std::size_t nodes() const { return nodes_; }
  const Node* first_node() const { return first_; }
  void push_front(std::string_view value, NodeLimit limit);
  void push_back(std::string_view value, NodeLimit limit);
  /// index: from 0, from the end with -1.
  Place seek(std::int64_t index) const;
  Place next(Place place) const;
  Place previous(Place place) const;
  Listpack::Element get(Place place) const { return place.node->pack().get(place.at); }
  bool equals(Place place, std::string_view value) const { return place.node->pack().equals(place.at, value); }
  void insert_before(Place place, std::string_view value, NodeLimit limit);
  void replace(Place place, std::string_view value, NodeLimit limit);
  /// `count` elements from `place` on; returns the next, which is beyond the end after the last.
  Place erase(Place place, std::size_t count = 1);
  /// A whole packed list at the end; the list owns its block from then on.
  void append_pack(Listpack pack);
  /// The block of the only node, which the list gives away; it is empty then.
  void* take_only_block();
  bool drain(std::size_t& items);

 private:
  Quicklist() = default;
  Node* add_node(Node* before, void* block, std::size_t count);
  void remove_node(Node* node);

  Node* first_ = nullptr;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace chorus::cache
