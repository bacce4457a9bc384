// COMMAND.
#include <algorithm>

#include "base/text.h"
#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/resp/glob.h"

namespace chorus::cache {
namespace {

/// Where keys are, in the terms of 7.0: from which argument on, and how far.
void describe_keys(Reply& reply, const Command& command) {
  if (command.keys.first == 0) return reply.array(0);
  reply.array(1);
  reply.map(3);
  reply.bulk("flags");
  reply.set(2);
  reply.simple(command.flags.has(Flag::write) ? "RW" : "RO");
  reply.simple(command.flags.has(Flag::write) ? "update" : "access");
  reply.bulk("begin_search");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("index");
  reply.bulk("spec");
  reply.map(1);
  reply.bulk("index");
  reply.integer(command.keys.first);
  reply.bulk("find_keys");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("range");
  reply.bulk("spec");
  reply.map(3);
  reply.bulk("lastkey");
  reply.integer(command.keys.last < 0 ? command.keys.last : command.keys.last - command.keys.first);
  reply.bulk("keystep");
  reply.integer(command.keys.step);
  reply.bulk("limit");
  reply.integer(0);
}

void describe(Reply& reply, const Command& command) {
  reply.array(10);
  reply.bulk(command.full_name());
  reply.integer(command.arity);
  const auto flags = flag_names(command);
  reply.set(flags.size());
  for (const std::string_view flag : flags) reply.simple(flag);
  reply.integer(command.keys.first);
  reply.integer(command.keys.last);
  reply.integer(command.keys.step);
  const auto categories = category_names(command);
  reply.set(categories.size());
  for (const std::string& category : categories) reply.simple(category);
  const auto tips = command.tips.empty() ? std::vector<std::string_view>{} : base::split(command.tips, ' ');
  reply.array(tips.size());
  for (const std::string_view tip : tips) reply.bulk(tip);
  describe_keys(reply, command);
  reply.array(command.subcommands.size());
  for (const Command& sub : command.subcommands) describe(reply, sub);
}

/// "get", "config|get"; null: unknown.
const Command* find(std::string_view name) {
  const std::size_t bar = name.find('|');
  const Command* command = CommandTable::all().find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return CommandTable::all().find_subcommand(*command, name.substr(bar + 1));
}

void document(Reply& reply, const Command& command) {
  reply.bulk(command.full_name());
  reply.map(command.subcommands.empty() ? 2 : 3);
  reply.bulk("since");
  reply.bulk(command.since);
  reply.bulk("group");
  reply.bulk(name_of(command.group));
  if (command.subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(command.subcommands.size());
  for (const Command& sub : command.subcommands) document(reply, sub);
}

}  // namespace

void command(Call& call) {
  const auto all = CommandTable::all().commands();
  call.reply.array(all.size());
  for (const Command& each : all) describe(call.reply, each);
}

void command_count(Call& call) { call.reply.integer(static_cast<std::int64_t>(CommandTable::all().commands().size())); }

void command_info(Call& call) {
  if (call.size() == 2) return command(call);
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const Command* found = find(call[i]);
    found == nullptr ? call.reply.null_array() : describe(call.reply, *found);
  }
}

void command_docs(Call& call) {
  std::vector<const Command*> chosen;
  if (call.size() == 2) {
    for (const Command& each : CommandTable::all().commands()) chosen.push_back(&each);
  }
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (const Command* found = find(call[i]); found != nullptr) chosen.push_back(found);
  }
  call.reply.map(chosen.size());
  for (const Command* each : chosen) document(call.reply, *each);
}

void command_getkeys(Call& call) {
  const Arguments asked = call.arguments().subspan(2);
  const Command* found = CommandTable::all().find(asked[0]);
  if (found != nullptr && !found->subcommands.empty() && asked.size() > 1) found = CommandTable::all().find_subcommand(*found, asked[1]);
  if (found == nullptr) return call.error("ERR Invalid command specified");
  if (found->keys.first == 0 && !found->flags.has(Flag::movablekeys)) return call.error("ERR The command has no key arguments");
  if (!found->takes(asked.size())) return call.error("ERR Invalid number of arguments specified for command");
  std::vector<std::size_t> at;
  if (!find_keys(*found, asked, at)) return call.error("ERR Invalid arguments specified for command");
  if (at.empty()) return call.error("ERR The command has no key arguments");
  call.reply.array(at.size());
  for (const std::size_t i : at) call.reply.bulk(asked[i]);
}

void command_list(Call& call) {
  std::vector<const Command*> chosen;
  for (const Command& each : CommandTable::all().commands()) {
    chosen.push_back(&each);
    for (const Command& sub : each.subcommands) chosen.push_back(&sub);
  }
  if (call.size() != 2) {
    if (call.size() != 5 || !call.is_word(2, "FILTERBY")) return call.error(errors::syntax);
    if (call.is_word(3, "MODULE")) {
      chosen.clear();  // there are no modules
    } else if (call.is_word(3, "ACLCAT")) {
      const std::string category = "@" + base::lower(call[4]);
      std::erase_if(chosen, [&](const Command* each) {
        const auto has = category_names(*each);
        return std::find(has.begin(), has.end(), category) == has.end();
      });
    } else if (call.is_word(3, "PATTERN")) {
      std::erase_if(chosen, [&](const Command* each) { return !glob_matches(call[4], each->full_name(), true); });
    } else {
      return call.error(errors::syntax);
    }
  }
  call.reply.array(chosen.size());
  for (const Command* each : chosen) call.reply.bulk(each->full_name());
}

void command_help(Call& call) {
  reply_help(call, {"(no subcommand)", "    Return details about all commands.", "COUNT",
                    "    Return the total number of commands in this server.", "LIST", "    Return a list of all commands in this server.",
                    "INFO [<command-name> ...]", "    Return details about multiple commands.", "DOCS [<command-name> ...]",
                    "    Return documentation details about multiple commands.", "GETKEYS <full-command>",
                    "    Return the keys from a full command."});
}

}  // namespace chorus::cache
