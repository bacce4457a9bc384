// The handlers of streams, one a command.
#pragma once

namespace chorus::cache {

class Call;
// change.cc
void xadd(Call& call);
void xdel(Call& call);
void xtrim(Call& call);
void xsetid(Call& call);
// range.cc
void xlen(Call& call);
void xrange(Call& call);
void xrevrange(Call& call);
// read.cc
void xread(Call& call);
void xreadgroup(Call& call);
// group.cc
void xgroup_create(Call& call);
void xgroup_createconsumer(Call& call);
void xgroup_delconsumer(Call& call);
void xgroup_destroy(Call& call);
void xgroup_setid(Call& call);
void xgroup_help(Call& call);
void xack(Call& call);
// pending.cc
void xpending(Call& call);
void xclaim(Call& call);
void xautoclaim(Call& call);
// info.cc
void xinfo_consumers(Call& call);
void xinfo_groups(Call& call);
void xinfo_stream(Call& call);
void xinfo_help(Call& call);

}  // namespace chorus::cache
