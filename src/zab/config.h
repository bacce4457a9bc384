// Who is in the ensemble, and which of them make a quorum. source: QuorumVerifier, QuorumMaj, QuorumHierarchical, QuorumPeer.QuorumServer
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "world/net.h"
#include "zab/types.h"

namespace chorus::zab {

struct Member {
  /// Several when the server can be reached over several networks; as many election addresses, in the same order.
  std::vector<world::Address> quorum_addresses;
  std::vector<world::Address> election_addresses;
  bool is_observer = false;
  std::optional<world::Address> client_address;
  friend bool operator==(const Member&, const Member&) = default;
};

struct EnsembleConfig {
  std::map<ServerId, Member> members;
  std::map<ServerId, std::int64_t> groups;   // which group a voter is in; empty: simple majorities
  std::map<ServerId, std::int64_t> weights;  // 1 where absent
  std::int64_t version = 0;                  // zxid of the reconfiguration that made it

  bool is_voter(ServerId id) const;
  std::size_t voters() const;
  std::int64_t weight(ServerId id) const;
  /// Whether those for which `has` holds are a quorum of the voters.
  bool is_quorum(const std::function<bool(ServerId)>& has) const;

  /// The lines that members send one another and keep: members ascending, no newline after the last; reference 14.1.
  std::string to_text() const;
  friend bool operator==(const EnsembleConfig&, const EnsembleConfig&) = default;
};

/// Reads to_text() and what people write: Java properties with server.N, group.N, weight.N, version. The words of the error are for them.
base::Result<EnsembleConfig, std::string> parse_config(std::string_view text);
/// "host:quorum:election[:role][;[clientHost:]clientPort]", several addresses joined by '|'.
base::Result<Member, std::string> parse_member(std::string_view spec);

}  // namespace chorus::zab
