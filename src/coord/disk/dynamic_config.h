// Where a member keeps the configurations that the ensemble agreed on. source: QuorumPeer.setQuorumVerifier, setLastSeenQuorumVerifier,
// QuorumPeerConfig
//
//   <path>.dynamic.<version>  the members, as committed by the transaction `version` (hexadecimal); the lines sorted, no version inside
//   <path>.dynamic.next       the members that were proposed last, version inside; gone once they are committed
//   <path>                    zoo.cfg: what it said of members gives way to one line that names the first of these files
//   <path>.bak                zoo.cfg as it was before it first gave way
//
// Each is replaced atomically. Calls block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "world/files.h"
#include "zab/config.h"

namespace chorus::coord::disk {

/// The words are for a person: which file, and what is wrong with it.
template <class T>
using ConfigResult = base::Result<T, std::string>;

std::string dynamic_config_path(const std::string& path, std::int64_t version);
/// What follows the last '.' of the name, as a hexadecimal number; empty when it is none.
std::optional<std::int64_t> dynamic_config_version(std::string_view path);
/// The file with the highest version; empty when there is none.
world::FileResult<std::optional<std::string>> newest_dynamic_config(world::Files& files, const std::string& path);

/// The version is the name's; 0 when it has none, and an error when it stands inside as well.
ConfigResult<zab::EnsembleConfig> read_dynamic_config(world::Files& files, const std::string& dynamic_path);
/// `<path>.dynamic.next`; empty when there is none.
ConfigResult<std::optional<zab::EnsembleConfig>> read_last_seen_config(world::Files& files, const std::string& path);

/// Keeps `config` as committed. `path` is absolute, since a process started elsewhere will look for what zoo.cfg points to. With
/// `is_zoo_cfg` the file `path` points to it from now on, and leaves clientPort out when the line of member `self` has a client address.
world::FileResult<void> keep_config(world::Files& files, const std::string& path, bool is_zoo_cfg, const zab::EnsembleConfig& config,
                                    zab::ServerId self);
world::FileResult<void> keep_last_seen_config(world::Files& files, const std::string& path, const zab::EnsembleConfig& config);
/// Fine when there is none.
world::FileResult<void> forget_last_seen_config(world::Files& files, const std::string& path);

/// Copies a zoo.cfg that holds its members itself to `<path>.bak`, as is done at each start with reconfigEnabled.
world::FileResult<void> back_up_zoo_cfg(world::Files& files, const std::string& path);

/// `text` of a zoo.cfg, changed as keep_config() does it. What a person wrote besides stays as it is, comments and order too.
std::string point_zoo_cfg_to(std::string_view text, const std::string& dynamic_path, bool without_client_address);

}  // namespace chorus::coord::disk
