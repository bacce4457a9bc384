// COMMAND.
#include <algorithm>

#include "base/text.h"
#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/command/docs/docs.h"
#include "cache/command/key_specs.h"
#include "cache/connection/help.h"
#include "cache/resp/glob.h"

namespace chorus::cache {
namespace {

/// A map of a type and what belongs to it.
template <class Write>
void describe_step(Reply& reply, std::string_view name, std::string_view type, std::size_t pairs, Write write) {
  reply.bulk(name);
  reply.map(2);
  reply.bulk("type");
  reply.bulk(type);
  reply.bulk("spec");
  reply.map(pairs);
  write([&](std::string_view key, int value) {
    reply.bulk(key);
    reply.integer(value);
  });
}

void describe_flags(Reply& reply, std::uint16_t flags) {
  const auto names = key_flag_names(flags);
  reply.set(names.size());
  for (const std::string_view name : names) reply.simple(name);
}

/// Where keys are, and what is done to them.
void describe_keys(Reply& reply, const Command& command) {
  const auto specs = key_specs(command);
  reply.array(specs.size());
  for (const KeySpec& spec : specs) {
    reply.map(3);
    reply.bulk("flags");
    describe_flags(reply, spec.flags);
    switch (spec.begin) {
      case KeySpec::Begin::index:
        describe_step(reply, "begin_search", "index", 1, [&](auto pair) { pair("index", spec.index); });
        break;
      case KeySpec::Begin::keyword:
        describe_step(reply, "begin_search", "keyword", 2, [&](auto pair) {
          reply.bulk("keyword");
          reply.bulk(spec.keyword);
          pair("startfrom", spec.index);
        });
        break;
      case KeySpec::Begin::unknown:
        describe_step(reply, "begin_search", "unknown", 0, [](auto) {});
    }
    const auto& how = spec.how;
    switch (spec.find) {
      case KeySpec::Find::range:
        describe_step(reply, "find_keys", "range", 3, [&](auto pair) {
          pair("lastkey", how[0]);
          pair("keystep", how[1]);
          pair("limit", how[2]);
        });
        break;
      case KeySpec::Find::count:
        describe_step(reply, "find_keys", "keynum", 3, [&](auto pair) {
          pair("keynumidx", how[0]);
          pair("firstkey", how[1]);
          pair("keystep", how[2]);
        });
        break;
      case KeySpec::Find::unknown:
        describe_step(reply, "find_keys", "unknown", 0, [](auto) {});
    }
  }
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

void document(Reply& reply, std::span<const docs::Argument> arguments) {
  reply.array(arguments.size());
  for (const docs::Argument& each : arguments) {
    const bool is_container = each.type == docs::Argument::Type::one_of || each.type == docs::Argument::Type::block;
    const bool has_flags = each.is_optional || each.is_multiple;
    const auto one_if = [](bool is) { return is ? 1U : 0U; };
    // Containers have their parts, all others a text to be shown.
    reply.map(3 + one_if(each.key_spec.has_value()) + one_if(each.token.has_value()) + one_if(!each.since.empty()) +
              one_if(!each.deprecated_since.empty()) + one_if(has_flags));
    const auto text = [&](std::string_view name, std::string_view value) {
      reply.bulk(name);
      reply.bulk(value);
    };
    text("name", each.name);
    text("type", name_of(each.type));
    if (!is_container) text("display_text", each.name);
    if (each.key_spec) {
      reply.bulk("key_spec_index");
      reply.integer(*each.key_spec);
    }
    if (each.token) text("token", *each.token);
    if (!each.since.empty()) text("since", each.since);
    if (!each.deprecated_since.empty()) text("deprecated_since", each.deprecated_since);
    if (has_flags) {
      reply.bulk("flags");
      reply.set(one_if(each.is_optional) + one_if(each.is_multiple) + one_if(each.repeats_token));
      if (each.is_optional) reply.simple("optional");
      if (each.is_multiple) reply.simple("multiple");
      if (each.repeats_token) reply.simple("multiple_token");
    }
    if (is_container) {
      reply.bulk("arguments");
      document(reply, each.parts);
    }
  }
}

void document(Reply& reply, const Command& command) {
  static const docs::Doc none;
  const docs::Doc* found = docs::find(command.full_name());
  const docs::Doc& doc = found == nullptr ? none : *found;
  const bool is_deprecated = !doc.deprecated_since.empty();
  reply.bulk(command.full_name());
  std::size_t pairs = 2;
  for (const bool is_said : {!doc.summary.empty(), !doc.complexity.empty(), is_deprecated || doc.is_system, is_deprecated, is_deprecated,
                             !doc.arguments.empty(), !command.subcommands.empty()}) {
    pairs += is_said ? 1 : 0;
  }
  reply.map(pairs);
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    reply.bulk(name);
    reply.bulk(value);
  };
  text("summary", doc.summary);
  text("since", command.since);
  text("group", name_of(command.group));
  text("complexity", doc.complexity);
  if (is_deprecated || doc.is_system) {
    reply.bulk("doc_flags");
    reply.set(1);
    reply.simple(is_deprecated ? "deprecated" : "syscmd");
  }
  text("deprecated_since", doc.deprecated_since);
  text("replaced_by", doc.replaced_by);
  if (!doc.arguments.empty()) {
    reply.bulk("arguments");
    document(reply, doc.arguments);
  }
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

namespace {

/// The keys of the command that was asked about; empty: that there are none, or why, is replied.
std::vector<FoundKey> asked_keys(Call& call) {
  const Arguments asked = call.arguments().subspan(2);
  const Command* found = CommandTable::all().find(asked[0]);
  if (found != nullptr && !found->subcommands.empty() && asked.size() > 1) found = CommandTable::all().find_subcommand(*found, asked[1]);
  std::vector<FoundKey> keys;
  if (found == nullptr) {
    call.error("ERR Invalid command specified");
  } else if (found->keys.first == 0 && !found->flags.has(Flag::movablekeys)) {
    call.error("ERR The command has no key arguments");
  } else if (!found->takes(asked.size())) {
    call.error("ERR Invalid number of arguments specified for command");
  } else if (!find_keys_and_flags(*found, asked, keys)) {
    call.error("ERR Invalid arguments specified for command");
  } else if (keys.empty() && found->flags.has(Flag::no_mandatory_keys)) {
    call.reply.array(0);
  } else if (keys.empty()) {
    call.error("ERR The command has no key arguments");
  }
  return keys;
}

}  // namespace

void command_getkeys(Call& call) {
  const auto keys = asked_keys(call);
  if (keys.empty()) return;
  call.reply.array(keys.size());
  for (const FoundKey& key : keys) call.reply.bulk(call[key.at + 2]);
}

void command_getkeysandflags(Call& call) {
  const auto keys = asked_keys(call);
  if (keys.empty()) return;
  call.reply.array(keys.size());
  for (const FoundKey& key : keys) {
    call.reply.array(2);
    call.reply.bulk(call[key.at + 2]);
    describe_flags(call.reply, key.flags);
  }
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
                    "    Return the keys from a full command.", "GETKEYSANDFLAGS <full-command>",
                    "    Return the keys and the access flags from a full command."});
}

}  // namespace chorus::cache
