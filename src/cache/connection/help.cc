#include "cache/connection/help.h"

#include <fmt/format.h>

#include "cache/resp/quote.h"

namespace chorus::cache {

namespace {

/// In upper case; of subcommands their container's.
std::string name_of(const Command& command) {
  std::string name((command.container == nullptr ? command : *command.container).name);
  for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

}  // namespace

void reply_wrong_subcommand(Call& call) {
  call.error(
      fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.", shown(call[1]), name_of(call.command())));
}

void reply_help(Call& call, std::initializer_list<std::string_view> lines) {
  const std::string name = name_of(call.command());
  call.reply.array(lines.size() + 3);
  call.reply.simple(fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name));
  for (const std::string_view line : lines) call.reply.simple(line);
  call.reply.simple("HELP");
  call.reply.simple("    Print this help.");
}

}  // namespace chorus::cache
