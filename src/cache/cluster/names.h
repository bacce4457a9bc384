// How a cluster's nodes are written where clients read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cache/cluster/membership.h"

namespace chorus::cache::cluster {

/// What clients are told to connect to: by cluster-preferred-endpoint-type; "?" for a host name that is not known.
std::string preferred_host(const Membership& membership, const Endpoint& endpoint);
/// Those that this node knows: all members, or itself alone while it is none.
std::vector<std::pair<NodeId, Member>> known_members(const Membership& membership);
/// A line of CLUSTER NODES, without its end.
std::string node_line(const Membership& membership, const NodeId& id, const Member& member, std::int64_t unix_ms);

/// The member that clients connect to there; null: none.
const NodeId* member_at(const SlotMap& map, std::string_view host, std::uint16_t port);

}  // namespace chorus::cache::cluster
