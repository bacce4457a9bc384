#include "cache/scripts/scripts.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/text.h"
#include "cache/call.h"
#include "cache/scripts/libraries.h"

namespace chorus::cache {
namespace {

constexpr std::pair<std::string_view, bool ScriptFlags::*> script_flag_names[] = {
    {"no-writes", &ScriptFlags::no_writes},
    {"allow-oom", &ScriptFlags::allow_oom},
    {"allow-stale", &ScriptFlags::allow_stale},
    {"no-cluster", &ScriptFlags::no_cluster},
    {"allow-cross-slot-keys", &ScriptFlags::allow_cross_slot_keys}};
constexpr const char* script_chunk = "@user_script";

}  // namespace

bool ScriptFlags::add(std::string_view name) {
  for (const auto& [known, member] : script_flag_names) {
    if (known == name) return this->*member = true;
  }
  return false;
}

std::vector<std::string_view> ScriptFlags::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, member] : script_flag_names) {
    if (this->*member) names.push_back(name);
  }
  return names;
}

base::Result<ScriptFlags, std::string> read_shebang(std::string_view source, std::size_t& line_octets) {
  ScriptFlags flags;
  line_octets = 0;
  if (!source.starts_with("#!")) {
    flags.is_plain = true;
    return flags;
  }
  line_octets = source.find('\n');
  if (line_octets == std::string_view::npos) return std::unexpected("ERR Invalid script shebang");
  std::vector<std::string_view> words;
  for (const std::string_view word : base::split(source.substr(0, line_octets), ' ')) {
    if (const std::string_view trimmed = base::trim(word); !trimmed.empty()) words.push_back(trimmed);
  }
  if (words.front() != "#!lua") return std::unexpected(fmt::format("ERR Unexpected engine in script shebang: {}", words.front()));
  for (std::size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view option = "flags=";
    if (!words[i].starts_with(option)) return std::unexpected(fmt::format("ERR Unknown lua shebang option: {}", words[i]));
    for (const std::string_view name : base::split(words[i].substr(option.size()), ',')) {
      if (!name.empty() && !flags.add(name)) return std::unexpected(fmt::format("ERR Unexpected flag in script shebang: {}", name));
    }
  }
  return flags;
}

Scripts::Scripts(Server& server) : server_(server) {
  client_.is_script = true;
  client_.address = "lua";
  client_.is_authenticated = true;
}

Scripts::~Scripts() = default;

Machine& Scripts::evaluator() {
  if (evaluator_ == nullptr) {
    evaluator_ = std::make_unique<Machine>(*this, false, server_.options().script_octets_max);
    seed_random(evaluator_->state(), server_.random_.next());
  }
  return *evaluator_;
}

Machine& Scripts::function_machine() {
  if (function_machine_ == nullptr) {
    function_machine_ = std::make_unique<Machine>(*this, true, server_.options().script_octets_max);
    seed_random(function_machine_->state(), server_.random_.next());
  }
  return *function_machine_;
}

std::string Scripts::digest(std::string_view source) {
  unsigned char octets[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(source.data()), source.size(), octets);
  return base::hex({reinterpret_cast<const char*>(octets), sizeof octets});
}

void Scripts::use(Script& script) {
  if (!script.is_kept) evaluated_.splice(evaluated_.begin(), evaluated_, script.used);
}

const Script* Scripts::find(std::string_view digest) {
  const auto found = scripts_.find(digest);
  if (found == scripts_.end()) return nullptr;
  use(*found->second);
  return found->second.get();
}

base::Result<const Script*, std::string> Scripts::add(std::string_view source, bool is_kept) {
  if (const auto there = by_source_.find(source); there != by_source_.end()) {
    Script& script = *there->second;
    use(script);
    if (is_kept && !script.is_kept) {
      evaluated_.erase(script.used);
      script.is_kept = true;
    }
    return &script;
  }
  std::size_t line = 0;
  const auto flags = read_shebang(source, line);
  if (!flags) return std::unexpected(flags.error());
  std::string wrong;
  // The end of the first line stays, so that lines are counted right.
  const int function = evaluator().compile(source.substr(line), script_chunk, wrong);
  if (function == 0) return std::unexpected(fmt::format("ERR Error compiling script (new function): {}", wrong));
  auto made = std::make_unique<Script>(
      Script{.digest = digest(source), .source = std::string(source), .flags = *flags, .function = function, .is_kept = is_kept});
  Script& script = *made;
  if (!is_kept) {
    evaluated_.push_front(&script);
    script.used = evaluated_.begin();
  }
  by_source_.emplace(script.source, &script);
  scripts_.emplace(script.digest, std::move(made));
  if (evaluated_.size() > evaluated_max) {
    Script& oldest = *evaluated_.back();
    evaluated_.pop_back();
    drop(oldest);
  }
  return &script;
}

void Scripts::drop(Script& script) {
  evaluator().release(script.function);
  by_source_.erase(script.source);
  const auto there = scripts_.find(script.digest);
  const auto last = std::move(there->second);  // its name is what it is found by
  scripts_.erase(there);
}

void Scripts::forget_all() {
  by_source_.clear();
  scripts_.clear();
  evaluated_.clear();
  evaluator_.reset();
}

std::uint32_t Scripts::flags_of(const Command& command, Arguments arguments) const {
  std::uint32_t bits = command.flags.bits();
  if (command.group != Group::scripting || command.container != nullptr || arguments.size() < 2) return bits;
  ScriptFlags own{.is_plain = true};
  if (command.name.starts_with("evalsha")) {
    if (const auto found = scripts_.find(base::lower(arguments[1])); found != scripts_.end()) own = found->second->flags;
  } else if (command.name.starts_with("eval")) {
    std::size_t line = 0;
    if (const auto flags = read_shebang(arguments[1], line)) own = *flags;
  } else if (const Function* function = find_function(arguments[1]); function != nullptr) {
    own = function->flags;
  }
  if (own.is_plain) return bits;
  const auto set = [&](Flag flag, bool on) {
    const auto bit = static_cast<std::uint32_t>(flag);
    bits = on ? bits | bit : bits & ~bit;
  };
  set(Flag::write, !own.no_writes);
  set(Flag::denyoom, !own.no_writes && !own.allow_oom);
  set(Flag::stale, own.allow_stale);
  set(Flag::may_replicate, false);
  return bits;
}

std::size_t Scripts::source_octets() const {
  std::size_t octets = 0;
  for (const auto& [digest, script] : scripts_) octets += sizeof(*script) + script->digest.size() + script->source.size();
  return octets;
}

std::size_t Scripts::library_octets() const {
  std::size_t octets = 0;
  for (const auto& [name, library] : libraries_) {
    octets += sizeof(*library) + library->source.size() + library->functions.size() * sizeof(Function);
  }
  return octets;
}

std::string_view Scripts::busy_error() const {
  return running_->kind == Kind::script ? "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
                                        : "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
}

}  // namespace chorus::cache
