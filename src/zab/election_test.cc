#include "zab/election.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>

#include "zab/election_vectors.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using State = NotificationState;

constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::min();

EnsembleConfig config(std::string_view text) { return parse_config(text).value(); }

/// Voters 1 to `voters`, observers after them.
EnsembleConfig ensemble(int voters, int observers = 0) {
  std::string text;
  for (int id = 1; id <= voters + observers; ++id)
    text += fmt::format("server.{}=s{}:1:2:{}\n", id, id, id > voters ? "observer" : "participant");
  return config(text);
}

/// "2: LOOKING 3/zxid@round+epoch"
std::string show(ServerId to, const Notification& n) {
  const char* const states[] = {"LOOKING", "FOLLOWING", "LEADING", "OBSERVING"};
  const auto number = [](std::int64_t value) { return value == nothing ? "none" : fmt::format("{:x}", value); };
  return fmt::format("{}: {} {}/{}@{}+{}", to, states[static_cast<int>(n.state)], number(n.vote.leader), number(n.vote.zxid),
                     n.vote.election_epoch, number(n.vote.peer_epoch));
}

/// One server, hand driven.
struct One {
  One(ServerId self, ElectionOptions options) : election((options.self = self, options)), id(self) {}

  void start(std::int64_t zxid, std::int64_t epoch, const EnsembleConfig& committed) { start(zxid, epoch, committed, committed); }
  void start(std::int64_t zxid, std::int64_t epoch, const EnsembleConfig& committed, const EnsembleConfig& last_seen) {
    election.start({.leader = id, .zxid = zxid, .peer_epoch = epoch}, committed, last_seen, now, out);
  }
  std::optional<EnsembleConfig> hear(ServerId from, State state, Vote vote, std::int32_t version = 2, std::string text = "") {
    return election.receive(from, {.state = state, .vote = vote, .version = version, .config = std::move(text)}, now, out);
  }
  void pass(world::Duration length) {
    const world::Instant until = now + length;
    while (election.deadline() && *election.deadline() <= until) {
      now = *election.deadline();
      election.time_passed(now, out);
    }
    now = until;
  }
  std::vector<std::string> said() {
    std::vector<std::string> words;
    for (const Action& action : out) {
      const auto& send = std::get<SendNotification>(action);
      words.push_back(show(send.to, send.notification));
    }
    out.clear();
    return words;
  }
  std::string outcome() const {
    if (!election.decided()) return "looking";
    return show(id, {.state = election.state(), .vote = *election.decided()});
  }

  Election election;
  const ServerId id;
  world::Instant now{};
  std::vector<Action> out;
};

One server(ServerId id, const ElectionOptions& options = {}) { return {id, options}; }

TEST(Election, ProposesItselfToTheOtherVoters) {
  One one = server(2);
  one.start(0x1'0000'0005, 1, ensemble(3, 1));
  EXPECT_THAT(one.said(), ElementsAre("1: LOOKING 2/100000005@1+1", "3: LOOKING 2/100000005@1+1"));
  EXPECT_EQ(one.outcome(), "looking");
}

TEST(Election, AloneItLeadsAtOnce) {
  One one = server(1);
  one.start(7, 1, ensemble(1, 1));
  EXPECT_EQ(one.outcome(), "1: LEADING 1/7@1+1");
  EXPECT_FALSE(one.election.deadline());
}

// Higher epoch, then zxid, then number.
TEST(Election, TakesOverBetterVotesOnly) {
  const struct Case {
    const char* name;
    Vote vote;
    enum { better, less, none } is;
  } cases[] = {
      {"epoch before zxid", {1, 0, 1, 6}, Case::better},
      {"lower epoch", {3, 100, 1, 4}, Case::less},
      {"zxid before number", {1, 51, 1, 5}, Case::better},
      {"lower zxid", {3, 49, 1, 5}, Case::less},
      {"number decides between equals", {3, 50, 1, 5}, Case::better},
      {"lower number", {1, 50, 1, 5}, Case::less},
      {"a candidate that is no voter", {4, 99, 1, 9}, Case::none},
      {"a candidate whose tree is not loaded", {3, -1, 1, 9}, Case::none},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    One one = server(2);
    one.start(50, 5, ensemble(3, 1));
    one.said();
    one.hear(3, State::looking, c.vote);
    if (c.is == Case::better) {
      const Notification wanted{.vote = c.vote};
      EXPECT_THAT(one.said(), ElementsAre(show(1, wanted), show(3, wanted)));
    } else if (c.is == Case::less) {
      EXPECT_THAT(one.said(), ElementsAre("3: LOOKING 2/32@1+5")) << "it may not have heard us";
    } else {
      EXPECT_THAT(one.said(), IsEmpty());
    }
    EXPECT_EQ(one.outcome(), "looking");
  }
}

TEST(Election, WaitsForABetterVoteUnlessAllHaveVoted) {
  One one = server(2);
  one.start(50, 5, ensemble(3));
  one.hear(1, State::looking, {2, 50, 1, 5});
  one.pass(199ms);
  EXPECT_EQ(one.outcome(), "looking");
  one.pass(1ms);
  EXPECT_EQ(one.outcome(), "2: LEADING 2/32@1+5");

  One all = server(2);
  all.start(50, 5, ensemble(3));
  all.hear(1, State::looking, {2, 50, 1, 5});
  all.hear(3, State::looking, {2, 50, 1, 5});
  EXPECT_EQ(all.outcome(), "2: LEADING 2/32@1+5");

  One better = server(2);
  better.start(50, 5, ensemble(3));
  better.hear(1, State::looking, {2, 50, 1, 5});
  better.pass(100ms);
  better.hear(3, State::looking, {3, 51, 1, 5});
  better.pass(150ms);
  EXPECT_EQ(better.outcome(), "looking") << "the wait begins anew";
  better.pass(50ms);
  EXPECT_EQ(better.outcome(), "2: FOLLOWING 3/33@1+5");
}

TEST(Election, DoesNotWaitForTheVoteOfAServerThatIsDown) {
  One one = server(2);
  one.start(50, 5, ensemble(3));
  one.election.server_down(3, one.now);
  EXPECT_EQ(one.outcome(), "looking");
  one.hear(1, State::looking, {2, 50, 1, 5});
  EXPECT_EQ(one.outcome(), "2: LEADING 2/32@1+5");

  One later = server(2);
  later.start(50, 5, ensemble(3));
  later.hear(1, State::looking, {2, 50, 1, 5});
  later.election.server_down(7, later.now);
  EXPECT_EQ(later.outcome(), "looking");
  later.election.server_down(3, later.now);
  EXPECT_EQ(later.outcome(), "2: LEADING 2/32@1+5");
  later.election.server_down(1, later.now);
  EXPECT_EQ(later.outcome(), "2: LEADING 2/32@1+5") << "nothing to a leader";

  One noticed = server(2);
  noticed.start(50, 5, ensemble(3));
  noticed.hear(1, State::looking, {3, 60, 1, 5});
  noticed.hear(3, State::looking, {3, 60, 1, 5});
  EXPECT_EQ(noticed.outcome(), "2: FOLLOWING 3/3c@1+5");
  noticed.election.server_down(3, noticed.now);
  noticed.start(60, 5, ensemble(3));
  noticed.hear(1, State::looking, {2, 60, 2, 5});
  EXPECT_EQ(noticed.outcome(), "2: LEADING 2/3c@2+5") << "the leader was gone before its followers looked";

  One back = server(2);
  back.start(50, 5, ensemble(5));
  back.election.server_down(3, back.now);
  back.election.server_down(4, back.now);
  back.hear(3, State::looking, {3, 40, 0, 5});
  back.hear(1, State::looking, {2, 50, 1, 5});
  back.hear(5, State::looking, {2, 50, 1, 5});
  EXPECT_EQ(back.outcome(), "looking") << "3 is up again";
  back.pass(200ms);
  EXPECT_EQ(back.outcome(), "2: LEADING 2/32@1+5");
}

TEST(Election, InTheWaitOnlyABetterVoteOfALaterRoundCounts) {
  One one = server(2);
  one.start(50, 5, ensemble(3));
  one.hear(1, State::looking, {2, 50, 1, 5});
  one.hear(3, State::looking, {1, 40, 4, 5});
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "2: LEADING 2/32@1+5");

  One other = server(2);
  other.start(50, 5, ensemble(3));
  other.hear(1, State::looking, {2, 50, 1, 5});
  other.said();
  other.hear(3, State::looking, {3, 60, 4, 5});
  EXPECT_THAT(other.said(), ElementsAre("1: LOOKING 3/3c@4+5", "3: LOOKING 3/3c@4+5"));
  other.pass(200ms);
  EXPECT_EQ(other.outcome(), "2: FOLLOWING 3/3c@4+5") << "its own vote and that of 3";
}

TEST(Election, AnotherRoundOverridesTheVotesOfThis) {
  One one = server(2);
  one.start(50, 5, ensemble(5));
  one.hear(3, State::looking, {3, 60, 1, 5});
  one.said();
  // The round is later, the vote worse than what we began with: we stand again, and 3 has not voted in that round.
  one.hear(1, State::looking, {1, 40, 9, 5});
  EXPECT_THAT(one.said(), ElementsAre("1: LOOKING 2/32@9+5", "3: LOOKING 2/32@9+5", "4: LOOKING 2/32@9+5", "5: LOOKING 2/32@9+5"));
  one.hear(1, State::looking, {2, 50, 9, 5});
  EXPECT_THAT(one.said(), IsEmpty());
  one.pass(300ms);
  EXPECT_EQ(one.outcome(), "looking") << "two of five";
  one.said();
  one.hear(4, State::looking, {4, 70, 3, 5});
  EXPECT_THAT(one.said(), ElementsAre("4: LOOKING 2/32@9+5")) << "who lags behind is told";
  one.hear(4, State::looking, {2, 50, 9, 5});
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "2: LEADING 2/32@9+5");
}

TEST(Election, ProposesAgainMoreAndMoreSeldom) {
  One one = server(1);
  one.start(0, 0, ensemble(3));
  one.said();
  std::vector<int> waits;
  for (int i = 0; i < 10; ++i) {
    const auto wait = *one.election.deadline() - one.now;
    waits.push_back(static_cast<int>(wait / 1ms));
    one.pass(wait);
    EXPECT_THAT(one.said(), ElementsAre("2: LOOKING 1/0@1+0", "3: LOOKING 1/0@1+0"));
  }
  EXPECT_THAT(waits, ElementsAre(200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000));
  one.pass(30s);
  one.hear(2, State::looking, {1, 0, 0, 0});
  EXPECT_EQ(*one.election.deadline() - one.now, 30s) << "one that speaks does not keep us from calling those who may not have heard us";
}

TEST(Election, JoinsAnEnsembleAtWork) {
  One one = server(1);
  one.start(99, 2, ensemble(3));
  one.hear(2, State::following, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "looking");
  one.hear(3, State::leading, {3, 49, 7, 2});
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 3/31@7+2") << "zxid and round may differ among those who follow one leader";
}

TEST(Election, FollowsNoLeaderThatDoesNotSayItLeads) {
  One one = server(1);
  one.start(99, 2, ensemble(5));
  for (const ServerId id : {2, 4, 5}) one.hear(id, State::following, {3, 50, 8, 2});
  one.hear(3, State::following, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "looking");
  one.hear(3, State::looking, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "looking");
  one.hear(3, State::leading, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 3/32@8+2");
}

TEST(Election, LeadsIfTheOthersSayItDoesInThisRound) {
  One one = server(3);
  one.start(50, 2, ensemble(3));
  one.hear(1, State::following, {3, 50, 8, 2});
  one.hear(2, State::following, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "looking") << "of an earlier life of ours";

  One same = server(3);
  same.start(50, 2, ensemble(3));
  same.hear(1, State::following, {3, 50, 1, 2});
  EXPECT_EQ(same.outcome(), "3: LEADING 3/32@1+2");
}

// It led them before it lost its data, and they have not noticed.
TEST(Election, DoesNotLeadWithoutItsDataWhateverOthersSay) {
  for (const Standing standing : {Standing::full, Standing::lost}) {
    One one = server(3);
    one.election.set_standing(standing, 0);
    one.start(5, 0, ensemble(3));
    one.hear(1, State::following, {3, 5, 1, 1});
    one.hear(2, State::following, {3, 5, 1, 1});
    EXPECT_EQ(one.outcome() == "looking", standing == Standing::lost) << one.outcome();
  }
}

TEST(Election, PeerEpochsMustBeEqualUnlessOneIsOfAnOldRelease) {
  One one = server(1);
  one.start(99, 2, ensemble(3));
  one.hear(2, State::following, {3, 50, 8, 1});
  one.hear(3, State::leading, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "looking") << "2 has not come into step yet";
  one.hear(2, State::following, {3, 50, 8, 2});
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 3/32@8+2");

  One old = server(1);
  old.start(99, 2, ensemble(3));
  old.hear(2, State::following, {3, 50, 8, 1}, 0);
  old.hear(3, State::leading, {3, 50, 8, 2});
  EXPECT_EQ(old.outcome(), "1: FOLLOWING 3/32@8+2");

  One same_round = server(1);
  same_round.start(0, 0, ensemble(3));
  same_round.hear(2, State::following, {3, 50, 1, 1});
  same_round.hear(3, State::leading, {3, 50, 1, 2});
  EXPECT_EQ(same_round.outcome(), "1: FOLLOWING 3/32@1+2") << "votes of one round need the same leader only";
}

TEST(Election, AnswersWhoLooks) {
  const EnsembleConfig three = ensemble(3, 1);
  One one = server(3);
  one.start(50, 5, three);
  one.hear(1, State::looking, {3, 50, 1, 5});
  one.pass(200ms);
  ASSERT_EQ(one.outcome(), "3: LEADING 3/32@1+5");
  one.said();
  one.hear(2, State::looking, {2, 60, 9, 5});
  EXPECT_THAT(one.said(), ElementsAre("2: LEADING 3/32@1+5"));
  one.election.set_peer_epoch(6);
  one.hear(2, State::looking, {2, 60, 9, 5});
  EXPECT_THAT(one.said(), ElementsAre("2: LEADING 3/32@1+6"));
  one.hear(2, State::following, {3, 50, 1, 5});
  one.hear(1, State::leading, {3, 50, 1, 5});
  EXPECT_THAT(one.said(), IsEmpty());
  one.hear(4, State::looking, {nothing, nothing, 7, nothing});
  one.hear(77, State::following, {77, 1, 7, 1});
  EXPECT_THAT(one.said(), ElementsAre("4: LEADING 3/32@1+6", "77: LEADING 3/32@1+6")) << "who has no vote is told whatever it says";
  EXPECT_EQ(one.outcome(), "3: LEADING 3/32@1+6");
}

TEST(Election, AnswersCarryTheCommittedConfiguration) {
  EnsembleConfig old = ensemble(3), next = ensemble(4);
  next.version = 0x1'0000'0003;
  One one = server(1);
  one.start(50, 5, old, next);
  EXPECT_THAT(one.said(), ElementsAre("2: LOOKING 1/32@1+5", "3: LOOKING 1/32@1+5", "4: LOOKING 1/32@1+5"));
  one.election.set_current_vote({3, 50, 1, 5}, State::following);
  one.hear(4, State::looking, {4, 1, 1, 1});
  EXPECT_EQ(std::get<SendNotification>(one.out.at(0)).notification.config, old.to_text());
  one.election.set_config(next, next);
  one.out.clear();
  one.hear(4, State::looking, {4, 1, 1, 1});
  EXPECT_EQ(std::get<SendNotification>(one.out.at(0)).notification.config, next.to_text());
}

TEST(Election, ObserversLearnTheLeaderAndHaveNoSay) {
  One one = server(4, {.is_observer = true});
  one.start(50, 5, ensemble(3, 1));
  EXPECT_THAT(one.said(), ElementsAre("1: LOOKING none/none@1+none", "2: LOOKING none/none@1+none", "3: LOOKING none/none@1+none"));
  one.hear(1, State::looking, {3, 50, 1, 5});
  one.said();
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "looking") << "its own vote is none";
  one.hear(3, State::looking, {3, 50, 1, 5});
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "4: OBSERVING 3/32@1+5");

  One voter = server(1);
  voter.start(50, 5, ensemble(3, 1));
  voter.hear(4, State::looking, {1, 50, 1, 5});
  voter.hear(2, State::observing, {1, 50, 1, 5});
  voter.pass(200ms);
  EXPECT_EQ(voter.outcome(), "looking");
}

// Two servers each of which answers the other at once, since one has no vote to the other, and that one's round is older.
TEST(Election, WhoHasNoVoteIsNotAnsweredWithoutAPause) {
  One one = server(1);
  one.start(7, 1, ensemble(2, 1));
  one.said();
  for (int i = 0; i < 100; ++i) one.hear(3, State::looking, {.leader = nothing, .zxid = nothing, .election_epoch = 5});
  EXPECT_THAT(one.said(), ElementsAre("3: LOOKING 1/7@1+1"));
  one.now += 100ms;
  one.hear(3, State::looking, {.leader = nothing, .zxid = nothing, .election_epoch = 5});
  EXPECT_THAT(one.said(), ElementsAre("3: LOOKING 1/7@1+1"));
}

TEST(Election, AServerThatJoinsFollowsWithoutAVote) {
  One one = server(9);
  one.start(50, 5, ensemble(3));
  EXPECT_THAT(one.said(), ElementsAre("1: LOOKING none/none@1+none", "2: LOOKING none/none@1+none", "3: LOOKING none/none@1+none"));
  one.hear(1, State::following, {3, 50, 4, 5});
  one.hear(3, State::leading, {3, 50, 4, 5});
  EXPECT_EQ(one.outcome(), "9: FOLLOWING 3/32@4+5");
}

TEST(Election, NoServerOfWeightZeroIsElected) {
  const EnsembleConfig groups = config("server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\ngroup.1=1:2:3\nweight.3=0");
  One one = server(1);
  one.start(50, 5, groups);
  one.said();
  one.hear(3, State::looking, {3, 90, 1, 9});
  EXPECT_THAT(one.said(), IsEmpty());
  one.hear(2, State::looking, {2, 50, 1, 5});
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 2/32@1+5");

  One zero = server(3);
  zero.start(90, 9, groups);
  zero.hear(1, State::looking, {1, 50, 1, 5});
  zero.said();
  zero.hear(1, State::looking, {2, 50, 1, 5});
  zero.hear(2, State::looking, {2, 50, 1, 5});
  zero.pass(200ms);
  EXPECT_EQ(zero.outcome(), "looking") << "nothing is better than its own vote";
  zero.hear(1, State::following, {2, 50, 1, 5});
  zero.hear(2, State::leading, {2, 50, 1, 5});
  EXPECT_EQ(zero.outcome(), "3: FOLLOWING 2/32@1+5");
}

TEST(Election, QuorumsHoldInBothConfigurationsWhileTheyDiffer) {
  EnsembleConfig next = ensemble(5);
  next.version = 0x1'0000'0003;
  One one = server(1);
  one.start(50, 5, ensemble(3), next);
  one.hear(2, State::looking, {1, 50, 1, 5});
  one.pass(1s);
  EXPECT_EQ(one.outcome(), "looking") << "two of five";
  one.hear(4, State::looking, {1, 50, 1, 5});
  one.pass(200ms);
  EXPECT_EQ(one.outcome(), "1: LEADING 1/32@1+5");

  One other = server(1);
  other.start(50, 5, ensemble(3), next);
  other.hear(4, State::looking, {1, 50, 1, 5});
  other.hear(5, State::looking, {1, 50, 1, 5});
  other.pass(1s);
  EXPECT_EQ(other.outcome(), "looking") << "one of three";
}

// Server 2 is to become a voter, and looked before.
TEST(Election, ComesToTheRoundOfOneWhoNamesNobody) {
  EnsembleConfig next = ensemble(2);
  next.version = 0x1'0000'0003;
  One one = server(1);
  one.start(50, 5, ensemble(1), next);
  one.said();
  one.hear(2, State::looking, {.leader = nothing, .zxid = nothing, .election_epoch = 4, .peer_epoch = nothing});
  EXPECT_THAT(one.said(), ElementsAre("2: LOOKING 1/32@4+5"));
  one.hear(2, State::looking, {1, 50, 4, 5});
  EXPECT_EQ(one.outcome(), "1: LEADING 1/32@4+5");
}

// Server 3 leads, and says so again and again; server 2, which has not heard us, is needed besides to believe it.
TEST(Election, TellsAllAgainHoweverOftenALeaderSpeaks) {
  One one = server(1);
  one.start(0, 0, ensemble(3));
  one.said();
  for (int i = 0; i < 20; ++i) {
    one.pass(50ms);
    one.hear(3, State::leading, {3, 5, 9, 2});
  }
  EXPECT_THAT(one.said(), testing::Contains("2: LOOKING 1/0@1+0"));
}

// Its reconfiguration to 1 and 3 was lost with its followers, who go on without it.
TEST(Election, JoinsThoseAtWorkWhoGaveItsReconfigurationUp) {
  EnsembleConfig next = ensemble(3);
  next.members.erase(2);
  next.version = 0x1'0000'0003;
  One one = server(1);
  one.start(50, 5, ensemble(3), next);
  one.hear(2, State::following, {3, 50, 9, 6});
  one.hear(3, State::leading, {3, 50, 9, 6});
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 3/32@9+6");
}

TEST(Election, ReportsANewerConfigurationWhileLooking) {
  EnsembleConfig next = ensemble(4);
  next.version = 0x1'0000'0003;
  One one = server(1, {.reconfig_enabled = true});
  one.start(50, 5, ensemble(3));
  one.said();
  const auto newer = one.hear(2, State::looking, {3, 60, 1, 5}, 2, next.to_text());
  ASSERT_TRUE(newer);
  EXPECT_EQ(*newer, next);
  EXPECT_THAT(one.said(), IsEmpty()) << "the notification counts for nothing";
  EXPECT_FALSE(one.hear(2, State::looking, {3, 60, 1, 5}, 1, next.to_text())) << "too old for configurations";
  EXPECT_FALSE(one.hear(2, State::looking, {3, 60, 1, 5}, 2, "no configuration"));
  one.start(50, 5, next);
  EXPECT_FALSE(one.hear(2, State::looking, {3, 60, 1, 5}, 2, next.to_text()));
  EXPECT_FALSE(one.hear(2, State::looking, {3, 60, 1, 5}, 2, ensemble(3).to_text()));
  one.election.set_current_vote({2, 1, 1, 1}, State::following);
  next.version += 1;
  EXPECT_FALSE(one.hear(2, State::looking, {3, 60, 1, 5}, 2, next.to_text())) << "who follows hears it from the leader";

  One off = server(1);
  off.start(50, 5, ensemble(3));
  EXPECT_FALSE(off.hear(2, State::looking, {3, 60, 1, 5}, 2, next.to_text()));
  EXPECT_THAT(off.said(), testing::Contains("2: LOOKING 3/3c@1+5"));
}

TEST(Election, OneWhoResignsVotesForAnother) {
  One leaving = server(3);
  const EnsembleConfig three = ensemble(3);
  leaving.election.start({.leader = 2, .zxid = 50, .peer_epoch = 5}, three, three, leaving.now, leaving.out);
  EXPECT_THAT(leaving.said(), ElementsAre("1: LOOKING 2/32@1+5", "2: LOOKING 2/32@1+5"));
  One one = server(1);
  one.start(50, 5, three);
  one.hear(3, State::looking, {2, 50, 1, 5});
  one.hear(2, State::looking, {2, 50, 1, 5});
  EXPECT_EQ(one.outcome(), "1: FOLLOWING 2/32@1+5") << "at once";
}

TEST(Election, VotesThatComeJustBeforeItsOwnRoundCount) {
  for (const bool late : {false, true}) {
    One one = server(2);
    one.start(0x10, 1, ensemble(3));
    one.hear(3, State::looking, {3, 0x10, 1, 1});
    one.hear(1, State::looking, {3, 0x10, 1, 1});
    ASSERT_EQ(one.outcome(), "2: FOLLOWING 3/10@1+1");
    one.out.clear();
    one.hear(3, State::looking, {2, 0x20, 2, 1});  // it resigns; the end of its link comes later
    EXPECT_EQ(one.outcome(), "2: FOLLOWING 3/10@1+1");
    if (late) one.pass(1s);  // what was said so long ago is no vote of the round that begins
    one.start(0x20, 1, ensemble(3));
    one.hear(1, State::looking, {2, 0x20, 2, 1});
    EXPECT_EQ(one.outcome(), late ? "looking" : "2: LEADING 2/20@2+1");
  }
}

TEST(Election, HostileNumbersDoNoHarm) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  One one = server(1);
  EXPECT_FALSE(one.hear(2, State::looking, {2, 1, 1, 1})) << "before the start";
  one.start(50, 5, ensemble(3));
  one.said();
  one.hear(2, State::looking, {2, 60, most, 5});
  one.hear(2, State::leading, {2, 60, most, 5});
  one.hear(3, State::following, {2, 60, most, 5});
  one.hear(1, State::leading, {2, 60, 1, 5});
  EXPECT_THAT(one.said(), IsEmpty());
  one.hear(2, State::leading, {2, 60, nothing, 5});
  one.hear(3, State::following, {2, 60, nothing, 5});
  EXPECT_EQ(one.outcome(), fmt::format("1: FOLLOWING 2/3c@{}+5", nothing));
  one.start(50, 5, ensemble(3));
  EXPECT_EQ(one.outcome(), "looking");
}

}  // namespace
}  // namespace chorus::zab
