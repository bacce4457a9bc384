#include "zab/quorum_auth.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"

namespace chorus::zab {
namespace {

using State = AuthStep::State;

std::string packet(std::int32_t status, std::string_view token) {
  std::string out;
  base::Writer writer(out);
  writer.u64(0x5f24'3501'3501'edcc);
  writer.i32(status);
  writer.i32(static_cast<std::int32_t>(token.size()));
  writer.octets(token);
  return out;
}

// What OpenJDK 17's SASL provider said, in both roles, with the names that ZooKeeper gives it.
struct Recorded {
  const char* what;
  const char *username, *password;
  const char *nonce, *client_nonce;
  const char *username_quoted, *response, *rspauth;
};
const Recorded recorded[] = {
    {"plain", "learner", "test pass", "VKZ17ly/oLpe0KBmm2GLOzqbuV7HX7+ZTMYkn/S5", "11N8kbiDgTv3+zVbgW3gklxpNwvW8gYoZw3weKue",
     R"("learner")", "0093a82b72f56859ef9e9e8bb56dbad4", "b66b43ef201140423db657d68676148a"},
    {"to be quoted", R"(a"b\c)", "x\"y", "+C0N/UwIkEvsny+4YvYwXJ34gYVONPlTSLGPQas1", "1O5eBiNfMIyqXbVydSvq30RNEXi0BH/8JvQ1rRl6",
     R"("a\"b\\c")", "afa4ca3f317ced95fa0feea0a73d2821", "54866916c661c4f8d3aa8de6c458737a"},
    {"Latin-1", "zoë", "pä", "wuxx87OX44T+TbW8vKWdDe5X7jvZ/cDoZLy5sU9H", "HobbdvflQ6KuuTkuavbWuzw4TIZVgtpIyx4l3A9K", R"("zoë")",
     "84d971a44271c45319745a8ecd454731", "b2022f0b5ebd2c0a45ba56c8635f65fa"},
    {"beyond Latin-1", "安", "pä", "Gi+O/Zr9ETdmj0QbWHP0PENO5TytCaIP+PXXwkoq", "kNMHEFCV2jIIYXykuOf67c6dZfGqE6mGGXuoXpSC", R"("安")",
     "c4c5aba887c44e6bd6203b3ec653e1ae", "b78adc91858bdff614bd6f3f07bc915f"},
};
std::string challenge_of(const Recorded& r) {
  return std::string("realm=\"zk-quorum-sasl-md5\",nonce=\"") + r.nonce + "\",charset=utf-8,algorithm=md5-sess";
}
std::string answer_of(const Recorded& r) {
  return std::string("charset=utf-8,username=") + r.username_quoted + ",realm=\"zk-quorum-sasl-md5\",nonce=\"" + r.nonce +
         "\",nc=00000001,cnonce=\"" + r.client_nonce +
         "\",digest-uri=\"zookeeper-quorum/zk-quorum-sasl-md5\",maxbuf=65536,response=" + r.response +
         ",qop=auth,authzid=" + r.username_quoted;
}

TEST(QuorumAuth, SaysWhatJavaSays) {
  for (const Recorded& r : recorded) {
    SCOPED_TRACE(r.what);
    EXPECT_EQ(QuorumAuthLearner::begin(), packet(0, ""));
    QuorumAuthLearner learner(r.username, r.password, r.client_nonce);
    AuthStep step = learner.receive(packet(0, challenge_of(r)));
    EXPECT_EQ(step.state, State::going_on) << step.why;
    EXPECT_EQ(step.reply, packet(0, answer_of(r)));
    step = learner.receive(packet(1, std::string("rspauth=") + r.rspauth) + "more");
    EXPECT_EQ(step.state, State::done) << step.why;
    EXPECT_EQ(step.used, packet(1, std::string("rspauth=") + r.rspauth).size());

    const std::map<std::string, std::string> users{{r.username, r.password}, {"other", "one"}};
    QuorumAuthServer server(users, r.nonce);
    step = server.receive(packet(0, ""));
    EXPECT_EQ(step.reply, packet(0, challenge_of(r)));
    step = server.receive(packet(0, answer_of(r)));
    EXPECT_EQ(step.state, State::done) << step.why;
    EXPECT_EQ(step.reply, packet(1, std::string("rspauth=") + r.rspauth));
    EXPECT_EQ(server.username(), r.username);
  }
}

/// Octet by octet from each to the other, until one side is done or has failed.
struct Outcome {
  AuthStep learner, server;
};
Outcome exchange(QuorumAuthLearner& learner, QuorumAuthServer& server) {
  Outcome outcome;
  std::string to_server = QuorumAuthLearner::begin(), to_learner;
  std::string server_has, learner_has;
  const auto pass = [](std::string& from, std::string& has, auto& side, AuthStep& last, std::string& back) {
    if (last.state != State::going_on || from.empty()) return false;
    has += from.front();
    from.erase(0, 1);
    AuthStep step = side.receive(has);
    has.erase(0, step.used);
    back += step.reply;
    last = std::move(step);
    return true;
  };
  while (pass(to_server, server_has, server, outcome.server, to_learner) ||
         pass(to_learner, learner_has, learner, outcome.learner, to_server)) {
  }
  return outcome;
}

TEST(QuorumAuth, BothSidesAgreeOrNeither) {
  const std::map<std::string, std::string> users{{"learner", "secret"}};
  const struct {
    const char *username, *password;
    bool agrees;
  } cases[] = {{"learner", "secret", true}, {"learner", "Secret", false}, {"learner", "", false},
               {"nobody", "secret", false}, {"nobody", "", false},        {"", "", false}};
  for (const auto& c : cases) {
    QuorumAuthLearner learner(c.username, c.password, "abc");
    QuorumAuthServer server(users, "def");
    const Outcome outcome = exchange(learner, server);
    EXPECT_EQ(outcome.learner.state, c.agrees ? State::done : State::failed) << outcome.learner.why;
    EXPECT_EQ(outcome.server.state, c.agrees ? State::done : State::failed) << outcome.server.why;
  }
}

TEST(QuorumAuth, ALearnerTrustsNobodyWhoDoesNotKnowThePassword) {
  QuorumAuthLearner at_once("learner", "secret", "abc");
  EXPECT_EQ(at_once.receive(packet(1, "")).state, State::failed);
  EXPECT_EQ(QuorumAuthLearner("learner", "secret", "abc").receive(packet(1, "rspauth=")).state, State::failed);
  QuorumAuthLearner later("learner", "secret", "abc");
  EXPECT_EQ(later.receive(packet(0, challenge_of(recorded[0]))).state, State::going_on);
  EXPECT_EQ(later.receive(packet(1, "rspauth=b66b43ef201140423db657d68676148a")).state, State::failed);
  EXPECT_EQ(later.receive(packet(0, challenge_of(recorded[0]))).state, State::failed) << "a second challenge";
}

TEST(QuorumAuth, AnAnswerHoldsForOneChallenge) {
  const std::map<std::string, std::string> users{{"learner", "test pass"}};
  const std::string right = answer_of(recorded[0]);
  const struct {
    const char *what, *from, *to;
  } cases[] = {{"another nonce", "VKZ17", "VKZ18"},
               {"used again", "nc=00000001", "nc=00000002"},
               {"another service", "zookeeper-quorum/", "zookeeper/"},
               {"another realm", "realm=\"zk", "realm=\"kz"},
               {"another user's rights", "authzid=\"learner\"", "authzid=\"admin\""},
               {"confidentiality", "qop=auth", "qop=auth-conf"},
               {"no client nonce", "11N8kbiDgTv3+zVbgW3gklxpNwvW8gYoZw3weKue", ""},
               {"a shorter response", "bad4", "bad"},
               {"no end of a string", "authzid=\"learner\"", "authzid=\"learner"},
               {"no value", ",qop=auth", ",qop"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    QuorumAuthServer server(users, recorded[0].nonce);
    server.receive(packet(0, ""));
    std::string wrong = right;
    wrong.replace(wrong.find(c.from), std::string_view(c.from).size(), c.to);
    const AuthStep step = server.receive(packet(0, wrong));
    EXPECT_EQ(step.state, State::failed);
    EXPECT_EQ(step.reply, packet(-1, ""));
    EXPECT_EQ(step.why.find("test pass"), std::string::npos);
  }
}

TEST(QuorumAuth, TellsItselfFromWhatItGoesBefore) {
  const std::string begin = QuorumAuthLearner::begin();
  EXPECT_EQ(looks_like_auth(""), AuthStart::more_needed);
  EXPECT_EQ(looks_like_auth(begin.substr(0, 7)), AuthStart::more_needed);
  EXPECT_EQ(looks_like_auth(begin.substr(0, 8)), AuthStart::yes);
  EXPECT_EQ(looks_like_auth(std::string("\0\0\0\x0b", 4)), AuthStart::no) << "FOLLOWERINFO";
  EXPECT_EQ(looks_like_auth("\xff\xff\xff"), AuthStart::no) << "an election's initial message";
}

TEST(QuorumAuth, OneConnectionsPart) {
  base::Random random(1);
  const QuorumAuthOptions none, member{.learner = {{"member", "secret"}}, .users = {{"member", "secret"}}};
  EXPECT_EQ(QuorumAuth::of(none, true, random), nullptr);
  EXPECT_EQ(QuorumAuth::of(none, false, random), nullptr);
  const auto learner = QuorumAuth::of(member, false, random), server = QuorumAuth::of(member, true, random);
  EXPECT_FALSE(server->has_begun());
  EXPECT_EQ(server->opening(), "");
  QuorumAuth::Progress at_server = server->receive(learner->opening());
  EXPECT_TRUE(server->has_begun());
  QuorumAuth::Progress at_learner = learner->receive(at_server.reply);
  at_server = server->receive(at_learner.reply + "for others");
  EXPECT_EQ(at_server.state, State::done);
  EXPECT_EQ(at_server.rest, "for others");
  at_learner = learner->receive(at_server.reply + "too");
  EXPECT_EQ(at_learner.state, State::done);
  EXPECT_EQ(at_learner.rest, "too");

  const auto left_out = QuorumAuth::of(member, true, random);
  EXPECT_EQ(left_out->receive(std::string("\x5f\x24", 2)).state, State::going_on);
  EXPECT_EQ(left_out->receive("\x35\x02").rest, "\x5f\x24\x35\x02");
  QuorumAuthOptions strict = member;
  strict.required = true;
  EXPECT_EQ(QuorumAuth::of(strict, true, random)->receive("hello").state, State::failed);
}

TEST(QuorumAuth, HostileOctetsFail) {
  const std::map<std::string, std::string> users{{"learner", "test pass"}};
  std::string long_token = packet(0, "");
  base::Writer(long_token).patch_u32(12, 0x7fff'ffff);
  for (const std::string& octets : {std::string("GET / HTTP/1.1\r\n"), long_token, packet(1, ""), packet(7, ""), packet(0, "\x60\x01")}) {
    QuorumAuthServer server(users, "n");
    EXPECT_EQ(server.receive(octets).state, State::failed) << base::hex(octets);
  }
  base::Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const Recorded& r = recorded[random.below(std::size(recorded))];
    std::string answer = answer_of(r);
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) answer[random.below(answer.size())] = static_cast<char>(random.next());
    answer.resize(random.below(answer.size() + 1));
    const std::map<std::string, std::string> known{{r.username, r.password}};
    QuorumAuthServer server(known, r.nonce);
    server.receive(packet(0, ""));
    EXPECT_NE(server.receive(packet(0, answer)).state, State::going_on);
    std::string challenge = challenge_of(r);
    challenge[random.below(challenge.size())] = static_cast<char>(random.next());
    QuorumAuthLearner(r.username, r.password, r.client_nonce).receive(packet(0, challenge.substr(0, random.below(challenge.size() + 1))));
  }
}

}  // namespace
}  // namespace chorus::zab
