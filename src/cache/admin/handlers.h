// The handlers of what is about the server, one a command.
#pragma once

namespace chorus::cache {

class Call;
// admin.cc
void dbsize(Call& call);
void flushall(Call& call);
void flushdb(Call& call);
void swapdb(Call& call);
void time(Call& call);
void memory_usage(Call& call);
void role(Call& call);
// info.cc
void info(Call& call);
// config.cc
void config_get(Call& call);
void config_set(Call& call);
void config_resetstat(Call& call);
void config_help(Call& call);
// command.cc
void command(Call& call);
void command_count(Call& call);
void command_docs(Call& call);
void command_getkeys(Call& call);
void command_help(Call& call);
void command_info(Call& call);
void command_list(Call& call);

}  // namespace chorus::cache
