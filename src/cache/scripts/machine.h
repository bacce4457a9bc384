// A Lua machine in Redis' sandbox: what it knows is fixed, and nothing in it reaches files, processes or another's memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct lua_State;

namespace chorus::cache {

class Scripts;

/// Lua is built as C++: its errors are exceptions, so that what lives on the stack ends as usual.
class Machine {
 public:
  /// What a single value may be, whatever there is for all.
  static constexpr std::size_t value_octets_max = 1U << 28;

  /// for_functions: has redis.register_function while a library is loaded, and no KEYS and ARGV.
  /// While it lives, what the machine takes is limited: for protected calls, where "not enough memory" is an error of the script.
  class Limit {
   public:
    explicit Limit(Machine& machine) : machine_(machine) { machine_.is_limited_ = true; }
    ~Limit() { machine_.is_limited_ = false; }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

   private:
    Machine& machine_;
  };

  /// octets_max: of what it takes under a Limit.
  Machine(Scripts& owner, bool for_functions, std::size_t octets_max);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  lua_State* state() const { return state_; }
  std::size_t octets() const { return octets_; }
  /// Sets one of the names that scripts see.
  void set_global_from_top(const char* name);
  /// The function that `source` is, kept until release(); else what is wrong, and 0. name: as errors call it.
  int compile(std::string_view source, const char* name, std::string& wrong);
  void release(int reference);
  /// After a script: some garbage goes, all of it where there is much.
  void collect();
  /// While a library is loaded it sees redis.register_function, and little else. Of a machine for functions.
  void set_loading(bool is_loading);

 private:
  static void* allocate(void* self, void* block, std::size_t before, std::size_t after);
  void open_libraries();
  void make_loading_globals();
  void protect_globals();

  const std::size_t octets_max_;
  std::size_t octets_ = 0;
  unsigned runs_ = 0;
  bool is_limited_ = false;
  lua_State* state_;
  int globals_ = 0;          // reference of the table behind the one that scripts see
  int loading_globals_ = 0;  // of the one that libraries see while they are loaded
};

/// What marks the table of an error that was counted when the command failed, as Redis names it; and whether the one on top has it.
inline constexpr const char* counted_error = "ignore_error_stats_update";
bool is_counted_error(lua_State* state);
/// What a table raised as error says: the message, and where it was raised, as Redis words it.
std::string error_text(lua_State* state, std::string_view script);
/// Pushes {err = "CODE text"}; text: "-CODE text", or without a code, which is "ERR" then.
void push_error(lua_State* state, std::string_view text);
/// For lua_pcall: turns whatever was raised into such a table, with source and line.
int on_error(lua_State* state);

// The libraries that scripts have beside Lua's and cjson; each leaves its table on the stack.
void open_redis(lua_State* state, Scripts& owner, bool for_functions);
void open_struct(lua_State* state);
void open_cmsgpack(lua_State* state);

}  // namespace chorus::cache
