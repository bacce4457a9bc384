// Making connections: by listening, and by calling.
#pragma once

#include "world/real/core.h"

namespace chorus::world::real {

NetResult<std::unique_ptr<Listener>> listen(Core& core, const Address& address, const ListenOptions& options, OnAccept on_accept);
void connect(Core& core, const Address& address, const ConnectOptions& options, OnConnect on_connect);

}  // namespace chorus::world::real
