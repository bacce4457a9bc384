#include "app/zk/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace chorus::app::zk {
namespace {

constexpr std::string_view overview = R"(
Data is taken as it is; @FILE reads it from a file, @- from standard input, @@x stands for "@x"; left out, the node has none (null).
What begins with '-' goes after "--":  chorus zk set /a -- -5

Without a command: a shell, on a terminal with history and completion, else one command a line from standard input. It also has
addauth, addWatch, removewatches, close, quit and help.

Exit codes: 0 done · 1 wrong usage · 2 no connection, or lost before the answer · 3 no such node · 4 node exists · 5 other version ·
6 not allowed · 7 node has children · 8 session ended · 9 waited in vain · 10 anything else

Environment: CHORUS_ZK_SERVER for --server, CHORUS_ZK_AUTH for one --auth.)";

/// As the last line of a configuration has it: "version=100000003".
std::int64_t hex_version(const std::string& text) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version, 16);
  if (error != std::errc() || end != text.data() + text.size()) throw CLI::ValidationError("--version", text + " is no hexadecimal number");
  return version;
}

/// Declares every command on `app`; the chosen one fills `command`.
void declare(CLI::App& app, Command& command, bool in_shell) {
  const auto add = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->fallthrough();
    sub->ignore_case();
    sub->callback([&command, name] { command.name = name; });
    return sub;
  };
  const auto path = [&](CLI::App* sub, bool required = true) {
    return sub->add_option("path", command.path, "Absolute path of the node")->required(required)->capture_default_str();
  };
  const auto version = [&](CLI::App* sub) { sub->add_option("-v,--version", command.version, "Only if the node has this version"); };
  const auto stat = [&](CLI::App* sub) { sub->add_flag("-s,--stat", command.with_stat, "Print the node's stat too"); };
  const auto watch = [&](CLI::App* sub) {
    sub->add_flag("-w,--watch", command.watch, in_shell ? "Tell of the next change" : "Then wait for the next change and print it");
  };

  CLI::App* sub = add("ls", "List children");
  path(sub, false);
  stat(sub), watch(sub);
  sub->add_flag("-R,--recursive", command.recursive, "All descendants, as paths, the node itself first");

  sub = add("get", "Print the data, octet by octet");
  path(sub);
  stat(sub), watch(sub);

  sub = add("set", "Change the data");
  path(sub);
  sub->add_option("data", command.data, "New data, @FILE or @-");
  stat(sub), version(sub);

  sub = add("create", "Make a node");
  path(sub);
  sub->add_option("data", command.data, "Data, @FILE or @-");
  sub->add_option("acl", command.acl, "scheme:id:cdrwa[,...]; world:anyone:cdrwa when left out");
  sub->add_flag("-s,--sequential", command.sequential, "Append a number to the name");
  sub->add_flag("-e,--ephemeral", command.ephemeral, "Goes when the session ends");
  sub->add_flag("-c,--container", command.container, "Goes some time after its last child");
  sub->add_option("-t,--ttl", command.ttl_ms, "Goes when childless and unchanged for this many milliseconds")->check(CLI::PositiveNumber);
  sub->add_flag("-p,--parents", command.parents, "Make missing parents too, and be content if the node is there");

  sub = add("delete", "Delete a node without children");
  path(sub);
  version(sub);
  sub = add("deleteall", "Delete a node and everything below it");
  path(sub);
  sub = add("stat", "Print the stat");
  path(sub);
  watch(sub);
  sub = add("getAcl", "Print the access list");
  path(sub);
  stat(sub);
  sub = add("setAcl", "Replace the access list");
  path(sub);
  sub->add_option("acl", command.acl, "scheme:id:cdrwa[,...]")->required();
  stat(sub), version(sub);
  sub->add_flag("-R,--recursive", command.recursive, "Of all descendants too");

  sub = add("multi", "Do several things, all or none");
  sub->add_option("operations", command.items,
                  "Each one argument: 'create [-s|-e|-c|-t ms] path [data] [acl]', 'set [-v n] path data', 'delete [-v n] path', "
                  "'check [-v n] path'. Left out: one a line from standard input");

  sub = add("sync", "Wait until the server has every write acknowledged so far");
  path(sub, false);
  sub = add("getAllChildrenNumber", "Count all descendants");
  path(sub, false);
  sub = add("getEphemerals", "List this session's ephemeral nodes");
  path(sub, false);
  sub = add("whoami", "Print as whom the server knows this connection");

  sub = add("watch", "Print changes of a node and its children as they come");
  path(sub);
  sub->add_flag("-R,--recursive", command.recursive, "Of all descendants");
  sub->add_option("-n,--count", command.count, "End after this many")->check(CLI::PositiveNumber);
  sub->add_option("--for", command.seconds, "End after this many seconds; without --count that is fine, with it too few are exit code 9")
      ->check(CLI::PositiveNumber);
  sub->add_flag("--ready", command.local, "First print a line \"watching PATH\" (JSON: an event of type \"Watching\")");

  sub = add("export", "Write a tree as JSON, one node a line");
  path(sub, false);
  sub->add_option("-o,--output", command.file, "File; standard output when left out");
  sub->add_flag("-e,--ephemeral", command.ephemeral, "Ephemeral nodes too");
  sub = add("import", "Make the nodes that export has written");
  sub->add_option("file", command.file, "File; standard input when left out or -");
  sub->add_option("--into", command.path, "Put this before every path")->capture_default_str();
  command.mode = "fail";
  sub->add_option("--existing", command.mode, "What to do with a node that is there")
      ->check(CLI::IsMember({"fail", "skip", "overwrite"}))
      ->capture_default_str();

  sub = add("config", "Print the ensemble's configuration");
  stat(sub), watch(sub);
  sub = add("reconfig", "Change the ensemble's members");
  sub->add_option("-a,--add", command.items, "server.N=host:quorum:election[:role][;port]")->allow_extra_args(false);
  sub->add_option("-r,--remove", command.acl, "Ids, with commas");
  auto* members = sub->add_option("-m,--members", command.data, "Instead: all members, with commas");
  sub->add_option("-f,--file", command.file, "Instead: all members, one a line, as a dynamic configuration file has them")
      ->excludes(members);
  sub->add_option_function<std::string>(
      "-v,--version", [&command](const std::string& text) { command.config_version = hex_version(text); },
      "Only if the configuration has this version, hexadecimal as config prints it");
  stat(sub);

  if (!in_shell) return;
  sub = add("addauth", "Authenticate");
  sub->add_option("scheme", command.path)->required();
  sub->add_option("credentials", command.data, "user:password for digest");
  sub = add("addWatch", "Tell of every change of a node from now on");
  path(sub);
  command.mode = "fail";
  sub->add_option("-m,--mode", command.mode, "PERSISTENT or PERSISTENT_RECURSIVE (as without -m)");
  sub = add("removewatches", "Tell of changes no more");
  path(sub);
  sub->add_flag("-c", command.children, "Only watches of children");
  sub->add_flag("-d", command.of_data, "Only watches of data");
  sub->add_flag("-a", command.recursive, "All (as without flags)");
  sub->add_flag("-l", command.local, "Even when the server does not answer");
  add("close", "End the session, and the shell");
  add("quit", "The same");
  sub = add("help", "Print this, or more of one command");
  sub->add_option("command", command.path)->capture_default_str();
}

/// Prints the help that was asked for, or what is wrong.
Exit leave(const CLI::App& app, const CLI::ParseError& error) { return app.exit(error) == 0 ? Exit::ok : Exit::usage; }

Exit unknown_command(const std::string& word) {
  const auto names = command_names();
  const std::string_view near = base::nearest(word, names);
  fmt::print(stderr, "chorus zk: there is no command \"{}\"{}. \"help\" in the shell, or --help, lists them\n", word,
             near.empty() ? "" : fmt::format("; did you mean {}?", near));
  return Exit::usage;
}

}  // namespace

std::vector<std::string_view> command_names() {
  return {"addWatch",
          "addauth",
          "close",
          "config",
          "create",
          "delete",
          "deleteall",
          "export",
          "get",
          "getAcl",
          "getAllChildrenNumber",
          "getEphemerals",
          "help",
          "import",
          "ls",
          "multi",
          "quit",
          "reconfig",
          "removewatches",
          "set",
          "setAcl",
          "stat",
          "sync",
          "watch",
          "whoami"};
}

std::variant<std::pair<Connection, Command>, Leave> parse_arguments(std::vector<std::string> arguments) {
  Connection connection;
  Command command;
  if (const char* servers = std::getenv("CHORUS_ZK_SERVER"); servers != nullptr && *servers != '\0') connection.servers = servers;
  CLI::App app("Work with the tree of a ZooKeeper, Chorus or Java.", "chorus zk");
  app.require_subcommand(0, 1);
  app.footer(std::string(overview));
  app.add_option("--server", connection.servers, "host:port[,host:port]...[/path that all paths are below]")
      ->take_last()
      ->capture_default_str();
  app.add_option("--timeout", connection.timeout_s, "Seconds: of the session, and to wait for a server")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_flag("--wait", connection.wait, "Keep trying to connect until --timeout");
  app.add_flag("--read-only", connection.read_only, "Accept a server that has lost its quorum");
  app.add_option("--auth", connection.auths, "scheme:credentials, e.g. digest:joe:secret; repeat for more")->allow_extra_args(false);
  app.add_flag("--tls", connection.tls, "Connect with TLS (as the three options below do)");
  CLI::Option* const certificate = app.add_option("--cert", connection.certificate, "PEM file of this client's certificate");
  app.add_option("--key", connection.key, "PEM file of its key; left out: in the same file")->needs(certificate);
  app.add_option("--ca", connection.ca, "PEM file of who signs the server's certificate; the system's when left out");
  bool no_verify = false;
  app.add_flag("--no-verify", no_verify, "Take any server's certificate");
  app.add_flag("--json", command.json, "Print JSON");
  declare(app, command, false);
  if (const char* auth = std::getenv("CHORUS_ZK_AUTH"); auth != nullptr && *auth != '\0') connection.auths.emplace_back(auth);
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::ExtrasError& error) {
    const auto rest = app.remaining(true);
    const bool has_command = !app.get_subcommands().empty();
    return Leave{has_command || rest.empty() || rest.front().starts_with('-') ? leave(app, error) : unknown_command(rest.front())};
  } catch (const CLI::ParseError& error) {
    return Leave{leave(app, error)};
  }
  connection.verify = !no_verify;
  connection.json = command.json;
  connection.tls = connection.tls || !connection.certificate.empty() || !connection.key.empty() || !connection.ca.empty();
  return std::pair(std::move(connection), std::move(command));
}

std::variant<Command, Leave> parse_line(std::vector<std::string> words) {
  Command command;
  if (words.front() == "exit") words.front() = "quit";
  const bool known =
      std::ranges::any_of(command_names(), [&](std::string_view name) { return base::lower(name) == base::lower(words.front()); });
  if (!known && !words.front().starts_with('-')) return Leave{unknown_command(words.front())};
  CLI::App app("", "");
  app.require_subcommand(1);
  app.add_flag("--json", command.json, "Print JSON");
  declare(app, command, true);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return Leave{leave(app, error)};
  }
  return command;
}

std::string help_text(const std::string& name) {
  Command command;
  CLI::App app("", "");
  app.add_flag("--json", command.json, "Print JSON");
  declare(app, command, true);
  if (!name.empty()) {
    for (const CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
      if (base::lower(sub->get_name()) == base::lower(name)) return sub->help();
    }
    return fmt::format("There is no command \"{}\".\n", name);
  }
  std::string out;
  for (const CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    out += fmt::format("  {:<22}{}\n", sub->get_name(), sub->get_description());
  }
  return out + "help COMMAND says more. Quote with '' or \"\"; data: @FILE reads a file, @@x stands for \"@x\".\n";
}

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && i + 1 < line.size()) {
        words.back() += line[++i];
      } else {
        words.back() += c;
      }
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\r') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '\\' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

namespace {
constexpr std::array<std::pair<char, std::int32_t>, 5> perm_letters{{{'c', jute::perms::create},
                                                                     {'d', jute::perms::delete_},
                                                                     {'r', jute::perms::read},
                                                                     {'w', jute::perms::write},
                                                                     {'a', jute::perms::admin}}};
}

base::Result<std::vector<client::Acl>, std::string> parse_acl(std::string_view text) {
  std::vector<client::Acl> out;
  for (const std::string_view part : base::split(text, ',')) {
    const std::size_t first = part.find(':'), last = part.rfind(':');
    if (first == std::string_view::npos || first == last || first == 0) {
      return std::unexpected(fmt::format("\"{}\" is not scheme:id:permissions, such as world:anyone:cdrwa", part));
    }
    client::Acl acl{0, std::string(part.substr(0, first)), std::string(part.substr(first + 1, last - first - 1))};
    for (const char letter : part.substr(last + 1)) {
      const auto found = std::ranges::find(perm_letters, letter, &std::pair<char, std::int32_t>::first);
      if (found == perm_letters.end()) {
        return std::unexpected(
            fmt::format("\"{}\" in \"{}\" is no permission: c(reate) d(elete) r(ead) w(rite) a(dmin) are", letter, part));
      }
      acl.perms |= found->second;
    }
    if (acl.perms == 0) return std::unexpected(fmt::format("\"{}\" permits nothing: add some of cdrwa", part));
    out.push_back(std::move(acl));
  }
  return out;
}

std::string perms_text(std::int32_t perms) {
  std::string out;
  for (const auto& [letter, bit] : perm_letters) {
    if ((perms & bit) != 0) out += letter;
  }
  return out;
}

std::string acl_text(const client::Acl& acl) { return fmt::format("{}:{}:{}", acl.scheme, acl.id, perms_text(acl.perms)); }

base::Result<client::CreateMode, std::string> create_mode(const Command& command) {
  using client::CreateMode;
  if (command.ttl_ms > 0) {
    if (command.ephemeral || command.container) return std::unexpected(std::string("--ttl goes with neither --ephemeral nor --container"));
    return command.sequential ? CreateMode::persistent_sequential_with_ttl : CreateMode::persistent_with_ttl;
  }
  if (command.container) {
    if (command.ephemeral || command.sequential)
      return std::unexpected(std::string("--container goes with neither --ephemeral nor --sequential"));
    return CreateMode::container;
  }
  if (command.ephemeral) return command.sequential ? CreateMode::ephemeral_sequential : CreateMode::ephemeral;
  return command.sequential ? CreateMode::persistent_sequential : CreateMode::persistent;
}

}  // namespace chorus::app::zk
