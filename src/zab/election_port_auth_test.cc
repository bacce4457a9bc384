// SASL on the election port: behind the first message, before anything is said.
#include "zab/election_port_fixture.h"

namespace chorus::zab {
namespace {

const std::map<std::string, std::string> users{{"member", "secret"}};
const QuorumAuthOptions::Credentials credentials{"member", "secret"};
// The steps by which an ensemble is moved to it, one server after another.
const QuorumAuthOptions none, understood{.users = users}, shown{.learner = credentials, .users = users},
    required{.learner = credentials, .users = users, .required = true},
    wrong{.learner = {{"member", "Secret"}}, .users = {{"member", "Secret"}}};

class ElectionPortAuth : public ElectionPortTest {
 protected:
  void make_two() {
    machines.clear();
    make(2);
  }
  Server& start_with(ServerId id, const QuorumAuthOptions& auth) { return start(id, {.greeting_limit = 2s, .auth = auth}); }
};

TEST_F(ElectionPortAuth, EachStepGoesWithTheNext) {
  const QuorumAuthOptions* steps[] = {&none, &understood, &shown, &required};
  for (std::size_t i = 0; i < std::size(steps); ++i) {
    for (std::size_t j = i == 0 ? 0 : i - 1; j < std::min(i + 2, std::size(steps)); ++j) {
      for (const bool lower_begins : {true, false}) {
        SCOPED_TRACE(fmt::format("{} and {}, the {} one begins", i, j, lower_begins ? "lower" : "higher"));
        make_two();
        Server& one = start_with(1, *steps[i]);
        Server& two = start_with(2, *steps[j]);
        (lower_begins ? one : two).port.send(lower_begins ? 2 : 1, say(10));
        ASSERT_TRUE(until([&] { return !(lower_begins ? two : one).heard.empty(); }, 1500ms));
        (lower_begins ? two : one).port.send(lower_begins ? 1 : 2, say(20));
        ASSERT_TRUE(until([&] { return !(lower_begins ? one : two).heard.empty(); }, 1500ms));
        EXPECT_THAT(one.port.connected(), ElementsAre(2));
        EXPECT_THAT(two.port.connected(), ElementsAre(1));
      }
    }
  }
}

TEST_F(ElectionPortAuth, WhoIsNotKnownIsNotHeard) {
  for (const QuorumAuthOptions* stranger_auth : {&wrong, &none}) {
    for (const ServerId member : {1, 2}) {
      SCOPED_TRACE(member);
      make_two();
      const ServerId other = 3 - member;
      Server& good = start_with(member, required);
      Server& bad = start_with(other, *stranger_auth);
      for (int i = 0; i < 5; ++i) {
        bad.port.send(member, say(i));
        good.port.send(other, say(100 + i));
        pass(3s);
      }
      EXPECT_THAT(good.take(), IsEmpty());
      EXPECT_THAT(good.port.connected(), IsEmpty());
      EXPECT_THAT(good.down, IsEmpty()) << "somebody does listen there";
      // Once it has been put right it is.
      machine(other).kill();
      Server& put_right = start_with(other, shown);
      put_right.port.send(member, say(7));
      ASSERT_TRUE(until([&] { return !good.heard.empty(); }));
      EXPECT_EQ(good.take().front(), fmt::format("{}: 7", other));
    }
  }
}

TEST_F(ElectionPortAuth, TheExchangeFollowsTheFirstMessage) {
  make(2);
  machine(1).start();
  listen_raw(machine(1));
  Server& two = start_with(2, shown);
  two.port.send(1, say(5));
  ASSERT_TRUE(until([&] { return raw.size() == 1 && raw[0]->received.size() > 35; }));
  const std::string first = encode(InitialMessage{2, {{"s2", port_number}}}, false);
  EXPECT_EQ(base::hex(raw[0]->received), base::hex(first + QuorumAuthLearner::begin()));
  // Nothing is voted before the other side has proved that it knows the password.
  QuorumAuthServer server(users, "nonce");
  const auto take = [&] { return std::exchange(raw[0]->received, {}); };
  raw[0]->connection->write(server.receive(take().substr(first.size())).reply);
  ASSERT_TRUE(until([&] { return !raw[0]->received.empty(); }));
  const AuthStep last = server.receive(take());
  ASSERT_EQ(last.state, AuthStep::State::done) << last.why;
  pass(1s);
  EXPECT_EQ(take(), "");
  raw[0]->connection->write(last.reply + frame(encode(say(6))));
  ASSERT_TRUE(until([&] { return !two.heard.empty(); }));
  EXPECT_THAT(two.take(), ElementsAre("1: 6"));
  pass(1s);
  EXPECT_EQ(take(), frame(encode(say(5))));
}

TEST_F(ElectionPortAuth, ReadsOctetByOctet) {
  make(2);
  Server& one = start_with(1, required);
  Recorder& two = connect(1);
  QuorumAuthLearner learner("member", "secret", "nonce");
  const auto write = [&](const std::string& octets) {
    for (const char c : octets) {
      two.connection->write(std::string(1, c));
      pass(1ms);
    }
  };
  write(greeting(2) + QuorumAuthLearner::begin());
  ASSERT_TRUE(until([&] { return !two.received.empty(); }));
  write(learner.receive(std::exchange(two.received, {})).reply + frame(encode(say(1))) + frame(encode(say(2))));
  ASSERT_TRUE(until([&] { return one.heard.size() == 2; }));
  EXPECT_EQ(learner.receive(two.received).state, AuthStep::State::done);
}

TEST_F(ElectionPortAuth, WhoBeginsAndDoesNotGoOnIsDropped) {
  make(2);
  for (const QuorumAuthOptions* auth : {&understood, &required}) {
    start_with(1, *auth);
    for (const std::string& said : {greeting(2) + QuorumAuthLearner::begin(), greeting(2) + QuorumAuthLearner::begin().substr(0, 5),
                                    greeting(2) + QuorumAuthLearner::begin() + std::string(100, 'x')}) {
      Recorder& two = connect(1);
      two.connection->write(said);
      EXPECT_TRUE(until([&] { return two.closed.has_value(); }, 5s)) << base::hex(said);
    }
    machine(1).kill();
  }
}

TEST_F(ElectionPortAuth, WhoOnlyListensIsSpokenToAfterAWhileUnlessItMustShowWhoItIs) {
  make(2);
  for (const bool must : {false, true}) {
    Server& one = start_with(1, must ? required : understood);
    one.port.send(2, say(5));
    Recorder& two = connect(1);
    two.connection->write(greeting(2));
    pass(900ms);
    EXPECT_EQ(two.received, "") << "it may be about to authenticate itself";
    pass(3s);
    EXPECT_EQ(base::hex(two.received), must ? "" : base::hex(frame(encode(say(5)))));
    EXPECT_EQ(two.closed.has_value(), must);
    machine(1).kill();
  }
}

}  // namespace
}  // namespace chorus::zab
