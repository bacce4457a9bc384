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
void module_help(Call& call);
void module_list(Call& call);
void monitor(Call& call);
// info.cc
void info(Call& call);
// config.cc
void config_get(Call& call);
void config_set(Call& call);
void config_resetstat(Call& call);
void config_rewrite(Call& call);
void config_help(Call& call);
// memory.cc
void memory_doctor(Call& call);
void memory_help(Call& call);
void memory_malloc_stats(Call& call);
void memory_purge(Call& call);
void memory_stats(Call& call);
void memory_usage(Call& call);
// slowlog.cc
void slowlog_get(Call& call);
void slowlog_help(Call& call);
void slowlog_len(Call& call);
void slowlog_reset(Call& call);
// latency.cc
void latency_doctor(Call& call);
void latency_graph(Call& call);
void latency_help(Call& call);
void latency_histogram(Call& call);
void latency_history(Call& call);
void latency_latest(Call& call);
void latency_reset(Call& call);
// debug.cc
void debug(Call& call);
// command.cc
void command(Call& call);
void command_count(Call& call);
void command_docs(Call& call);
void command_getkeys(Call& call);
void command_getkeysandflags(Call& call);
void command_help(Call& call);
void command_info(Call& call);
void command_list(Call& call);

}  // namespace chorus::cache
