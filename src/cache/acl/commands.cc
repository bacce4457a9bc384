// ACL.
#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/ensure.h"
#include "base/text.h"
#include "cache/acl/acl.h"
#include "cache/acl/handlers.h"
#include "cache/acl/texts.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/resp/quote.h"

namespace chorus::cache {
namespace {

using acl::Denied;
using acl::User;

void reply_names(Call& call, std::span<const std::string_view> names) {
  call.reply.array(names.size());
  for (const std::string_view name : names) call.reply.bulk(name);
}

void reply_permissions(Reply& reply, const acl::Selector& selector) {
  reply.bulk("commands");
  reply.bulk(selector.commands());
  reply.bulk("keys");
  reply.bulk(selector.keys());
  reply.bulk("channels");
  reply.bulk(selector.channels());
}

std::string_view reason_of(Denied denied) {
  switch (denied) {
    case Denied::authentication:
      return "auth";
    case Denied::key:
      return "key";
    case Denied::channel:
      return "channel";
    default:
      return "command";
  }
}

/// ACL LOAD, ACL SAVE.
void use_file(Call& call, bool saves) {
  if (call.options().acl_file.empty()) {
    return call.error(
        "ERR This instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue "
        "a CONFIG REWRITE (assuming you have a configuration file set) in order to store users in the configuration.");
  }
  if (call.client().transaction) return call.error("ERR ACL LOAD and ACL SAVE are not possible inside a transaction: they take their time");
  call.server().begin_acl_file_task(call.client(), call.command(), saves);
}

void hide_all(Call& call) {
  for (std::size_t i = 2; i < call.size(); ++i) call.hide(i);
}

}  // namespace

void acl_whoami(Call& call) { call.reply.bulk(call.client().user); }

void acl_users(Call& call) {
  const auto& users = call.server().acl().users();
  call.reply.array(users.size());
  for (const auto& [name, user] : users) call.reply.bulk(name);
}

void acl_list(Call& call) {
  const auto& users = call.server().acl().users();
  call.reply.array(users.size());
  for (const auto& [name, user] : users) call.reply.bulk(user->describe());
}

void acl_getuser(Call& call) {
  hide_all(call);
  const auto user = call.server().acl().find(call[2]);
  if (user == nullptr) return call.reply.null();
  call.reply.map(6);
  call.reply.bulk("flags");
  const auto flags = user->flags();
  call.reply.set(flags.size());
  for (const std::string_view flag : flags) call.reply.bulk(flag);
  call.reply.bulk("passwords");
  call.reply.array(user->passwords.size());
  for (const std::string& password : user->passwords) call.reply.bulk(password);
  reply_permissions(call.reply, user->root);
  call.reply.bulk("selectors");
  call.reply.array(user->selectors.size());
  for (const acl::Selector& selector : user->selectors) {
    call.reply.map(3);
    reply_permissions(call.reply, selector);
  }
}

void acl_setuser(Call& call) {
  hide_all(call);
  const auto done = call.server().acl().set(call[2], call.arguments().subspan(3), call.options().acl_all_channels);
  if (!done) return call.error(done.error());
  call.server().check_listeners(call[2]);
  call.reply.ok();
}

void acl_deluser(Call& call) {
  hide_all(call);
  std::int64_t count = 0;
  for (const std::string_view name : call.arguments().subspan(2)) {
    if (name == "default") return call.error("ERR The 'default' user cannot be removed");
  }
  for (const std::string_view name : call.arguments().subspan(2)) {
    if (!call.server().acl().remove(name)) continue;
    ++count;
    for (Client* client : call.server().all_clients()) {
      if (client->user == name) call.server().end(*client);
    }
  }
  call.reply.integer(count);
}

void acl_cat(Call& call) {
  if (call.size() > 3) return reply_wrong_subcommand(call);
  if (call.size() == 2) return reply_names(call, acl::categories());
  const auto& known = acl::categories();
  const std::string wanted = base::lower(call[2]);
  if (std::find(known.begin(), known.end(), wanted) == known.end()) {
    return call.error(fmt::format("ERR Unknown category '{}'", shown(call[2])));
  }
  std::vector<std::string> names;
  const auto add = [&](const Command& command) {
    const auto has = category_names(command);
    if (std::find(has.begin(), has.end(), "@" + wanted) != has.end()) names.push_back(command.full_name());
  };
  for (const Command& command : CommandTable::all().commands()) {
    add(command);
    for (const Command& sub : command.subcommands) add(sub);
  }
  call.reply.array(names.size());
  for (const std::string& name : names) call.reply.bulk(name);
}

void acl_genpass(Call& call) {
  constexpr std::int64_t bits_max = 4096;
  std::int64_t bits = 256;
  if (call.size() > 3) return reply_wrong_subcommand(call);
  if (call.size() == 3) {
    const auto given = call.integer(2);
    if (!given) return;
    if (*given <= 0 || *given > bits_max) {
      return call.error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096");
    }
    bits = *given;
  }
  const auto digits = static_cast<std::size_t>((bits + 3) / 4);
  std::string octets((digits + 1) / 2, '\0');
  // Not from the server's generator: that one can be guessed.
  ENSURE(RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(octets.size())) == 1);
  call.reply.bulk(base::hex(octets).substr(0, digits));
}

void acl_dryrun(Call& call) {
  const auto user = call.server().acl().find(call[2]);
  if (user == nullptr) return call.error(fmt::format("ERR User '{}' not found", shown(call[2])));
  const CommandTable& table = CommandTable::all();
  const Arguments words = call.arguments().subspan(3);
  const Command* command = table.find(words[0]);
  if (command != nullptr && !command->subcommands.empty() && words.size() > 1) {
    const Command* sub = table.find_subcommand(*command, words[1]);
    command = sub;
  }
  if (command == nullptr) return call.error(fmt::format("ERR Command '{}' not found", shown(words[0])));
  if (!command->takes(words.size())) {
    return call.error(fmt::format("ERR wrong number of arguments for '{}' command", command->full_name()));
  }
  const acl::Verdict verdict = user->check(*command, words);
  if (verdict.denied == Denied::no) return call.reply.ok();
  call.reply.bulk(acl::denial(*user, *command, verdict, words, true));
}

void acl_log(Call& call) {
  if (call.size() > 3) return reply_wrong_subcommand(call);
  acl::Acl& all = call.server().acl();
  std::int64_t count = 10;
  if (call.size() == 3) {
    if (call.is_word(2, "RESET")) {
      all.clear_log();
      return call.reply.ok();
    }
    const auto given = call.integer(2);
    if (!given) return;
    count = std::max<std::int64_t>(0, *given);
  }
  const std::size_t chosen = std::min(all.entries().size(), static_cast<std::size_t>(count));
  call.reply.array(chosen);
  for (std::size_t i = 0; i < chosen; ++i) {
    const acl::LogEntry& entry = all.entries()[i];
    const auto text = [&](std::string_view name, std::string_view value) {
      call.reply.bulk(name);
      call.reply.bulk(value);
    };
    const auto number = [&](std::string_view name, std::int64_t value) {
      call.reply.bulk(name);
      call.reply.integer(value);
    };
    call.reply.map(10);
    number("count", static_cast<std::int64_t>(entry.count));
    text("reason", reason_of(entry.reason));
    text("context", entry.context);
    text("object", entry.object);
    text("username", entry.user);
    call.reply.bulk("age-seconds");
    call.reply.real(static_cast<double>(call.now_ms() - entry.updated_ms) / 1000);
    text("client-info", entry.client);
    number("entry-id", static_cast<std::int64_t>(entry.id));
    number("timestamp-created", entry.created_ms);
    number("timestamp-last-updated", entry.updated_ms);
  }
}

void acl_load(Call& call) { use_file(call, false); }
void acl_save(Call& call) { use_file(call, true); }

void acl_help(Call& call) {
  reply_help(call, {"CAT [<category>]",
                    "    List all commands that belong to <category>, or all command categories",
                    "    when no category is specified.",
                    "DELUSER <username> [<username> ...]",
                    "    Delete a list of users.",
                    "DRYRUN <username> <command> [<arg> ...]",
                    "    Returns whether the user can execute the given command without executing the command.",
                    "GETUSER <username>",
                    "    Get the user's details.",
                    "GENPASS [<bits>]",
                    "    Generate a secure 256-bit user password. The optional `bits` argument can",
                    "    be used to specify a different size.",
                    "LIST",
                    "    Show users details in config file format.",
                    "LOAD",
                    "    Reload users from the ACL file.",
                    "LOG [<count> | RESET]",
                    "    Show the ACL log entries.",
                    "SAVE",
                    "    Save the current config to the ACL file.",
                    "SETUSER <username> <attribute> [<attribute> ...]",
                    "    Create or modify a user with the specified attributes.",
                    "USERS",
                    "    List all the registered usernames.",
                    "WHOAMI",
                    "    Return the current connection username."});
}

}  // namespace chorus::cache
