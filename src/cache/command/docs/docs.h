// What COMMAND DOCS tells of a command beside what its row says: what it is for, what it costs, what it takes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::cache::docs {

/// One command, by its full name. What `arguments` says, apart by spaces:
///
///   name             a string; <name> where there are other letters in it than a to z, digits, - and _
///   name:k0          a key, found by the command's key specification 0 (a pattern of keys: p0); :i an integer, :d a double, :p a pattern,
///   :u a Unix time WORD             that word, under its name in lower case; name=WORD under another; WORD may stand in < > as well
///   WORD/argument    the argument comes behind that word
///   name(a|b)        one of them
///   name{a b}        all of them
///   argument@7.0.0   since that version; argument!7.0.0 is no longer to be used since then
///   argument...      once or more often; argument+... each time behind its word
///   [argument]       may be left out
struct Row {
  std::string_view command, summary, complexity, arguments;
};

struct Argument {
  enum class Type : std::uint8_t { string, integer, real, key, pattern, unix_time, pure_token, one_of, block };
  std::string name;
  Type type = Type::string;
  std::optional<int> key_spec;
  std::optional<std::string_view> token;
  std::string_view since, deprecated_since;  // empty: nothing is said
  bool is_optional = false, is_multiple = false, repeats_token = false;
  std::vector<Argument> parts;  // of one_of and block
};
/// "string", "pure-token", ... as COMMAND DOCS has it.
std::string_view name_of(Argument::Type type);
/// A text that is no list of arguments is a bug of ours.
std::vector<Argument> parse_arguments(std::string_view text);

struct Doc {
  std::string_view summary, complexity;            // complexity: empty for what ends with its connection
  std::string_view deprecated_since, replaced_by;  // empty: it is not
  bool is_system = false;                          // for servers and tests
  std::vector<Argument> arguments;
};
/// Null: there is none.
const Doc* find(std::string_view full_name);

// The families.
std::span<const Row> strings();
std::span<const Row> collections();
std::span<const Row> zsets();
std::span<const Row> streams();
std::span<const Row> generic();
std::span<const Row> server();
std::span<const Row> cluster();

}  // namespace chorus::cache::docs
