// An ensemble under crashes, broken links and partitions, thousands of times, each from a seed of its own.
//   CHORUS_ZAB_SEED=N   runs that seed alone, and prints what happened in it
//   CHORUS_ZAB_SEEDS=N  runs so many
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "zab/cluster_fixture.h"

namespace chorus::zab::test {

using namespace std::chrono_literals;

// --- The judge ---

bool Cluster::has_quorum(std::size_t index) const {
  int have = 0;
  for (const auto& server : servers_) {
    have += !server->is_observer && server->log.size() > index && server->log[index] == committed_[index] ? 1 : 0;
  }
  return 2 * have > options_.voters;
}

void Cluster::judge_commit(Server& server) {
  const std::size_t index = server.tree.size() - 1;
  const Entry& entry = server.tree.back();
  if (server.serving->role == Role::leading) {
    if (index == committed_.size()) committed_.push_back(entry);
    if (index < committed_.size() && committed_[index] == entry && !has_quorum(index)) {
      broken(fmt::format("{} commits {:#x} without a quorum that has it on disk", server.name(), entry.zxid));
    }
  }
  if (index >= committed_.size()) return broken(fmt::format("{} commits {:#x} before its leader", server.name(), entry.zxid));
  if (committed_[index] != entry) {
    broken(fmt::format("{} commits {:#x}/{} where {:#x}/{} was committed", server.name(), entry.zxid, entry.value, committed_[index].zxid,
                       committed_[index].value));
  }
  const std::int64_t before = index > 0 ? server.tree[index - 1].zxid : 0;
  if (entry.zxid != before + 1 && (epoch_of(entry.zxid) <= epoch_of(before) || counter_of(entry.zxid) != 1)) {
    broken(fmt::format("{} commits {:#x} after {:#x}", server.name(), entry.zxid, before));
  }
}

void Cluster::judge_start(Server& server, const StartServing& how) {
  const auto both = std::min(server.tree.size(), committed_.size());
  if (!std::equal(server.tree.begin(), server.tree.begin() + static_cast<std::ptrdiff_t>(both), committed_.begin())) {
    return broken(fmt::format("{} serves another history than was committed", server.name()));
  }
  if (how.role != Role::leading) {
    if (server.tree.size() > committed_.size()) broken(fmt::format("{} serves what is not committed", server.name()));
    return;
  }
  const auto [leader, is_new] = leaders_.emplace(how.epoch, server.id);
  if (!is_new) broken(fmt::format("servers {} and {} lead epoch {}", leader->second, server.id, how.epoch));
  // A later epoch may have begun already, of which it does not know: then it commits nothing any more.
  if (server.tree.size() < committed_.size() && epoch_of(committed_[both].zxid) < how.epoch) {
    return broken(fmt::format("{} leads epoch {} and has lost {:#x}", server.name(), how.epoch, committed_[both].zxid));
  }
  // Its history is committed with the epoch.
  if (server.tree.size() > committed_.size()) committed_ = server.tree;
  if (!server.tree.empty() && !has_quorum(server.tree.size() - 1)) {
    broken(fmt::format("{} leads epoch {} without a quorum that has its history on disk", server.name(), how.epoch));
  }
  int in_epoch = 0;
  for (const auto& other : servers_) in_epoch += !other->is_observer && other->current >= how.epoch ? 1 : 0;
  if (2 * in_epoch <= options_.voters) broken(fmt::format("{} leads epoch {} without a quorum that is in it", server.name(), how.epoch));
}

// --- What happens ---

void Cluster::fault() {
  Server& one = *servers_[random_.below(servers_.size())];
  const auto leader = std::ranges::find_if(servers_, [](const auto& s) { return s->serving && s->serving->role == Role::leading; });
  Server& target = leader != servers_.end() && random_.chance(0.4) ? **leader : one;
  switch (random_.below(8)) {
    case 0:
    case 1:
    case 2:
      if (target.peer) crash(target);
      break;
    case 3:  // all at once
      if (random_.chance(0.3)) {
        for (const auto& server : servers_) {
          if (server->peer) crash(*server);
        }
      }
      break;
    case 4:
    case 5: {
      const auto& [a, b] = std::minmax(target.id, servers_[random_.below(servers_.size())]->id);
      if (a == b) break;
      ++counts.partitions;
      cut_[{a, b}] = true;
      note(fmt::format("servers {} and {} are cut off from one another", a, b));
      at(delay(1'500'000), [this, pair = std::pair(a, b)] { cut_[pair] = false; });
      for (const auto& wire : wires_) {
        if (std::minmax(wire->ends[0], wire->ends[1]) == std::minmax(a, b)) break_wire(wire);
      }
      break;
    }
    case 6:
      ++counts.breaks;
      for (const auto& wire : wires_) {
        if (wire->is_open[0] && wire->is_open[1] && random_.chance(0.5)) break_wire(wire);
      }
      break;
    default:
      ++counts.resignations;
      note(target.name() + " is asked to resign");
      step(target, Resign{});
  }
  std::erase_if(wires_, [](const auto& wire) { return !wire->is_open[0] && !wire->is_open[1]; });
}

bool Cluster::is_well() {
  return std::ranges::all_of(servers_, [&](const auto& server) {
    return server->serving && server->serving->epoch == (*servers_.begin())->serving->epoch && server->tree.size() == committed_.size();
  });
}

std::string Cluster::run() {
  for (const auto& server : servers_) at(delay(300'000), [this, &server = *server] { start(server); });
  world::Duration fault_at = 1s;
  for (int i = 0; i < options_.faults; ++i) {
    fault_at += delay(600'000);
    at(fault_at, [this] { fault(); });
  }
  peace_ = now_ + fault_at + 2s;
  for (world::Duration when{}; when < fault_at + 2s; when += delay(40'000)) {
    at(when, [this] { propose(*servers_[random_.below(servers_.size())]); });
  }
  std::size_t wanted = 0;
  while (broken_.empty() && !due_.empty()) {
    Due due = std::move(const_cast<Due&>(due_.top()));
    due_.pop();
    idle_ = due.when == now_ ? idle_ + 1 : 0;
    if (idle_ > 10'000) broken("time does not pass any more");
    now_ = due.when;
    due.what();
    if (now_ < peace_) continue;
    if (wanted == 0) wanted = committed_.size() + 1;
    if (now_ > peace_ + 60s) broken("there is no service a minute after the last fault");
    if (!is_well()) continue;
    if (committed_.size() >= wanted) return broken_;
    propose(*servers_.front());
  }
  return broken_;
}

namespace {

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? std::optional<std::uint64_t>(std::strtoull(text, nullptr, 0)) : std::nullopt;
}

ClusterOptions options_for(std::uint64_t seed) {
  base::Random random(seed);
  return {.seed = seed,
          .voters = random.chance(0.3) ? 5 : 3,
          .observers = random.chance(0.3) ? 1 : 0,
          .faults = static_cast<int>(random.between(3, 20)),
          .slowness = random.chance(0.5) ? 0.01 : 0,
          .forgery = random.chance(0.3) ? 0.2 : 0,
          .committed_log_max = random.chance(0.4) ? 1 : static_cast<std::size_t>(random.between(2, 60))};
}

TEST(Cluster, KeepsItsPromises) {
  const auto one = number_in("CHORUS_ZAB_SEED");
  const std::uint64_t first = one.value_or(1), last = one.value_or(number_in("CHORUS_ZAB_SEEDS").value_or(600));
  Cluster::Counts counts;
  std::uint64_t events = 0;
  int committed = 0, terms = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    ClusterOptions options = options_for(seed);
    options.keep_trace = one.has_value();
    Cluster cluster(options);
    const std::string broken = cluster.run();
    if (one) fmt::print("{}", cluster.trace());
    ASSERT_EQ(broken, "") << "seed " << seed << ": replay it with CHORUS_ZAB_SEED=" << seed;
    events += cluster.events();
    committed += cluster.committed();
    terms += cluster.terms();
    counts.crashes += cluster.counts.crashes;
    counts.breaks += cluster.counts.breaks;
    counts.partitions += cluster.counts.partitions;
    counts.resignations += cluster.counts.resignations;
    counts.snapshots += cluster.counts.snapshots;
    counts.truncations += cluster.counts.truncations;
    counts.reads += cluster.counts.reads;
  }
  fmt::print(
      "seeds {}..{}: {} events, {} committed, {} terms, {} crashes, {} breaks, {} partitions, {} resignations, {} snapshots, {} "
      "truncations, "
      "{} reads of history\n",
      first, last, events, committed, terms, counts.crashes, counts.breaks, counts.partitions, counts.resignations, counts.snapshots,
      counts.truncations, counts.reads);
}

struct PlantedCase {
  const char* name;
  Fault fault;
};
void PrintTo(const PlantedCase& c, std::ostream* out) { *out << c.name; }
class Planted : public testing::TestWithParam<PlantedCase> {};
INSTANTIATE_TEST_SUITE_P(Bugs, Planted,
                         testing::Values(PlantedCase{"acknowledge_before_sync", Fault::acknowledge_before_sync},
                                         PlantedCase{"skip_epoch_check", Fault::skip_epoch_check},
                                         PlantedCase{"forget_promise", Fault::forget_promise},
                                         PlantedCase{"forget_truncation", Fault::forget_truncation},
                                         PlantedCase{"forget_new_leader_sync", Fault::forget_new_leader_sync},
                                         PlantedCase{"commit_without_quorum", Fault::commit_without_quorum},
                                         PlantedCase{"serve_without_quorum", Fault::serve_without_quorum},
                                         PlantedCase{"keep_unstored_tree", Fault::keep_unstored_tree}),
                         [](const auto& info) { return std::string(info.param.name); });

/// The judge can tell: each deliberate bug is found.
TEST_P(Planted, BugIsFound) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    ClusterOptions options = options_for(seed);
    options.planted = GetParam().fault;
    // Its time is short: between a snapshot and its storing.
    if (options.planted == Fault::keep_unstored_tree)
      options = {.seed = seed, .faults = 25, .slowness = 0.04, .committed_log_max = 1, .planted = options.planted};
    const std::string broken = Cluster(options).run();
    if (broken.empty()) continue;
    fmt::print("{}: seed {}: {}\n", GetParam().name, seed, broken);
    return;
  }
  FAIL() << "not found";
}

}  // namespace
}  // namespace chorus::zab::test
