// Libraries of functions: loaded, found, removed.
#include <fmt/format.h>

#include <algorithm>
#include <lua.hpp>
#include <set>

#include "base/text.h"
#include "cache/call.h"
#include "cache/resp/parser.h"
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
  std::vector<std::string> words;
  if (!split_words(source.substr(0, line_octets), words) || words.empty()) return std::unexpected("ERR Invalid library metadata");
  const std::string_view engine = std::string_view(words.front()).substr(2);
  std::optional<std::string_view> name;
  constexpr std::string_view option = "name=";
  for (const std::string_view word : std::span(words).subspan(1)) {
    if (base::lower(word.substr(0, option.size())) != option) {
      return std::unexpected(fmt::format("ERR Invalid metadata value given: {}", word));
    }
    if (name) return std::unexpected("ERR Invalid metadata value, name argument was given multiple times");
    name = word.substr(option.size());
  }
  if (!name) return std::unexpected("ERR Library name was not given");
  if (!is_function_name(*name)) return std::unexpected(fmt::format("ERR {}", bad_name));
  if (base::lower(engine) != "lua") return std::unexpected(fmt::format("ERR Engine '{}' not found", engine));
  return std::string(*name);
}

}  // namespace

bool is_function_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

namespace {

bool has(const Library& library, const Function& function) {
  return std::any_of(library.functions.begin(), library.functions.end(), [&](const auto& each) { return &each.second == &function; });
}

}  // namespace

const Function* Scripts::find_function(std::string_view name) const {
  const auto found = functions_.find(base::lower(name));
  return found == functions_.end() ? nullptr : found->second;
}

std::string_view Scripts::register_function(Function function) {
  if (!is_function_name(function.name)) return bad_name;
  const std::string name = function.name;
  if (!loading_->functions.emplace(name, std::move(function)).second) return "Function already exists in the library";
  return {};
}

base::Result<std::shared_ptr<Library>, std::string> Scripts::build(std::string_view source, std::string_view name,
                                                                   std::size_t line_octets) {
  std::string wrong;
  const int chunk = function_machine().compile(source.substr(line_octets), "@user_function", wrong);
  if (chunk == 0) return std::unexpected(fmt::format("ERR Error compiling function: {}", wrong));
  auto library = std::make_shared<Library>(Library{.name = std::string(name), .source = std::string(source), .functions = {}});
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
  if (wrong.empty()) return library;
  release(*library);
  return std::unexpected(wrong);
}

void Scripts::release(const Library& library) {
  for (const auto& [name, function] : library.functions) function_machine().release(function.callback);
}

void Scripts::adopt(std::shared_ptr<Library> library) {
  for (const auto& [name, function] : library->functions) functions_.emplace(base::lower(name), &function);
  const std::string name = library->name;
  libraries_.emplace(name, std::move(library));
}

base::Result<std::string, std::string> Scripts::load(std::string_view source, bool replaces) {
  std::size_t line = 0;
  auto name = read_metadata(source, line);
  if (!name) return name;
  const auto old = libraries_.find(*name);
  if (old != libraries_.end() && !replaces) return std::unexpected(fmt::format("ERR Library '{}' already exists", *name));
  auto library = build(source, *name, line);
  if (!library) return std::unexpected(library.error());
  for (const auto& [function, what] : (*library)->functions) {
    const Function* there = find_function(function);
    if (there == nullptr || (old != libraries_.end() && has(*old->second, *there))) continue;
    auto wrong = fmt::format("ERR Function {} already exists", function);
    release(**library);
    return std::unexpected(std::move(wrong));
  }
  remove(*name);
  adopt(std::move(*library));
  return name;
}

base::Result<void, std::string> Scripts::restore(std::span<const std::string> sources, Restore policy) {
  Libraries fresh;
  std::set<std::string> names;  // of functions, in lower case
  std::string wrong;
  for (const std::string& source : sources) {
    std::size_t line = 0;
    const auto name = read_metadata(source, line);
    if (!name) {
      wrong = name.error();
    } else if (fresh.contains(*name)) {
      wrong = fmt::format("ERR Library '{}' already exists", *name);
    } else if (auto library = build(source, *name, line); !library) {
      wrong = library.error();
    } else {
      fresh.emplace(*name, *library);
      for (const auto& [function, what] : (*library)->functions) {
        if (!names.emplace(base::lower(function)).second && wrong.empty()) wrong = fmt::format("ERR Function {} already exists", function);
      }
    }
    if (!wrong.empty()) break;
  }
  if (wrong.empty() && policy == Restore::append) {
    for (const auto& [name, library] : fresh) {
      if (libraries_.contains(name) && wrong.empty()) wrong = fmt::format("ERR Library {} already exists", name);
    }
  }
  if (wrong.empty() && policy != Restore::flush) {
    for (const auto& [name, library] : libraries_) {
      if (fresh.contains(name)) continue;  // it goes
      for (const auto& [function, what] : library->functions) {
        if (names.contains(base::lower(function)) && wrong.empty()) wrong = fmt::format("ERR Function {} already exists", function);
      }
    }
  }
  if (!wrong.empty()) {
    for (const auto& [name, library] : fresh) release(*library);
    return std::unexpected(wrong);
  }
  if (policy == Restore::flush) {
    while (!libraries_.empty()) remove(libraries_.begin()->first);
  }
  // A function may go from one library to another.
  for (const auto& [name, library] : fresh) remove(name);
  for (auto& [name, library] : fresh) adopt(std::move(library));
  return {};
}

bool Scripts::remove(std::string_view library) {
  const auto found = libraries_.find(library);
  if (found == libraries_.end()) return false;
  release(*found->second);
  for (const auto& [name, function] : found->second->functions) functions_.erase(base::lower(name));
  libraries_.erase(found);
  return true;
}

void Scripts::remove_all() {
  functions_.clear();
  libraries_.clear();
  function_machine_.reset();
}

}  // namespace chorus::cache
