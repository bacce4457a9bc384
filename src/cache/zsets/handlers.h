// The handlers of sorted sets, one a command.
#pragma once

namespace chorus::cache {

class Call;
// change.cc
void zadd(Call& call);
void zincrby(Call& call);
void zrem(Call& call);
void zremrangebyrank(Call& call);
void zremrangebyscore(Call& call);
void zremrangebylex(Call& call);
// read.cc
void zcard(Call& call);
void zscore(Call& call);
void zmscore(Call& call);
void zrank(Call& call);
void zrevrank(Call& call);
void zcount(Call& call);
void zlexcount(Call& call);
void zrandmember(Call& call);
void zscan(Call& call);
// range.cc
void zrange(Call& call);
void zrangestore(Call& call);
void zrevrange(Call& call);
void zrangebyscore(Call& call);
void zrevrangebyscore(Call& call);
void zrangebylex(Call& call);
void zrevrangebylex(Call& call);
// pop.cc
void zpopmin(Call& call);
void zpopmax(Call& call);
void zmpop(Call& call);
void bzpopmin(Call& call);
void bzpopmax(Call& call);
void bzmpop(Call& call);
// algebra.cc
void zunion(Call& call);
void zunionstore(Call& call);
void zinter(Call& call);
void zinterstore(Call& call);
void zintercard(Call& call);
void zdiff(Call& call);
void zdiffstore(Call& call);

}  // namespace chorus::cache
