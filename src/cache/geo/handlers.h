// The handlers of places, one a command. Their members are those of sorted sets.
#pragma once

namespace chorus::cache {

class Call;
// geo.cc
void geoadd(Call& call);
void geodist(Call& call);
void geohash(Call& call);
void geopos(Call& call);
// search.cc
void geosearch(Call& call);
void geosearchstore(Call& call);
void georadius(Call& call);
void georadius_ro(Call& call);
void georadiusbymember(Call& call);
void georadiusbymember_ro(Call& call);

}  // namespace chorus::cache
