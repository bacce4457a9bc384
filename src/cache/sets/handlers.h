// The handlers of sets, one a command.
#pragma once

namespace chorus::cache {

class Call;
// sets.cc
void sadd(Call& call);
void srem(Call& call);
void smove(Call& call);
void sismember(Call& call);
void smismember(Call& call);
void scard(Call& call);
void smembers(Call& call);
void spop(Call& call);
void srandmember(Call& call);
void sscan(Call& call);
// algebra.cc
void sinter(Call& call);
void sinterstore(Call& call);
void sintercard(Call& call);
void sunion(Call& call);
void sunionstore(Call& call);
void sdiff(Call& call);
void sdiffstore(Call& call);

}  // namespace chorus::cache
