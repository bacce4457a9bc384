// The handlers of bitmaps, one a command.
#pragma once

namespace chorus::cache {

class Call;
// bitmaps.cc
void setbit(Call& call);
void getbit(Call& call);
void bitcount(Call& call);
void bitpos(Call& call);
void bitop(Call& call);
// bitfield.cc
void bitfield(Call& call);
void bitfield_ro(Call& call);

}  // namespace chorus::cache
