// The program: picks the sub-command, and says in one place what went wrong.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string_view>

#include "app/cache/cache.h"
#include "app/command/config.h"
#include "app/command/status.h"
#include "app/config/load.h"
#include "app/mq/mq.h"
#include "app/ring/ring.h"
#include "app/serve.h"
#include "app/version.h"
#include "app/zk/zk.h"
#include "coord/disk/inspect.h"
#include "mq/log/inspect.h"
#include "world/real/files.h"

namespace chorus::app {
namespace {

// Exit codes of every sub-command: 0 done; 1 it failed, standard error says why; 2 the command line or the configuration is wrong.
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

struct ConfigFlags {
  std::string file;
  std::vector<std::string> sets;

  void add_to(CLI::App& command) {
    command.add_option("-c,--config", file, "chorus.toml, or a ZooKeeper zoo.cfg (any other name)");
    command.add_option("--set", sets, "table.key=value; wins over file and environment")->allow_extra_args(false);
  }
  Sources sources() const { return {.file = file, .sets = sets, .environment = process_environment()}; }
};

world::Address address(const std::string& text, std::uint16_t default_port) {
  const auto parsed = world::parse_address(text, default_port);
  if (!parsed) throw CLI::ValidationError("'" + text + "' is not host:port");
  return *parsed;
}

int inspect(const std::vector<std::string>& paths, const coord::disk::InspectOptions& options) {
  world::real::PosixFiles files;
  bool sound = true;
  for (const std::string& path : paths) {
    if (!mq::log::is_log_file(files, path)) {
      sound &= coord::disk::inspect(files, path, options, std::cout) == coord::disk::InspectOutcome::sound;
      continue;
    }
    // What is a zxid there is a position here.
    const mq::log::InspectOptions of_log{.json = options.json,
                                         .paths = options.paths,
                                         .sizes = options.sizes,
                                         .data = options.data,
                                         .from = options.from_zxid,
                                         .to = options.to_zxid};
    sound &= mq::log::inspect(files, path, of_log, std::cout) == mq::log::InspectOutcome::sound;
  }
  return sound ? 0 : exit_failed;
}

int run(int argc, char** argv) {
  // They have command lines, and exit codes, of their own.
  if (argc > 1 && std::string_view(argv[1]) == "zk") return zk::zk_main(argc - 1, argv + 1);
  if (argc > 1 && std::string_view(argv[1]) == "mq") return mqtool::mq_main(argc - 1, argv + 1);
  if (argc > 1 && std::string_view(argv[1]) == "cache") return cachetool::cache_main(argc - 1, argv + 1);
  if (argc > 1 && std::string_view(argv[1]) == "ring") return ringtool::ring_main(argc - 1, argv + 1);

  CLI::App app("Chorus: coordination that ZooKeeper clients use.", "chorus");
  app.set_version_flag("--version", fmt::format("chorus {} ({})", version, version_commit));
  app.require_subcommand(1);
  app.footer("'chorus COMMAND --help' says more of each.");

  ConfigFlags flags;
  CLI::App* serve_command = app.add_subcommand("serve", "Run a node; with no configuration on loopback, data in ./chorus-data");
  flags.add_to(*serve_command);

  CLI::App* status_command = app.add_subcommand("status", "Ask servers how they are");
  std::vector<std::string> servers = {"127.0.0.1:2181"};
  std::string admin;
  std::string name_server;
  bool json = false;
  status_command->add_option("--name-server", name_server, "Ask this NameServer for brokers, topics, groups and lag too");
  status_command->add_option("--server,address", servers, "Where clients connect: one server, or those of an ensemble")
      ->delimiter(',')
      ->capture_default_str();
  status_command->add_option("--admin", admin, "Ask /health of this admin address too; with one server");
  status_command->add_flag("--json", json, "One JSON object");

  CLI::App* inspect_command =
      app.add_subcommand("inspect", "Read transaction logs and snapshots, Chorus's or ZooKeeper's, and files of the message log");
  std::vector<std::string> inspected;
  coord::disk::InspectOptions inspect_options;
  inspect_command->add_option("file", inspected, "log.* or snapshot.* files; *.log, *.index or *.state files of the message log")
      ->required();
  inspect_command->add_flag("--json", inspect_options.json, "One JSON object a line");
  inspect_command->add_flag("--paths", inspect_options.paths,
                            "With the path of each transaction or node; each message; each queue of an index or checkpoint");
  inspect_command->add_flag("--sizes", inspect_options.sizes,
                            "Snapshot: nodes and octets of data below each node; message log: entries and octets of each queue");
  inspect_command->add_flag("--data", inspect_options.data, "With the data");
  inspect_command->add_option("--from", inspect_options.from_zxid, "Only from this zxid, or position, on");
  inspect_command->add_option("--to", inspect_options.to_zxid, "Only up to this zxid, or position");
  inspect_command->add_flag("--all", inspect_options.all, "Go on behind damage");

  app.add_subcommand("zk", "Work with the tree: ls, get, set, create, watch, export, ...");
  app.add_subcommand("mq", "Work with messages: topics, groups, produce, consume, lag, reset, dead letters, ...");
  app.add_subcommand("cache", "Work with a cluster of caches: status, reshard");
  app.add_subcommand("ring", "Compare algorithms of consistent hashing, and see where they place keys");

  CLI::App* config_command = app.add_subcommand("config", "Print the configuration in force, and where each value came from");
  flags.add_to(*config_command);
  bool help_keys = false;
  bool reference = false;
  config_command->add_flag("--help-keys", help_keys, "List every key with its default and meaning instead");
  config_command->add_flag("--reference", reference, "The same as the page docs/configuration.md");
  config_command->add_flag("--json", json, "One JSON object");

  try {
    app.parse(argc, argv);
    if (*serve_command) return serve(flags.sources());
    if (*inspect_command) return inspect(inspected, inspect_options);
    if (*status_command) {
      StatusRequest request{
          .servers = {}, .admin = admin.empty() ? std::nullopt : std::optional(address(admin, 8080)), .name_server = {}, .json = json};
      if (!name_server.empty()) request.name_server = address(name_server, 9876);
      for (const std::string& server : servers) request.servers.push_back(address(server, 2181));
      if (request.admin && request.servers.size() > 1) throw CLI::ValidationError("--admin", "is for one server");
      return status(request);
    }
    if (help_keys || reference) {
      fmt::print("{}", reference ? key_reference() : key_help());
    } else {
      const Loaded loaded = load(flags.sources());
      for (const std::string& note : loaded.notes) fmt::print(stderr, "{}\n", note);
      fmt::print("{}", effective_config(loaded, json));
    }
    return 0;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  } catch (const ConfigError& e) {
    fmt::print(stderr, "chorus: the configuration has {} problem{}:\n", e.problems().size(), e.problems().size() == 1 ? "" : "s");
    for (const std::string& problem : e.problems()) fmt::print(stderr, "  {}\n", problem);
    return exit_usage;
  }
}

}  // namespace
}  // namespace chorus::app

int main(int argc, char** argv) {
  try {
    return chorus::app::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "chorus: {}\n", e.what());
    return chorus::app::exit_failed;
  }
}
