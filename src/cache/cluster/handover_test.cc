// Two nodes of a cluster in one test, with a tree and a connection between them that the test holds: slots move while clients go on.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <deque>

#include "base/random.h"
#include "cache/cluster/cluster_fixture.h"

namespace chorus::cache {
namespace {

using cluster::NodeId;
using testing::HasSubstr;

NodeId id(char digit) { return NodeId(40, digit); }
std::string endpoint(std::uint16_t port) { return fmt::format("10.0.0.1 {} {} -", port, port + 10'000); }

struct Tree {
  std::string map;
  std::int32_t version = -1;
};

/// One node, its clients, and what it wants of the tree and of links, which the test carries out when it likes.
struct Machine {
  Machine(char digit, std::uint16_t port, Now now) : digit(digit), server(options(digit, port), static_cast<std::uint64_t>(digit), now) {}
  static ServerOptions options(char digit, std::uint16_t port) {
    ServerOptions options;
    options.cluster.enabled = true;
    options.cluster.id = id(digit);
    options.cluster.announce_ip = "10.0.0.1";
    options.cluster.handover_window_octets = 8 << 10;
    options.cluster.announce_port = port;
    options.cluster.announce_bus_port = static_cast<std::uint16_t>(port + 10'000);
    return options;
  }
  char digit;
  Server server;
  std::deque<cluster::Action> wishes;
  std::deque<cluster::LinkAction> link_wishes;
  std::map<std::uint64_t, std::string> replies;  // by client
  std::int32_t seen = -1;                        // version of the map
  std::uint64_t linked = 0;                      // its newest connection to the other
};

struct HandoverTest : testing::Test {
  static constexpr std::uint64_t link_clients = 1'000'000;
  HandoverTest() {
    cluster::SlotMap all;
    all.add_member(id('a'), *cluster::parse_endpoint(endpoint(7000)));
    all.add_member(id('b'), *cluster::parse_endpoint(endpoint(7001)));
    const NodeId first = id('a'), second = id('b');
    for (std::size_t slot = 0; slot < slots; ++slot) all.set_owner(static_cast<std::uint16_t>(slot), slot < 12'200 ? &first : &second);
    tree = {.map = all.format(), .version = 1};
    for (Machine* machine : {&a, &b}) {
      for (const auto& [digit, port] : {std::pair{'a', 7000}, {'b', 7001}}) {
        machine->server.cluster_event(cluster::event::NodeSeen{.id = id(digit), .endpoint = endpoint(static_cast<std::uint16_t>(port))},
                                      now);
      }
      machine->server.cluster_event(cluster::event::Life{1}, now);
      machine->server.cluster_event(cluster::event::Loaded{}, now);
      gather(*machine);
    }
    renew();
    settle();
  }
  void renew() {
    for (Machine* machine : {&a, &b}) {
      machine->server.cluster_event(cluster::event::Renewed{.sent_us = now.monotonic_us, .lease_us = 15'000'000}, now);
      gather(*machine);
    }
  }
  void gather(Machine& machine) {
    std::vector<Output> outputs;
    for (machine.server.take_outputs(outputs); !outputs.empty(); machine.server.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        machine.replies[output.client.value] += output.octets;
        if (!output.closes) machine.server.resume(output.client, now);
      }
    }
    for (cluster::Action& action : machine.server.take_cluster_actions()) machine.wishes.push_back(std::move(action));
    for (cluster::LinkAction& action : machine.server.take_link_actions()) machine.link_wishes.push_back(std::move(action));
  }
  Machine& other(Machine& machine) { return &machine == &a ? b : a; }
  void tell_map(Machine& machine, std::uint64_t read = 0) {
    machine.seen = tree.version;
    machine.server.cluster_event(cluster::event::MapRead{.text = tree.map, .version = tree.version, .read = read}, now);
    gather(machine);
  }
  /// One thing that a machine waits for happens. False: it waits for nothing.
  bool tree_step(Machine& machine) {
    if (machine.wishes.empty()) {
      if (machine.seen == tree.version) return false;
      tell_map(machine);
      return true;
    }
    const cluster::Action action = std::move(machine.wishes.front());
    machine.wishes.pop_front();
    if (const auto* read = std::get_if<cluster::action::ReadMap>(&action)) {
      tell_map(machine, read->read);
    } else if (const auto* write = std::get_if<cluster::action::WriteMap>(&action)) {
      const bool is_lost = loses_answers && random.below(2) == 0;
      auto how = cluster::event::Written::conflict;
      if (is_outlived) how = cluster::event::Written::outlived;
      if (!is_outlived && write->version == tree.version && (!is_lost || random.below(2) == 0)) {
        tree = {.map = write->text, .version = tree.version + 1};
        how = cluster::event::Written::done;
      }
      if (is_lost) how = cluster::event::Written::unknown;
      if (how == cluster::event::Written::done) machine.seen = tree.version;
      machine.server.cluster_event(cluster::event::MapWritten{.how = how, .version = tree.version}, now);
      gather(machine);
    }
    return true;
  }
  std::uint64_t link_client(const Machine& from, std::uint64_t link) const {
    return link_clients + link * 2 + (from.digit == 'b' ? 1U : 0U);
  }
  bool link_step(Machine& from) {
    Machine& to = other(from);
    if (!from.link_wishes.empty()) {
      const cluster::LinkAction action = std::move(from.link_wishes.front());
      from.link_wishes.pop_front();
      const ClientId client(link_client(from, action.link));
      using What = cluster::LinkAction::What;
      if (action.what == What::dial) {
        links.insert(client.value);
        to.server.connect(client, "10.0.0.1:1", "10.0.0.1:2", now);
        from.server.link_up(action.link, now);
        from.linked = action.link;
      } else if (action.what == What::send && links.contains(client.value)) {
        to.server.receive(client, action.octets, now);
      } else if (action.what == What::close && links.erase(client.value) > 0) {
        to.server.disconnect(client);
      }
      gather(from);
      gather(to);
      return true;
    }
    std::string& answer = to.replies[link_client(from, from.linked)];
    if (answer.empty() || !links.contains(link_client(from, from.linked))) return false;
    from.server.link_data(from.linked, std::exchange(answer, {}), now);
    gather(from);
    return true;
  }
  void break_link(Machine& from) {
    const std::uint64_t client = link_client(from, from.linked);
    if (links.erase(client) == 0) return;
    other(from).server.disconnect(ClientId(client));
    from.server.link_down(from.linked, "broken", now);
    gather(from);
  }
  void pass(std::int64_t ms) {
    now.unix_us += ms * 1000;
    now.monotonic_us += ms * 1000;
    for (Machine* machine : {&a, &b}) {
      machine->server.tick(now);
      gather(*machine);
    }
  }
  void settle() {
    while (tree_step(a) || tree_step(b) || link_step(a) || link_step(b)) {
    }
  }
  void send(Machine& machine, std::string_view line, std::uint64_t who = 1) {
    if (machine.server.find_client(ClientId(who)) == nullptr) machine.server.connect(ClientId(who), "10.0.0.9:1", "10.0.0.1:2", now);
    machine.server.receive(ClientId(who), std::string(line) + "\r\n", now);
    gather(machine);
  }
  std::string take(Machine& machine, std::uint64_t who = 1) { return std::exchange(machine.replies[who], {}); }
  std::string ask(Machine& machine, std::string_view line, std::uint64_t who = 1) {
    send(machine, line, who);
    return take(machine, who);
  }
  std::uint64_t order_move(char from, char to, const cluster::Slots& moved) {
    auto all = cluster::SlotMap::parse(tree.map);
    const std::uint64_t number = all->add_move(id(from), id(to), moved);
    tree = {.map = all->format(), .version = tree.version + 1};
    return number;
  }
  bool owns(char who, std::uint16_t slot) { return cluster::SlotMap::parse(tree.map)->owns(id(who), slot); }

  Now now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 5'000'000};
  base::Random random{1};
  bool loses_answers = false, is_outlived = false;
  Tree tree;
  std::set<std::uint64_t> links;
  Machine a{'a', 7000, now}, b{'b', 7001, now};
};

TEST_F(HandoverTest, EveryTypeArrivesAsItWas) {
  for (const char* line : {"set foo hello", "set {foo}n 42", "rpush {foo}l a b c", "sadd {foo}s 1 2 3", "sadd {foo}t x y",
                           "hset {foo}h f v g w", "zadd {foo}z 1.5 one 2 two", "set {foo}e soon px 100000", "setbit {foo}b 100 1"}) {
    ask(a, line);
  }
  for (int i = 0; i < 3000; ++i) ask(a, fmt::format("rpush {{foo}}long element-{}", i));
  for (int i = 0; i < 3000; ++i) ask(a, fmt::format("zadd {{foo}}many {} member-{}", i * 0.5, i));
  for (const char* line :
       {"xadd {foo}x 1-1 f v", "xadd {foo}x 2-1 f w g h", "xadd {foo}x 3-1 f x", "xdel {foo}x 3-1", "xgroup create {foo}x g 0",
        "xreadgroup group g c count 1 streams {foo}x >", "xadd {foo}y 5-5 f v", "xtrim {foo}y maxlen 0"}) {
    ask(a, line);
  }
  const std::string stream = ask(a, "xinfo stream {foo}x");
  order_move('a', 'b', {12'182});
  settle();
  EXPECT_TRUE(owns('b', 12'182));
  EXPECT_EQ(ask(b, "xinfo stream {foo}x"), stream);
  EXPECT_EQ(ask(b, "xpending {foo}x g"), "*4\r\n:1\r\n$3\r\n1-1\r\n$3\r\n1-1\r\n*1\r\n*2\r\n$1\r\nc\r\n$1\r\n1\r\n");
  EXPECT_EQ(ask(b, "xlen {foo}y"), ":0\r\n");
  EXPECT_EQ(ask(b, "xadd {foo}y 5-5 f v"), "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n");
  EXPECT_EQ(ask(a, "get foo"), "-MOVED 12182 10.0.0.1:7001\r\n");
  EXPECT_EQ(ask(b, "get foo"), "$5\r\nhello\r\n");
  EXPECT_EQ(ask(b, "incr {foo}n"), ":43\r\n");
  EXPECT_EQ(ask(b, "lrange {foo}l 0 -1"), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_EQ(ask(b, "scard {foo}s"), ":3\r\n");
  EXPECT_EQ(ask(b, "sismember {foo}t y"), ":1\r\n");
  EXPECT_EQ(ask(b, "hget {foo}h g"), "$1\r\nw\r\n");
  EXPECT_EQ(ask(b, "zscore {foo}z one"), "$3\r\n1.5\r\n");
  EXPECT_EQ(ask(b, "pttl {foo}e"), ":100000\r\n");
  EXPECT_EQ(ask(b, "bitcount {foo}b"), ":1\r\n");
  EXPECT_EQ(ask(b, "lindex {foo}long 2999"), "$12\r\nelement-2999\r\n");
  EXPECT_EQ(ask(b, "zrank {foo}many member-2999"), ":2999\r\n");
  EXPECT_EQ(ask(b, "cluster countkeysinslot 12182"), ":13\r\n");
  // What was given away goes.
  EXPECT_EQ(ask(a, "cluster countkeysinslot 12182"), ":13\r\n");
  pass(100);
  EXPECT_EQ(ask(a, "cluster countkeysinslot 12182"), ":0\r\n");
  EXPECT_EQ(a.server.handovers().done, 1U);
}

TEST_F(HandoverTest, RequestsAreHeldBackUntilTheOtherHasIt) {
  ask(a, "set foo 1");
  order_move('a', 'b', {12'182});
  // Up to the change of the map, which the tree has not answered.
  while (a.server.handover() == nullptr || a.server.handover()->state() != cluster::Handover::State::flipping) {
    ASSERT_TRUE((a.wishes.empty() && a.seen != tree.version && tree_step(a)) || (b.seen != tree.version && tree_step(b)) || link_step(a));
  }
  EXPECT_EQ(ask(a, "set foo 2"), "");
  EXPECT_EQ(ask(a, "get foo", 2), "");
  EXPECT_EQ(ask(a, "set b 1", 3), "+OK\r\n");  // another slot
  EXPECT_EQ(ask(b, "get foo", 4), "-MOVED 12182 10.0.0.1:7000\r\n");
  ASSERT_TRUE(tree_step(a));
  EXPECT_EQ(take(a), "");  // the other does not know yet
  settle();
  EXPECT_EQ(take(a), "-MOVED 12182 10.0.0.1:7001\r\n");
  EXPECT_EQ(take(a, 2), "-MOVED 12182 10.0.0.1:7001\r\n");
  EXPECT_EQ(ask(b, "get foo", 4), "$1\r\n1\r\n");
  // And the connection goes on with what came behind.
  EXPECT_EQ(ask(a, "set b 2"), "+OK\r\n");
}

TEST_F(HandoverTest, AnAbortedMoveLeavesNothingBehind) {
  for (int i = 0; i < 2000; ++i) ask(a, fmt::format("set {{foo}}{} {}", i, std::string(50, 'x')));
  const std::uint64_t number = order_move('a', 'b', {12'182});
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(tree_step(a) || tree_step(b) || link_step(a));
  EXPECT_NE(ask(b, "cluster countkeysinslot 12182"), ":0\r\n");
  auto all = cluster::SlotMap::parse(tree.map);
  all->remove_move(number);
  tree = {.map = all->format(), .version = tree.version + 1};
  settle();
  pass(100);
  pass(100);
  EXPECT_EQ(ask(b, "cluster countkeysinslot 12182"), ":0\r\n");
  EXPECT_EQ(ask(a, "cluster countkeysinslot 12182"), ":2000\r\n");
  EXPECT_EQ(a.server.handovers().failed, 1U);
}

TEST_F(HandoverTest, SetslotNodeBringsTheRestOfTheKeys) {
  ask(a, "set foo 1");
  ask(a, "set {foo}x 2");
  // As redis-cli does it, but for the keys: they were forgotten at the source.
  send(b, "cluster setslot 12182 importing " + id('a'));
  settle();
  send(a, "cluster setslot 12182 migrating " + id('b'));
  settle();
  EXPECT_EQ(take(a) + take(b), "+OK\r\n+OK\r\n");
  EXPECT_EQ(ask(a, "get {foo}new"), "-ASK 12182 10.0.0.1:7001\r\n");
  EXPECT_EQ(ask(b, "asking"), "+OK\r\n");
  EXPECT_EQ(ask(b, "set {foo}new 3"), "+OK\r\n");
  send(b, "cluster setslot 12182 node " + id('b'));
  settle();
  EXPECT_EQ(take(b), "+OK\r\n");
  send(a, "cluster setslot 12182 node " + id('b'));
  settle();
  EXPECT_EQ(take(a), "+OK\r\n");
  EXPECT_EQ(ask(b, "mget foo {foo}x {foo}new"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
  EXPECT_THAT(ask(b, "cluster nodes"), testing::Not(HasSubstr("[")));
}

TEST_F(HandoverTest, WhatIsLeftOfAnAttemptIsNotTaken) {
  ask(a, "set foo 1");
  order_move('a', 'b', {12'182});
  // The first attempt says what it has to say, and is broken off before that has arrived.
  while (a.server.handover() == nullptr || a.server.handover()->state() != cluster::Handover::State::ending) {
    ASSERT_TRUE((a.seen != tree.version && tree_step(a)) || (b.seen != tree.version && tree_step(b)) || link_step(a));
  }
  const std::uint64_t first = link_client(a, a.linked);
  std::string late;
  for (const cluster::LinkAction& action : std::exchange(a.link_wishes, {})) late += action.octets;
  EXPECT_THAT(late, HasSubstr("HANDOVER"));
  a.server.link_down(a.linked, "broken", now);
  gather(a);
  a.link_wishes.clear();  // of its end the other hears later
  ask(a, "set foo 2");
  pass(600);
  while (a.server.handover() == nullptr || a.server.handover()->state() != cluster::Handover::State::ending) ASSERT_TRUE(link_step(a));
  while (!a.link_wishes.empty()) link_step(a);
  b.server.receive(ClientId(first), "*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$1\r\n1\r\n" + late, now);
  gather(b);
  settle();
  EXPECT_TRUE(owns('b', 12'182));
  EXPECT_EQ(ask(b, "get foo"), "$1\r\n2\r\n");
}

TEST_F(HandoverTest, WhatScriptsChangeGoesToo) {
  // foo 12182, b 3300: both are a's. Another slot keeps the handover busy.
  ask(a, "set foo 1");
  ask(a, "set b 1");
  ask(a, "set {foo}n 1");
  for (int i = 0, found = 0; found < 4; ++i) {
    const std::string key = fmt::format("padding{}", i);
    if (slot_of(key) != 12'183) continue;
    ++found;
    ask(a, fmt::format("setrange {} 19999 x", key));
  }
  order_move('a', 'b', {12'182, 12'183});
  while (a.server.handover() == nullptr || a.server.handover()->slots_copied() == 0) {
    ASSERT_TRUE((a.seen != tree.version && tree_step(a)) || (b.seen != tree.version && tree_step(b)) || link_step(a));
  }
  ASSERT_EQ(a.server.handover()->state(), cluster::Handover::State::copying);
  EXPECT_EQ(
      ask(a, "eval \"redis.call('incr', '{foo}n') redis.call('del', 'b') redis.call('del', 'foo') return redis.call('incr', '{foo}n')\" 0"),
      ":3\r\n");
  // One command with keys of several slots would be followed by the first alone.
  EXPECT_THAT(ask(a, "eval \"return redis.call('del', 'b', '{foo}n')\" 0"), testing::StartsWith("-ERR Script attempted to access keys"));
  settle();
  EXPECT_TRUE(owns('b', 12'182));
  EXPECT_EQ(ask(b, "get foo"), "$-1\r\n");
  EXPECT_EQ(ask(b, "get {foo}n"), "$1\r\n3\r\n");
}

TEST_F(HandoverTest, WhatAnEndedMoveBroughtIntoAnOpenSlotIsNotSeen) {
  ask(a, "set foo 1");
  send(b, "cluster setslot 12182 importing " + id('a'));
  settle();
  send(a, "cluster setslot 12182 migrating " + id('b'));
  settle();
  EXPECT_EQ(take(a) + take(b), "+OK\r\n+OK\r\n");
  const std::uint64_t number = order_move('a', 'b', {12'182});
  while (b.server.keys() == 0) {
    ASSERT_TRUE((a.seen != tree.version && tree_step(a)) || (b.seen != tree.version && tree_step(b)) || link_step(a));
  }
  // It ends half way, and the giver's key goes: it must not come back from what was sent.
  break_link(a);
  EXPECT_EQ(ask(a, "del foo"), ":1\r\n");
  EXPECT_EQ(ask(a, "get foo"), "-ASK 12182 10.0.0.1:7001\r\n");
  EXPECT_EQ(ask(b, "asking"), "+OK\r\n");
  EXPECT_EQ(ask(b, "get foo"), "-TRYAGAIN The slot is being moved to another node\r\n");
  auto all = cluster::SlotMap::parse(tree.map);
  all->remove_move(number);
  tree = {.map = all->format(), .version = tree.version + 1};
  settle();
  EXPECT_EQ(ask(b, "asking"), "+OK\r\n");
  EXPECT_EQ(ask(b, "get foo"), "$-1\r\n");
}

TEST_F(HandoverTest, WhatIsLoadedIsHandedOverWhole) {
  Machine fresh('a', 7000, now);
  fresh.server.begin_loading(1, now);
  fresh.server.cluster_event(cluster::event::Loaded{}, now);
  order_move('a', 'b', {12'182});
  for (const auto& [digit, port] : {std::pair{'a', 7000}, {'b', 7001}}) {
    fresh.server.cluster_event(cluster::event::NodeSeen{.id = id(digit), .endpoint = endpoint(static_cast<std::uint16_t>(port))}, now);
  }
  fresh.server.cluster_event(cluster::event::MapRead{.text = tree.map, .version = tree.version, .read = 1}, now);
  fresh.server.cluster_event(cluster::event::Renewed{.sent_us = now.monotonic_us, .lease_us = 15'000'000}, now);
  fresh.server.cluster_event(cluster::event::MapRead{.text = tree.map, .version = tree.version, .read = 2}, now);
  fresh.server.tick(now);
  EXPECT_TRUE(fresh.server.cluster()->has_lease(now.monotonic_us));
  EXPECT_EQ(fresh.server.handover(), nullptr);
}

TEST_F(HandoverTest, ANodeThatWasStartedAgainHasNothingOfIt) {
  ask(a, "set foo 1");
  order_move('a', 'b', {12'182});
  // The tree knows that b's life is another by now.
  is_outlived = true;
  settle();
  EXPECT_FALSE(owns('b', 12'182));
  EXPECT_EQ(ask(a, "get foo"), "$1\r\n1\r\n");
  EXPECT_EQ(a.server.handovers().failed, 1U);
  is_outlived = false;
  for (int i = 0; i < 10; ++i) {
    pass(100);
    settle();
  }
  EXPECT_TRUE(owns('b', 12'182));
  EXPECT_EQ(ask(b, "get foo"), "$1\r\n1\r\n");
}

TEST_F(HandoverTest, FlushallInItsMidstBeginsAnew) {
  for (int i = 0; i < 2000; ++i) ask(a, fmt::format("set {{foo}}{} {}", i, std::string(50, 'x')));
  order_move('a', 'b', {12'182});
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(tree_step(a) || tree_step(b) || link_step(a));
  EXPECT_EQ(ask(a, "flushall"), "+OK\r\n");
  settle();
  for (int i = 0; i < 20; ++i) {
    pass(100);
    settle();
  }
  EXPECT_TRUE(owns('b', 12'182));
  EXPECT_EQ(ask(b, "dbsize"), ":0\r\n");
}

/// Clients count in keys of slots that move to and fro; connections break, answers of the tree are lost, moves are taken back. A count is
/// lost if and only if an acknowledged write is.
TEST_F(HandoverTest, NoAcknowledgedWriteIsLost) {
  loses_answers = true;
  // So that a handover takes many steps.
  for (int i = 0, found = 0; found < 12; ++i) {
    const std::string key = fmt::format("padding{}", i);
    if (slot_of(key) != 12'180 + found / 2) continue;
    ++found;
    ask(a, "ping");
    a.server.receive(ClientId(1),
                     fmt::format("*3\r\n$3\r\nSET\r\n${}\r\n{}\r\n$20000\r\n{}\r\n", key.size(), key, std::string(20'000, 'x')), now);
    gather(a);
    ASSERT_EQ(take(a), "+OK\r\n");
  }
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    random = base::Random(seed * 7919);
    std::map<std::string, std::int64_t> counts;
    for (int round = 0; round < 400; ++round) {
      switch (random.below(12)) {
        case 0: {
          auto all = cluster::SlotMap::parse(tree.map);
          const auto slot = static_cast<std::uint16_t>(12'180 + random.below(6));
          if (all->move_of(slot) != 0 || random.below(4) == 0) {
            for (const auto& [number, move] : std::map(all->moves())) {
              if (random.below(2) == 0) all->remove_move(number);
            }
          } else {
            const bool from_a = all->owns(id('a'), slot);
            all->add_move(id(from_a ? 'a' : 'b'), id(from_a ? 'b' : 'a'), {slot});
          }
          tree = {.map = all->format(), .version = tree.version + 1};
          break;
        }
        case 1:
          if (random.below(4) == 0) break_link(random.below(2) == 0 ? a : b);
          break;
        case 2:
          pass(static_cast<std::int64_t>(random.below(300)));
          renew();
          break;
        case 3:
        case 4:
        case 5: {
          // Tags by slot: of all tries, those that hash to the slots that move.
          static const std::vector<std::string> keys = [] {
            std::vector<std::string> found;
            for (int i = 0; found.size() < 12; ++i) {
              const std::string key = fmt::format("k{}", i);
              if (slot_of(key) >= 12'180 && slot_of(key) < 12'186) found.push_back(key);
            }
            return found;
          }();
          const std::string& key = keys[random.below(keys.size())];
          bool is_answered = false;
          const std::uint64_t who = 100 + seed * 1000 + static_cast<std::uint64_t>(round);
          for (Machine* at : {&a, &b}) {
            if (is_answered) break;
            send(*at, "incr " + key, who);
            for (int tries = 0; at->replies[who].empty() && tries < 10'000; ++tries) {
              if (!(tree_step(a) || tree_step(b) || link_step(a) || link_step(b))) {
                pass(100);
                renew();
              }
            }
            const std::string reply = take(*at, who);
            ASSERT_NE(reply, "") << key;
            if (reply.starts_with(":")) {
              is_answered = true;
              ASSERT_EQ(reply, fmt::format(":{}\r\n", ++counts[key])) << key;
            } else {
              ASSERT_THAT(reply, testing::StartsWith("-MOVED"));
            }
            at->server.disconnect(ClientId(who));
          }
          break;
        }
        default:
          for (std::uint64_t i = random.below(4); i > 0; --i) {
            switch (random.below(4)) {
              case 0:
                tree_step(a);
                break;
              case 1:
                tree_step(b);
                break;
              case 2:
                link_step(a);
                break;
              default:
                link_step(b);
            }
          }
      }
    }
    settle();
    for (const auto& [key, count] : counts) {
      Machine& at = owns('a', slot_of(key)) ? a : b;
      ASSERT_EQ(ask(at, "get " + key), fmt::format("${}\r\n{}\r\n", std::to_string(count).size(), count)) << key;
      ask(at, "del " + key);
    }
  }
  EXPECT_GT(a.server.handovers().done, 50U);
  EXPECT_GT(a.server.handovers().failed + b.server.handovers().failed, 20U);
}

}  // namespace
}  // namespace chorus::cache
