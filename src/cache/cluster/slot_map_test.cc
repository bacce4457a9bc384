#include "cache/cluster/slot_map.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace chorus::cache::cluster {
namespace {

NodeId id(char digit) { return NodeId(40, digit); }
Endpoint at(std::uint16_t port) {
  return {.ip = "127.0.0.1", .port = port, .bus_port = static_cast<std::uint16_t>(port + 10'000), .hostname = {}};
}

TEST(SlotMap, TextSaysAllOfIt) {
  SlotMap map;
  map.add_member(id('a'), at(7000));
  map.add_member(id('b'), {.ip = "::1", .port = 7001, .bus_port = 17001, .hostname = "b.example"});
  for (std::uint16_t slot = 0; slot < 100; ++slot) map.set_owner(slot, &map.members().begin()->first);
  const NodeId b = id('b');
  map.set_owner(200, &b);
  map.open_for_change(5).migrating_to = id('b');
  map.open_for_change(5).importing.emplace(id('b'), id('a'));
  map.add_move(id('a'), id('b'), {7, 8, 9, 11});
  map.set_ticket(id('a'), 42);
  const std::string text = map.format();
  EXPECT_EQ(text, "chorus-cache-map 1\nepoch 3\nlast " + id('a') + " 42\nnode " + id('a') + " " + id('a') +
                      " 1 42 127.0.0.1 7000 17000 -\nnode " + id('b') + " " + id('b') + " 2 0 ::1 7001 17001 b.example\nslots " + id('a') +
                      " 0-99\nslots " + id('b') + " 200\nmigrating 5 " + id('b') + "\nimporting 5 " + id('b') + " " + id('a') +
                      "\nmove 3 " + id('a') + " " + id('b') + " 7-9,11\n");
  const auto again = SlotMap::parse(text);
  ASSERT_TRUE(again.has_value()) << again.error().what;
  EXPECT_EQ(again->format(), text);
  EXPECT_EQ(again->move_of(11), 3U);
  EXPECT_EQ(again->move_of(10), 0U);
  EXPECT_TRUE(again->has_ticket(id('a'), 42));
  EXPECT_FALSE(again->has_ticket(id('b'), 42));
}

TEST(SlotMap, RefusesWhatIsNone) {
  const std::string head = "chorus-cache-map 1\nepoch 9\n";
  const std::string a = "node " + id('a') + " " + id('a') + " 1 0 127.0.0.1 7000 17000 -\n";
  const std::string b = "node " + id('b') + " " + id('b') + " 1 0 127.0.0.1 7001 17001 -\n";
  ASSERT_TRUE(SlotMap::parse(head + a + b).has_value());
  for (const std::string& text :
       {std::string(),
        std::string("chorus-cache-map 2\n"),
        std::string("chorus-cache-map 1"),
        head + "what 1\n",
        head + a + a,
        head + "slots " + id('a') + " 1\n",
        head + a + "slots " + id('a') + " 16384\n",
        head + a + "slots " + id('a') + " 5-3\n",
        head + a + "slots " + id('a') + " 3,3\n",
        head + a + b + "slots " + id('a') + " 3\nslots " + id('b') + " 3\n",
        head + a + "migrating 3 " + id('a') + "\n",
        head + a + b + "slots " + id('a') + " 3\nmove 10 " + id('a') + " " + id('b') + " 3\n",
        head + a + b + "slots " + id('a') + " 3\nmove 2 " + id('b') + " " + id('a') + " 3\n",
        head + a + b + "slots " + id('a') + " 3\nmove 2 " + id('a') + " " + id('a') + " 3\n",
        head + a + b + "slots " + id('a') + " 3\nmove 2 " + id('a') + " " + id('b') + " 3\nmove 3 " + id('a') + " " + id('b') + " 3\n",
        head + "node " + id('A') + " " + id('a') + " 1 0 127.0.0.1 1 1 -\n",
        head + "node " + id('a') + " " + id('a') + " 1 0 a/b 1 1 -\n",
        head + "node " + id('a') + " " + id('a') + " 1 0 127.0.0.1 70000 1 -\n",
        head + "epoch -1\n",
        std::string(SlotMap::octets_max + 1, 'x')}) {
    EXPECT_FALSE(SlotMap::parse(text).has_value()) << text.substr(0, 200);
  }
}

TEST(SlotMap, AnyCutOrChangedOctetIsReadOrRefused) {
  SlotMap map;
  map.add_member(id('a'), at(7000));
  map.add_member(id('b'), at(7001));
  const NodeId a = id('a');
  for (std::uint16_t slot = 0; slot < 50; ++slot) map.set_owner(slot, &a);
  map.add_move(id('a'), id('b'), {1, 2, 3});
  map.open_for_change(9).migrating_to = id('b');
  const std::string text = map.format();
  base::Random random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string broken = text.substr(0, random.below(2) == 0 ? random.below(text.size()) : text.size());
    for (std::uint64_t i = random.below(4); i > 0 && !broken.empty(); --i)
      broken[random.below(broken.size())] = static_cast<char>(random.next());
    // What can be read is a whole map again.
    if (const auto read = SlotMap::parse(broken)) EXPECT_TRUE(SlotMap::parse(read->format()).has_value()) << broken;
  }
}

TEST(SlotMap, AnOwnerThatIsTakenAwayTakesWhatWasBegunWithIt) {
  SlotMap map;
  map.add_member(id('a'), at(7000));
  map.add_member(id('b'), at(7001));
  const NodeId a = id('a'), b = id('b');
  for (const std::uint16_t slot : {1, 2, 3}) map.set_owner(slot, &a);
  map.add_move(a, b, {1, 2});
  map.set_owner(1, &b);
  EXPECT_EQ(map.moves().size(), 1U);
  map.set_owner(2, nullptr);
  EXPECT_TRUE(map.moves().empty());
  map.open_for_change(3).migrating_to = b;
  map.set_owner(1, nullptr);
  map.remove_member(b);
  EXPECT_EQ(map.open(3), nullptr);
  EXPECT_EQ(map.assigned_to(a), 1U);
  EXPECT_EQ(map.assigned(), 1U);
}

}  // namespace
}  // namespace chorus::cache::cluster
