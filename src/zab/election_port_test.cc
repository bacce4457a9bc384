#include "zab/election_port_fixture.h"

namespace chorus::zab {
namespace {

TEST_F(ElectionPortTest, TheHigherNumberOwnsTheOneConnection) {
  make(2);
  Server& one = start(1);
  Server& two = start(2);
  one.port.send(2, say(10));
  ASSERT_TRUE(until([&] { return !two.heard.empty(); }));
  EXPECT_THAT(two.take(), ElementsAre("1: 10"));
  EXPECT_EQ(simulation->network().counts.connections, 2U) << "one that asks, one that stays";
  two.port.send(1, say(20));
  one.port.send(2, say(11));
  one.port.send(2, say(12));
  ASSERT_TRUE(until([&] { return two.heard.size() == 2 && one.heard.size() == 1; }));
  EXPECT_THAT(two.take(), ElementsAre("1: 11", "1: 12"));
  EXPECT_THAT(one.take(), ElementsAre("2: 20"));
  EXPECT_EQ(simulation->network().counts.connections, 2U);
  EXPECT_THAT(one.port.connected(), ElementsAre(2));
  EXPECT_THAT(two.port.connected(), ElementsAre(1));
}

// The octets as Java servers exchange them: testdata/election.txt, form-empty, 2 to 3 and back.
TEST_F(ElectionPortTest, AsksAServerOfAHigherNumberToCall) {
  make(3);
  config.members[2].election_addresses = {{"127.0.0.1", 3882}};
  machine(3).start();
  listen_raw(machine(3));
  Server& two = start(2);
  two.port.send(3, say(5));
  ASSERT_TRUE(until([&] { return raw.size() == 1 && raw[0]->closed; }));
  EXPECT_EQ(base::hex(raw[0]->received), "ffffffffffff000000000000000000020000000e3132372e302e302e313a33383832");
  EXPECT_EQ(raw[0]->closed, world::NetErrc::end_of_stream);

  Recorder& call = connect(2);
  call.connection->write(base::unhex("ffffffffffff000000000000000000030000000e3132372e302e302e313a33383833").value());
  ASSERT_TRUE(until([&] { return !call.received.empty(); }));
  pass(1s);
  EXPECT_EQ(base::hex(call.received), base::hex(frame(encode(say(5)))));
  call.connection->write(frame(encode(say(6))));
  ASSERT_TRUE(until([&] { return !two.heard.empty(); }));
  EXPECT_THAT(two.take(), ElementsAre("3: 6"));
}

TEST_F(ElectionPortTest, CallsAServerOfALowerNumberAndKeepsTheConnection) {
  make(2);
  machine(1).start();
  listen_raw(machine(1));
  Server& two = start(2, {.multi_address = true});
  two.port.send(1, say(5));
  ASSERT_TRUE(until([&] { return raw.size() == 1 && raw[0]->received.size() > 30; }));
  pass(1s);
  EXPECT_EQ(base::hex(raw[0]->received), base::hex(greeting(2, {{"s2", port_number}}) + frame(encode(say(5)))));
  EXPECT_FALSE(raw[0]->closed);
}

TEST_F(ElectionPortTest, OnlyTheNewestWaitsForAServerThatIsDown) {
  make(2);
  Server& two = start(2);
  for (int i = 1; i <= 3; ++i) two.port.send(1, say(i));
  pass(1s);
  Server& one = start(1);
  one.port.send(2, say(7));
  ASSERT_TRUE(until([&] { return !one.heard.empty() && !two.heard.empty(); }));
  pass(1s);
  EXPECT_THAT(one.take(), ElementsAre("2: 3"));
}

TEST_F(ElectionPortTest, TheLastIsSentAgainOverANewConnection) {
  make(2);
  Server& one = start(1);
  Server& two = start(2);
  two.port.send(1, say(1));
  ASSERT_TRUE(until([&] { return one.heard.size() == 1; }));
  two.port.send(1, say(2));
  ASSERT_TRUE(until([&] { return one.heard.size() == 2; }));
  one.take();
  EXPECT_EQ(simulation->network().break_connections(machine(1), machine(2)), 1U);
  ASSERT_TRUE(until([&] { return one.port.connected().empty() && two.port.connected().empty(); }));
  ASSERT_TRUE(until([&] { return !one.heard.empty(); }, 100ms)) << "at once, though nothing new is to be said";
  EXPECT_THAT(one.take(), ElementsAre("2: 2"));
  EXPECT_EQ(simulation->network().break_connections(machine(1), machine(2)), 1U);
  pass(900ms);
  EXPECT_THAT(one.port.connected(), IsEmpty()) << "but not again and again";
  one.port.send(2, say(9));
  ASSERT_TRUE(until([&] { return !one.heard.empty() && !two.heard.empty(); }));
  EXPECT_THAT(one.take(), ElementsAre("2: 2"));
  EXPECT_THAT(two.take(), ElementsAre("1: 9"));
}

TEST_F(ElectionPortTest, ARestartedServerReplacesItsOldConnection) {
  make(2);
  start(1);
  Server& two = start(2);
  two.port.send(1, say(1));
  ASSERT_TRUE(until([&] { return servers[1]->heard.size() == 1; }));
  machine(1).crash();  // server 2 is not told
  machine(1).start();
  servers[1]->port.send(2, say(5));
  ASSERT_TRUE(until([&] { return !servers[1]->heard.empty() && !two.heard.empty(); }));
  EXPECT_THAT(servers[1]->take(), ElementsAre("2: 1"));
  machine(2).crash();
  machine(2).start();
  servers[2]->port.send(1, say(8));
  ASSERT_TRUE(until([&] { return !servers[1]->heard.empty() && !servers[2]->heard.empty(); }));
  EXPECT_THAT(servers[1]->take(), ElementsAre("2: 8"));
  EXPECT_THAT(servers[2]->take(), ElementsAre("1: 5"));
}

TEST_F(ElectionPortTest, SaysWhenNobodyListens) {
  make(3);
  Server& two = start(2);
  machine(1).start();
  machine(1).kill();
  machine(3).set_boot([](world::World&) { return nullptr; });
  machine(3).start();
  two.port.send(1, say(1));
  two.port.send(3, say(1));
  pass(10s);
  EXPECT_THAT(two.down, ElementsAre(3)) << "1 is down and answers nothing";
}

TEST_F(ElectionPortTest, SaysWhenAServerThatIsConnectedDies) {
  make(3);
  Server& one = start(1);
  Server& two = start(2);
  Server& three = start(3);
  for (Server* server : {&one, &three}) server->port.send(2, say(1));
  ASSERT_TRUE(until([&] { return two.heard.size() == 2; }));
  const sim::Duration before = simulation->elapsed();
  machine(2).set_boot([](world::World&) { return nullptr; });
  machine(2).kill();
  machine(2).start();
  ASSERT_TRUE(until([&] { return !one.down.empty() && !three.down.empty(); }));
  EXPECT_LT(simulation->elapsed() - before, 5ms);
}

// As the system does for a process that is being ended: not every socket of it is closed at the same moment.
TEST_F(ElectionPortTest, SaysSoAlsoWhenCallsToADeadServerAreTaken) {
  make(3);
  Server& one = start(1);
  Server& two = start(2);
  Server& three = start(3);
  for (Server* server : {&one, &three}) server->port.send(2, say(1));
  ASSERT_TRUE(until([&] { return two.heard.size() == 2; }));
  machine(2).set_boot([](world::World&) { return nullptr; });
  machine(2).kill();
  machine(2).start();
  listen_raw(machine(2));
  ASSERT_TRUE(until([&] { return !one.down.empty() && !three.down.empty(); }, 10s));
  EXPECT_THAT(one.down, ElementsAre(2));
}

TEST_F(ElectionPortTest, SeveralAddressesAreTriedAtOnce) {
  make(3);
  config.members[1].election_addresses = {{"nowhere", port_number}, {"s3", port_number}, {"s1", port_number}};
  Server& one = start(1);
  Server& two = start(2);  // s3 is off: no answer
  two.port.send(1, say(1));
  ASSERT_TRUE(until([&] { return !one.heard.empty(); }, 100ms));
  pass(20s);
  EXPECT_THAT(one.take(), ElementsAre("2: 1"));
  EXPECT_THAT(two.down, IsEmpty());
}

TEST_F(ElectionPortTest, CallsBackWhereItIsToldTo) {
  make(3);
  Server& two = start(2);
  listen_raw(*stranger, 1234);
  listen_raw(*stranger, 1235);
  // A server that joins.
  Recorder& asks = connect(2);
  asks.connection->write(greeting(0, {{"0.0.0.0", 1}, {"stranger", 1234}}));
  ASSERT_TRUE(until([&] { return raw.size() == 2 && asks.closed; }));
  Recorder& called = *raw[1];
  ASSERT_TRUE(until([&] { return !called.received.empty(); }));
  EXPECT_EQ(called.received, encode(InitialMessage{2, {{"s2", port_number}}}, false));
  called.connection->write(frame(encode(say(3))));
  ASSERT_TRUE(until([&] { return !two.heard.empty(); }));
  EXPECT_THAT(two.take(), ElementsAre("0: 3"));
  two.port.send(0, say(4));
  ASSERT_TRUE(until([&] { return called.received.size() > 50; }));

  // A member that tells no address of use, and one of old that tells none, are called at the configured one.
  machine(1).start();
  listen_raw(machine(1));
  connect(2).connection->write(greeting(1));
  ASSERT_TRUE(until([&] { return raw.size() == 4; }));
  connect(2).connection->write(std::string("\0\0\0\0\0\0\0\1", 8));
  ASSERT_TRUE(until([&] { return raw.size() == 6 && raw[3]->closed; })) << "the older connection ends";
}

TEST_F(ElectionPortTest, StrangersAreHeardAndAnswered) {
  make(2);
  Server& two = start(2);
  two.port.send(77, say(1));
  pass(1s);
  EXPECT_EQ(simulation->network().counts.connections, 0U) << "not connected, address unknown";
  two.react = [&](ServerId from, const Notification&) { two.port.send(from, say(100 + from)); };
  Recorder& joins = connect(2);
  joins.connection->write(greeting(77) + frame(encode(say(1))) + frame(encode(say(2))));
  ASSERT_TRUE(until([&] { return joins.received.size() >= 96; }));
  EXPECT_EQ(joins.received, frame(encode(say(177))) + frame(encode(say(177))));
  Recorder& observer = connect(2);
  observer.connection->write(base::unhex("7fffffffffffffff").value() + frame(encode(say(3))));
  ASSERT_TRUE(until([&] { return !observer.received.empty(); }));
  EXPECT_EQ(observer.received, frame(encode(say(99)))) << "it is -1 to us";
  EXPECT_THAT(two.take(), ElementsAre("77: 1", "77: 2", "-1: 3"));
  joins.connection->close();
  observer.connection->abort();
  ASSERT_TRUE(until([&] { return two.port.connected().empty(); }));
}

TEST_F(ElectionPortTest, DropsWhoDoesNotKeepToTheProtocol) {
  make(2);
  Server& two = start(2, {.greeting_limit = 5s});
  const std::string good = frame(encode(say(1)));
  const struct {
    const char* name;
    std::string octets;
    bool dropped;
  } cases[] = {
      {"an unknown version", base::unhex("ffffffffffff0007").value(), true},
      {"addresses of 2 GiB", base::unhex("ffffffffffff0000 0000000000000009 7fffffff").value(), true},
      {"HTTP", "\xff GET / HTTP/1.1\r\n\r\n", true},
      {"our own number", greeting(2), true},
      {"says nothing", "", true},
      {"stops in the middle", greeting(9).substr(0, 20), true},
      {"an empty frame", greeting(9) + std::string(4, '\0'), true},
      {"a frame of 512 KiB and one octet", greeting(9) + base::unhex("00080001").value(), true},
      {"a negative length", greeting(9) + base::unhex("ffffffff").value(), true},
      {"a malformed notification", greeting(9) + frame("what?") + good, false},
      {"a frame not complete", greeting(9) + good.substr(0, 30), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Recorder& peer = connect(2);
    peer.connection->write(c.octets);
    pass(6s);
    EXPECT_EQ(peer.closed.has_value(), c.dropped);
    EXPECT_EQ(two.port.connected().empty(), c.dropped);
  }
  EXPECT_THAT(two.take(), ElementsAre("9: 1"));
}

TEST_F(ElectionPortTest, FramesMayBeCutAnywhereAndBeLarge) {
  sim::Options options;
  options.network.split = 1;
  make(2, options);
  Server& one = start(1);
  Server& two = start(2);
  two.port.send(1, say(0));
  ASSERT_TRUE(until([&] { return one.heard.size() == 1; }));
  two.port.send(1, say(1, notification_octets_max - 44));
  two.port.send(1, say(2, 3));
  two.port.send(1, say(3));
  ASSERT_TRUE(until([&] { return one.heard.size() >= 3; }));
  pass(5s);
  EXPECT_THAT(one.take(), ElementsAre("2: 0", "2: 1", "2: 3")) << "the second was replaced while it waited";
}

TEST_F(ElectionPortTest, ManyConnectionsAreBounded) {
  make(2);
  Server& two = start(2, {.transient_max = 10, .strangers_max = 20});
  for (int i = 0; i < 50; ++i) connect(2);
  pass(1s);
  EXPECT_EQ(std::count_if(raw.begin(), raw.end(), [](const auto& r) { return !r->closed; }), 10);
  EXPECT_TRUE(raw[0]->closed) << "the oldest gave way";
  for (int i = 0; i < 50; ++i) connect(2).connection->write(greeting(100 + i));
  pass(1s);
  EXPECT_EQ(two.port.connected().size(), 20U);
  EXPECT_EQ(two.port.connected().front(), 130) << "the oldest gave way";
  // Members are let in all the same.
  Server& one = start(1);
  one.port.send(2, say(1));
  ASSERT_TRUE(until([&] { return !two.heard.empty(); }));
}

TEST_F(ElectionPortTest, WhoAsksToBeCalledAtManyPlacesIsBounded) {
  make(2);
  Server& two = start(2, {.strangers_max = 5});
  for (int i = 0; i < 20; ++i) connect(2).connection->write(greeting(i % 2, {{"nowhere", 1}, {fmt::format("s{}", 40 + i), 2}}));
  pass(60s);
  EXPECT_LE(simulation->network().counts.connects_failed, 40U);
  EXPECT_THAT(two.port.connected(), IsEmpty());
}

TEST_F(ElectionPortTest, ASlowReaderCostsLittleAndHearsTheNewest) {
  make(2);
  Server& two = start(2);
  Recorder& slow = connect(2);
  slow.connection->write(greeting(9));
  ASSERT_TRUE(until([&] { return !two.port.connected().empty(); }));
  slow.connection->pause_reading();
  constexpr std::size_t size = 10'000;
  for (int i = 1; i <= 1000; ++i) {
    two.port.send(9, say(i, size));
    pass(1ms);
  }
  EXPECT_LT(slow.received.size(), size);
  slow.connection->resume_reading();
  pass(5s);
  EXPECT_LT(slow.received.size(), std::size_t{300'000}) << "most were replaced by newer ones";
  EXPECT_EQ(slow.received.substr(slow.received.size() - size - 48), frame(encode(say(1000, size))));
}

TEST_F(ElectionPortTest, MembersMayChange) {
  make(3);
  EnsembleConfig two_servers = config;
  two_servers.members.erase(3);
  Server& two = start(2);
  two.port.set_members(two_servers, two_servers);
  Server& three = start(3);
  two.port.send(3, say(1));
  pass(1s);
  EXPECT_THAT(three.take(), IsEmpty());
  two.port.set_members(two_servers, config);
  two.port.send(3, say(2));
  ASSERT_TRUE(until([&] { return !three.heard.empty(); })) << "it is in the configuration proposed";
  two.port.set_members(two_servers, two_servers);
  two.port.send(3, say(3));
  ASSERT_TRUE(until([&] { return three.heard.size() == 2; })) << "connected still";
  simulation->network().break_connections(machine(2), machine(3));
  ASSERT_TRUE(until([&] { return two.port.connected().empty(); }));
  two.port.send(3, say(4));
  pass(1s);
  EXPECT_THAT(three.take(), ElementsAre("2: 2", "2: 3"));
}

TEST_F(ElectionPortTest, ListensWhereItIsTold) {
  make(2);
  Server& two = start(2);
  EXPECT_THAT(two.port.addresses(), ElementsAre(Address{"0.0.0.0", port_number}));
  ASSERT_TRUE(two.port.listen({{"0.0.0.0", port_number}, {"s2", 4000}}));
  const auto other = machine(2).world().listen({"s2", 5000}, {}, [](auto) {});
  ASSERT_TRUE(other.has_value());
  const auto failed = two.port.listen({{"s2", 5000}});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error(), HasSubstr("s2:5000"));
  EXPECT_THAT(two.port.addresses(), ElementsAre(Address{"0.0.0.0", port_number}, Address{"s2", 4000})) << "as before";
  ASSERT_TRUE(two.port.listen({{"s2", 4000}}));
  EXPECT_THAT(two.port.addresses(), ElementsAre(Address{"s2", 4000}));
}

TEST_F(ElectionPortTest, TlsOnBothSidesAndBothOnOnePort) {
  const world::TlsOptions tls{.certificate_file = "c", .key_file = "k", .ca_file = "a"};
  make(3);
  Server& one = start(1, {.tls = tls, .plain_too = true});                      // as before: connects in the clear
  Server& two = start(2, {.tls = tls, .plain_too = true, .connect_tls = tls});  // on the way
  Server& three = start(3, {.tls = tls, .connect_tls = tls});                   // TLS alone
  one.port.send(3, say(5));
  pass(10s);
  EXPECT_THAT(three.take(), IsEmpty()) << "in the clear nobody gets in";
  three.port.send(1, say(1));
  three.port.send(2, say(2));
  two.port.send(1, say(3));
  one.port.send(2, say(4));
  ASSERT_TRUE(until([&] { return one.heard.size() >= 2 && two.heard.size() >= 2 && !three.heard.empty(); }));
  EXPECT_THAT(three.take(), ElementsAre("1: 5")) << "over the connection that there is now";
}

/// Whatever the network does, the last word said to each server arrives in the end, if only it is said again now and then.
TEST(ElectionPortChaos, TheLastWordArrives) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    sim::Options options;
    options.network.reset = 0.05;
    options.network.refuse = 0.1;
    options.network.unreachable = 0.1;
    options.network.slow = 0.05;
    sim::Simulation simulation(seed, options);
    EnsembleConfig config;
    std::vector<std::shared_ptr<Server>> servers;
    constexpr ServerId count = 4;
    for (ServerId id = 1; id <= count; ++id) {
      const std::string name = fmt::format("s{}", id);
      config.members[id] = {.quorum_addresses = {{name, 1}}, .election_addresses = {{name, port_number}}};
      simulation.add_node(name);
    }
    for (ServerId id = 1; id <= count; ++id) {
      sim::Node& node = *simulation.nodes().at(static_cast<std::size_t>(id - 1));
      node.set_boot([&, id](world::World& world) {
        auto server = std::make_shared<Server>(world, ElectionPortOptions{.self = id}, config);
        servers.push_back(server);
        return server;
      });
      node.start();
    }
    const auto say_all = [&](std::int64_t number) {
      for (ServerId from = 1; from <= count; ++from) {
        for (ServerId to = 1; to <= count; ++to) servers.at(static_cast<std::size_t>(from - 1))->port.send(to, say(number));
      }
    };
    for (int i = 1; i <= 50; ++i) {
      say_all(i);
      simulation.run_for(simulation.random().between(0, 300) * 1ms);
    }
    const auto all_heard = [&] {
      for (ServerId at = 1; at <= count; ++at) {
        const auto& heard = servers.at(static_cast<std::size_t>(at - 1))->heard;
        for (ServerId from = 1; from <= count; ++from) {
          const std::string last = fmt::format("{}: 51", from);
          if (from != at && std::find(heard.begin(), heard.end(), last) == heard.end()) return false;
        }
      }
      return true;
    };
    bool done = false;
    for (int i = 0; i < 60 && !done; ++i) {
      say_all(51);
      done = simulation.run_until(all_heard, 500ms);
    }
    EXPECT_TRUE(done);
    simulation.network().options = {};
    for (int i = 0; i < 3; ++i) {
      say_all(52);
      simulation.run_for(6s);
    }
    for (const auto& server : servers) EXPECT_EQ(server->port.connected().size(), count - 1U);
    servers.clear();
  }
}

}  // namespace
}  // namespace chorus::zab
