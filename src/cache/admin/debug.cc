// DEBUG: what test suites and people in trouble need. Off unless it is turned on (enable-debug-command).
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/text.h"
#include "cache/admin/handlers.h"
#include "cache/admin/parameter_values.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/debug/handlers.h"
#include "cache/resp/glob.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

/// A server that slept longer would be taken for dead.
constexpr double sleep_seconds_max = 86'400;
constexpr std::int64_t string_octets_max = 64 << 20;

void sleep(Call& call) {
  const auto seconds = call.real(2);
  if (!seconds) return;
  if (*seconds > 0) call.server().sleep(static_cast<std::int64_t>(std::min(*seconds, sleep_seconds_max) * 1e6));
  call.reply.ok();
}

void set_active_expire(Call& call) {
  call.server().set_active_expiry(call[2] != "0");
  call.reply.ok();
}

/// Nodes of our lists hold an element of any size, so there is nothing to be set; what Redis refuses is refused.
void packed_threshold(Call& call) {
  std::int64_t octets = 0;
  if (!parse_octets(call[2], 0, std::numeric_limits<std::int64_t>::max(), octets).empty()) {
    return call.error("ERR argument must be a memory value");
  }
  if (octets > (std::int64_t{1} << 32) - (1 << 20))
    return call.error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  call.reply.ok();
}

void stringmatch_len(Call& call) {
  const auto length = call.integer(2);
  if (!length) return;
  if (*length < 0 || *length > string_octets_max) return call.error(errors::not_integer);
  call.reply.integer(glob_matches(call[3], std::string(static_cast<std::size_t>(*length), 'a'), false) ? 1 : 0);
}

void populate(Call& call) {
  const auto count = call.integer(2);
  if (!count) return;
  if (*count < 0) return call.error(errors::not_positive);
  const std::string_view prefix = call.size() > 3 ? call[3] : "key";
  std::int64_t octets = 0;
  if (call.size() > 4) {
    const auto given = call.integer(4);
    if (!given) return;
    if (*given < 0 || *given > string_octets_max) return call.error(errors::not_positive);
    octets = *given;
  }
  for (std::int64_t i = 0; i < *count; ++i) {
    const std::string key = fmt::format("{}:{}", prefix, i);
    if (call.write(key) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (octets > 0) value.resize(static_cast<std::size_t>(octets));
    call.insert(Entry::make_string(key, value));
    call.changed_quietly(key);
    call.effect({"SET", key, value});
  }
  call.reply.ok();
}

/// Each type of a reply, for those who write clients.
void protocol(Call& call) {
  Reply& reply = call.reply;
  const std::string type = base::lower(call[2]);
  if (type == "string") return reply.bulk("Hello World");
  if (type == "integer") return reply.integer(12345);
  if (type == "double") return reply.real(3.141);
  if (type == "null") return reply.null();
  if (type == "bignum") return reply.big_number("1234567999999999999999999999999999999");
  if (type == "true" || type == "false") return reply.boolean(type == "true");
  if (type == "verbatim") return reply.verbatim("txt", "This is a verbatim\nstring");
  if (type == "array" || type == "set") {
    type == "array" ? reply.array(3) : reply.set(3);
    for (int i = 0; i < 3; ++i) reply.integer(i);
    return;
  }
  if (type == "map") {
    reply.map(3);
    for (int i = 0; i < 3; ++i) {
      reply.integer(i);
      reply.boolean(i == 1);
    }
    return;
  }
  if (type == "attrib") {
    if (reply.protocol() > 2) {
      reply.attribute(1);
      reply.bulk("key-popularity");
      reply.array(2);
      reply.bulk("key:123");
      reply.integer(90);
    }
    return reply.bulk("Some real reply following the attribute");
  }
  if (type == "push") {
    if (reply.protocol() < 3) return call.error("ERR RESP2 is not supported by this command");
    Reply pushed(call.client().pushes, reply.protocol());
    pushed.push(2);
    pushed.bulk("server-cpu-usage");
    pushed.integer(42);
    return reply.bulk("Some real reply following the push reply");
  }
  call.error(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

void fail(Call& call) { call.error(call[2].starts_with('-') ? call[2].substr(1) : call[2]); }

void log(Call& call) {
  constexpr int warning = 3;
  call.server().log(warning, fmt::format("debug log text=\"{}\"", call[2]));
  call.reply.ok();
}

void pause_cron(Call& call) {
  call.server().pause_housekeeping(call[2] != "0");
  call.reply.ok();
}

void allow_denied_in_scripts(Call& call) {
  call.server().scripts().allow_denied(call[2] != "0");
  call.reply.ok();
}

void change_replication_id(Call& call) {
  call.server().change_replication_id();
  call.reply.ok();
}

void load_log(Call& call) {
  if (!call.server().append_state().is_on) return call.error("ERR Error trying to load the AOF files, check server logs.");
  call.server().reload_log(call.client(), call.command());
}

void help(Call& call) {
  constexpr std::string_view lines[] = {"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                                        "CHANGE-REPL-ID",
                                        "    Change the replication IDs of the instance.",
                                        "DIGEST",
                                        "    Reply with a digest of all keys and values: equal where the data is.",
                                        "DIGEST-VALUE <key> [<key> ...]",
                                        "    The same of the values of each <key>.",
                                        "ERROR <string>",
                                        "    Return an error with the text <string>.",
                                        "HTSTATS <dbid>",
                                        "    Show how full the hash tables of a database are.",
                                        "HTSTATS-KEY <key>",
                                        "    The same of the value of <key>.",
                                        "LISTPACK <key>",
                                        "    Show the elements of a packed value as they lie.",
                                        "LOADAOF",
                                        "    Write the append log out, and load all data from it again.",
                                        "LOG <message>",
                                        "    Write <message> to the log.",
                                        "OBJECT <key>",
                                        "    Show how the value of <key> is kept.",
                                        "PAUSE-CRON <0|1>",
                                        "    Stop what is done from time to time: expiry, save points, limits of clients.",
                                        "POPULATE <count> [<prefix>] [<size>]",
                                        "    Create <count> string keys named <prefix>:<num>, \"key\" without one.",
                                        "PROTOCOL <type>",
                                        "    Reply with a test value of the specified type.",
                                        "QUICKLIST <key> [<0|1>]",
                                        "    Show the nodes of a list, with 1 their elements as well.",
                                        "QUICKLIST-PACKED-THRESHOLD <size>",
                                        "    Taken and without effect: elements of any size are packed.",
                                        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
                                        "    Save a snapshot (unless NOSAVE), remove all data (unless NOFLUSH), load it. With",
                                        "    MERGE, keys that are there are replaced; without, they are an error.",
                                        "SET-ACTIVE-EXPIRE <0|1>",
                                        "    Set to 0 to let keys expire only when they are asked for.",
                                        "SET-DISABLE-DENY-SCRIPTS <0|1>",
                                        "    Set to 1 to let scripts run DEBUG, CONFIG GET and SET, CLIENT ID, INFO and LIST.",
                                        "SLEEP <seconds>",
                                        "    Stop the server for <seconds>. Decimals allowed.",
                                        "STRINGMATCH-LEN <len> <pattern>",
                                        "    Match <pattern> against a string of <len> times 'a'.",
                                        "HELP",
                                        "    Print this help."};
  call.reply.array(std::size(lines));
  for (const std::string_view line : lines) call.reply.simple(line);
}

constexpr std::size_t arguments_most = std::numeric_limits<std::size_t>::max();
struct Subcommand {
  std::string_view name;
  std::size_t least, most;  // arguments, DEBUG and its own name among them
  void (*run)(Call& call);
};
constexpr Subcommand subcommands[] = {
    {"CHANGE-REPL-ID", 2, 2, change_replication_id},
    {"DIGEST", 2, 2, debug_digest},
    {"DIGEST-VALUE", 2, arguments_most, debug_digest_value},
    {"ERROR", 3, 3, fail},
    {"HELP", 2, 2, help},
    {"HTSTATS", 3, 3, debug_htstats},
    {"HTSTATS-KEY", 3, 3, debug_htstats_key},
    {"LISTPACK", 3, 3, debug_listpack},
    {"LOADAOF", 2, 2, load_log},
    {"LOG", 3, 3, log},
    {"OBJECT", 3, 3, debug_object},
    {"PAUSE-CRON", 3, 3, pause_cron},
    {"POPULATE", 3, 5, populate},
    {"PROTOCOL", 3, 3, protocol},
    {"QUICKLIST", 3, 4, debug_quicklist},
    {"QUICKLIST-PACKED-THRESHOLD", 3, 3, packed_threshold},
    {"RELOAD", 2, arguments_most, debug_reload},
    {"SET-ACTIVE-EXPIRE", 3, 3, set_active_expire},
    {"SET-DISABLE-DENY-SCRIPTS", 3, 3, allow_denied_in_scripts},
    {"SLEEP", 3, 3, sleep},
    {"STRINGMATCH-LEN", 4, 4, stringmatch_len},
};

}  // namespace

void debug(Call& call) {
  for (const Subcommand& each : subcommands) {
    if (call.is_word(1, each.name) && call.size() >= each.least && call.size() <= each.most) return each.run(call);
  }
  reply_wrong_subcommand(call);
}

}  // namespace chorus::cache
