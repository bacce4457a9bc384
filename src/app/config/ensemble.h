// From what was written of an ensemble to what a member of it needs, with the files that lie beside: myid and the dynamic configuration.
#pragma once

#include "app/config/load.h"
#include "world/files.h"

namespace chorus::app {

/// Fills coord.ensemble, server_id and the client address from `loaded`, once every key has its value. Adds to `problems` and to the notes.
/// Reads, and writes nothing. source: QuorumPeerConfig.parseDynamicConfig, setupMyId, setupClientPort, setupPeerType, checkValidity
void form_ensemble(world::Files& files, const std::string& config_file, Loaded& loaded, std::vector<std::string>& problems);

}  // namespace chorus::app
