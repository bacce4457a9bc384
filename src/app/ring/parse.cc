#include "app/ring/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <limits>
#include <optional>
#include <sstream>

#include "base/text.h"

namespace chorus::app::ringtool {
namespace {

constexpr std::uint64_t max_counted = 10'000;
constexpr std::uint64_t max_keys = 100'000'000;
constexpr std::string_view overview = R"(
Nodes are given by number (node-1, node-2, ... of weight 1) or by name, with a weight behind '=' where it is not 1. Ketama's names are
host:port. Which algorithm to take when: docs/consistent-hashing.md.

Exit codes: 0 done · 1 wrong usage · 10 anything else)";

using Lists = std::vector<std::vector<ring::Node>>;

std::optional<std::uint32_t> parse_weight(std::string_view text) {
  const auto number = base::parse_int(text);
  if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

base::Result<ring::Node, std::string> parse_node(std::string_view text, bool needs_weight) {
  const std::size_t equals = text.rfind('=');
  ring::Node node{.name = std::string(text.substr(0, equals))};
  if (equals != std::string_view::npos) {
    const auto weight = parse_weight(text.substr(equals + 1));
    if (!weight) return std::unexpected(fmt::format("\"{}\" is no node: its weight has to be a whole number from 0 to 4294967295", text));
    node.weight = *weight;
  } else if (needs_weight) {
    return std::unexpected(fmt::format("\"{}\" is not NAME=WEIGHT", text));
  }
  if (node.name.empty()) return std::unexpected(fmt::format("\"{}\" has no name", text));
  return node;
}

bool is_count(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

base::Result<std::size_t, std::string> parse_count(std::string_view text) {
  const auto number = base::parse_int(text);
  if (!number || *number < 1 || *number > static_cast<std::int64_t>(max_counted))
    return std::unexpected(fmt::format("{} nodes: it can be 1 to {}", text, max_counted));
  return static_cast<std::size_t>(*number);
}

Exit leave(const CLI::App& app, const CLI::ParseError& error) { return app.exit(error) == 0 ? Exit::ok : Exit::usage; }
Leave wrong(std::string_view words) {
  fmt::print(stderr, "chorus ring: {}\n", words);
  return Leave{Exit::usage};
}

/// Options before they are looked at.
struct Texts {
  std::string nodes, nodes_file;
  std::vector<std::string> algorithms;
};

std::string algorithm_names() {
  std::string names;
  for (const auto& facts : ring::algorithms()) names += fmt::format("{}{}", names.empty() ? "" : " ", facts.name);
  return names;
}

void add_nodes(CLI::App& app, Texts& texts, Command& command) {
  auto* nodes = app.add_option("-n,--nodes", texts.nodes, "How many, or their names and weights: 10 or a,b=2,c");
  app.add_option("--nodes-file", texts.nodes_file, "A file with a line for each: name, and weight where it is not 1; - is standard input")
      ->excludes(nodes);
  app.add_option("--virtual-nodes", command.options.ring.virtual_nodes, "ring, bounded: points of a node for each unit of its weight")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--table-size", command.options.maglev.table_size, "maglev: entries of the table, a prime number")->capture_default_str();
  app.add_option("--load-factor", command.options.factor_percent, "bounded: percent of its share that a node takes")
      ->check(CLI::Range(101, 10'000))
      ->capture_default_str();
  app.add_flag("--json", command.json, "JSON, one object a line");
}

void add_compare(CLI::App& app, Texts& texts, Command& command) {
  add_nodes(app, texts, command);
  app.get_option("--nodes")->description("How many, or their names and weights: 10, or 10,100,1000 for a table of each, or a,b=2,c");
  app.add_option("-a,--algorithm", texts.algorithms, "These alone, with commas: " + algorithm_names())->delimiter(',');
  app.add_option("--add", command.change.add, "Change: this many nodes more, or one named NAME[=WEIGHT]; repeat for more")
      ->allow_extra_args(false);
  app.add_option("--remove", command.change.remove, "Change: without this node; repeat for more")->allow_extra_args(false);
  app.add_option("--weight", command.change.weights, "Change: NAME=WEIGHT; repeat for more")->allow_extra_args(false);
  app.add_option("--keys", command.keys, "Keys that are placed")->check(CLI::Range(std::uint64_t{1}, max_keys))->capture_default_str();
  app.add_option("--seed", command.seed, "Of the random keys")->capture_default_str();
  bool* const times = &command.times;
  app.add_flag_callback("--no-times", [times] { *times = false; }, "Leave out what differs from run to run");
  app.add_flag("--markdown", command.markdown, "Tables in Markdown");
  app.add_option("--svg", command.svg_file, "Write plots of it to this file");
}

void add_locate(CLI::App& app, Texts& texts, Command& command) {
  add_nodes(app, texts, command);
  app.add_option("-a,--algorithm", texts.algorithms, "By this algorithm; ring when left out: " + algorithm_names())->expected(1);
  app.add_option("key", command.keys_to_locate, "Keys; left out: each line of standard input is one");
}

base::Result<Lists, std::string> nodes_of(const Texts& texts, std::string_view fallback) {
  if (texts.nodes_file.empty()) return parse_nodes(texts.nodes.empty() ? fallback : std::string_view(texts.nodes));
  std::ostringstream content;
  if (texts.nodes_file == "-") {
    content << std::cin.rdbuf();
  } else {
    std::ifstream file(texts.nodes_file, std::ios::binary);
    if (!file) return std::unexpected(fmt::format("{} cannot be read", texts.nodes_file));
    content << file.rdbuf();
  }
  auto nodes = parse_node_lines(content.str());
  if (!nodes) return std::unexpected(fmt::format("{}: {}", texts.nodes_file, nodes.error()));
  return Lists{std::move(*nodes)};
}

base::Result<std::vector<const ring::AlgorithmFacts*>, std::string> algorithms_of(const std::vector<std::string>& names) {
  std::vector<const ring::AlgorithmFacts*> out;
  std::vector<std::string_view> known;
  for (const auto& facts : ring::algorithms()) known.push_back(facts.name);
  for (const std::string& name : names) {
    const auto* facts = ring::find_algorithm(name);
    if (facts == nullptr) {
      const std::string_view near = base::nearest(name, known);
      return std::unexpected(fmt::format("there is no algorithm \"{}\"{}; there are {}", name,
                                         near.empty() ? "" : fmt::format("; did you mean {}?", near), fmt::join(known, ", ")));
    }
    out.push_back(facts);
  }
  return out;
}

}  // namespace

base::Result<Lists, std::string> parse_nodes(std::string_view text) {
  const auto parts = base::split(text, ',');
  const auto counts = std::ranges::count_if(parts, is_count);
  if (counts != 0 && static_cast<std::size_t>(counts) != parts.size())
    return std::unexpected(fmt::format("\"{}\" has numbers and names; nodes are given by one or the other", text));
  Lists lists;
  if (counts == 0) lists.emplace_back();
  for (const std::string_view part : parts) {
    if (counts == 0) {
      auto node = parse_node(part, false);
      if (!node) return std::unexpected(node.error());
      lists.back().push_back(std::move(*node));
      continue;
    }
    const auto count = parse_count(part);
    if (!count) return std::unexpected(count.error());
    std::vector<ring::Node>& list = lists.emplace_back();
    for (std::size_t i = 1; i <= *count; ++i) list.push_back({.name = fmt::format("node-{}", i)});
  }
  return lists;
}

base::Result<std::vector<ring::Node>, std::string> parse_node_lines(std::string_view text) {
  std::vector<ring::Node> nodes;
  std::size_t number = 0;
  for (const std::string_view whole : base::split(text, '\n')) {
    ++number;
    const std::string_view line = base::trim(whole.substr(0, whole.find('#')));
    if (line.empty()) continue;
    const std::size_t gap = line.find_first_of(" \t");
    ring::Node node{.name = std::string(line.substr(0, gap))};
    if (gap != std::string_view::npos) {
      const auto weight = parse_weight(base::trim(line.substr(gap)));
      if (!weight) return std::unexpected(fmt::format("line {}: \"{}\" is not a name and a weight", number, line));
      node.weight = *weight;
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

base::Result<std::vector<ring::Node>, std::string> changed(std::vector<ring::Node> nodes, const Change& change) {
  const auto find = [&](std::string_view name) { return std::ranges::find(nodes, name, &ring::Node::name); };
  for (const std::string& name : change.remove) {
    const auto found = find(name);
    if (found == nodes.end()) return std::unexpected(fmt::format("--remove {}: there is no such node", name));
    nodes.erase(found);
  }
  for (const std::string& text : change.weights) {
    const auto node = parse_node(text, true);
    if (!node) return std::unexpected("--weight: " + node.error());
    const auto found = find(node->name);
    if (found == nodes.end()) return std::unexpected(fmt::format("--weight {}: there is no such node", text));
    found->weight = node->weight;
  }
  for (const std::string& text : change.add) {
    if (!is_count(text)) {
      const auto node = parse_node(text, false);
      if (!node) return std::unexpected("--add: " + node.error());
      nodes.push_back(*node);
      continue;
    }
    const auto count = parse_count(text);
    if (!count) return std::unexpected("--add: " + count.error());
    for (std::size_t added = 0, number = nodes.size() + 1; added < *count; ++number) {
      std::string name = fmt::format("node-{}", number);
      if (find(name) != nodes.end()) continue;
      nodes.push_back({.name = std::move(name)});
      ++added;
    }
  }
  return nodes;
}

std::variant<Command, Leave> parse_arguments(std::vector<std::string> arguments) {
  CLI::App app("Compares algorithms of consistent hashing, and says where they place keys.", "chorus ring");
  app.require_subcommand(1);
  app.footer(std::string(overview));
  Command command;
  Texts texts;
  CLI::App* compare = app.add_subcommand(
      "compare", "Place keys on a list of nodes and on a changed one: load spread, keys moved, time, memory of each algorithm");
  add_compare(*compare, texts, command);
  CLI::App* locate = app.add_subcommand("locate", "Print the node of each key");
  add_locate(*locate, texts, command);
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return Leave{leave(app, error)};
  }
  command.kind = *locate ? Command::Kind::locate : Command::Kind::compare;
  const bool compares = command.kind == Command::Kind::compare;
  if (!compares && texts.nodes.empty() && texts.nodes_file.empty()) return wrong("say among which nodes: --nodes or --nodes-file");
  if (!compares && texts.nodes_file == "-" && command.keys_to_locate.empty())
    return wrong("standard input cannot be both the nodes and the keys: name the keys, or the nodes, on the command line");
  auto lists = nodes_of(texts, "10,100,1000");
  if (!lists) return wrong(lists.error());
  if (!compares && lists->size() > 1) return wrong("several lists of nodes are for compare");
  command.lists = std::move(*lists);
  if (texts.algorithms.empty() && !compares) texts.algorithms = {"ring"};
  auto algorithms = algorithms_of(texts.algorithms);
  if (!algorithms) return wrong(algorithms.error());
  command.algorithms = std::move(*algorithms);
  if (command.algorithms.empty()) {
    for (const auto& facts : ring::algorithms()) command.algorithms.push_back(&facts);
  }
  if (command.change.add.empty() && command.change.remove.empty() && command.change.weights.empty()) command.change.add = {"1"};
  if (command.json && command.markdown) return wrong("--json and --markdown are two ways to print the same: take one");
  return command;
}

}  // namespace chorus::app::ringtool
