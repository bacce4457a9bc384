// Libraries of functions: loaded, found, removed.
#include <fmt/format.h>

#include <algorithm>
#include <lua.hpp>

#include "base/text.h"
#include "cache/call.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr std::string_view bad_name =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

using Name = base::Result<std::string, std::string>;

/// From "#!lua name=x", and where the code begins.
Name read_metadata(std::string_view source, std::size_t& line_octets) {
  if (!source.starts_with("#!")) return std::unexpected("ERR Missing library metadata");
  line_octets = source.find('\n');
  if (line_octets == std::string_view::npos) return std::unexpected("ERR Invalid library metadata");
  std::vector<std::string_view> words;
  for (const std::string_view word : base::split(source.substr(2, line_octets - 2), ' ')) {
    if (const std::string_view trimmed = base::trim(word); !trimmed.empty()) words.push_back(trimmed);
  }
  if (words.empty()) return std::unexpected("ERR Invalid library metadata");
  std::optional<std::string_view> name;
  constexpr std::string_view option = "name=";
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (base::lower(words[i].substr(0, option.size())) != option) {
      return std::unexpected(fmt::format("ERR Invalid metadata value given: {}", words[i]));
    }
    if (name) return std::unexpected("ERR Invalid metadata value, name argument was given multiple times");
    name = words[i].substr(option.size());
  }
  if (!name) return std::unexpected("ERR Library name was not given");
  if (!is_function_name(*name)) return std::unexpected(fmt::format("ERR {}", bad_name));
  if (base::lower(words.front()) != "lua") return std::unexpected(fmt::format("ERR Engine '{}' not found", words.front()));
  return std::string(*name);
}

}  // namespace

bool is_function_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

const Function* Scripts::find_function(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

std::string_view Scripts::register_function(Function function) {
  if (!is_function_name(function.name)) return bad_name;
  const std::string name = function.name;
  if (!loading_->functions.emplace(name, std::move(function)).second) return "Function already exists in the library";
  return {};
}

base::Result<std::string, std::string> Scripts::load(std::string_view source, bool replaces) {
  std::size_t line = 0;
  auto name = read_metadata(source, line);
  if (!name) return name;
  const auto old = libraries_.find(*name);
  if (old != libraries_.end() && !replaces) return std::unexpected(fmt::format("ERR Library '{}' already exists", *name));
  std::string wrong;
  const int chunk = function_machine().compile(source.substr(line), "@user_function", wrong);
  if (chunk == 0) return std::unexpected(fmt::format("ERR Error compiling function: {}", wrong));
  auto library = std::make_shared<Library>(Library{.name = *name, .source = std::string(source), .functions = {}});
  lua_State* state = function_machine().state();
  loading_ = library.get();
  function_machine().set_loading(true);
  // A library that does not come to its end would hold up everybody.
  lua_sethook(
      state,
      [](lua_State* at, lua_Debug* /*where*/) {
        lua_sethook(at, nullptr, 0, 0);
        push_error(at, "FUNCTION LOAD timeout");
        lua_error(at);
      },
      LUA_MASKCOUNT, loading_instructions_max);
  lua_pushcfunction(state, on_error);
  lua_rawgeti(state, LUA_REGISTRYINDEX, chunk);
  const auto load_limited = [&] {
    const Machine::Limit limit(function_machine());
    return lua_pcall(state, 0, 0, 1) == 0;
  };
  const bool is_loaded = load_limited();
  lua_sethook(state, nullptr, 0, 0);
  loading_ = nullptr;
  function_machine().set_loading(false);
  if (!is_loaded) wrong = fmt::format("ERR Error registering functions: {}", error_text(state, {}));
  lua_settop(state, 0);
  function_machine().release(chunk);
  if (is_loaded && library->functions.empty()) wrong = "ERR No functions registered";
  for (const auto& [function, what] : library->functions) {
    const bool is_others = functions_.contains(function) && !(old != libraries_.end() && old->second->functions.contains(function));
    if (is_others && wrong.empty()) wrong = fmt::format("ERR Function {} already exists", function);
  }
  if (!wrong.empty()) {
    for (const auto& [function, what] : library->functions) function_machine().release(what.callback);
    return std::unexpected(wrong);
  }
  remove(*name);
  for (const auto& [function, what] : library->functions) functions_.emplace(function, &what);
  libraries_.emplace(*name, std::move(library));
  return name;
}

bool Scripts::remove(std::string_view library) {
  const auto found = libraries_.find(library);
  if (found == libraries_.end()) return false;
  for (const auto& [name, function] : found->second->functions) {
    function_machine().release(function.callback);
    functions_.erase(name);
  }
  libraries_.erase(found);
  return true;
}

void Scripts::remove_all() {
  functions_.clear();
  libraries_.clear();
  function_machine_.reset();
}

}  // namespace chorus::cache
