// Servers that follow one another over connections of the test's: slow, in pieces, and cut where it likes.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "cache/replication/replication.h"
#include "cache/server.h"

namespace chorus::cache {

class ReplicationTest : public testing::Test {
 protected:
  struct End {
    std::size_t node = 0;
    ClientId client{0};
    std::string octets;  // on their way to it
  };
  struct Connection {
    End ends[2];
    bool is_ending = false;  // once all has arrived
  };
  struct Machine {
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;
    std::int64_t skew_us = 0;
    std::uint64_t last_id = 0;
    bool is_reachable = true;
    std::map<std::uint64_t, std::string> replies;  // to clients of the test
    std::map<std::string, std::uint64_t> by_name;
    std::string file;
    std::uint64_t file_read = 0;
    unsigned files_removed = 0;
  };

  explicit ReplicationTest(std::uint64_t seed = 1) : random_(seed) {}

  /// Its port is 7000 and its number.
  std::size_t add(ServerOptions options = {}, std::int64_t skew_ms = 0) {
    auto& machine = *machines_.emplace_back(std::make_unique<Machine>());
    machine.port = options.port = static_cast<std::uint16_t>(7000 + machines_.size() - 1);
    machine.skew_us = skew_ms * 1000;
    options.replication.sync_delay_seconds = std::min<std::int64_t>(options.replication.sync_delay_seconds, 1);
    machine.server = std::make_unique<Server>(std::move(options), random_.next(), now(machines_.size() - 1));
    return machines_.size() - 1;
  }
  Server& server(std::size_t node) { return *machines_[node]->server; }
  replication::Replication& of(std::size_t node) { return server(node).replication(); }
  Now now(std::size_t node) const { return {now_.unix_us + machines_[node]->skew_us, now_.monotonic_us}; }

  std::string ask(std::size_t node, std::string_view line, const std::string& who = "test") {
    Machine& machine = *machines_[node];
    auto [found, is_new] = machine.by_name.try_emplace(who, 0);
    if (is_new) {
      found->second = ++machine.last_id;
      machine.replies[found->second];
      machine.server->connect(ClientId(found->second), "127.0.0.9:" + std::to_string(40'000 + found->second), "127.0.0.1:6379", now(node));
    }
    machine.server->receive(ClientId(found->second), std::string(line) + "\r\n", now(node));
    collect(node);
    return take(node, who);
  }
  std::string take(std::size_t node, const std::string& who = "test") {
    Machine& machine = *machines_[node];
    return std::exchange(machine.replies[machine.by_name[who]], {});
  }
  std::string info(std::size_t node, const std::string& field) {
    const std::string all = ask(node, "info replication", "info");
    const std::size_t at = all.find("\r\n" + field + ":");
    if (at == std::string::npos) return {};
    const std::size_t from = at + field.size() + 3;
    return all.substr(from, all.find("\r\n", from) - from);
  }

  /// What a server has to say goes on its way.
  void collect(std::size_t node) {
    Machine& machine = *machines_[node];
    std::vector<Output> outputs;
    for (machine.server->take_outputs(outputs); !outputs.empty(); machine.server->take_outputs(outputs)) {
      for (Output& output : outputs) {
        if (machine.replies.contains(output.client.value)) {
          machine.replies[output.client.value] += output.octets + (output.closes ? "<end>" : "");
          if (!output.closes) machine.server->resume(output.client, now(node));
          continue;
        }
        for (Connection& connection : connections_) {
          for (int side = 0; side < 2; ++side) {
            if (connection.ends[side].node != node || connection.ends[side].client != output.client) continue;
            connection.ends[1 - side].octets += output.octets;
            connection.is_ending = connection.is_ending || output.closes;
            if (!output.closes) machine.server->resume(output.client, now(node));
          }
        }
      }
    }
    if (auto dial = machine.server->take_dial()) connect(node, *dial);
    for (replication::FileAction& action : machine.server->replication().primary().take_file_actions()) perform(machine, action);
    for (replication::Note& note : machine.server->replication().take_notes()) notes_.push_back(std::to_string(node) + ": " + note.text);
  }

  void connect(std::size_t node, const replication::Dial& dial) {
    const std::size_t to = dial.to.port - 7000U;
    if (to >= machines_.size() || !machines_[to]->is_reachable || !machines_[node]->is_reachable) {
      return machines_[node]->server->dial_failed(dial.number, "refused", now(node));
    }
    Connection connection;
    connection.ends[0] = {.node = node, .client = ClientId(++machines_[node]->last_id), .octets = {}};
    connection.ends[1] = {.node = to, .client = ClientId(++machines_[to]->last_id), .octets = {}};
    server(to).connect(connection.ends[1].client, "127.0.0.1:" + std::to_string(50'000 + node), "127.0.0.1:6379", now(to));
    connections_.push_back(connection);
    const std::string at = "127.0.0.1:" + std::to_string(dial.to.port);
    if (!server(node).connect_primary(dial.number, connection.ends[0].client, at, "127.0.0.1:1", now(node))) cut(connections_.size() - 1);
    collect(node);
  }

  void cut(std::size_t which) {
    const Connection connection = connections_[which];
    connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(which));
    for (const End& end : connection.ends) server(end.node).disconnect(end.client);
  }
  void cut_all() {
    while (!connections_.empty()) cut(connections_.size() - 1);
  }

  void perform(Machine& machine, replication::FileAction& action) {
    replication::Primary& primary = machine.server->replication().primary();
    using What = replication::FileAction::What;
    switch (action.what) {
      case What::create:
        machine.file.clear();
        machine.file_read = 0;
        return primary.file_written(action.transfer);
      case What::write:
        machine.file += action.octets;
        return primary.file_written(action.transfer);
      case What::read: {
        std::string octets = machine.file.substr(machine.file_read, 1000);
        machine.file_read += octets.size();
        return primary.file_read(action.transfer, std::move(octets));
      }
      case What::remove:
        ++machine.files_removed;
        machine.file.clear();
    }
  }

  /// A piece of what is on its way arrives, on each connection.
  void arrive(std::size_t octets_max) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      for (int side = 0; side < 2 && i < connections_.size(); ++side) {
        End& end = connections_[i].ends[side];
        if (end.octets.empty()) continue;
        const std::size_t size = std::min(end.octets.size(), octets_max);
        const std::string piece = end.octets.substr(0, size);
        end.octets.erase(0, size);
        const std::size_t node = end.node;
        server(node).receive(end.client, piece, now(node));
        collect(node);
      }
      if (i < connections_.size() && connections_[i].is_ending && connections_[i].ends[0].octets.empty() &&
          connections_[i].ends[1].octets.empty()) {
        cut(i--);
      }
    }
  }
  bool is_quiet() const {
    for (const Connection& connection : connections_) {
      if (!connection.ends[0].octets.empty() || !connection.ends[1].octets.empty() || connection.is_ending) return false;
    }
    return true;
  }
  void pass(std::int64_t ms, std::size_t octets_max = 1U << 20) {
    for (; ms > 0; ms -= 100) {
      now_.unix_us += 100'000;
      now_.monotonic_us += 100'000;
      for (std::size_t node = 0; node < machines_.size(); ++node) {
        server(node).tick(now(node));
        collect(node);
        for (int steps = 0; server(node).is_syncing() && steps < 50; ++steps) {
          server(node).step_sync(now(node));
          collect(node);
        }
      }
      for (int rounds = 0; !is_quiet() && rounds < 1000; ++rounds) arrive(octets_max);
    }
  }
  bool follows(std::size_t node) { return of(node).is_link_up(); }
  /// Until both have the same stream.
  void settle(const std::vector<std::size_t>& nodes) {
    const auto is_settled = [&] {
      for (const std::size_t node : nodes) {
        if (server(node).is_replica() && !of(node).is_link_up()) return false;
        if (of(node).stream().end() != of(nodes.front()).stream().end() || of(node).stream().id() != of(nodes.front()).stream().id())
          return false;
      }
      return is_quiet();
    };
    for (int i = 0; i < 600 && !is_settled(); ++i) pass(100);
    EXPECT_TRUE(is_settled()) << told();
  }
  std::string told() const {
    std::string all;
    for (const std::string& each : notes_) all += each + "\n";
    return all;
  }

  /// All keys of all databases, with their values and expiries.
  std::map<std::string, std::string> keys(std::size_t node) {
    std::map<std::string, std::string> all;
    for (unsigned db = 0; db < server(node).options().databases; ++db) {
      std::vector<std::string> names;
      server(node).database(db).for_each([&](Entry* entry) { names.emplace_back(entry->key()); });
      if (names.empty()) continue;
      ask(node, "select " + std::to_string(db), "keys");
      for (const std::string& name : names) {
        Entry* entry = server(node).database(db).find(name);
        const std::string expiry = entry->expiry() ? std::to_string(*entry->expiry()) : "never";
        std::string value = expiry;
        if (!entry->is_expired(now(node).unix_ms())) value += " " + ask(node, "dump " + name, "keys");
        all[std::to_string(db) + " " + name] = value;
      }
    }
    return all;
  }
  void expect_same(std::size_t one, std::size_t other) {
    const auto mine = keys(one), theirs = keys(other);
    EXPECT_EQ(mine.size(), theirs.size());
    for (const auto& [name, value] : mine) {
      const auto found = theirs.find(name);
      if (found == theirs.end()) {
        ADD_FAILURE() << name << " is not at " << other;
        continue;
      }
      // What is over by one clock is shown by its time only.
      const bool is_over = value.find(' ') == std::string::npos || found->second.find(' ') == std::string::npos;
      const auto shown = [&](const std::string& text) { return is_over ? text.substr(0, text.find(' ')) : text; };
      EXPECT_EQ(shown(value), shown(found->second)) << name;
    }
  }

  base::Random random_;
  Now now_{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1'000'000};
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<Connection> connections_;
  std::vector<std::string> notes_;
};

class Replicas : public ReplicationTest {
 protected:
  void follow(std::size_t node, std::size_t primary) {
    EXPECT_EQ(ask(node, fmt::format("replicaof 127.0.0.1 {}", 7000 + primary)), "+OK\r\n");
    settle({primary, node});
  }
  void fill(std::size_t node) {
    for (const char* line : {"set text hello", "set number 12", "rpush list a b c", "sadd set x y z", "sadd numbers 1 2 3",
                             "zadd zset 1 a 2.5 b", "hset hash f v g w", "xadd stream 1-1 f v", "xgroup create stream group 0",
                             "set later v px 100000", "setbit bits 7 1", "pfadd sketch a b c", "select 3", "set elsewhere v", "select 0"}) {
      EXPECT_NE(ask(node, line)[0], '-') << line;
    }
  }
};

}  // namespace chorus::cache
