// The rows of each family of commands, where they are written.
#pragma once

#include "cache/command/command.h"

namespace chorus::cache {

std::span<const Command> connection_rows();
std::span<const Command> server_rows();
std::span<const Command> string_rows();
std::span<const Command> generic_rows();
std::span<const Command> transaction_rows();
std::span<const Command> hash_rows();
std::span<const Command> list_rows();
std::span<const Command> set_rows();
std::span<const Command> zset_rows();
std::span<const Command> bitmap_rows();
std::span<const Command> hyperloglog_rows();
std::span<const Command> persistence_rows();
std::span<const Command> pubsub_rows();
std::span<const Command> stream_rows();
std::span<const Command> geo_rows();
std::span<const Command> scripting_rows();
std::span<const Command> cluster_rows();
std::span<const Command> replication_rows();

}  // namespace chorus::cache
