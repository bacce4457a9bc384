// The handlers of what puts values and whole data sets into files and payloads, one a command.
#pragma once

namespace chorus::cache {

class Call;
// ../append/commands.cc
void bgrewriteaof(Call& call);
void waitaof(Call& call);
// shutdown.cc
void shutdown(Call& call);
// dump.cc
void dump(Call& call);
void restore(Call& call);
// save.cc
void bgsave(Call& call);
void lastsave(Call& call);
void save(Call& call);

}  // namespace chorus::cache
