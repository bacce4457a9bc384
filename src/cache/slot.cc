#include "cache/database.h"
#include "ring/slots.h"

namespace chorus::cache {

static_assert(slots == ring::slot_count);

std::uint16_t slot_of(std::string_view key) { return ring::key_slot(key); }

}  // namespace chorus::cache
