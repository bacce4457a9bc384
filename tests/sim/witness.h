// The order of transactions as the log files of a node tell it. A hint that the checker proves or refutes: what a transaction does, it
// takes from what clients asked. Parsed here again, apart from the server's own reader. Format: ZooKeeper's FileTxnLog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "world/sim/disk.h"

namespace chorus::coord_sim {

struct Transaction {
  std::int64_t session = 0;
  std::int32_t cxid = 0;  // the client's xid; 0: the server's own
  std::int64_t zxid = 0;
  std::int64_t time_ms = 0;
  std::int32_t type = 0;
  std::int32_t err = 0;        // of type -1
  std::string path;            // of deleteContainer
  std::uint32_t checksum = 0;  // of the entry in the log: differs when anything in it does
};

using FileContents = std::vector<std::pair<std::string, std::string>>;  // name, octets

/// Of all files log.<zxid>, in order. Those of a member of an ensemble may be stale, or miss what came as a snapshot. `trouble` is filled
/// when a file is not what its name says.
std::vector<Transaction> read_log(FileContents files, std::string& trouble);
/// Of all files log.<zxid> below `directory`, in order.
std::vector<Transaction> read_log(const sim::Disk& disk, const std::string& directory, std::string& trouble);
/// The same of a server that is alone, whose transactions must follow one another.
std::vector<Transaction> read_transactions(const sim::Disk& disk, const std::string& directory, std::string& trouble);

}  // namespace chorus::coord_sim
