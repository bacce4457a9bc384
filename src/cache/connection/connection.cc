// PING, HELLO, AUTH and what else is about the connection itself.
#include <fmt/format.h>

#include "cache/acl/acl.h"
#include "cache/call.h"
#include "cache/connection/handlers.h"
#include "cache/connection/names.h"

namespace chorus::cache {
namespace {

constexpr std::string_view wrong_password = "WRONGPASS invalid username-password pair or user is disabled.";

bool authenticate(Call& call, std::string_view user, std::string_view password) {
  if (call.server().authenticate(call.client(), user, password)) return true;
  call.error(wrong_password);
  return false;
}

}  // namespace

void ping(Call& call) {
  if (call.size() > 2) return call.error("ERR wrong number of arguments for 'ping' command");
  if (call.client().protocol < 3 && call.client().is_subscribed()) {
    // It must not be taken for a reply to something else.
    call.reply.array(2);
    call.reply.bulk("pong");
    return call.reply.bulk(call.size() == 1 ? "" : call[1]);
  }
  call.size() == 1 ? call.reply.simple("PONG") : call.reply.bulk(call[1]);
}

void echo(Call& call) { call.reply.bulk(call[1]); }

void auth(Call& call) {
  for (std::size_t i = 1; i < call.size(); ++i) call.hide(i);
  if (call.size() > 3) return call.error(errors::syntax);
  if (call.size() == 2 && call.server().acl().find("default")->no_password) {
    return call.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?");
  }
  if (authenticate(call, call.size() == 2 ? "default" : call[1], call[call.size() - 1])) call.reply.ok();
}

void hello(Call& call) {
  Client& client = call.client();
  std::optional<std::int64_t> version;
  if (call.size() > 1) {
    version = call.integer(1, "ERR Protocol version is not an integer or out of range");
    if (!version) return;
    if (*version != 2 && *version != 3) return call.error("NOPROTO unsupported protocol version");
  }
  std::optional<std::size_t> user_at, name_at;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is_word(i, "AUTH") && i + 2 < call.size()) {
      user_at = i + 1;
      call.hide(i + 1);
      call.hide(i + 2);
      i += 2;
    } else if (call.is_word(i, "SETNAME") && i + 1 < call.size()) {
      name_at = ++i;
    } else {
      return call.error(fmt::format("ERR Syntax error in HELLO option '{}'", call[i]));
    }
  }
  if (user_at && !authenticate(call, call[*user_at], call[*user_at + 1])) return;
  if (!client.is_authenticated) {
    return call.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be "
        "used to authenticate the client and select the RESP protocol version at the same time");
  }
  if (name_at && !set_client_name(call, call[*name_at])) return;
  if (version) client.protocol = static_cast<int>(*version);
  call.reply.use_protocol(client.protocol);
  call.reply.map(7);
  call.reply.bulk("server");
  call.reply.bulk("redis");
  call.reply.bulk("version");
  call.reply.bulk(redis_version);
  call.reply.bulk("proto");
  call.reply.integer(client.protocol);
  call.reply.bulk("id");
  call.reply.integer(static_cast<std::int64_t>(client.id.value));
  call.reply.bulk("mode");
  call.reply.bulk(call.server().cluster() != nullptr ? "cluster" : "standalone");
  call.reply.bulk("role");
  call.reply.bulk(call.server().is_replica() ? "replica" : "master");
  call.reply.bulk("modules");
  call.reply.array(0);
}

void quit(Call& call) {
  call.reply.ok();
  call.server().end(call.client());
}

void reset(Call& call) {
  Client& client = call.client();
  client.transaction.reset();
  client.protocol = 2;
  client.db = 0;
  client.name.clear();
  client.no_evict = client.no_touch = client.is_asking = false;
  call.server().stop_monitoring(client);
  call.server().stop_tracking(client);
  client.reply_mode = ReplyMode::on;
  call.server().become_default(client);
  call.reply.simple("RESET");
}

void select(Call& call) {
  const auto db = call.database_index(1, errors::not_integer);
  if (!db) return;
  if (call.server().cluster() != nullptr && *db != 0) return call.error("ERR SELECT is not allowed in cluster mode");
  call.client().db = *db;
  call.reply.ok();
}

}  // namespace chorus::cache
