// The parts of a snapshot file; whoever keeps the keys says which and when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/rdb/value_writer.h"

namespace chorus::cache::rdb {

/// All of them append to `out`.
void write_header(std::string& out, const WriteOptions& options);
void write_aux(std::string& out, std::string_view name, std::string_view value, const WriteOptions& options);
void write_function(std::string& out, std::string_view code, const WriteOptions& options);
/// The keys that follow are of that database.
void write_database(std::string& out, std::uint64_t db);
/// It has about so many: whoever reads it makes room for them.
void write_sizes(std::string& out, std::uint64_t keys, std::uint64_t expiring);
/// What stands before a key's value: its expiry, its use, its type and its name. The value follows (ValueWriter).
void write_key(std::string& out, const Entry& entry, const KeyUse& use, const WriteOptions& options);
/// The end. checksum: as end_checksum() gives it; 0: none was computed (rdbchecksum).
void write_end(std::string& out, std::uint64_t checksum);
/// The checksum of a file up to its last opcode, from that of all before.
std::uint64_t end_checksum(std::uint64_t before);

}  // namespace chorus::cache::rdb
