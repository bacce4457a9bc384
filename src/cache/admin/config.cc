// CONFIG.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cache/admin/handlers.h"
#include "cache/admin/parameters.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/resp/glob.h"
#include "cache/resp/quote.h"

namespace chorus::cache {
namespace {

/// As TOML has it.
std::string toml_value(const std::string& value) {
  if (value == "yes" || value == "no") return value == "yes" ? "true" : "false";
  if (value.ends_with('%')) return "-" + value.substr(0, value.size() - 1);
  return parse_integer(value) ? value : '"' + value + '"';
}

}  // namespace

void config_get(Call& call) {
  std::vector<const Parameter*> chosen;
  for (const Parameter& parameter : parameters()) {
    const bool wanted = std::any_of(call.arguments().begin() + 2, call.arguments().end(),
                                    [&](std::string_view pattern) { return glob_matches(pattern, parameter.name, true); });
    if (wanted) chosen.push_back(&parameter);
  }
  call.reply.map(chosen.size());
  for (const Parameter* parameter : chosen) {
    call.reply.bulk(parameter->name);
    call.reply.bulk(parameter->get(call.options(), *parameter));
  }
}

void config_set(Call& call) {
  if (call.size() % 2 != 0) return call.error(errors::syntax);
  std::set<const Parameter*> seen;
  const auto failed = [&](std::string_view name, std::string_view why) {
    call.error(fmt::format("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why));
  };
  for (std::size_t i = 2; i < call.size(); i += 2) {
    if (const Parameter* parameter = find_parameter(call[i]); parameter != nullptr && parameter->is_secret) call.hide(i + 1);
  }
  for (std::size_t i = 2; i < call.size(); i += 2) {
    const Parameter* parameter = find_parameter(call[i]);
    if (parameter == nullptr) {
      return call.error(
          fmt::format("ERR Unknown option or number of arguments for CONFIG SET - '{}'", shown(call[i], std::string_view::npos)));
    }
    if (parameter->set == nullptr) return failed(call[i], "can't set immutable config");
    if (!seen.insert(parameter).second) return failed(call[i], "duplicate parameter");
  }
  // All or none.
  ServerOptions changed = call.options();
  for (std::size_t i = 2; i < call.size(); i += 2) {
    const Parameter* parameter = find_parameter(call[i]);
    if (const std::string wrong = parameter->set(changed, call[i + 1], *parameter); !wrong.empty()) return failed(parameter->name, wrong);
  }
  const ServerOptions before = std::exchange(call.server().change_options(), std::move(changed));
  call.server().apply_options(before);
  call.reply.ok();
}

void config_resetstat(Call& call) {
  call.server().reset_statistics();
  call.reply.ok();
}

/// chorus.toml is written by people, comments and all: it is not ours to change. What to write into it is said instead.
void config_rewrite(Call& call) {
  std::string lines;
  const ServerOptions& begun = call.server().options_at_start();
  for (const Parameter& parameter : parameters()) {
    if (parameter.setting.empty() || parameter.is_secret) continue;
    const std::string now = parameter.get(call.options(), parameter);
    if (now != parameter.get(begun, parameter))
      lines += fmt::format("{} cache.{} = {}", lines.empty() ? "" : ",", parameter.setting, toml_value(now));
  }
  call.error("ERR The server is running without a config file" +
             (lines.empty() ? "" : ". To keep what was changed, set in chorus.toml:" + lines));
}

void config_help(Call& call) {
  reply_help(call, {"GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.", "SET <directive> <value>",
                    "    Set the configuration <directive> to <value>.", "RESETSTAT", "    Reset statistics reported by the INFO command.",
                    "REWRITE", "    Tell what to write into the configuration file."});
}

}  // namespace chorus::cache
