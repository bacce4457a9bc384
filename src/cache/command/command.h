// What the server knows of a command: the rows that dispatch, COMMAND, ACL categories and the finding of keys are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::cache {

class Call;
using Arguments = std::span<const std::string_view>;

/// By the names that COMMAND INFO gives them.
enum class Flag : std::uint32_t {
  write = 1U << 0,
  readonly = 1U << 1,
  denyoom = 1U << 2,
  admin = 1U << 3,
  pubsub = 1U << 4,
  noscript = 1U << 5,
  blocking = 1U << 6,
  loading = 1U << 7,
  stale = 1U << 8,
  skip_monitor = 1U << 9,
  skip_slowlog = 1U << 10,
  asking = 1U << 11,
  fast = 1U << 12,
  no_auth = 1U << 13,
  no_mandatory_keys = 1U << 14,
  allow_busy = 1U << 15,
  no_multi = 1U << 16,
  no_async_loading = 1U << 17,
  movablekeys = 1U << 18,
  may_replicate = 1U << 19,  // not listed by COMMAND
};

/// A set of flags, written as letters in the rows, each flag's in the order above: "w r m a p s b l t M L k F A N B X Y * R".
class Flags {
 public:
  constexpr Flags(const char* letters) {  // NOLINT: rows read as tables
    constexpr std::string_view all = "wrmapsbltMLkFANBXY*R";
    for (; *letters != '\0'; ++letters) bits_ |= 1U << all.find(*letters);
  }
  constexpr bool has(Flag flag) const { return (bits_ & static_cast<std::uint32_t>(flag)) != 0; }
  constexpr std::uint32_t bits() const { return bits_; }

 private:
  std::uint32_t bits_ = 0;
};

enum class Group : std::uint8_t {
  generic,
  string,
  list,
  set,
  sorted_set,
  hash,
  pubsub,
  transactions,
  connection,
  server,
  scripting,
  hyperloglog,
  cluster,
  geo,
  stream,
  bitmap,
};
/// "sorted-set" and so on, as COMMAND DOCS says.
std::string_view name_of(Group group);

/// Which arguments are keys, as COMMAND's legacy numbers say: last -1 is the last argument, -2 the one before; first 0: none.
struct KeyRange {
  int first = 0, last = 0, step = 0;
};

struct Command {
  std::string_view name;  // lower case; of a subcommand without its container's
  int arity;              // the name included; negative: at least
  Flags flags;
  KeyRange keys;
  Group group;
  std::string_view since;
  void (*run)(Call&) = nullptr;  // null: a container, or one that the connection does itself
  /// Where the keys are, for those with Flag::movablekeys; indices of arguments. False: the arguments make no sense.
  bool (*find_keys)(Arguments arguments, std::vector<std::size_t>& at) = nullptr;
  std::string_view categories = {};  // ACL categories beside those that group and flags give, separated by spaces
  std::string_view tips = {};        // request_policy and so on, separated by spaces
  std::span<const Command> subcommands = {};
  const Command* container = nullptr;

  bool takes(std::size_t arguments) const {
    return arity < 0 ? arguments >= static_cast<std::size_t>(-arity) : arguments == static_cast<std::size_t>(arity);
  }
  /// "config|get"
  std::string full_name() const;
};

/// Indices of the arguments that are keys. False: they cannot be told.
bool find_keys(const Command& command, Arguments arguments, std::vector<std::size_t>& at);

/// All that can be run, by name in any case. Subcommands are found by their container's row and name.
class CommandTable {
 public:
  /// The one that the rows of all families make; built at the first call.
  static const CommandTable& all();

  /// Null: unknown. Containers are answered as such; see find_subcommand().
  const Command* find(std::string_view name) const;
  const Command* find_subcommand(const Command& container, std::string_view name) const;
  /// In the order of the rows.
  std::span<const Command> commands() const { return commands_; }

 private:
  CommandTable();
  std::vector<Command> commands_;
  std::vector<std::vector<Command>> subcommands_;
  struct Index;
  Index* index_;
};

/// The names of the flags that COMMAND lists, and of the ACL categories ("@read"), in Redis' order.
std::vector<std::string_view> flag_names(const Command& command);
std::vector<std::string> category_names(const Command& command);

}  // namespace chorus::cache
