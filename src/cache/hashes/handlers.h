// The handlers of hashes, one a command.
#pragma once

namespace chorus::cache {

class Call;
// hashes.cc
void hdel(Call& call);
void hexists(Call& call);
void hget(Call& call);
void hgetall(Call& call);
void hincrby(Call& call);
void hincrbyfloat(Call& call);
void hkeys(Call& call);
void hlen(Call& call);
void hmget(Call& call);
void hmset(Call& call);
void hset(Call& call);
void hsetnx(Call& call);
void hstrlen(Call& call);
void hvals(Call& call);
// sample.cc
void hrandfield(Call& call);
void hscan(Call& call);

}  // namespace chorus::cache
