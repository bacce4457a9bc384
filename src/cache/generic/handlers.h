// The handlers of what works on keys of every type, one a command.
#pragma once

namespace chorus::cache {

class Call;
// keys.cc
void del(Call& call);
void unlink(Call& call);
void exists(Call& call);
void touch(Call& call);
void type(Call& call);
void rename(Call& call);
void renamenx(Call& call);
void copy(Call& call);
void move(Call& call);
void randomkey(Call& call);
// expire.cc
void expire(Call& call);
void pexpire(Call& call);
void expireat(Call& call);
void pexpireat(Call& call);
void ttl(Call& call);
void pttl(Call& call);
void expiretime(Call& call);
void pexpiretime(Call& call);
void persist(Call& call);
// scan.cc
void keys(Call& call);
void scan(Call& call);
// object.cc
void object_encoding(Call& call);
void object_freq(Call& call);
void object_idletime(Call& call);
void object_refcount(Call& call);
void object_help(Call& call);
// sort.cc
void sort(Call& call);
void sort_ro(Call& call);

}  // namespace chorus::cache
