// COMMAND DOCS of sorted set, geo. source of the arguments: COMMAND DOCS of redis-server 7.0
#include "cache/command/docs/docs.h"

namespace chorus::cache::docs {

std::span<const Row> zsets() {
  static constexpr Row rows[] = {
      {"bzmpop", "Takes the lowest or highest members of the first sorted set that has any, and waits for one.",
       "O(K)+O(M*log(N)), K: keys, N: members, M: members returned", "timeout:d numkeys:i key:k0... where(MIN|MAX) [COUNT/count:i]"},
      {"bzpopmax", "Takes the highest member of the first sorted set that has any, and waits for one.", "O(log(N)), N: members",
       "key:k0... timeout:d"},
      {"bzpopmin", "Takes the lowest member of the first sorted set that has any, and waits for one.", "O(log(N)), N: members",
       "key:k0... timeout:d"},
      {"zadd", "Adds members with their scores, or changes their scores.", "O(log(N)) for each member, N: members",
       "key:k0 [condition(NX|XX)@3.0.2] [comparison(GT|LT)@6.2.0] [change=CH@3.0.2] [increment=INCR@3.0.2] score_member{score:d "
       "member}..."},
      {"zcard", "Returns how many members a sorted set has.", "O(1)", "key:k0"},
      {"zcount", "Counts the members whose scores are in a range.", "O(log(N)), N: members", "key:k0 min:d max:d"},
      {"zdiff", "Returns the members of the first sorted set that no other has.",
       "O(L+(N-K)*log(N)), L: members of all, N: of the first, K: of the result", "numkeys:i key:k0... [WITHSCORES]"},
      {"zdiffstore", "Stores the members of the first sorted set that no other has.",
       "O(L+(N-K)*log(N)), L: members of all, N: of the first, K: of the result", "destination:k0 numkeys:i key:k1..."},
      {"zincrby", "Adds to the score of a member.", "O(log(N)), N: members", "key:k0 increment:i member"},
      {"zinter", "Returns the members that all sorted sets have.",
       "O(N*K)+O(M*log(M)), N: members of the smallest, K: keys, M: members of the result",
       "numkeys:i key:k0... [WEIGHTS/weight:i...] [AGGREGATE/aggregate(SUM|MIN|MAX)] [WITHSCORES]"},
      {"zintercard", "Counts the members that all sorted sets have.", "O(N*K), N: members of the smallest, K: keys",
       "numkeys:i key:k0... [LIMIT/limit:i]"},
      {"zinterstore", "Stores the members that all sorted sets have.",
       "O(N*K)+O(M*log(M)), N: members of the smallest, K: keys, M: members of the result",
       "destination:k0 numkeys:i key:k1... [WEIGHTS/weight:i...] [AGGREGATE/aggregate(SUM|MIN|MAX)]"},
      {"zlexcount", "Counts the members between two, where all scores are equal.", "O(log(N)), N: members", "key:k0 min max"},
      {"zmpop", "Takes the lowest or highest members of the first sorted set that has any.",
       "O(K)+O(M*log(N)), K: keys, N: members, M: members returned", "numkeys:i key:k0... where(MIN|MAX) [COUNT/count:i]"},
      {"zmscore", "Returns the scores of several members.", "O(N), N: members", "key:k0 member..."},
      {"zpopmax", "Takes the highest members.", "O(M*log(N)), N: members, M: members returned", "key:k0 [count:i]"},
      {"zpopmin", "Takes the lowest members.", "O(M*log(N)), N: members, M: members returned", "key:k0 [count:i]"},
      {"zrandmember", "Returns members drawn by chance.", "O(N), N: members returned", "key:k0 [options{count:i [WITHSCORES]}]"},
      {"zrange", "Returns members in a range of ranks, scores or names.", "O(log(N)+M), N: members, M: members returned",
       "key:k0 start stop [sortby(BYSCORE|BYLEX)@6.2.0] [REV@6.2.0] [LIMIT/offset_count{offset:i count:i}@6.2.0] [WITHSCORES]"},
      {"zrangebylex", "Returns the members between two, where all scores are equal.", "O(log(N)+M), N: members, M: members returned",
       "key:k0 min max [LIMIT/offset_count{offset:i count:i}]"},
      {"zrangebyscore", "Returns the members whose scores are in a range.", "O(log(N)+M), N: members, M: members returned",
       "key:k0 min:d max:d [WITHSCORES@2.0.0] [LIMIT/offset_count{offset:i count:i}]"},
      {"zrangestore", "Stores members in a range of ranks, scores or names.", "O(log(N)+M), N: members, M: members stored",
       "dst:k0 src:k1 min max [sortby(BYSCORE|BYLEX)] [REV] [LIMIT/offset_count{offset:i count:i}]"},
      {"zrank", "Returns the rank of a member, from the lowest score on.", "O(log(N)), N: members", "key:k0 member [WITHSCORE@7.2.0]"},
      {"zrem", "Removes members.", "O(M*log(N)), N: members, M: members removed", "key:k0 member..."},
      {"zremrangebylex", "Removes the members between two, where all scores are equal.", "O(log(N)+M), N: members, M: members removed",
       "key:k0 min max"},
      {"zremrangebyrank", "Removes members in a range of ranks.", "O(log(N)+M), N: members, M: members removed", "key:k0 start:i stop:i"},
      {"zremrangebyscore", "Removes the members whose scores are in a range.", "O(log(N)+M), N: members, M: members removed",
       "key:k0 min:d max:d"},
      {"zrevrange", "Returns members in a range of ranks, the highest score first.", "O(log(N)+M), N: members, M: members returned",
       "key:k0 start:i stop:i [WITHSCORES]"},
      {"zrevrangebylex", "Returns the members between two, where all scores are equal, backwards.",
       "O(log(N)+M), N: members, M: members returned", "key:k0 max min [LIMIT/offset_count{offset:i count:i}]"},
      {"zrevrangebyscore", "Returns the members whose scores are in a range, the highest first.",
       "O(log(N)+M), N: members, M: members returned", "key:k0 max:d min:d [WITHSCORES] [LIMIT/offset_count{offset:i count:i}]"},
      {"zrevrank", "Returns the rank of a member, from the highest score on.", "O(log(N)), N: members", "key:k0 member [WITHSCORE@7.2.0]"},
      {"zscan", "Goes over the members and scores of a sorted set, some at a time.", "O(1) a call, O(N) for all N members",
       "key:k0 cursor:i [MATCH/pattern:p] [COUNT/count:i]"},
      {"zscore", "Returns the score of a member.", "O(1)", "key:k0 member"},
      {"zunion", "Returns the members that any of the sorted sets has.", "O(N)+O(M*log(M)), N: members of all, M: members of the result",
       "numkeys:i key:k0... [WEIGHTS/weight:i...] [AGGREGATE/aggregate(SUM|MIN|MAX)] [WITHSCORES]"},
      {"zunionstore", "Stores the members that any of the sorted sets has.",
       "O(N)+O(M*log(M)), N: members of all, M: members of the result",
       "destination:k0 numkeys:i key:k1... [WEIGHTS/weight:i...] [AGGREGATE/aggregate(SUM|MIN|MAX)]"},
      {"geoadd", "Adds members with their places, or changes their places.", "O(log(N)) for each member, N: members",
       "key:k0 [condition(NX|XX)@6.2.0] [change=CH@6.2.0] longitude_latitude_member{longitude:d latitude:d member}..."},
      {"geodist", "Returns the distance between two members.", "O(1)", "key:k0 member1 member2 [unit(M|KM|FT|MI)]"},
      {"geohash", "Returns the places of members as geohashes.", "O(1) for each member", "key:k0 member..."},
      {"geopos", "Returns the longitudes and latitudes of members.", "O(1) for each member", "key:k0 member..."},
      {"georadius", "Finds members within a distance of a place, and may store them.", "O(N+log(M)), N: members around it, M: all members",
       "key:k0 longitude:d latitude:d radius:d unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT/count:i "
       "[ANY@6.2.0]}] [order(ASC|DESC)] [STORE/key:k1] [STOREDIST/key:k2]"},
      {"georadius_ro", "Finds members within a distance of a place.", "O(N+log(M)), N: members around it, M: all members",
       "key:k0 longitude:d latitude:d radius:d unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT/count:i "
       "[ANY@6.2.0]}] [order(ASC|DESC)]"},
      {"georadiusbymember", "Finds members within a distance of a member, and may store them.",
       "O(N+log(M)), N: members around it, M: all members",
       "key:k0 member radius:d unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT/count:i [ANY]}] "
       "[order(ASC|DESC)] [STORE/key:k1] [STOREDIST/key:k2]"},
      {"georadiusbymember_ro", "Finds members within a distance of a member.", "O(N+log(M)), N: members around it, M: all members",
       "key:k0 member radius:d unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT/count:i [ANY]}] "
       "[order(ASC|DESC)]"},
      {"geosearch", "Finds members within a circle or a box.", "O(N+log(M)), N: members around it, M: all members",
       "key:k0 from(FROMMEMBER/member|FROMLONLAT/longitude_latitude{longitude:d latitude:d}) by(circle{BYRADIUS/radius:d "
       "unit(M|KM|FT|MI)}|box{BYBOX/width:d height:d unit(M|KM|FT|MI)}) [order(ASC|DESC)] [count{COUNT/count:i "
       "[ANY]}] [WITHCOORD] [WITHDIST] [WITHHASH]"},
      {"geosearchstore", "Finds members within a circle or a box and stores them.", "O(N+log(M)), N: members around it, M: all members",
       "destination:k0 source:k1 from(FROMMEMBER/member|FROMLONLAT/longitude_latitude{longitude:d latitude:d}) by(circle{BYRADIUS/radius:d "
       "unit(M|KM|FT|MI)}|box{BYBOX/width:d height:d unit(M|KM|FT|MI)}) [order(ASC|DESC)] [count{COUNT/count:i "
       "[ANY]}] [STOREDIST]"},
  };
  return rows;
}

}  // namespace chorus::cache::docs
