// The command line of `chorus zk`, and each line of its shell, as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/zk/exit.h"
#include "client/types.h"

namespace chorus::app::zk {

struct Connection {
  std::string servers = "127.0.0.1:2181";
  double timeout_s = 10;
  bool wait = false;
  bool read_only = false;
  std::vector<std::string> auths;  // "scheme:credentials"
  bool tls = false;
  std::string certificate, key, ca;
  bool verify = true;
  bool json = false;
};

/// One command with its arguments; each command uses some of the fields. parse.cc says which.
struct Command {
  std::string name;  // as listed by command_names(); empty: none given
  std::string path = "/";
  std::optional<std::string> data, acl;
  std::vector<std::string> items;
  std::string file;
  std::string mode;
  std::int32_t version = -1;
  std::int64_t config_version = -1;  // of the ensemble's configuration
  std::int64_t ttl_ms = 0;
  std::int64_t count = 0;
  double seconds = 0;
  bool with_stat = false, watch = false, recursive = false;
  bool sequential = false, ephemeral = false, container = false, parents = false;
  bool children = false, of_data = false, local = false;
  bool json = false;
};

/// The program is to end (after printing --help, or what is wrong, already said) with this code.
struct Leave {
  Exit code = Exit::ok;
};
/// arguments: without the program's name.
std::variant<std::pair<Connection, Command>, Leave> parse_arguments(std::vector<std::string> arguments);
/// One line of the shell, already split into words, and not empty.
std::variant<Command, Leave> parse_line(std::vector<std::string> words);
/// What `help` prints in the shell; empty command: the overview.
std::string help_text(const std::string& command);
std::vector<std::string_view> command_names();

/// Splits like a shell: spaces separate, '...' is taken as it is, "..." and backslashes quote. Empty when a quote is left open.
std::optional<std::vector<std::string>> split_words(std::string_view line);
/// "world:anyone:cdrwa,digest:joe:hash:r". On failure: what is wrong.
base::Result<std::vector<client::Acl>, std::string> parse_acl(std::string_view text);
std::string perms_text(std::int32_t perms);
std::string acl_text(const client::Acl& acl);
/// The kind of node that the flags of create ask for. On failure: what is wrong.
base::Result<client::CreateMode, std::string> create_mode(const Command& command);

}  // namespace chorus::app::zk
