// What a user may do: rules of ACL SETUSER, and what they allow.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cache/command/command.h"

namespace chorus::cache::acl {

/// Why not; the later ones are said before the earlier where several selectors refuse.
enum class Denied : std::uint8_t { no, command, key, authentication, channel };
struct Verdict {
  Denied denied = Denied::no;
  std::size_t at = 0;  // of the key or channel among the arguments
};

/// A set of permissions of its own: a command is allowed by the user's first one or by any other, as a whole.
class Selector {
 public:
  /// One rule ("+get", "~key*", "allchannels"), which changes nothing when it is wrong: then the words for what is wrong with it.
  std::string_view apply(std::string_view rule);
  Verdict check(const Command& command, Arguments arguments) const;
  bool may_listen(std::string_view channel, bool is_pattern) const;
  /// "+get -set", with "+@all" or "-@all" before it; "~a* %R~b*"; "&ch*".
  std::string commands() const;
  std::string keys() const;
  std::string channels() const;
  /// As ACL LIST has it.
  std::string describe() const;
  void set_all_channels(bool all) { all_channels_ = all; }

 private:
  struct Pattern {
    std::string text;
    bool read, write;
  };
  std::string_view change_command(std::string_view rule, bool allows);
  std::string_view change_category(std::string_view rule, bool allows);
  std::string_view add_key_pattern(std::string_view rule);
  std::string_view add_channel(std::string_view pattern);
  void allow(const Command& command, bool allows);
  void allow_all(bool allows);
  void note(std::string_view rule, bool allows);
  bool allows(const Command& command, Arguments arguments) const;
  bool allows_key(std::string_view key, std::uint16_t flags) const;

  absl::flat_hash_set<const Command*> allowed_;
  absl::flat_hash_map<const Command*, std::vector<std::string>> first_arguments_;  // "+select|0"
  bool all_commands_ = false;       // "+@all" was said after "-@all": also what is not there yet
  std::vector<std::string> rules_;  // with sign, those that still say something
  bool all_keys_ = false, all_channels_ = false;
  std::vector<Pattern> keys_;
  std::vector<std::string> channels_;
};

/// The words of a rule that is wrong, as ACL SETUSER says them.
namespace wrong {
inline constexpr std::string_view syntax = "Syntax error";
inline constexpr std::string_view unknown = "Unknown command or category name in ACL";
inline constexpr std::string_view after_all_keys =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with "
    "an "
    "empty list of patterns";
inline constexpr std::string_view after_all_channels =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to "
    "start "
    "with an empty list of channels";
inline constexpr std::string_view no_such_password = "The password you are trying to remove from the user does not exist";
inline constexpr std::string_view not_a_hash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
inline constexpr std::string_view nested = "Allowing first-arg of a subcommand is not supported";
}  // namespace wrong

struct User {
  std::string name;
  bool is_on = false, no_password = false, skips_sanitizing = false;
  std::vector<std::string> passwords;  // SHA-256, in hexadecimal
  Selector root;
  std::vector<Selector> selectors;

  /// Like Selector::apply(); knows passwords, "(...)" and what is about the user as well. `all_channels`: what "reset" gives.
  std::string_view apply(std::string_view rule, bool all_channels);
  Verdict check(const Command& command, Arguments arguments) const;
  bool may_listen(std::string_view channel, bool is_pattern) const;
  bool accepts(std::string_view password) const;
  std::vector<std::string_view> flags() const;
  /// The line of ACL LIST.
  std::string describe() const;
};

/// SHA-256 in hexadecimal.
std::string digest_of(std::string_view password);
/// Names of all categories, without '@', in Redis' order.
const std::vector<std::string_view>& categories();

}  // namespace chorus::cache::acl
