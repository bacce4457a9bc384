// The sections of INFO, each its heading and its lines.
#pragma once

#include <cstddef>
#include <string>

#include "cache/server.h"

namespace chorus::cache {

/// "1.50M"
std::string human_octets(std::size_t octets);
/// What a part is of a whole, of which 0 counts as 1.
double ratio(std::size_t part, std::size_t whole);

// info.cc
std::string server_section(Server& server);
std::string clients_section(Server& server);
std::string persistence_section(Server& server);
std::string cluster_section(Server& server);
std::string modules_section(Server& server);
std::string keyspace_section(Server& server);
// replication/info.cc
std::string replication_section(Server& server);
// info_stats.cc
std::string memory_section(Server& server);
std::string stats_section(Server& server);
std::string cpu_section(Server& server);
std::string commandstats_section(Server& server);
std::string errorstats_section(Server& server);
std::string latencystats_section(Server& server);

}  // namespace chorus::cache
