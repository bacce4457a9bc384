// A server that is a node of a cluster, with a tree that answers at once.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "cache/server_fixture.h"

namespace chorus::cache {

class ClusterTest : public ServerTest {
 protected:
  static cluster::NodeId id(char digit) { return cluster::NodeId(40, digit); }
  static std::string endpoint(std::uint16_t port) {
    return "10.0.0.1 " + std::to_string(port) + " " + std::to_string(port + 10'000) + " -";
  }
  static ServerOptions cluster_options() {
    ServerOptions options;
    options.cluster.enabled = true;
    options.cluster.id = id('a');
    options.cluster.announce_ip = "10.0.0.1";
    options.cluster.announce_port = 7000;
    options.cluster.announce_bus_port = 17000;
    return options;
  }

  ClusterTest() : ServerTest(cluster_options()) {
    tell(cluster::event::Loaded{});
    tell(cluster::event::NodeSeen{.id = id('a'), .endpoint = endpoint(7000)});
    renew();
  }
  void renew() { tell(cluster::event::Renewed{.sent_us = now.monotonic_us, .lease_us = 15'000'000}); }
  void tell(const cluster::Event& event) {
    server.cluster_event(event, now);
    answer();
  }
  /// What the server wants of the tree, done.
  void answer() {
    for (auto actions = server.take_cluster_actions(); !actions.empty(); actions = server.take_cluster_actions()) {
      for (const cluster::Action& action : actions) {
        if (const auto* read = std::get_if<cluster::action::ReadMap>(&action)) {
          server.cluster_event(cluster::event::MapRead{.text = map, .version = version, .read = read->read}, now);
        } else if (const auto* write = std::get_if<cluster::action::WriteMap>(&action)) {
          EXPECT_EQ(write->version, version);
          map = write->text;
          server.cluster_event(cluster::event::MapWritten{.how = cluster::event::Written::done, .version = ++version}, now);
        } else if (const auto* lease = std::get_if<cluster::action::ReadLease>(&action)) {
          server.cluster_event(cluster::event::LeaseRead{.id = lease->id, .version = 1, .lease_us = 15'000'000}, now);
        }
      }
    }
    collect();
  }
  std::string ask(std::string_view line, std::uint64_t who = 1) {
    std::string reply = ServerTest::ask(line, who);
    answer();
    return reply + take(who);
  }
  /// As another node would.
  template <class Body>
  void change(Body body) {
    auto read = cluster::SlotMap::parse(map.value_or("chorus-cache-map 1\n"));
    ASSERT_TRUE(read.has_value());
    body(*read);
    map = read->format();
    tell(cluster::event::MapRead{.text = map, .version = ++version, .read = 0});
  }
  /// Slots 0 to 8191 are ours, the others b's, which runs at port 7001.
  void share_with_b() {
    tell(cluster::event::NodeSeen{.id = id('b'), .endpoint = endpoint(7001)});
    change([](cluster::SlotMap& all) {
      all.add_member(id('a'), *cluster::parse_endpoint(endpoint(7000)));
      all.add_member(id('b'), *cluster::parse_endpoint(endpoint(7001)));
      const cluster::NodeId a = id('a'), b = id('b');
      for (std::size_t slot = 0; slot < slots; ++slot) all.set_owner(static_cast<std::uint16_t>(slot), slot < 8192 ? &a : &b);
    });
  }

  std::optional<std::string> map;
  std::int32_t version = -1;
};

}  // namespace chorus::cache
