// The system's errors as NetError: what happened, to which address, and what to do.
#pragma once

#include "world/net.h"

namespace chorus::world::real {

/// error: an errno.
NetError listen_error(const Address& address, int error);
NetError connect_error(const Address& address, int error);
/// Of an established connection.
NetError stream_error(const Address& peer, int error);

}  // namespace chorus::world::real
