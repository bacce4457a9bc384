// Who is in a cluster, who owns which slots and what is being moved: what all nodes agree on, as one text in the tree.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/database.h"

namespace chorus::cache::cluster {

/// 40 digits in hexadecimal, as Redis' node ids.
using NodeId = std::string;
bool is_node_id(std::string_view text);

struct Endpoint {
  std::string ip;  // what clients connect to; never empty in a map
  std::uint16_t port = 0;
  std::uint16_t bus_port = 0;  // nothing listens there; clients want to parse one
  std::string hostname;        // may be empty
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
/// "IP PORT BUS HOSTNAME", '-' for no host name. Empty: it is none.
std::string format_endpoint(const Endpoint& endpoint);
std::optional<Endpoint> parse_endpoint(std::string_view text);

struct Member {
  NodeId shard;              // of those that have the same slots
  std::uint64_t epoch = 0;   // when it last got slots: what clients know as config-epoch
  std::uint64_t ticket = 0;  // of its last change of the map, so that it knows it again
  Endpoint endpoint;
  std::uint32_t weight = 1;  // its share of the slots beside the others'; 0: it is to have none
};

/// A set of slots, in order.
using Slots = std::set<std::uint16_t>;
/// "0-5460,5470"; "-" when empty.
std::string format_slots(const Slots& slots);
/// Empty: it is none, or says a slot twice.
std::optional<Slots> parse_slots(std::string_view text);
/// Neighbours together: first and last of each range.
std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_of(const Slots& slots);

/// Slots that `from` is to hand over to `to`, or has begun to.
struct Move {
  NodeId from, to;
  Slots slots;
  friend bool operator==(const Move&, const Move&) = default;
};

/// A slot that clients move key by key, from both ends' view. source: Redis Cluster specification, "Cluster live reconfiguration"
struct Open {
  std::optional<NodeId> migrating_to;  // as its owner was told
  std::map<NodeId, NodeId> importing;  // who was told to take it, and from whom
  bool is_closed() const { return !migrating_to && importing.empty(); }
};

struct MapError {
  std::string what;
};

/// Invariants: owners, and both ends of moves and open slots, are members; the source of a move owns its slots, no slot is in two moves.
class SlotMap {
 public:
  static constexpr std::size_t members_max = 1000;
  static constexpr std::size_t octets_max = 1 << 20;

  SlotMap() { owners_.fill(nobody); }
  /// Checks all of the above: what stands in the tree may have been written by anybody.
  static base::Result<SlotMap, MapError> parse(std::string_view text);
  std::string format() const;

  std::uint64_t epoch() const { return epoch_; }
  const std::map<NodeId, Member>& members() const { return members_; }
  const Member* find(std::string_view id) const;
  /// Null: nobody.
  const NodeId* owner(std::uint16_t slot) const;
  bool owns(std::string_view id, std::uint16_t slot) const;
  Slots slots_of(std::string_view id) const;
  /// Which of all slots it owns.
  void mark_slots_of(std::string_view id, std::array<bool, cache::slots>& out) const;
  std::size_t assigned() const { return assigned_; }
  std::size_t assigned_to(std::string_view id) const;
  /// Of owners.
  std::map<NodeId, std::size_t> slot_counts() const;
  const std::map<std::uint16_t, Open>& open_slots() const { return open_; }
  /// Null: it is not open.
  const Open* open(std::uint16_t slot) const;
  const std::map<std::uint64_t, Move>& moves() const { return moves_; }
  /// By which move a slot goes; 0: none.
  std::uint64_t move_of(std::uint16_t slot) const;
  /// Whether the change that left this number behind is in this map.
  bool has_ticket(std::string_view writer, std::uint64_t ticket) const;

  // --- changes
  std::uint64_t next_epoch() { return ++epoch_; }
  /// False: there are too many. One that is there gets the endpoint.
  bool add_member(const NodeId& id, const Endpoint& endpoint);
  /// One without slots; moves to it and what is open on it end.
  void remove_member(std::string_view id);
  Member* member(std::string_view id);
  /// Nobody: null. What was open, and its part in a move, ends.
  void set_owner(std::uint16_t slot, const NodeId* owner);
  /// Returns its number. The source owns all of the slots, none of which is in another move.
  std::uint64_t add_move(const NodeId& from, const NodeId& to, const Slots& slots);
  void remove_move(std::uint64_t number);
  Open& open_for_change(std::uint16_t slot) { return open_[slot]; }
  /// Forgets it where nothing is open about it any more.
  void close_if_done(std::uint16_t slot);
  void set_ticket(const NodeId& writer, std::uint64_t ticket);

 private:
  static constexpr std::uint16_t nobody = 0xffff;
  std::uint16_t index_of(const NodeId& id);
  std::optional<std::uint16_t> find_index(std::string_view id) const;
  void assign(std::uint16_t slot, std::uint16_t index);
  base::Result<void, MapError> take_line(std::string_view line);

  std::uint64_t epoch_ = 0;
  std::map<NodeId, Member> members_;
  std::vector<NodeId> names_;                       // by index in owners_; of those that have gone, too
  std::array<std::uint16_t, cache::slots> owners_;  // index in names_
  std::vector<std::size_t> counts_;                 // of slots, by index
  std::size_t assigned_ = 0;
  std::map<std::uint16_t, Open> open_;
  std::map<std::uint64_t, Move> moves_;
  std::map<std::uint16_t, std::uint64_t> moving_;  // the move of each slot that is in one
  NodeId last_writer_;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace chorus::cache::cluster
