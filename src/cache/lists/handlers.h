// The handlers of lists, one a command.
#pragma once

namespace chorus::cache {

class Call;
// push_pop.cc
void lpush(Call& call);
void rpush(Call& call);
void lpushx(Call& call);
void rpushx(Call& call);
void lpop(Call& call);
void rpop(Call& call);
void lmpop(Call& call);
void lmove(Call& call);
void rpoplpush(Call& call);
void blpop(Call& call);
void brpop(Call& call);
void blmpop(Call& call);
void blmove(Call& call);
void brpoplpush(Call& call);
// lists.cc
void llen(Call& call);
void lindex(Call& call);
void lrange(Call& call);
void lset(Call& call);
void ltrim(Call& call);
void lrem(Call& call);
void linsert(Call& call);
void lpos(Call& call);

}  // namespace chorus::cache
