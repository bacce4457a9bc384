// Scripts and libraries of functions: what there is of them, and the one that runs.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/client.h"
#include "cache/scripts/machine.h"

namespace chorus::cache {

class Call;
class Server;

/// What a script says of itself, in its first line or when it is registered.
struct ScriptFlags {
  bool no_writes = false, allow_oom = false, allow_stale = false, no_cluster = false, allow_cross_slot_keys = false;
  bool is_plain = false;  // has no such line: more is let through
  /// False: there is no flag of that name.
  bool add(std::string_view name);
  std::vector<std::string_view> names() const;
};

struct Script {
  std::string digest;  // 40 digits
  std::string source;
  ScriptFlags flags;
  int function = 0;                        // the machine's reference
  bool is_kept = false;                    // SCRIPT LOAD: until SCRIPT FLUSH; else until many others have come
  std::list<Script*>::iterator used = {};  // of those that are not kept
};

struct Function {
  std::string name, description;
  bool has_description = false;
  ScriptFlags flags;
  int callback = 0;
};
struct Library {
  std::string name, source;
  std::map<std::string, Function, std::less<>> functions;
};
using Libraries = std::map<std::string, std::shared_ptr<Library>, std::less<>>;

/// Of one server; lives on its reactor.
class Scripts {
 public:
  /// Scripts of EVAL beyond this many go, those first that were not used for longest.
  static constexpr std::size_t evaluated_max = 500;

  explicit Scripts(Server& server);
  ~Scripts();
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  // --- scripts
  /// 40 digits.
  static std::string digest(std::string_view source);
  /// Null: it is not there. Good until the next change.
  const Script* find(std::string_view digest);
  /// Compiles it where it is not there; it is good until the next change. The error is a whole reply.
  base::Result<const Script*, std::string> add(std::string_view source, bool is_kept);
  void forget_all();
  std::size_t count() const { return scripts_.size(); }

  // --- functions
  const Libraries& libraries() const { return libraries_; }
  std::size_t functions() const { return functions_.size(); }
  /// By name in any case; null: there is none.
  const Function* find_function(std::string_view name) const;
  /// Returns the library's name, or the error as a whole reply. Nothing is changed then.
  base::Result<std::string, std::string> load(std::string_view source, bool replaces);
  bool remove(std::string_view library);
  void remove_all();
  /// What becomes of libraries that are there: all go, the new ones may not have their names, or those of the same name go.
  enum class Restore : std::uint8_t { flush, append, replace };
  /// All of them or none; the error is a whole reply.
  base::Result<void, std::string> restore(std::span<const std::string> sources, Restore policy);

  /// A command's flags; of one that runs a script or function, those that follow from what that says of itself.
  std::uint32_t flags_of(const Command& command, Arguments arguments) const;

  // --- running
  enum class Kind : std::uint8_t { script, function };
  /// A library that is not loaded after so many is refused.
  static constexpr int loading_instructions_max = 10'000'000;
  struct Run {
    Kind kind;
    std::string_view name;  // digest or function; lives as long as it does
    ScriptFlags flags;
    bool is_read_only;  // EVAL_RO and the like
    int function;
    std::span<const std::string_view> keys, arguments;
  };
  /// Runs it and replies to `call`.
  void run(Call& call, const Run& run);

  struct Running {
    Kind kind;
    std::string_view name;
    Call* call;
    ClientId caller;
    std::int64_t started_us;  // monotonic
    bool is_read_only, denies_oom;
    bool may_cross_slots;
    std::optional<std::uint16_t> slot;  // in a cluster: of the keys that it has named or used
    bool has_written = false, is_busy = false, is_killed = false;
  };
  /// Null: none runs. While one does, other clients are served only from within it, once it has taken long.
  const Running* running() const { return running_ ? &*running_ : nullptr; }
  bool is_busy() const { return running_ && running_->is_busy; }
  /// What is refused to others meanwhile.
  std::string_view busy_error() const;
  void kill() { running_->is_killed = true; }

  std::size_t octets() const { return evaluator_ == nullptr ? 0 : evaluator_->octets(); }
  std::size_t function_octets() const { return function_machine_ == nullptr ? 0 : function_machine_->octets(); }

  /// What is kept beside the machines' own.
  std::size_t source_octets() const;
  std::size_t library_octets() const;

  // --- for the machines
  /// What a script calls: its reply is good until the next.
  std::string_view call(std::span<const std::string_view> words);
  Client& client() { return client_; }
  Server& server() { return server_; }
  /// Called every so many instructions; true: the script is to end.
  bool look_around();
  /// redis.register_function; the callback is on top of the stack. Empty: done.
  std::string_view register_function(Function function);
  bool is_loading() const { return loading_ != nullptr; }
  /// DEBUG SET-DISABLE-DENY-SCRIPTS: some commands that are refused to scripts are run for them.
  void allow_denied(bool on) { allows_denied_ = on; }

 private:
  std::string refusal_of(const Command* command, std::span<const std::string_view> words);
  void use(Script& script);
  void drop(Script& script);
  /// Of a source of that name; its code begins behind `line_octets`. Not among the others yet.
  base::Result<std::shared_ptr<Library>, std::string> build(std::string_view source, std::string_view name, std::size_t line_octets);
  /// None of its names is taken.
  void adopt(std::shared_ptr<Library> library);
  /// The machine forgets its functions.
  void release(const Library& library);
  /// Made when they are needed first.
  Machine& evaluator();
  Machine& function_machine();

  Server& server_;
  Client client_{ClientId(0)};  // whose commands those of scripts are
  std::unique_ptr<Machine> evaluator_, function_machine_;
  absl::flat_hash_map<std::string_view, std::unique_ptr<Script>> scripts_;  // by digest
  absl::flat_hash_map<std::string_view, Script*> by_source_;                // for EVAL, which would work its digest out each time
  std::list<Script*> evaluated_;                                            // the last used first
  Libraries libraries_;
  std::map<std::string, const Function*, std::less<>> functions_;  // by name in lower case
  std::optional<Running> running_;
  Library* loading_ = nullptr;
  bool allows_denied_ = false;
};

/// The name of a library or function: letters, digits and underscores.
bool is_function_name(std::string_view name);
/// The first line of a script: "#!lua flags=...". The error is a whole reply.
base::Result<ScriptFlags, std::string> read_shebang(std::string_view source, std::size_t& line_octets);

}  // namespace chorus::cache
