// What clients ask of a cluster.
#include <fmt/format.h>

#include <algorithm>

#include "cache/call.h"
#include "cache/cluster/handlers.h"
#include "cache/cluster/names.h"
#include "cache/connection/help.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

using cluster::Membership;
using cluster::NodeId;

/// Null: this is no cluster, and that is replied.
Membership* need_cluster(Call& call) {
  Membership* membership = call.server().cluster();
  if (membership == nullptr) call.error("ERR This instance has cluster support disabled");
  return membership;
}

std::optional<std::uint16_t> slot_argument(Call& call, std::size_t i) {
  const auto slot = parse_integer(call[i]);
  if (slot && *slot >= 0 && *slot < static_cast<std::int64_t>(slots)) return static_cast<std::uint16_t>(*slot);
  call.error(slot ? "ERR Invalid slot" : "ERR Invalid or out of range slot");
  return {};
}

/// False: replied.
bool is_known(Call& call, const Membership& membership, std::string_view id) {
  const auto members = known_members(membership);
  if (std::any_of(members.begin(), members.end(), [&](const auto& each) { return each.first == id; })) return true;
  call.error(fmt::format("ERR Unknown node {}", id));
  return false;
}

void reply_node(Call& call, const Membership& membership, const NodeId& id, const cluster::Endpoint& at) {
  using cluster::Preferred;
  const Preferred preferred = membership.options().preferred;
  call.reply.array(4);
  if (preferred == Preferred::unknown) {
    call.reply.null();
  } else {
    call.reply.bulk(preferred_host(membership, at));
  }
  call.reply.integer(at.port);
  call.reply.bulk(id);
  // What is known of it besides what is preferred.
  std::vector<std::pair<std::string_view, std::string_view>> more;
  if (preferred != Preferred::ip) more.emplace_back("ip", at.ip);
  if (preferred != Preferred::hostname && !at.hostname.empty()) more.emplace_back("hostname", at.hostname);
  call.reply.map(more.size());
  for (const auto& [name, value] : more) {
    call.reply.bulk(name);
    call.reply.bulk(value);
  }
}

}  // namespace

void asking(Call& call) {
  if (need_cluster(call) == nullptr) return;
  call.client().is_asking = true;
  call.reply.ok();
}

void readonly(Call& call) { call.reply.ok(); }
void readwrite(Call& call) { call.reply.ok(); }

void cluster_info(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership == nullptr) return;
  const cluster::SlotMap& map = membership->map();
  const cluster::Member* own = map.find(membership->self());
  const std::size_t assigned = membership->is_member() ? map.assigned() : 0,
                    failed = membership->is_member() ? membership->slots_failed() : 0;
  call.reply.verbatim(
      "txt", fmt::format(
                 "cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\ncluster_slots_pfail:0\r\n"
                 "cluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\ncluster_size:{}\r\ncluster_current_epoch:{}\r\ncluster_my_epoch:{}\r\n"
                 "cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n",
                 membership->is_ok(call.server().now().monotonic_us) ? "ok" : "fail", assigned, assigned - failed, failed,
                 known_members(*membership).size(), membership->is_member() ? membership->members_with_slots() : 0, map.epoch(),
                 own == nullptr ? 0 : own->epoch));
}

void cluster_nodes(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership == nullptr) return;
  std::string text;
  for (const auto& [id, member] : known_members(*membership)) text += node_line(*membership, id, member, call.now_ms()) + "\n";
  call.reply.verbatim("txt", text);
}

void cluster_slots(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership == nullptr) return;
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  const cluster::SlotMap& map = membership->map();
  for (std::size_t first = 0; membership->is_member() && first < slots;) {
    const NodeId* owner = map.owner(static_cast<std::uint16_t>(first));
    std::size_t last = first;
    while (last + 1 < slots && owner != nullptr && map.owns(*owner, static_cast<std::uint16_t>(last + 1))) ++last;
    if (owner != nullptr) {
      call.reply.array(3);
      call.reply.integer(static_cast<std::int64_t>(first));
      call.reply.integer(static_cast<std::int64_t>(last));
      reply_node(call, *membership, *owner, map.find(*owner)->endpoint);
      ++count;
    }
    first = last + 1;
  }
  call.reply.end_array(mark, count);
}

void cluster_shards(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership == nullptr) return;
  const auto members = known_members(*membership);
  call.reply.array(members.size());
  for (const auto& [id, member] : members) {
    const auto ranges = cluster::ranges_of(membership->map().slots_of(id));
    call.reply.map(2);
    call.reply.bulk("slots");
    call.reply.array(ranges.size() * 2);
    for (const auto& [first, last] : ranges) {
      call.reply.integer(first);
      call.reply.integer(last);
    }
    call.reply.bulk("nodes");
    call.reply.array(1);
    const cluster::Endpoint& at = member.endpoint;
    call.reply.map(at.hostname.empty() ? 7 : 8);
    const auto text = [&](std::string_view name, std::string_view value) {
      call.reply.bulk(name);
      call.reply.bulk(value);
    };
    text("id", id);
    call.reply.bulk("port");
    call.reply.integer(at.port);
    text("ip", at.ip);
    text("endpoint", preferred_host(*membership, at));
    if (!at.hostname.empty()) text("hostname", at.hostname);
    text("role", "master");
    call.reply.bulk("replication-offset");
    const bool is_self = id == membership->self();
    call.reply.integer(is_self ? static_cast<std::int64_t>(call.server().effects().position().sequence) : 0);
    text("health", membership->has_failed(id) ? "fail" : "online");
  }
}

void cluster_links(Call& call) {
  if (need_cluster(call) != nullptr) call.reply.array(0);
}

void cluster_myid(Call& call) {
  if (const Membership* membership = need_cluster(call); membership != nullptr) call.reply.bulk(membership->self());
}

void cluster_myshardid(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership == nullptr) return;
  const cluster::Member* own = membership->map().find(membership->self());
  call.reply.bulk(own == nullptr ? membership->self() : own->shard);
}

void cluster_keyslot(Call& call) {
  if (need_cluster(call) != nullptr) call.reply.integer(slot_of(call[2]));
}

void cluster_countkeysinslot(Call& call) {
  if (need_cluster(call) == nullptr) return;
  const auto slot = slot_argument(call, 2);
  if (slot) call.reply.integer(static_cast<std::int64_t>(call.database(0).slot_size(*slot)));
}

void cluster_getkeysinslot(Call& call) {
  if (need_cluster(call) == nullptr) return;
  const auto slot = parse_integer(call[2]);
  if (!slot) return call.error("ERR Invalid or out of range slot");
  const auto most = call.integer(3);
  if (!most) return;
  if (*slot < 0 || *slot >= static_cast<std::int64_t>(slots) || *most < 0) return call.error("ERR Invalid slot or number of keys");
  std::vector<std::string_view> keys;
  std::uint64_t cursor = 0;
  do {
    cursor =
        call.database(0).scan_slot(static_cast<std::uint16_t>(*slot), cursor, [&](const Entry* entry) { keys.push_back(entry->key()); });
  } while (cursor != 0 && keys.size() < static_cast<std::size_t>(*most));
  if (keys.size() > static_cast<std::size_t>(*most)) keys.resize(static_cast<std::size_t>(*most));
  call.reply.array(keys.size());
  for (const std::string_view key : keys) call.reply.bulk(key);
}

void cluster_replicas(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership != nullptr && is_known(call, *membership, call[2])) call.reply.array(0);
}

void cluster_count_failure_reports(Call& call) {
  const Membership* membership = need_cluster(call);
  if (membership != nullptr && is_known(call, *membership, call[2])) call.reply.integer(0);
}

void cluster_help(Call& call) {
  if (need_cluster(call) == nullptr) return;
  reply_help(call, {"ADDSLOTS <slot> [<slot> ...]",
                    "    Assign slots to current node.",
                    "ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
                    "    Assign slots which are between <start-slot> and <end-slot> to current node.",
                    "BUMPEPOCH",
                    "    Advance the cluster config epoch.",
                    "COUNT-FAILURE-REPORTS <node-id>",
                    "    Return number of failure reports for <node-id>.",
                    "COUNTKEYSINSLOT <slot>",
                    "    Return the number of keys in <slot>.",
                    "DELSLOTS <slot> [<slot> ...]",
                    "    Delete slots information from current node.",
                    "DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]",
                    "    Delete slots information which are between <start-slot> and <end-slot> from current node.",
                    "FAILOVER [FORCE|TAKEOVER]",
                    "    Promote current replica node to being a master.",
                    "FLUSHSLOTS",
                    "    Delete current node's slots information.",
                    "FORGET <node-id>",
                    "    Remove a node from the cluster.",
                    "GETKEYSINSLOT <slot> <count>",
                    "    Return key names stored by current node in a slot.",
                    "INFO",
                    "    Return information about the cluster.",
                    "KEYSLOT <key>",
                    "    Return the hash slot for <key>.",
                    "LINKS",
                    "    Return information about all network links between this node and its peers.",
                    "MEET <ip> <port> [<bus-port>]",
                    "    Connect nodes into a working cluster.",
                    "MYID",
                    "    Return the node id.",
                    "MYSHARDID",
                    "    Return the node's shard id.",
                    "NODES",
                    "    Return cluster configuration seen by node.",
                    "REPLICATE <node-id>",
                    "    Configure current node as replica to <node-id>.",
                    "REPLICAS <node-id>",
                    "    Return <node-id> replicas.",
                    "RESET [HARD|SOFT]",
                    "    Reset current node (default: soft).",
                    "SAVECONFIG",
                    "    Force saving cluster configuration on disk.",
                    "SET-CONFIG-EPOCH <epoch>",
                    "    Set config epoch of current node.",
                    "SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)",
                    "    Set slot state.",
                    "SHARDS",
                    "    Return information about slot range mappings and the nodes associated with them.",
                    "SLAVES <node-id>",
                    "    Return <node-id> replicas.",
                    "SLOTS",
                    "    Return information about slots range mappings."});
}

}  // namespace chorus::cache
