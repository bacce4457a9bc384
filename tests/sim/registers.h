// Nodes that clients use as registers, and what happened to each: for a judge of linearizability that is not ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "history.h"

namespace chorus::coord_sim {

/// "/register-<generation>-<number>": nodes of their own, so that each has a short history.
std::string register_path(std::uint64_t generation, std::uint64_t number);
bool is_register(const std::string& path);
/// The version of the register that a reply tells.
std::optional<std::int32_t> version_told(const Op& op, const Frame& reply);

struct RegisterOperation {
  enum class Kind { create, set, remove, read };
  Kind kind = Kind::read;
  std::string path;
  std::string client;
  std::string value;          // create, set: written
  std::int32_t version = -1;  // set, remove: the only one that it is for; -1: any
  std::int64_t called_ns = 0;
  std::optional<std::int64_t> returned_ns;  // empty: its fate is unknown
  std::int32_t err = 0;
  std::string found;                // read
  std::int32_t found_version = -1;  // read, set
};

struct RegisterHistory {
  std::vector<RegisterOperation> operations;
  std::size_t reads_left_out = 0;  // not behind a sync that a leader is known to have answered
};

/// All writes to registers by themselves (not in multis), and the reads that ZooKeeper promises to be linearizable: those behind a `sync`
/// of their connection. A leader that lost its followers answers a sync until it learns of that, so such a read counts only if a later
/// write of the connection was committed by the leader of the same epoch: at the time of the sync there was no other one then.
RegisterHistory register_history(const History& history);

/// One JSON object a line, as tests/chaos/porcupine reads it.
std::string to_json_lines(const RegisterHistory& history);

}  // namespace chorus::coord_sim
