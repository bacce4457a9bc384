// The command line of `chorus ring` as values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ring/algorithm.h"

namespace chorus::app::ringtool {

enum class Exit : std::uint8_t {
  ok = 0,
  usage = 1,    // the command line, a list of nodes, a file that it names
  failed = 10,  // everything else
};

/// What becomes of a list of nodes.
struct Change {
  std::vector<std::string> add;      // "3" or name[=weight]
  std::vector<std::string> remove;   // names
  std::vector<std::string> weights;  // name=weight
};

struct Command {
  enum class Kind : std::uint8_t { compare, locate } kind = Kind::compare;
  std::vector<std::vector<ring::Node>> lists;  // one for each comparison; one alone for locate
  std::vector<const ring::AlgorithmFacts*> algorithms;
  ring::PlacementOptions options;
  Change change;
  std::uint64_t keys = 1'000'000, seed = 1;
  bool times = true, json = false, markdown = false;
  std::string svg_file;                     // empty: none
  std::vector<std::string> keys_to_locate;  // empty: lines of standard input
};

/// The program is to end (after printing --help, or what is wrong, already said) with this code.
struct Leave {
  Exit code = Exit::ok;
};
/// arguments: without the program's name.
std::variant<Command, Leave> parse_arguments(std::vector<std::string> arguments);

/// "10,100,1000": lists of so many nodes, node-1 and so on. "a,b=2,c": one list of named nodes with their weights. On failure: what is
/// wrong.
base::Result<std::vector<std::vector<ring::Node>>, std::string> parse_nodes(std::string_view text);
/// A line for each node: name, then its weight when that is not 1. What follows '#' is passed over.
base::Result<std::vector<ring::Node>, std::string> parse_node_lines(std::string_view text);
/// The list after the change; the order of those that stay is kept, and others come behind.
base::Result<std::vector<ring::Node>, std::string> changed(std::vector<ring::Node> nodes, const Change& change);

}  // namespace chorus::app::ringtool
