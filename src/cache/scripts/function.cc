// FUNCTION and FCALL.
#include <fmt/format.h>

#include <algorithm>

#include "cache/connection/help.h"
#include "cache/rdb/payload.h"
#include "cache/resp/glob.h"
#include "cache/scripts/arguments.h"
#include "cache/scripts/handlers.h"

namespace chorus::cache {
namespace {

void call_function(Call& call, bool is_read_only) {
  Scripts& scripts = call.server().scripts();
  const Function* function = scripts.find_function(call[1]);
  if (function == nullptr) return call.error("ERR Function not found");
  const auto words = script_words(call, "ERR Bad number of keys provided");
  if (!words) return;
  scripts.run(call, {.kind = Scripts::Kind::function,
                     .name = function->name,
                     .flags = function->flags,
                     .is_read_only = is_read_only,
                     .function = function->callback,
                     .keys = words->keys,
                     .arguments = words->arguments});
}

void reply_function(Call& call, const Function& function) {
  call.reply.map(3);
  call.reply.bulk("name");
  call.reply.bulk(function.name);
  call.reply.bulk("description");
  function.has_description ? call.reply.bulk(function.description) : call.reply.null();
  call.reply.bulk("flags");
  const auto flags = function.flags.names();
  call.reply.set(flags.size());
  for (const std::string_view flag : flags) call.reply.simple(flag);
}

void reply_library(Call& call, const Library& library, bool with_code) {
  call.reply.map(with_code ? 4 : 3);
  call.reply.bulk("library_name");
  call.reply.bulk(library.name);
  call.reply.bulk("engine");
  call.reply.bulk("LUA");
  call.reply.bulk("functions");
  call.reply.array(library.functions.size());
  for (const auto& [name, function] : library.functions) reply_function(call, function);
  if (!with_code) return;
  call.reply.bulk("library_code");
  call.reply.bulk(library.source);
}

}  // namespace

void fcall(Call& call) { call_function(call, false); }
void fcall_ro(Call& call) { call_function(call, true); }

void function_load(Call& call) {
  bool replaces = false;
  for (std::size_t i = 2; i + 1 < call.size(); ++i) {
    if (!call.is_word(i, "REPLACE")) return call.error(fmt::format("ERR Unknown option given: {}", call[i]));
    replaces = true;
  }
  const auto name = call.server().scripts().load(call[call.size() - 1], replaces);
  if (!name) return call.error(name.error());
  call.changed();
  call.reply.bulk(*name);
}

void function_delete(Call& call) {
  if (!call.server().scripts().remove(call[2])) return call.error("ERR Library not found");
  call.changed();
  call.reply.ok();
}

void function_dump(Call& call) {
  std::vector<std::string_view> sources;
  for (const auto& [name, library] : call.server().scripts().libraries()) sources.push_back(library->source);
  call.reply.bulk(rdb::make_functions_payload(sources, call.options().rdb));
}

void function_restore(Call& call) {
  if (call.size() > 4) return reply_wrong_subcommand(call);
  auto policy = Scripts::Restore::append;
  if (call.size() == 4) {
    if (call.is_word(3, "FLUSH")) {
      policy = Scripts::Restore::flush;
    } else if (call.is_word(3, "REPLACE")) {
      policy = Scripts::Restore::replace;
    } else if (!call.is_word(3, "APPEND")) {
      return call.error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  const auto sources = rdb::read_functions_payload(call[2]);
  if (!sources) {
    switch (sources.error()) {
      case rdb::FunctionsErrc::checksum:
        return call.error("ERR DUMP payload version or checksum are wrong");
      case rdb::FunctionsErrc::type:
        return call.error("ERR given type is not a function");
      case rdb::FunctionsErrc::format:
        return call.error("ERR failed loading the given functions payload");
    }
  }
  if (const auto done = call.server().scripts().restore(*sources, policy); !done) return call.error(done.error());
  call.changed();
  call.reply.ok();
}

void function_flush(Call& call) {
  if (call.size() > 3) return reply_wrong_subcommand(call);
  if (!takes_flush_mode(call, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option")) return;
  call.server().scripts().remove_all();
  call.changed();
  call.reply.ok();
}

void function_kill(Call& call) { kill_script(call, Scripts::Kind::function); }

void function_list(Call& call) {
  std::optional<std::string_view> pattern;
  bool with_code = false;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (!with_code && call.is_word(i, "WITHCODE")) {
      with_code = true;
    } else if (!pattern && call.is_word(i, "LIBRARYNAME")) {
      if (i + 1 >= call.size()) return call.error("ERR library name argument was not given");
      pattern = call[++i];
    } else {
      return call.error(fmt::format("ERR Unknown argument {}", call[i]));
    }
  }
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  for (const auto& [name, library] : call.server().scripts().libraries()) {
    if (pattern && !glob_matches(*pattern, name, true)) continue;
    reply_library(call, *library, with_code);
    ++count;
  }
  call.reply.end_array(mark, count);
}

void function_stats(Call& call) {
  const Scripts& scripts = call.server().scripts();
  const Scripts::Running* running = scripts.running();
  call.reply.map(2);
  call.reply.bulk("running_script");
  if (running == nullptr || running->kind != Scripts::Kind::function) {
    call.reply.null();
  } else {
    call.reply.map(3);
    call.reply.bulk("name");
    call.reply.bulk(running->name);
    call.reply.bulk("command");
    call.reply.array(running->call->size());
    for (const std::string_view word : running->call->arguments()) call.reply.bulk(word);
    call.reply.bulk("duration_ms");
    call.reply.integer((call.server().now().monotonic_us - running->started_us) / 1000);
  }
  call.reply.bulk("engines");
  call.reply.map(1);
  call.reply.bulk("LUA");
  call.reply.map(2);
  call.reply.bulk("libraries_count");
  call.reply.integer(static_cast<std::int64_t>(scripts.libraries().size()));
  call.reply.bulk("functions_count");
  call.reply.integer(static_cast<std::int64_t>(scripts.functions()));
}

void function_help(Call& call) {
  reply_help(call, {"LOAD [REPLACE] <FUNCTION CODE>",
                    "    Create a new library with the given library name and code.",
                    "DELETE <LIBRARY NAME>",
                    "    Delete the given library.",
                    "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
                    "    Return general information on all the libraries:",
                    "    * Library name",
                    "    * The engine used to run the Library",
                    "    * Library description",
                    "    * Functions list",
                    "    * Library code (if WITHCODE is given)",
                    "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
                    "STATS",
                    "    Return information about the current function running:",
                    "    * Function name",
                    "    * Command used to run the function",
                    "    * Duration in MS that the function is running",
                    "    If no function is running, return nil",
                    "    In addition, returns a list of available engines.",
                    "KILL",
                    "    Kill the current running function.",
                    "FLUSH [ASYNC|SYNC]",
                    "    Delete all the libraries.",
                    "    When called without the optional mode argument, the behavior is determined by the",
                    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
                    "    * ASYNC: Asynchronously flush the libraries.",
                    "    * SYNC: Synchronously flush the libraries.",
                    "DUMP",
                    "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
                    "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
                    "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
                    "    control how to handle existing libraries (default APPEND):",
                    "    * FLUSH: delete all existing libraries.",
                    "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
                    "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
                    "      libraries with the new libraries (notice that even on this option there is a chance of failure",
                    "      in case of functions name collision with another library)."});
}

}  // namespace chorus::cache
