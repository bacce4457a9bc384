// The handlers of strings, one a command.
#pragma once

namespace chorus::cache {

class Call;
// set.cc
void set(Call& call);
void setnx(Call& call);
void setex(Call& call);
void psetex(Call& call);
void get(Call& call);
void getset(Call& call);
void getdel(Call& call);
void getex(Call& call);
void mget(Call& call);
void mset(Call& call);
void msetnx(Call& call);
// change.cc
void append(Call& call);
void strlen(Call& call);
void getrange(Call& call);
void setrange(Call& call);
void incr(Call& call);
void decr(Call& call);
void incrby(Call& call);
void decrby(Call& call);
void incrbyfloat(Call& call);
// lcs.cc
void lcs(Call& call);

}  // namespace chorus::cache
