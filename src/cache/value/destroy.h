// The end of values, and what they hold.
#pragma once

#include <cstddef>

#include "cache/value/entry.h"

namespace chorus::cache {

/// Elements of a collection (what freeing it takes time for); 1 of a string or of anything packed in one block.
std::size_t elements_of(const Entry& entry);
/// With all it holds, at once.
void destroy(Entry* entry);
/// Up to `items` elements, which are counted down; returns whether it is gone.
bool destroy_some(Entry* entry, std::size_t& items);
/// Octets of memory, all it holds included; of large tables as `samples` of their elements suggest (0: all are looked at).
std::size_t memory_of(const Entry& entry, std::size_t samples);
/// A deep copy under another key.
Entry* copy_of(const Entry& entry, std::string_view key, std::optional<std::int64_t> expiry);
/// "int", "embstr", "raw", "listpack", ... as OBJECT ENCODING says.
std::string_view encoding_name(const Entry& entry);

}  // namespace chorus::cache
