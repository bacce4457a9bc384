// Who is in the ensemble, as its leader changes it. source: PrepRequestProcessor (OpCode.reconfig), QuorumPeer, Leader.isQuorumSynced
#pragma once

#include <cstdint>
#include <set>
#include <string_view>

#include "base/result.h"
#include "jute/constants.h"
#include "jute/records.h"
#include "zab/config.h"

namespace chorus::coord {

/// The node that holds the configuration's text.
inline constexpr std::string_view config_node_path = "/zookeeper/config";

struct Membership {
  zab::EnsembleConfig config;      // proposed last
  bool is_pending = false;         // and not committed yet
  std::set<zab::ServerId> synced;  // members in step with the leader, itself included

  /// What the members would be after this request, the transaction `zxid`; refused with the error that ZooKeeper checks for first.
  base::Result<zab::EnsembleConfig, jute::ErrorCode> after(const jute::ReconfigRequest& request, std::int64_t zxid,
                                                           bool standalone_enabled) const;
};

}  // namespace chorus::coord
