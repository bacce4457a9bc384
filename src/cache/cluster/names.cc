#include "cache/cluster/names.h"

#include <fmt/format.h>

namespace chorus::cache::cluster {

std::string preferred_host(const Membership& membership, const Endpoint& endpoint) {
  switch (membership.options().preferred) {
    case Preferred::hostname:
      return endpoint.hostname.empty() ? "?" : endpoint.hostname;
    case Preferred::unknown:
      return "";
    default:
      return endpoint.ip;
  }
}

std::vector<std::pair<NodeId, Member>> known_members(const Membership& membership) {
  if (membership.is_member()) return {membership.map().members().begin(), membership.map().members().end()};
  return {{membership.self(), Member{.shard = membership.self(), .epoch = 0, .ticket = 0, .endpoint = membership.endpoint()}}};
}

const NodeId* member_at(const SlotMap& map, std::string_view host, std::uint16_t port) {
  for (const auto& [id, member] : map.members()) {
    const Endpoint& at = member.endpoint;
    if (at.port == port && (at.ip == host || at.hostname == host)) return &id;
  }
  return nullptr;
}

std::string node_line(const Membership& membership, const NodeId& id, const Member& member, std::int64_t unix_ms) {
  const bool is_self = id == membership.self(), has_failed = membership.has_failed(id);
  const Endpoint& at = member.endpoint;
  std::string line = fmt::format("{} {}:{}@{}", id, at.ip, at.port, at.bus_port);
  if (!at.hostname.empty()) line += "," + at.hostname;
  line += is_self ? " myself,master" : has_failed ? " master,fail" : " master";
  line += fmt::format(" - 0 {} {} {}", is_self || has_failed ? 0 : unix_ms, member.epoch, has_failed ? "disconnected" : "connected");
  for (const auto& [first, last] : ranges_of(membership.map().slots_of(id))) {
    line += first == last ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
  }
  if (!is_self) return line;
  for (const auto& [slot, open] : membership.map().open_slots()) {
    if (open.migrating_to && membership.is_mine(slot)) line += fmt::format(" [{}->-{}]", slot, *open.migrating_to);
    if (const auto found = open.importing.find(id); found != open.importing.end()) line += fmt::format(" [{}-<-{}]", slot, found->second);
  }
  return line;
}

}  // namespace chorus::cache::cluster
