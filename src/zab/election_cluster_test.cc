// Elections with one another: as recorded from Java servers, and at random over a network that loses and reorders.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <queue>
#include <set>

#include "base/random.h"
#include "zab/election.h"
#include "zab/election_vectors.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;
using State = NotificationState;

std::string show(const Notification& n) {
  return fmt::format("state {} leader {} zxid {} round {} epoch {}", static_cast<int>(n.state), n.vote.leader, n.vote.zxid,
                     n.vote.election_epoch, n.vote.peer_epoch);
}

struct Life {
  const char* scenario;
  ServerId self;
  int from_ms, to_ms;  // what it hears between its start and its settling down
  std::int64_t zxid, epoch;
  ServerId leader;
  std::int64_t round;
  bool goes_on = false;  // the process is that of the life before
  int looks_ms = 0;      // until then what it hears waits
};

/// Our server in the place of one of the Java servers: it hears what that one heard, comes to the same end, and has made every proposal
/// that that one made.
TEST(ElectionStories, EndAsRecorded) {
  constexpr std::int64_t first = 0x1'0000'0002;
  const Life lives[] = {
      {"form-empty", 1, 1100, 1440, 0, 0, 3, 1},
      {"form-empty", 2, 400, 1260, 0, 0, 3, 1},
      {"form-empty", 2, 2690, 2900, 0, 0, 3, 1, true},
      {"form-empty", 3, 430, 1430, 0, 0, 3, 1},
      {"form-again", 1, 350, 1470, 0, 1, 3, 1, false, 760},
      {"form-again", 2, 350, 1480, 0, 1, 3, 1},
      {"form-again", 3, 660, 1470, 0, 1, 3, 1},
      {"failover", 1, 610, 1100, 0, 0, 3, 1},
      {"failover", 1, 2990, 6000, first, 1, 2, 2, true},
      {"failover", 2, 560, 1100, 0, 0, 3, 1},
      {"failover", 2, 2990, 6000, first, 1, 2, 2, true},
      {"failover", 3, 910, 1100, 0, 0, 3, 1},
      {"failover", 3, 6960, 7100, first, 1, 2, 2},
      {"observer", 4, 2700, 3000, 0, 0, 3, 1},
      {"reconfig", 1, 300, 1700, 0, 0, 2, 1},
      {"reconfig", 2, 1300, 1700, 0, 0, 2, 1},
      {"reconfig", 3, 2600, 2800, 0, 0, 2, 1},
      {"reconfig", 4, 300, 2200, 0, 0, 2, 1},
      {"join-diff", 1, 2600, 2700, first, 1, 3, 1},
      {"join-snap", 1, 2600, 2900, 0, 0, 3, 1},
      {"join-trunc", 1, 1200, 1400, 0x1'0000'0007, 1, 3, 1},
      {"join-trunc-too-late", 1, 2100, 2300, 0x1'0000'0007, 1, 3, 1},
      {"traffic", 1, 750, 950, 0, 0, 3, 1, false, 810},
      {"traffic", 2, 750, 950, 0, 0, 3, 1},
      {"traffic", 3, 790, 950, 0, 0, 3, 1},
      {"form-multi-address", 1, 900, 1200, 0, 0, 2, 1},
      {"form-multi-address", 2, 900, 1200, 0, 0, 2, 1},
  };
  const auto vectors = read_election_vectors();
  std::unique_ptr<Election> election;
  std::vector<Action> out;
  int proposals = 0;
  for (const Life& life : lives) {
    SCOPED_TRACE(fmt::format("{} server {} from {} ms", life.scenario, life.self, life.from_ms));
    std::string text;
    for (const auto& m : vectors.messages) {
      if (text.empty() && m.scenario == life.scenario && !m.is_initial) text = m.notification.config;
    }
    const EnsembleConfig config = parse_config(text).value();
    if (!life.goes_on) election = std::make_unique<Election>(ElectionOptions{.self = life.self, .is_observer = life.self == 4});
    out.clear();
    world::Instant now{milliseconds(std::max(life.from_ms, life.looks_ms))};
    const auto advance = [&](int to_ms) {
      const world::Instant until{milliseconds(to_ms)};
      while (election->deadline() && *election->deadline() <= until) {
        now = *election->deadline();
        election->time_passed(now, out);
      }
      now = until;
    };
    election->start({.leader = life.self, .zxid = life.zxid, .peer_epoch = life.epoch}, config, config, now, out);
    for (const auto& m : vectors.messages) {
      if (m.scenario != life.scenario || m.is_initial || m.to != life.self || m.at_ms < life.from_ms || m.at_ms > life.to_ms) continue;
      advance(std::max(m.at_ms, life.looks_ms));
      EXPECT_FALSE(election->receive(m.from, m.notification, now, out));
    }
    advance(life.to_ms + 500);
    ASSERT_TRUE(election->decided());
    EXPECT_EQ(election->decided()->leader, life.leader);
    EXPECT_EQ(election->decided()->election_epoch, life.round);
    EXPECT_EQ(election->state(), life.leader == life.self ? State::leading : life.self == 4 ? State::observing : State::following);
    std::set<std::string> said;
    for (const Action& action : out) said.insert(show(std::get<SendNotification>(action).notification));
    for (const auto& m : vectors.messages) {
      if (m.scenario != life.scenario || m.is_initial || m.from != life.self || m.at_ms < life.from_ms || m.at_ms > life.to_ms) continue;
      if (m.notification.state != State::looking) continue;
      EXPECT_TRUE(said.contains(show(m.notification))) << "at " << m.at_ms << ": " << show(m.notification);
      ++proposals;
    }
  }
  EXPECT_GT(proposals, 60);
}

/// Elections that reach one another by a network of the given faults. Stands in for the rest of the peer: who follows one that does not
/// lead, or leads without a quorum, looks again after a while.
struct Cluster {
  struct Server {
    std::unique_ptr<Election> election;
    Vote log;  // what it stands for
    bool up = false;
    std::optional<world::Instant> doubts_since;
    std::vector<Action> out;
  };
  struct Flight {
    world::Instant arrives;
    ServerId from, to;
    Notification notification;
    bool operator>(const Flight& other) const { return arrives > other.arrives; }
  };

  Cluster(std::uint64_t seed, EnsembleConfig members) : random(seed), config(std::move(members)) {
    for (const auto& [id, member] : config.members) {
      servers[id].log = {.leader = id, .zxid = random.between(0, 3), .peer_epoch = random.between(0, 2)};
    }
  }

  void start(ServerId id) {
    Server& server = servers.at(id);
    if (!server.election || !server.up) {
      server.election = std::make_unique<Election>(ElectionOptions{.self = id, .is_observer = !config.is_voter(id)});
    }
    server.up = true;
    server.doubts_since.reset();
    server.election->start(server.log, config, config, now, server.out);
    send(id);
  }
  void stop(ServerId id) { servers.at(id).up = false; }

  void send(ServerId from) {
    for (const Action& action : servers.at(from).out) {
      const auto& [to, notification] = std::get<SendNotification>(action);
      EXPECT_NE(to, from);
      // As the octets have it.
      const auto copy = decode_notification(encode(notification));
      if (random.chance(loss)) continue;
      for (int copies = random.chance(twice) ? 2 : 1; copies > 0; --copies) {
        flights.push({now + delay_max * static_cast<int>(random.below(1000)) / 1000, from, to, copy.value()});
      }
    }
    servers.at(from).out.clear();
  }

  bool leads(ServerId id) const { return servers.at(id).up && servers.at(id).election->state() == State::leading; }
  std::set<ServerId> followers(ServerId leader) const {
    std::set<ServerId> ids;
    for (const auto& [id, server] : servers) {
      if (server.up && server.election->decided() && server.election->decided()->leader == leader) ids.insert(id);
    }
    return ids;
  }
  bool is_well(ServerId id) const {
    const auto vote = servers.at(id).election->decided();
    if (!vote) return false;
    if (vote->leader != id) return leads(vote->leader);
    const auto ids = followers(id);
    return config.is_quorum([&](ServerId other) { return ids.contains(other); });
  }
  bool all_well() const {
    std::set<ServerId> leaders;
    for (const auto& [id, server] : servers) {
      if (!server.up) continue;
      if (!is_well(id)) return false;
      leaders.insert(server.election->decided()->leader);
    }
    return leaders.size() == 1;
  }

  /// One step: until the next message, deadline or doubt, or a millisecond.
  void step() {
    world::Instant next = now + 1ms;
    if (!flights.empty()) next = std::min(next, flights.top().arrives);
    now = std::max(now, next);
    while (!flights.empty() && flights.top().arrives <= now) {
      const Flight flight = flights.top();
      flights.pop();
      Server& to = servers.at(flight.to);
      if (!to.up) continue;
      to.election->receive(flight.from, flight.notification, now, to.out);
      send(flight.to);
    }
    for (auto& [id, server] : servers) {
      if (!server.up) continue;
      while (server.election->deadline() && *server.election->deadline() <= now) {
        server.election->time_passed(now, server.out);
        send(id);
      }
      if (server.election->is_looking() || is_well(id)) {
        server.doubts_since.reset();
      } else if (!server.doubts_since) {
        server.doubts_since = now;
      } else if (now - *server.doubts_since > 1s + id * 50ms) {
        start(id);
      }
    }
  }
  bool run_until_well(world::Duration limit) {
    const world::Instant until = now + limit;
    while (now < until) {
      if (all_well()) return true;
      step();
    }
    return all_well();
  }

  base::Random random;
  const EnsembleConfig config;
  double loss = 0, twice = 0;
  world::Duration delay_max = 20ms;
  std::map<ServerId, Server> servers;
  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights;
  world::Instant now{};
};

EnsembleConfig random_ensemble(base::Random& random) {
  EnsembleConfig config;
  const ServerId voters = random.between(1, 7);
  const bool grouped = voters >= 3 && random.chance(0.3);
  for (ServerId id = 1; id <= voters; ++id) {
    config.members[id];
    if (!grouped) continue;
    config.groups[id] = 1 + id % 3;
    config.weights[id] = id > 3 && random.chance(0.3) ? 0 : random.between(1, 2);
  }
  for (ServerId id = voters + 1; id <= voters + random.between(0, 2); ++id) config.members[id].is_observer = true;
  return config;
}

auto order(const Vote& vote) { return std::tie(vote.peer_epoch, vote.zxid, vote.leader); }

TEST(ElectionCluster, WithoutLossAllElectTheBest) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    Cluster cluster(seed, random_ensemble(random));
    cluster.twice = 0.1;
    for (const auto& [id, member] : cluster.config.members) cluster.start(id);
    ASSERT_TRUE(cluster.run_until_well(5s));
    Vote best{.leader = -1, .zxid = -1, .peer_epoch = -1};
    for (const auto& [id, server] : cluster.servers) {
      if (cluster.config.is_voter(id) && cluster.config.weight(id) > 0 && order(server.log) > order(best)) best = server.log;
    }
    for (const auto& [id, server] : cluster.servers) {
      EXPECT_EQ(server.election->decided()->leader, best.leader) << id;
      EXPECT_EQ(server.election->decided()->zxid, best.zxid) << id;
    }
  }
}

TEST(ElectionCluster, AllAgreeOverANetworkThatLosesAndReorders) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed * 77);
    Cluster cluster(seed, random_ensemble(random));
    cluster.loss = random.unit() * 0.5;
    cluster.twice = random.unit() * 0.3;
    cluster.delay_max = random.between(1, 400) * 1ms;
    for (const auto& [id, member] : cluster.config.members) {
      if (random.chance(0.8)) cluster.start(id);
      for (auto wait = random.below(300); wait > 0; --wait) cluster.step();
    }
    // Some die and come back with the log that they had.
    for (std::uint64_t deaths = random.below(4); deaths > 0; --deaths) {
      const ServerId id = random.between(1, static_cast<std::int64_t>(cluster.config.members.size()));
      cluster.stop(id);
      for (auto wait = random.below(2000); wait > 0; --wait) cluster.step();
    }
    for (const auto& [id, server] : cluster.servers) {
      if (!server.up) cluster.start(id);
    }
    ASSERT_TRUE(cluster.run_until_well(600s));
    // The leader is as good as any of a quorum.
    ServerId leader = 0;
    for (const auto& [id, server] : cluster.servers) {
      if (cluster.leads(id)) leader = id;
    }
    const Vote elected = cluster.servers.at(leader).log;
    EXPECT_TRUE(cluster.config.is_quorum([&](ServerId id) {
      return cluster.config.weight(id) == 0 || order(cluster.servers.at(id).log) <= order(elected);
    })) << leader;
  }
}

TEST(ElectionCluster, AMinorityElectsNobody) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    Cluster cluster(seed, random_ensemble(random));
    std::set<ServerId> up;
    for (const auto& [id, member] : cluster.config.members) {
      up.insert(id);
      if (cluster.config.is_quorum([&](ServerId other) { return up.contains(other); })) up.erase(id);
    }
    for (const ServerId id : up) cluster.start(id);
    for (int i = 0; i < 3000; ++i) cluster.step();
    for (const ServerId id : up) EXPECT_TRUE(cluster.servers.at(id).election->is_looking()) << id;
  }
}

}  // namespace
}  // namespace chorus::zab
