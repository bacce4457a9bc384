// Whether a client may, and what is kept of it when it may not.
#include <fmt/format.h>

#include <algorithm>

#include "cache/acl/acl.h"
#include "cache/acl/texts.h"
#include "cache/call.h"
#include "cache/connection/names.h"
#include "cache/resp/quote.h"

namespace chorus::cache {

namespace acl {

std::string denial(const User& user, const Command& command, Verdict verdict, Arguments arguments, bool names_it) {
  switch (verdict.denied) {
    case Denied::key:
      if (!names_it) return "No permissions to access a key";
      return fmt::format("User {} has no permissions to access the '{}' key", user.name, arguments[verdict.at]);
    case Denied::channel:
      if (!names_it) return "No permissions to access a channel";
      return fmt::format("User {} has no permissions to access the '{}' channel", user.name, arguments[verdict.at]);
    default:
      return fmt::format("User {} has no permissions to run the '{}' command", user.name, command.full_name());
  }
}

}  // namespace acl

/// Empty: it may. Else why not, and it is in the log.
bool Server::may_run(const Client& client, const Command& command, Arguments arguments) const {
  return client.permissions->check(command, arguments).denied == acl::Denied::no;
}

std::string Server::denial(Client& client, const Command& command, Arguments arguments, bool in_exec) {
  const acl::Verdict verdict = client.permissions->check(command, arguments);
  if (verdict.denied == acl::Denied::no) return {};
  const bool is_command = verdict.denied == acl::Denied::command;
  log_denied(client, verdict.denied, client.transaction ? "multi" : "toplevel",
             is_command ? command.full_name() : std::string(arguments[verdict.at]), client.user);
  if (!in_exec) return "NOPERM " + acl::denial(*client.permissions, command, verdict, arguments, false);
  return fmt::format(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed "
      "for "
      "the following reason: {}",
      is_command                           ? "no permission to execute the command or subcommand"
      : verdict.denied == acl::Denied::key ? "no permission to touch the specified keys"
                                           : "no permission to access one of the channels used as arguments to the command");
}

void Server::log_denied(Client& client, acl::Denied why, std::string_view context, std::string object, std::string_view user) {
  std::string line = describe(*this, client);
  line.pop_back();  // the end of the line
  acl_->log({.reason = why,
             .context = context,
             .object = std::move(object),
             .user = std::string(user),
             .client = std::move(line),
             .created_ms = now_.unix_ms(),
             .updated_ms = now_.unix_ms()},
            static_cast<std::size_t>(options_.acl_log_entries_max));
}

bool Server::authenticate(Client& client, std::string_view name, std::string_view password) {
  const auto user = acl_->find(name);
  if (user == nullptr || !user->is_on || !user->accepts(password)) {
    log_denied(client, acl::Denied::authentication, client.transaction ? "multi" : "toplevel",
               client.last_command != nullptr && client.last_command->name == "hello" ? "HELLO" : "AUTH", name);
    return false;
  }
  client.user = user->name;
  client.permissions = user;
  client.is_authenticated = client.parser.limits.is_authenticated = true;
  return true;
}

void Server::become_default(Client& client) {
  client.permissions = acl_->find("default");
  client.user = "default";
  client.is_authenticated = client.permissions->no_password && client.permissions->is_on;
  client.parser.limits.is_authenticated = client.is_authenticated;
}

/// Who listens to what it may no longer hear is let go.
void Server::check_listeners(std::string_view user) {
  for (Client* client : all_clients()) {
    if (client->user != user || client->closes) continue;
    for (const Listening how : {Listening::channel, Listening::pattern, Listening::shard}) {
      const auto& names = client->listens(how);
      const bool is_allowed = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return client->permissions->may_listen(name, how == Listening::pattern);
      });
      if (!is_allowed) end(*client);
    }
  }
}

}  // namespace chorus::cache
