// What EVAL and FCALL have in common.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "cache/call.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {

struct ScriptWords {
  std::span<const std::string_view> keys, arguments;
};
/// numkeys at argument 2, the keys, the rest. Empty: replied.
std::optional<ScriptWords> script_words(Call& call, std::string_view not_a_number);
/// SCRIPT KILL and FUNCTION KILL.
void kill_script(Call& call, Scripts::Kind kind);
/// [ASYNC|SYNC] at the end; false: replied.
bool takes_flush_mode(Call& call, std::string_view wrong);

}  // namespace chorus::cache
