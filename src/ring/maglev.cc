#include "ring/maglev.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>

#include "base/ensure.h"

namespace chorus::ring {

bool is_prime(std::uint64_t number) {
  if (number < 2) return false;
  for (std::uint64_t divisor = 2; divisor <= number / divisor; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

std::vector<NodeIndex> fill_table(std::span<const Preference> preferences, std::uint64_t table_size) {
  struct Turn {
    std::uint64_t next, skip;  // entry that it wants next
    std::uint64_t weight, taken = 0;
    NodeIndex node;
  };
  std::vector<Turn> turns;
  std::uint64_t highest = 0, lowest = std::numeric_limits<std::uint64_t>::max();
  for (NodeIndex node = 0; node < preferences.size(); ++node) {
    const Preference& wish = preferences[node];
    ENSURE(wish.offset < table_size && wish.skip > 0 && wish.skip < table_size, wish.offset, wish.skip, table_size);
    if (wish.weight == 0) continue;
    turns.push_back({.next = wish.offset, .skip = wish.skip, .weight = wish.weight, .node = node});
    highest = std::max<std::uint64_t>(highest, wish.weight);
    lowest = std::min<std::uint64_t>(lowest, wish.weight);
  }
  ENSURE(!turns.empty());
  std::vector<NodeIndex> table(table_size, no_node);
  std::uint64_t filled = 0;
  const auto take = [&](Turn& turn) {
    const auto step = [&] {
      turn.next += turn.skip;
      if (turn.next >= table_size) turn.next -= table_size;
    };
    while (table[turn.next] != no_node) step();
    table[turn.next] = turn.node;
    step();
    ++turn.taken;
    return ++filled == table_size;
  };
  if (lowest == highest) {
    for (;;) {
      for (Turn& turn : turns) {
        if (take(turn)) return table;
      }
    }
  }
  // Of every `highest` rounds a node has turns in as many as its weight, evenly apart. Whose turn is next tells a heap: rounds in which
  // nearly all are passed over would take as long as those in which they are not.
  const auto round = [&](const Turn& turn) { return ((turn.taken + 1) * highest + turn.weight - 1) / turn.weight; };
  using Due = std::pair<std::uint64_t, std::size_t>;  // round, place in the order
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  for (std::size_t i = 0; i < turns.size(); ++i) due.emplace(round(turns[i]), i);
  for (;;) {
    const std::size_t i = due.top().second;
    due.pop();
    if (take(turns[i])) return table;
    due.emplace(round(turns[i]), i);
  }
}

Result<Maglev> Maglev::make(std::span<const Node> nodes, const MaglevOptions& options) {
  if (auto ok = check_nodes(nodes); !ok) return std::unexpected(ok.error());
  const std::uint32_t size = options.table_size;
  if (size > max_table_size)
    return base::error(Errc::too_large, fmt::format("a table of {} entries is too large: at most {}", size, max_table_size));
  if (size < 3 || !is_prime(size))
    return base::error(Errc::invalid, fmt::format("the size of the table has to be prime, and {} is not", size));
  if (nodes.size() > size) {
    return base::error(Errc::invalid, fmt::format("{} nodes do not fit into a table of {}: take a prime of a hundred times the nodes",
                                                  nodes.size(), size));
  }
  std::vector<NodeIndex> order(nodes.size());
  std::iota(order.begin(), order.end(), NodeIndex{0});
  std::ranges::sort(order, {}, [&](NodeIndex index) -> const std::string& { return nodes[index].name; });
  std::vector<Preference> preferences;
  preferences.reserve(nodes.size());
  for (const NodeIndex index : order) {
    const std::string& name = nodes[index].name;
    preferences.push_back(
        {.offset = reduce(hash_octets(name, 0), size), .skip = reduce(hash_octets(name, 1), size - 1) + 1, .weight = nodes[index].weight});
  }
  std::vector<NodeIndex> table = fill_table(preferences, size);
  for (NodeIndex& entry : table) entry = order[entry];
  return Maglev(std::move(table), nodes.size());
}

}  // namespace chorus::ring
