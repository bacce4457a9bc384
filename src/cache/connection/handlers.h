// The handlers of what is about the connection, one a command.
#pragma once

namespace chorus::cache {

class Call;
// connection.cc
void auth(Call& call);
void echo(Call& call);
void hello(Call& call);
void ping(Call& call);
void quit(Call& call);
void reset(Call& call);
void select(Call& call);
// client.cc
// tracking.cc
void client_caching(Call& call);
void client_getredir(Call& call);
void client_tracking(Call& call);
void client_trackinginfo(Call& call);
// client.cc
void client_pause(Call& call);
void client_unpause(Call& call);
void client_getname(Call& call);
void client_help(Call& call);
void client_id(Call& call);
void client_info(Call& call);
void client_kill(Call& call);
void client_list(Call& call);
void client_no_evict(Call& call);
void client_no_touch(Call& call);
void client_reply(Call& call);
void client_setinfo(Call& call);
void client_setname(Call& call);
void client_unblock(Call& call);

}  // namespace chorus::cache
