// CLIENT.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cache/acl/acl.h"
#include "cache/call.h"
#include "cache/connection/handlers.h"
#include "cache/connection/help.h"
#include "cache/connection/names.h"

namespace chorus::cache {
namespace {

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

/// "on" or "off" in any case; else the error is replied.
std::optional<bool> on_or_off(Call& call, std::size_t at) {
  if (call.is_word(at, "ON")) return true;
  if (call.is_word(at, "OFF")) return false;
  call.error(errors::syntax);
  return {};
}

bool is_type_known(std::string_view type) {
  return type == "normal" || type == "master" || type == "replica" || type == "slave" || type == "pubsub";
}

bool is_of_type(const Client& client, std::string_view type) {
  if (client.is_primary) return type == "master";
  if (client.is_replica) return type == "replica" || type == "slave";
  return type == (client.is_subscribed() ? "pubsub" : "normal");
}

}  // namespace

bool set_client_name(Call& call, std::string_view name) {
  if (!is_printable(name)) {
    call.error("ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  call.client().name = name;
  return true;
}

std::string describe(Server& server, const Client& client) {
  std::string flags;
  if (client.is_replica) flags += 'S';
  if (client.is_primary) flags += 'M';
  if (client.is_monitor) flags += 'O';
  if (client.is_subscribed()) flags += 'P';
  if (client.transaction) flags += 'x';
  if (client.blocked != nullptr || !client.held.empty()) flags += 'b';
  if (client.tracking != nullptr) {
    flags += 't';
    if (client.tracking->is_redirect_broken) flags += 'R';
    if (client.tracking->broadcasts) flags += 'B';
  }
  if (client.watch_broken) flags += 'd';
  if (client.closes) flags += client.is_cut ? 'A' : 'c';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  if (flags.empty()) flags = "N";
  const std::int64_t now = server.now().monotonic_us;
  const auto seconds = [&](std::int64_t since) { return (now - since) / 1'000'000; };
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} qbuf={} qbuf-free=0 argv-mem=0 "
      "multi-mem={} rbs=0 rbp=0 obl={} oll=0 omem={} tot-mem={} events={} cmd={} user={} redir={} resp={} lib-name={} lib-ver={}\n",
      client.id.value, client.address, client.local_address, client.id.value, client.name, seconds(client.created_us),
      seconds(client.active_us), flags, client.db, client.listening[0].size(), client.listening[1].size(), client.listening[2].size(),
      client.transaction ? static_cast<std::int64_t>(client.transaction->queue.size()) : -1,
      client.parser.waiting() + (client.is_run ? client.parser.last_octets() : 0), client.transaction ? client.transaction->octets : 0,
      client.out.size(), client.unsent, client.memory(), client.unsent > 0 ? "rw" : "r",
      client.last_command == nullptr ? "NULL" : client.last_command->full_name(), client.user, redirection_of(client), client.protocol,
      client.library_name, client.library_version);
}

void client_id(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.client().id.value)); }

void client_getname(Call& call) { call.client().name.empty() ? call.reply.null() : call.reply.bulk(call.client().name); }

void client_setname(Call& call) {
  if (set_client_name(call, call[2])) call.reply.ok();
}

void client_setinfo(Call& call) {
  const bool is_name = call.is_word(2, "LIB-NAME");
  if (!is_name && !call.is_word(2, "LIB-VER")) return call.error(fmt::format("ERR Unrecognized option '{}'", call[2]));
  if (!is_printable(call[3])) {
    return call.error(fmt::format("ERR {} cannot contain spaces, newlines or special characters.", base::lower(call[2])));
  }
  (is_name ? call.client().library_name : call.client().library_version) = call[3];
  call.reply.ok();
}

void client_info(Call& call) { call.reply.verbatim("txt", describe(call.server(), call.client())); }

void client_list(Call& call) {
  std::vector<Client*> chosen;
  if (call.size() == 2) {
    chosen = call.server().all_clients();
  } else if (call.size() == 4 && call.is_word(2, "TYPE")) {
    const std::string type = base::lower(call[3]);
    if (!is_type_known(type)) return call.error(fmt::format("ERR Unknown client type '{}'", call[3]));
    for (Client* client : call.server().all_clients()) {
      if (is_of_type(*client, type)) chosen.push_back(client);
    }
  } else if (call.size() >= 4 && call.is_word(2, "ID")) {
    for (std::size_t i = 3; i < call.size(); ++i) {
      const auto id = call.integer(i, "ERR Invalid client ID");
      if (!id) return;
      if (Client* found = call.server().find_client(ClientId(static_cast<std::uint64_t>(*id))); found != nullptr) chosen.push_back(found);
    }
  } else {
    return call.error(errors::syntax);
  }
  std::string lines;
  for (const Client* client : chosen) lines += describe(call.server(), *client);
  call.reply.verbatim("txt", lines);
}

void client_kill(Call& call) {
  std::optional<std::int64_t> id, age;
  std::optional<std::string> address, local_address, user, type;
  bool skips_me = true;
  const bool old_form = call.size() == 3;
  if (old_form) {
    address = call[2];
    skips_me = false;
  }
  for (std::size_t i = 2; !old_form && i < call.size(); i += 2) {
    // What comes before a word too few is looked at first.
    if (i + 1 == call.size()) return call.error(errors::syntax);
    if (call.is_word(i, "ID")) {
      id = call.integer(i + 1, "ERR client-id should be greater than 0");
      if (!id) return;
      if (*id <= 0) return call.error("ERR client-id should be greater than 0");
    } else if (call.is_word(i, "TYPE")) {
      type = base::lower(call[i + 1]);
      if (!is_type_known(*type)) return call.error(fmt::format("ERR Unknown client type '{}'", call[i + 1]));
    } else if (call.is_word(i, "ADDR")) {
      address = call[i + 1];
    } else if (call.is_word(i, "LADDR")) {
      local_address = call[i + 1];
    } else if (call.is_word(i, "USER")) {
      user = call[i + 1];
      if (call.server().acl().find(*user) == nullptr) return call.error(fmt::format("ERR No such user '{}'", call[i + 1]));
    } else if (call.is_word(i, "MAXAGE")) {
      age = call.integer(i + 1, "ERR maxage is not an integer or out of range");
      if (!age) return;
      if (*age <= 0) return call.error("ERR maxage should be greater than 0");
    } else if (call.is_word(i, "SKIPME") && (call.is_word(i + 1, "YES") || call.is_word(i + 1, "NO"))) {
      skips_me = call.is_word(i + 1, "YES");
    } else {
      return call.error(errors::syntax);
    }
  }
  std::int64_t killed = 0;
  const std::int64_t now = call.server().now().monotonic_us;
  for (Client* client : call.server().all_clients()) {
    if (client->closes || (skips_me && client == &call.client())) continue;
    if (id && client->id.value != static_cast<std::uint64_t>(*id)) continue;
    if (address && client->address != *address) continue;
    if (local_address && client->local_address != *local_address) continue;
    if (user && client->user != *user) continue;
    if (type && !is_of_type(*client, *type)) continue;
    if (age && (now - client->created_us) / 1'000'000 < *age) continue;
    call.server().end(*client);
    ++killed;
    if (old_form) break;
  }
  if (!old_form) return call.reply.integer(killed);
  killed == 0 ? call.error("ERR No such client") : call.reply.ok();
}

void client_pause(Call& call) {
  if (call.size() > 4) return reply_wrong_subcommand(call);
  const bool writes = call.size() == 4 && call.is_word(3, "WRITE");
  if (call.size() == 4 && !writes && !call.is_word(3, "ALL")) {
    return call.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  const auto ms = call.integer(2, "ERR timeout is not an integer or out of range");
  if (!ms) return;
  if (*ms < 0) return call.error("ERR timeout is negative");
  call.server().pause(*ms, !writes);
  call.reply.ok();
}

void client_unpause(Call& call) {
  call.server().unpause();
  call.reply.ok();
}

void client_reply(Call& call) {
  ReplyMode& mode = call.client().reply_mode;
  if (call.is_word(2, "ON")) {
    mode = ReplyMode::on;
    call.reply.ok();
  } else if (call.is_word(2, "OFF")) {
    mode = ReplyMode::off;
  } else if (call.is_word(2, "SKIP")) {
    if (mode != ReplyMode::off) mode = ReplyMode::skip_next;
  } else {
    call.error(errors::syntax);
  }
}

void client_no_evict(Call& call) {
  if (const auto on = on_or_off(call, 2)) {
    call.client().no_evict = *on;
    call.reply.ok();
  }
}

void client_no_touch(Call& call) {
  if (const auto on = on_or_off(call, 2)) {
    call.client().no_touch = *on;
    call.reply.ok();
  }
}

void client_unblock(Call& call) {
  const bool with_error = call.size() == 4 && call.is_word(3, "ERROR");
  if (call.size() > 4) return reply_wrong_subcommand(call);
  if (call.size() == 4 && !with_error && !call.is_word(3, "TIMEOUT")) {
    return call.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const auto id = call.integer(2);
  if (!id) return;
  Client* client = call.server().find_client(ClientId(static_cast<std::uint64_t>(*id)));
  const bool done = client != nullptr && call.server().end_wait(*client, with_error ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : "");
  call.reply.integer(done ? 1 : 0);
}

void client_help(Call& call) {
  reply_help(call, {"CACHING (YES|NO)",
                    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
                    "GETREDIR",
                    "    Return the client ID we are redirecting to when tracking is enabled.",
                    "GETNAME",
                    "    Return the name of the current connection.",
                    "ID",
                    "    Return the ID of the current connection.",
                    "INFO",
                    "    Return information about the current client connection.",
                    "KILL <ip:port>",
                    "    Kill connection made from <ip:port>.",
                    "KILL <option> <value> [<option> <value> [...]]",
                    "    Kill connections by ID, TYPE, ADDR, LADDR, USER, MAXAGE, SKIPME.",
                    "LIST [options ...]",
                    "    Return information about client connections, by TYPE or ID.",
                    "NO-EVICT (ON|OFF)",
                    "    Protect the current client connection from eviction.",
                    "NO-TOUCH (ON|OFF)",
                    "    Leave the use of keys untouched by this connection.",
                    "PAUSE <timeout> [WRITE|ALL]",
                    "    Suspend all, or just write, clients for <timeout> milliseconds.",
                    "REPLY (ON|OFF|SKIP)",
                    "    Control the replies sent to the current connection.",
                    "SETINFO <option> <value>",
                    "    Set LIB-NAME or LIB-VER of the current connection.",
                    "SETNAME <name>",
                    "    Assign the name <name> to the current connection.",
                    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
                    "         [OPTIN] [OPTOUT] [NOLOOP]",
                    "    Control server assisted client side caching.",
                    "TRACKINGINFO",
                    "    Report tracking status for the current connection.",
                    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
                    "    Unblock the specified blocked client.",
                    "UNPAUSE",
                    "    Stop the current client pause, resuming traffic."});
}

}  // namespace chorus::cache
