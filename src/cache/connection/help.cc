#include "cache/connection/help.h"

#include <fmt/format.h>

namespace chorus::cache {

void reply_help(Call& call, std::initializer_list<std::string_view> lines) {
  std::string name(call.command().container->name);
  for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  call.reply.array(lines.size() + 3);
  call.reply.simple(fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name));
  for (const std::string_view line : lines) call.reply.simple(line);
  call.reply.simple("HELP");
  call.reply.simple("    Print this help.");
}

}  // namespace chorus::cache
