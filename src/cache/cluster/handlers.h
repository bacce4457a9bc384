// The handlers of CLUSTER and of what else only clusters have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/cluster/membership.h"
#include "cache/command/command.h"

namespace chorus::cache {

class Call;
class Server;

// queries.cc
void asking(Call& call);
void readonly(Call& call);
void readwrite(Call& call);
void cluster_countkeysinslot(Call& call);
void cluster_count_failure_reports(Call& call);
void cluster_getkeysinslot(Call& call);
void cluster_help(Call& call);
void cluster_info(Call& call);
void cluster_keyslot(Call& call);
void cluster_links(Call& call);
void cluster_myid(Call& call);
void cluster_myshardid(Call& call);
void cluster_nodes(Call& call);
void cluster_replicas(Call& call);
void cluster_shards(Call& call);
void cluster_slots(Call& call);
// migrate.cc
void migrate(Call& call);
bool find_migrated_keys(Arguments arguments, std::vector<std::size_t>& at);
// changes.cc: what changes the map, and is answered when the tree has it
void cluster_change(Call& call);
// Those that need not.
void cluster_failover(Call& call);
void cluster_handover(Call& call);  // moves.cc: between nodes
void cluster_meet(Call& call);
void cluster_replicate(Call& call);
void cluster_saveconfig(Call& call);

namespace cluster {

/// What a command asks for; or the words of its error. arguments: of "CLUSTER ADDSLOTS 1 2". The server outlives the change.
///   kept  slots that are deleted and added at once: those that are this node's stay so, with what is in them
base::Result<Change, std::string> change_of(Server& server, Arguments arguments, const Slots& kept = {});
/// The slots of a command of that name ("addslots") or its "range" form; none of another.
Slots slots_changed(Arguments arguments, std::string_view what);

}  // namespace cluster
}  // namespace chorus::cache
