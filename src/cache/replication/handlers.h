// The handlers of what is about replication, one a command.
#pragma once

namespace chorus::cache {

class Call;
// serve.cc
void psync(Call& call);
void replconf(Call& call);
void sync(Call& call);
// follow.cc
void replicaof(Call& call);
void role(Call& call);
// wait.cc
void failover(Call& call);
void wait(Call& call);

}  // namespace chorus::cache
