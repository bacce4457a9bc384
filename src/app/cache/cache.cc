#include "app/cache/cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <thread>

#include "app/mq/output.h"
#include "base/text.h"
#include "cache/cluster/coordinator.h"
#include "cache/cluster/plan.h"
#include "client/blocking.h"

namespace chorus::app::cachetool {
namespace {

using cache::cluster::Endpoint;
using cache::cluster::make_plan;
using cache::cluster::NodeId;
using cache::cluster::Plan;
using cache::cluster::PlanOptions;
using cache::cluster::SlotMap;
using client::Code;
using mqtool::Json;
using namespace std::chrono_literals;

enum class Exit : std::uint8_t { ok = 0, usage = 1, no_connection = 2, failed = 10 };

constexpr const char* footer =
    "Exit codes: 0 done; 1 the command line is wrong; 2 no server of the tree answers; 10 everything else, standard error says why.\n"
    "A move that was begun goes on by itself when this command ends. Documentation: docs/cache-cluster.md";

struct Request {
  std::string servers = "127.0.0.1:2181";
  std::string cluster = "default";
  bool json = false;
  // reshard
  std::vector<std::string> weights;
  std::size_t slots_a_move = 64;
  bool yes = false, abort = false, no_wait = false;
};

Exit fail(Exit code, std::string_view words) {
  fmt::print(stderr, "chorus cache: {}\n", words);
  return code;
}
Exit fail(const client::Error& error) {
  return fail(error.code == Code::connection_loss ? Exit::no_connection : Exit::failed, error.message);
}

/// What is in the tree at a time.
struct View {
  SlotMap map;
  std::int32_t version = -1;
  std::map<NodeId, Endpoint> running;
};

base::Result<View, client::Error> read_view(client::BlockingClient& tree, const Request& request) {
  View view;
  if (auto synced = tree.sync("/"); !synced) return std::unexpected(synced.error());
  auto map = tree.get(cache::cluster::map_path(request.cluster));
  if (map) {
    auto parsed = SlotMap::parse(map->data);
    if (!parsed) return std::unexpected(client::Error{Code::marshalling_error, parsed.error().what});
    view.map = std::move(*parsed);
    view.version = map->stat.version;
  } else if (map.error().code != Code::no_node) {
    return std::unexpected(map.error());
  }
  const std::string nodes = cache::cluster::nodes_path(request.cluster);
  auto names = tree.children(nodes);
  if (!names) return names.error().code == Code::no_node ? base::Result<View, client::Error>(view) : std::unexpected(names.error());
  for (const std::string& id : names->names) {
    auto data = tree.get(nodes + "/" + id);
    if (!data && data.error().code != Code::no_node) return std::unexpected(data.error());
    if (!data || !cache::cluster::is_node_id(id)) continue;
    if (auto endpoint = cache::cluster::parse_endpoint(data->data)) view.running.emplace(id, std::move(*endpoint));
  }
  return view;
}

struct NodeFacts {
  NodeId id;
  Endpoint endpoint;
  bool is_member = false, runs = false;
  std::size_t slots = 0, leaving = 0, coming = 0;
  std::uint32_t weight = 1;
};

std::vector<NodeFacts> facts_of(const View& view) {
  std::map<NodeId, NodeFacts> all;
  for (const auto& [id, member] : view.map.members()) {
    all[id] = {.id = id, .endpoint = member.endpoint, .is_member = true, .slots = view.map.assigned_to(id), .weight = member.weight};
  }
  for (const auto& [id, endpoint] : view.running) {
    NodeFacts& facts = all[id];
    facts.id = id;
    facts.endpoint = endpoint;
    facts.runs = true;
  }
  for (const auto& [number, move] : view.map.moves()) {
    all[move.from].leaving += move.slots.size();
    all[move.to].coming += move.slots.size();
  }
  std::vector<NodeFacts> list;
  for (auto& [id, facts] : all) list.push_back(std::move(facts));
  return list;
}

Exit status(client::BlockingClient& tree, const Request& request) {
  const auto view = read_view(tree, request);
  if (!view) return fail(view.error());
  const auto nodes = facts_of(*view);
  std::size_t moving = 0;
  for (const NodeFacts& node : nodes) moving += node.leaving;
  if (request.json) {
    Json list = Json::array();
    for (const NodeFacts& node : nodes) {
      list.push_back({{"id", node.id},
                      {"address", fmt::format("{}:{}", node.endpoint.ip, node.endpoint.port)},
                      {"member", node.is_member},
                      {"runs", node.runs},
                      {"slots", node.slots},
                      {"weight", node.weight},
                      {"leaving", node.leaving},
                      {"coming", node.coming}});
    }
    fmt::print("{}", mqtool::line({{"cluster", request.cluster},
                                   {"epoch", view->map.epoch()},
                                   {"slots_assigned", view->map.assigned()},
                                   {"slots_moving", moving},
                                   {"nodes", std::move(list)}}));
    return Exit::ok;
  }
  mqtool::Table table({"node", "address", "state", "weight", "slots", "leaving", "coming"});
  for (const NodeFacts& node : nodes) {
    table.add({node.id, fmt::format("{}:{}", node.endpoint.ip, node.endpoint.port),
               !node.runs       ? "gone"
               : node.is_member ? "runs"
                                : "no member",
               std::to_string(node.weight), std::to_string(node.slots), std::to_string(node.leaving), std::to_string(node.coming)});
  }
  fmt::print("{}{} of {} slots have an owner, {} are being moved\n", table.text(), view->map.assigned(), cache::slots, moving);
  return Exit::ok;
}

/// Writes the map, if nobody was faster. Nothing: somebody was.
base::Result<bool, client::Error> write_map(client::BlockingClient& tree, const Request& request, SlotMap map, std::int32_t version) {
  map.next_epoch();
  const std::string path = cache::cluster::map_path(request.cluster);
  if (version < 0) {
    for (const std::string& parent : cache::cluster::parent_paths(request.cluster)) {
      auto made = tree.create(parent, "");
      if (!made && made.error().code != Code::node_exists) return std::unexpected(made.error());
    }
    auto made = tree.create(path, map.format());
    if (made) return true;
    return made.error().code == Code::node_exists ? base::Result<bool, client::Error>(false) : std::unexpected(made.error());
  }
  auto written = tree.set(path, map.format(), version);
  if (written) return true;
  return written.error().code == Code::bad_version ? base::Result<bool, client::Error>(false) : std::unexpected(written.error());
}

std::size_t moving_in(const SlotMap& map) {
  std::size_t count = 0;
  for (const auto& [number, move] : map.moves()) count += move.slots.size();
  return count;
}

/// Shows how far it is until all slots have moved.
Exit wait(client::BlockingClient& tree, const Request& request, std::size_t total) {
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  std::size_t shown = total + 1;
  for (;;) {
    const auto view = read_view(tree, request);
    if (!view) return fail(view.error());
    const std::size_t left = moving_in(view->map);
    total = std::max(total, left);
    if (left != shown) {
      const std::size_t done = total - left;
      if (request.json) {
        fmt::print("{}", mqtool::line({{"event", "progress"}, {"slots_moved", done}, {"slots_total", total}}));
        std::fflush(stdout);
      } else if (is_terminal) {
        constexpr std::size_t width = 40;
        const std::size_t filled = total == 0 ? width : done * width / total;
        fmt::print(stderr, "\r\x1b[K[{}{}] {} of {} slots", std::string(filled, '#'), std::string(width - filled, '.'), done, total);
      }
      shown = left;
    }
    if (left == 0) break;
    std::this_thread::sleep_for(200ms);
  }
  if (is_terminal && !request.json) fmt::print(stderr, "\r\x1b[K");
  if (!request.json) fmt::print("{} slots have moved\n", total);
  return Exit::ok;
}

void show(const Plan& plan, bool json) {
  if (json) {
    Json given = Json::object(), moved = Json::array();
    for (const auto& [id, count] : plan.given) given[id] = count;
    for (const auto& [way, count] : plan.moved) moved.push_back({{"from", way.first}, {"to", way.second}, {"slots", count}});
    fmt::print("{}", mqtool::line({{"event", "plan"}, {"joins", plan.joins}, {"given", std::move(given)}, {"moved", std::move(moved)}}));
    return;
  }
  for (const NodeId& id : plan.joins) fmt::print("{} becomes a member\n", id);
  for (const auto& [id, count] : plan.given) fmt::print("{} gets {} slots that nobody owned\n", id, count);
  for (const auto& [way, count] : plan.moved) fmt::print("{} slots move from {} to {}\n", count, way.first, way.second);
}

Exit abort_moves(client::BlockingClient& tree, const Request& request) {
  for (;;) {
    const auto view = read_view(tree, request);
    if (!view) return fail(view.error());
    SlotMap map = view->map;
    const std::size_t count = moving_in(map);
    for (const auto& [number, move] : view->map.moves()) map.remove_move(number);
    if (count > 0) {
      const auto written = write_map(tree, request, std::move(map), view->version);
      if (!written) return fail(written.error());
      if (!*written) continue;
    }
    if (request.json) {
      fmt::print("{}", mqtool::line({{"event", "aborted"}, {"slots", count}}));
    } else {
      fmt::print("{} slots stay where they are\n", count);
    }
    return Exit::ok;
  }
}

Exit reshard(client::BlockingClient& tree, const Request& request) {
  if (request.abort) return abort_moves(tree, request);
  PlanOptions options{.weights = {}, .slots_a_move = request.slots_a_move};
  for (const std::string& text : request.weights) {
    const std::size_t equals = text.find('=');
    const auto weight = equals == std::string::npos ? std::nullopt : base::parse_int(std::string_view(text).substr(equals + 1));
    if (!weight || *weight < 0 || *weight > 1'000'000) return fail(Exit::usage, fmt::format("--weight wants NODE=NUMBER, not '{}'", text));
    options.weights[text.substr(0, equals)] = static_cast<std::uint32_t>(*weight);
  }
  for (;;) {
    const auto view = read_view(tree, request);
    if (!view) return fail(view.error());
    if (!view->map.moves().empty() && options.weights.empty()) {
      if (!request.json) fmt::print("{} slots are being moved already\n", moving_in(view->map));
      return request.no_wait ? Exit::ok : wait(tree, request, moving_in(view->map));
    }
    auto plan = make_plan(view->map, view->running, options);
    if (!plan) return fail(Exit::failed, plan.error());
    show(*plan, request.json);
    if (plan->is_empty()) {
      if (!request.json) fmt::print("all slots are where they are to be\n");
      return Exit::ok;
    }
    if (!request.yes) {
      if (!request.json) fmt::print("nothing was done: with --yes it is\n");
      return Exit::ok;
    }
    const auto written = write_map(tree, request, plan->after, view->version);
    if (!written) return fail(written.error());
    if (!*written) continue;  // the map is another by now: plan again
    return request.no_wait ? Exit::ok : wait(tree, request, plan->moves());
  }
}

}  // namespace

int cache_main(int argc, const char* const* argv) {
  CLI::App app("Work with a cluster of caches, through the tree that it is kept in.", "chorus cache");
  app.require_subcommand(1);
  app.footer(footer);
  Request request;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--server", request.servers, "The tree: host:port,host:port")->capture_default_str();
    command->add_option("--cluster", request.cluster, "The cluster's name (cache.cluster_name)")->capture_default_str();
    command->add_flag("--json", request.json, "JSON, one object a line");
  };
  CLI::App* status_command = app.add_subcommand("status", "Who is in the cluster and owns how many slots");
  add_common(status_command);
  CLI::App* reshard_command =
      app.add_subcommand("reshard", "Share the slots out among all nodes that run, while clients go on; new nodes become members");
  add_common(reshard_command);
  reshard_command->add_option(
      "--weight", request.weights,
      "NODE=NUMBER: its share beside the others', kept until another is given, 1 at first; 0: it is to have no slots");
  reshard_command->add_option("--slots-a-move", request.slots_a_move, "Slots that change hands at once")
      ->check(CLI::Range(1, 16'384))
      ->capture_default_str();
  reshard_command->add_flag("--yes", request.yes, "Do it; else the plan is shown only");
  reshard_command->add_flag("--abort", request.abort, "End what is under way: slots that have not moved stay where they are");
  reshard_command->add_flag("--no-wait", request.no_wait, "Do not wait until all slots have moved");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  auto options = client::options_for(request.servers);
  if (!options) return static_cast<int>(fail(Exit::usage, options.error().message));
  auto tree = client::BlockingClient::connect(std::move(*options));
  if (!tree) return static_cast<int>(fail(Exit::no_connection, tree.error().message));
  return static_cast<int>(*reshard_command ? reshard(**tree, request) : status(**tree, request));
}

}  // namespace chorus::app::cachetool
