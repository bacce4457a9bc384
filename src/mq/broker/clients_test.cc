#include "mq/broker/clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

world::Instant at(int s) { return world::Instant(std::chrono::seconds(s)); }
ClientInfo client(std::uint64_t connection, int seen = 0) {
  return {.client_id = "c" + std::to_string(connection), .connection = ConnectionId(connection), .last_seen = at(seen)};
}
ConsumerHeartbeat heartbeat(std::vector<Subscription> subscriptions) { return {.group = "g", .subscriptions = std::move(subscriptions)}; }

TEST(Clients, AGroupIsToldWhenItsMembersChange) {
  Clients clients;
  EXPECT_TRUE(clients.consumer(heartbeat({{.topic = "t"}}), client(1)));
  EXPECT_THAT(clients.take_changed_groups(), ElementsAre("g"));
  EXPECT_FALSE(clients.consumer(heartbeat({{.topic = "t"}}), client(1, 30)));
  EXPECT_TRUE(clients.consumer(heartbeat({{.topic = "t"}}), client(2)));
  EXPECT_THAT(clients.consumer_ids("g"), ElementsAre("c1", "c2"));
  clients.take_changed_groups();
  clients.closed(ConnectionId(1));
  EXPECT_THAT(clients.take_changed_groups(), ElementsAre("g"));
  clients.unregister(ConnectionId(2), "c2", "", "g");
  EXPECT_EQ(clients.consumers("g"), nullptr);
  EXPECT_THAT(clients.take_changed_groups(), IsEmpty()) << "nobody is left to tell";
}

TEST(Clients, ANewerSubscriptionCounts) {
  Clients clients;
  clients.consumer(heartbeat({{.topic = "t", .expression = "a", .version = 5}}), client(1));
  EXPECT_FALSE(clients.consumer(heartbeat({{.topic = "t", .expression = "b", .version = 4}}), client(1)));
  EXPECT_EQ(clients.subscription("g", "t")->expression, "a");
  EXPECT_TRUE(clients.consumer(heartbeat({{.topic = "t", .expression = "b", .version = 6}}), client(1)));
  EXPECT_EQ(clients.subscription("g", "t")->expression, "b");
  EXPECT_TRUE(clients.consumer(heartbeat({{.topic = "u", .version = 7}}), client(1))) << "t is no longer named";
  EXPECT_EQ(clients.subscription("g", "t"), nullptr);
  EXPECT_THAT(clients.groups_subscribed("u"), ElementsAre("g"));
}

TEST(Clients, ProducersAreAskedInTurn) {
  Clients clients;
  EXPECT_EQ(clients.any_producer("p"), nullptr);
  clients.producer("p", client(1));
  clients.producer("p", client(2));
  const std::string first = clients.any_producer("p")->client_id;
  EXPECT_NE(clients.any_producer("p")->client_id, first);
  EXPECT_EQ(clients.any_producer("p")->client_id, first);
  EXPECT_EQ(clients.find_producer("c2")->connection, ConnectionId(2));
  clients.unregister(ConnectionId(1), "c1", "p", "");
  clients.closed(ConnectionId(2));
  EXPECT_EQ(clients.producers("p"), nullptr);
}

TEST(Clients, WhoIsSilentIsForgotten) {
  Clients clients;
  clients.consumer(heartbeat({{.topic = "t"}}), client(1, 0));
  clients.producer("p", client(1, 50));
  clients.producer("p", client(2, 100));
  EXPECT_THAT(clients.expire(at(170)), IsEmpty());
  EXPECT_THAT(clients.expire(at(171)), ElementsAre(ConnectionId(1)));
  EXPECT_EQ(clients.consumers("g"), nullptr);
  EXPECT_EQ(clients.producers("p")->size(), 1u);
}

}  // namespace
}  // namespace chorus::mq
