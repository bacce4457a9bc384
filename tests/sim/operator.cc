#include "operator.h"

#include <fmt/format.h>

#include <utility>

namespace chorus::coord_sim {

using namespace std::chrono_literals;
using jute::OpCode;
using zab::EnsembleConfig;

namespace {

constexpr std::uint16_t client_port = 2181, quorum_port = 2888, election_port = 3888;

constexpr sim::Duration patience = 10s;

/// "server.N=..." of one member.
std::string line_of(const EnsembleConfig& config, zab::ServerId id) {
  EnsembleConfig alone;
  alone.members[id] = config.members.at(id);
  const std::string text = alone.to_text();
  return text.substr(0, text.find('\n'));
}

}  // namespace

zab::Member Operator::describe(const sim::Node& machine, bool is_observer) {
  return {.quorum_addresses = {{machine.address(), quorum_port}},
          .election_addresses = {{machine.address(), election_port}},
          .is_observer = is_observer,
          .client_address = world::Address{machine.address(), client_port}};
}

Operator::Operator(sim::Simulation& simulation, Client& client, std::vector<sim::Node*> machines, std::size_t voters_min, Hooks hooks)
    : simulation_(simulation),
      client_(client),
      machines_(std::move(machines)),
      voters_min_(voters_min),
      hooks_(std::move(hooks)),
      random_(simulation.random().fork()) {}

void Operator::tend() {
  if (const auto config = hooks_.config()) {
    last_ = *config;
    leaderless_since_ = simulation_.elapsed();
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      if (config->members.contains(id_of(i)) && !hooks_.is_started(i)) hooks_.start(i, *config);
    }
  } else if (simulation_.elapsed() - leaderless_since_ > patience) {
    // Those that are left may not know yet that the others are no members any more, and need their votes to learn of it.
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      if (hooks_.is_started(i) || machines_[i]->lives() == 0) continue;
      EnsembleConfig members = last_;
      members.members.try_emplace(id_of(i), describe(*machines_[i], false));
      hooks_.start(i, members);
    }
  }
  simulation_.after(100ms, [this] { tend(); });
}

bool Operator::reconfigure(std::uint64_t dice) {
  const auto now = hooks_.config();
  if (!now || is_busy_ || !client_.idle()) return false;
  base::Random random(dice);
  EnsembleConfig next = *now;
  Op op = random.below(4) == 0 ? whole(*now, next, random) : incremental(*now, next, random);
  if (next.members == now->members || next.voters() < voters_min_) return false;
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    const auto joins = next.members.find(id_of(i));
    if (joins == next.members.end() || hooks_.is_started(i)) continue;
    EnsembleConfig members = *now;
    members.members[id_of(i)] = joins->second;
    hooks_.start(i, members);
  }
  is_busy_ = true;
  // Those that join may have the leader's history by then, or not.
  simulation_.after(std::chrono::milliseconds(random.between(1, 400)), [this, op = std::move(op), before = *now, next] {
    is_busy_ = false;
    client_.on_reply = [this, before, next](const Request& request, const Frame& reply) {
      if (request.op.code == OpCode::reconfig && reply.err == 0) answered(before, next);
    };
    client_.ask({op});
  });
  return true;
}

Op Operator::incremental(const EnsembleConfig& now, EnsembleConfig& next, base::Random& dice) const {
  Op op{.code = OpCode::reconfig};
  const std::uint64_t which = dice.below(5);  // 0, 1: one joins; 2, 3: one leaves; 4: both
  if (which >= 2) {
    auto leaves = next.members.begin();
    std::advance(leaves, static_cast<std::ptrdiff_t>(dice.below(now.members.size())));
    op.leaving = std::to_string(leaves->first);
    next.members.erase(leaves);
  }
  if (which < 2 || which == 4) {
    const std::size_t joins = dice.below(machines_.size());
    if (op.leaving && *op.leaving == std::to_string(id_of(joins))) return op;
    const auto present = next.members.find(id_of(joins));
    // One that is there changes its role.
    const bool is_observer = present == next.members.end() ? dice.below(4) == 0 : !present->second.is_observer;
    next.members[id_of(joins)] = describe(*machines_[joins], is_observer);
    op.joining = line_of(next, id_of(joins));
  }
  return op;
}

Op Operator::whole(const EnsembleConfig& now, EnsembleConfig& next, base::Random& dice) const {
  Op op{.code = OpCode::reconfig};
  op.members = "";
  next.members.clear();
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (dice.below(10) >= (now.members.contains(id_of(i)) ? 8U : 3U)) continue;
    next.members[id_of(i)] = describe(*machines_[i], dice.below(4) == 0);
    *op.members += (op.members->empty() ? "" : ",") + line_of(next, id_of(i));
  }
  return op;
}

void Operator::answered(const EnsembleConfig& before, const EnsembleConfig& after) {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (!before.members.contains(id_of(i)) || after.members.contains(id_of(i)) || random_.below(2) == 0) continue;
    simulation_.after(std::chrono::milliseconds(random_.between(50, 700)), [this, i] {
      const auto now = hooks_.config();
      if (now && !now->members.contains(id_of(i)) && hooks_.is_started(i)) hooks_.stop(i);
    });
  }
}

}  // namespace chorus::coord_sim
