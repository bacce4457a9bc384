// What DEBUG DIGEST tells of keys and values: the same for the same data, whatever its encoding, its order in memory, and its server. As
// Redis 7.0 computes it, so that the two can be compared.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "cache/database.h"

namespace chorus::cache {

using Digest = std::array<unsigned char, 20>;

/// Of a value, and of whether it expires; the key's name is not in it.
Digest digest_of(Entry& entry);
/// Adds all keys of a database, unless it is empty. Takes as long as reading all of them.
void add_database(Digest& digest, std::uint32_t number, const Database& database);
/// 40 digits in hexadecimal.
std::string to_hex(const Digest& digest);

}  // namespace chorus::cache
