// The handlers of scripts and functions, one a command.
#pragma once

namespace chorus::cache {

class Call;
// eval.cc
void eval(Call& call);
void eval_ro(Call& call);
void evalsha(Call& call);
void evalsha_ro(Call& call);
void script_debug(Call& call);
void script_exists(Call& call);
void script_flush(Call& call);
void script_help(Call& call);
void script_kill(Call& call);
void script_load(Call& call);
// function.cc
void fcall(Call& call);
void fcall_ro(Call& call);
void function_delete(Call& call);
void function_dump(Call& call);
void function_dump(Call& call);
void function_flush(Call& call);
void function_help(Call& call);
void function_kill(Call& call);
void function_list(Call& call);
void function_load(Call& call);
void function_restore(Call& call);
void function_restore(Call& call);
void function_stats(Call& call);

}  // namespace chorus::cache
