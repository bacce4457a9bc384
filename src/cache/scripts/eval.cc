// EVAL and SCRIPT.
#include "base/text.h"
#include "cache/connection/help.h"
#include "cache/scripts/arguments.h"
#include "cache/scripts/handlers.h"

namespace chorus::cache {
namespace {

constexpr std::string_view no_script = "NOSCRIPT No matching script. Please use EVAL.";
constexpr std::size_t digest_digits = 40;

void run(Call& call, const Script& script, bool is_read_only, const ScriptWords& words) {
  call.server().scripts().run(call, {.kind = Scripts::Kind::script,
                                     .name = script.digest,
                                     .flags = script.flags,
                                     .is_read_only = is_read_only,
                                     .function = script.function,
                                     .keys = words.keys,
                                     .arguments = words.arguments});
}

void evaluate(Call& call, bool is_read_only) {
  const auto words = script_words(call, errors::not_integer);
  if (!words) return;
  const auto script = call.server().scripts().add(call[1], false);
  if (!script) return call.error(script.error());
  run(call, **script, is_read_only, *words);
}

void evaluate_digest(Call& call, bool is_read_only) {
  if (call[1].size() != digest_digits) return call.error(no_script);
  const auto words = script_words(call, errors::not_integer);
  if (!words) return;
  const Script* script = call.server().scripts().find(base::lower(call[1]));
  if (script == nullptr) return call.error(no_script);
  run(call, *script, is_read_only, *words);
}

}  // namespace

std::optional<ScriptWords> script_words(Call& call, std::string_view not_a_number) {
  const auto keys = call.integer(2, not_a_number);
  if (!keys) return {};
  if (*keys > static_cast<std::int64_t>(call.size()) - 3)
    return call.error("ERR Number of keys can't be greater than number of args"), std::nullopt;
  if (*keys < 0) return call.error("ERR Number of keys can't be negative"), std::nullopt;
  const auto count = static_cast<std::size_t>(*keys);
  return ScriptWords{.keys = call.arguments().subspan(3, count), .arguments = call.arguments().subspan(3 + count)};
}

void kill_script(Call& call, Scripts::Kind kind) {
  Scripts& scripts = call.server().scripts();
  const Scripts::Running* running = scripts.running();
  if (running == nullptr) return call.error("NOTBUSY No scripts in execution right now.");
  if (running->has_written) {
    return call.error(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or "
        "kill "
        "the server in a hard way using the SHUTDOWN NOSAVE command.");
  }
  if (running->kind != kind) return call.error(scripts.busy_error());
  scripts.kill();
  call.reply.ok();
}

bool takes_flush_mode(Call& call, std::string_view wrong) {
  if (call.size() == 2 || (call.size() == 3 && (call.is_word(2, "SYNC") || call.is_word(2, "ASYNC")))) return true;
  call.error(wrong);
  return false;
}

void eval(Call& call) { evaluate(call, false); }
void eval_ro(Call& call) { evaluate(call, true); }
void evalsha(Call& call) { evaluate_digest(call, false); }
void evalsha_ro(Call& call) { evaluate_digest(call, true); }

void script_load(Call& call) {
  const auto script = call.server().scripts().add(call[2], true);
  script ? call.reply.bulk((*script)->digest) : call.error(script.error());
}

void script_exists(Call& call) {
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) call.reply.integer(call.server().scripts().find(base::lower(call[i])) == nullptr ? 0 : 1);
}

void script_flush(Call& call) {
  if (!takes_flush_mode(call, "ERR SCRIPT FLUSH only support SYNC|ASYNC option")) return;
  call.server().scripts().forget_all();
  call.reply.ok();
}

void script_kill(Call& call) { kill_script(call, Scripts::Kind::script); }

void script_debug(Call& call) {
  if (call.is_word(2, "NO")) return call.reply.ok();
  // Its sessions stop the server, or fork it.
  if (call.is_word(2, "YES") || call.is_word(2, "SYNC")) return call.error("ERR The debugger of scripts is not available");
  call.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

void script_help(Call& call) {
  reply_help(call, {"DEBUG (YES|SYNC|NO)", "    Set the debug mode for subsequent scripts executed.", "EXISTS <sha1> [<sha1> ...]",
                    "    Return information about the existence of the scripts in the script cache.", "FLUSH [ASYNC|SYNC]",
                    "    Flush the Lua scripts cache. Very dangerous on replicas.",
                    "    When called without the optional mode argument, the behavior is determined by the",
                    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
                    "    * ASYNC: Asynchronously flush the scripts cache.", "    * SYNC: Synchronously flush the scripts cache.", "KILL",
                    "    Kill the currently executing Lua script.", "LOAD <script>",
                    "    Load a script into the scripts cache without executing it."});
}

}  // namespace chorus::cache
