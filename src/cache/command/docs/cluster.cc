// COMMAND DOCS of cluster. source of the arguments: COMMAND DOCS of redis-server 7.0
#include "cache/command/docs/docs.h"

namespace chorus::cache::docs {

std::span<const Row> cluster() {
  static constexpr Row rows[] = {
      {"asking", "Lets the next command use a slot that is being moved here.", "O(1)", ""},
      {"cluster", "Commands of a cluster's nodes.", "Depends on the subcommand", ""},
      {"cluster|addslots", "Gives slots to this node.", "O(N), N: slots", "slot:i..."},
      {"cluster|addslotsrange", "Gives ranges of slots to this node.", "O(N), N: slots in the ranges",
       "start-slot_end-slot{start-slot:i end-slot:i}..."},
      {"cluster|bumpepoch", "Raises the configuration epoch of this node.", "O(1)", ""},
      {"cluster|count-failure-reports", "Counts the nodes that report another one as failed.", "O(N), N: reports", "node-id"},
      {"cluster|countkeysinslot", "Counts the keys of a slot.", "O(1)", "slot:i"},
      {"cluster|delslots", "Takes slots away from their nodes.", "O(N), N: slots", "slot:i..."},
      {"cluster|delslotsrange", "Takes ranges of slots away from their nodes.", "O(N), N: slots in the ranges",
       "start-slot_end-slot{start-slot:i end-slot:i}..."},
      {"cluster|failover", "Makes a replica take the place of its master.", "O(1)", "[options(FORCE|TAKEOVER)]"},
      {"cluster|flushslots", "Takes all slots away from this node.", "O(1)", ""},
      {"cluster|forget", "Removes a node from the cluster.", "O(1)", "node-id"},
      {"cluster|getkeysinslot", "Returns names of keys of a slot.", "O(N), N: keys returned", "slot:i count:i"},
      {"cluster|handover", "What nodes say to one another when slots move.", "O(1)", "step(BEGIN|MARK|END|DONE) [move:i]"},
      {"cluster|help", "Lists the subcommands.", "O(1)", ""},
      {"cluster|info", "Tells how the cluster is.", "O(1)", ""},
      {"cluster|keyslot", "Returns the slot of a key.", "O(N), N: octets of the key", "key"},
      {"cluster|links", "Lists the connections to other nodes.", "O(N), N: nodes", ""},
      {"cluster|meet", "Makes another node a member of the cluster.", "O(1)", "ip port:i [cluster_bus_port:i@4.0.0]"},
      {"cluster|myid", "Returns the id of this node.", "O(1)", ""},
      {"cluster|myshardid", "Returns the id of the shard that this node is in.", "O(1)", ""},
      {"cluster|nodes", "Lists all nodes and their slots, a line for each.", "O(N), N: nodes", ""},
      {"cluster|replicas", "Lists the replicas of a master.", "O(N), N: replicas", "node-id"},
      {"cluster|replicate", "Makes this node a replica of a master.", "O(1)", "node-id"},
      {"cluster|reset", "Makes this node forget its cluster.", "O(N), N: nodes known", "[hard_soft(HARD|SOFT)]"},
      {"cluster|saveconfig", "Writes what is known of the cluster to disk.", "O(1)", ""},
      {"cluster|set-config-epoch", "Sets the configuration epoch of a node that knows no other.", "O(1)", "config-epoch:i"},
      {"cluster|setslot", "Begins, ends or breaks off the move of a slot.", "O(1)",
       "slot:i subcommand(IMPORTING/node-id|MIGRATING/node-id|NODE/node-id|STABLE)"},
      {"cluster|shards", "Lists the shards with their nodes and slots.", "O(N), N: nodes", ""},
      {"cluster|slaves", "Lists the replicas of a master.", "O(N), N: replicas", "node-id"},
      {"cluster|slots", "Lists ranges of slots with the nodes that serve them.", "O(N), N: nodes", ""},
      {"readonly", "Lets this connection read from a replica in a cluster.", "O(1)", ""},
      {"readwrite", "Ends what READONLY began.", "O(1)", ""},
  };
  return rows;
}

}  // namespace chorus::cache::docs
