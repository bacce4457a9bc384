#include "mq/client/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mq/rocketmq/acl.h"

namespace chorus::mqclient {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A channel and what it has said, in a time that the test moves.
struct Driven {
  explicit Driven(ChannelOptions options = {}) : channel("host:1", std::move(options)) {}

  std::vector<ChannelAction> step(ChannelEvent event) {
    std::vector<ChannelAction> out;
    channel.step(now, std::move(event), out);
    return out;
  }
  std::vector<ChannelAction> call(std::uint64_t id, Duration limit = 3s, bool oneway = false) {
    wire::Outgoing request = wire::Outgoing::request(wire::RequestCode::get_max_offset, 0, oneway);
    request.field("topic", "T").field("queueId", std::int32_t{1});
    return step(event::Call{id, request, now + limit});
  }
  void connect() {
    call(99);
    step(event::Connected{});
  }

  Channel channel;
  Instant now{1000s};
};

template <class T>
std::vector<T> only(const std::vector<ChannelAction>& actions) {
  std::vector<T> out;
  for (const ChannelAction& each : actions) {
    if (const T* one = std::get_if<T>(&each)) out.push_back(*one);
  }
  return out;
}

struct Said {
  std::string octets;
  wire::Frame frame;
  wire::Command command;
};
std::unique_ptr<Said> read(const action::Send& send) {
  auto said = std::make_unique<Said>();
  said->octets = send.octets;
  const auto split = wire::split_frame(said->octets);
  EXPECT_TRUE(split && split->complete);
  said->frame = split->frame;
  said->command = std::move(*wire::Command::decode(said->frame));
  return said;
}
std::string answer_to(const wire::Command& request, std::int32_t code = 0) {
  wire::Outgoing out = wire::Outgoing::answer(request, static_cast<wire::ResponseCode>(code), "words");
  out.field("offset", std::int64_t{7}).body = "body";
  return wire::encode(out);
}

TEST(Channel, ConnectsWhenSomethingIsAskedAndSendsThen) {
  Driven driven;
  auto out = driven.call(1);
  EXPECT_EQ(only<action::Connect>(out).size(), 1U);
  EXPECT_TRUE(only<action::Send>(out).empty());
  EXPECT_TRUE(only<action::Connect>(driven.call(2)).empty()) << "one connection is enough";
  out = driven.step(event::Connected{});
  const auto sent = only<action::Send>(out);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_NE(read(sent[0])->command.opaque, read(sent[1])->command.opaque);
}

TEST(Channel, GivesEachAnswerToWhoAsked) {
  Driven driven;
  driven.connect();
  const auto first = read(only<action::Send>(driven.call(1)).front());
  const auto second = read(only<action::Send>(driven.call(2)).front());
  // In the other order, and in pieces.
  const std::string both = answer_to(second->command, 22) + answer_to(first->command);
  std::vector<action::Complete> done;
  for (const char c : both) {
    for (auto& each : only<action::Complete>(driven.step(event::Received{std::string_view(&c, 1)}))) done.push_back(std::move(each));
  }
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].id, 2U);
  EXPECT_EQ(done[0].result->code, 22);
  EXPECT_EQ(done[1].id, 1U);
  EXPECT_EQ(done[1].result->number("offset"), 7);
  EXPECT_EQ(done[1].result->body, "body");
  EXPECT_EQ(done[1].result->remark, "words");
  // The same once more: nobody waits for it.
  EXPECT_TRUE(driven.step(event::Received{answer_to(first->command)}).empty());
}

TEST(Channel, EndsWhatHasNoAnswerInTime) {
  Driven driven;
  driven.connect();
  const auto late = read(only<action::Send>(driven.call(1, 5s)).front());
  EXPECT_EQ(driven.channel.wake_at(), driven.now + 3s) << "that of connect()";
  driven.now += 5s;
  const auto done = only<action::Complete>(driven.step(event::Tick{}));
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[1].result.error().code, Code::timed_out);
  EXPECT_THAT(done[1].result.error().message, HasSubstr("host:1"));
  EXPECT_TRUE(driven.step(event::Received{answer_to(late->command)}).empty()) << "too late";
  EXPECT_FALSE(driven.channel.wake_at());
}

TEST(Channel, FailsWhatWaitsWhenTheConnectionBreaks) {
  Driven driven;
  driven.connect();
  driven.call(1);
  auto done = only<action::Complete>(driven.step(event::Lost{"reset"}));
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].result.error().code, Code::no_connection);
  EXPECT_THAT(done[0].result.error().message, HasSubstr("lost before the answer: reset"));
  // The next one connects anew, at once.
  EXPECT_EQ(only<action::Connect>(driven.call(2)).size(), 1U);
}

TEST(Channel, PausesBetweenAttemptsThatFail) {
  Driven driven({.pause_min = 100ms, .pause_max = 300ms});
  std::vector<Duration> pauses;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    auto out = driven.call(id);
    if (only<action::Connect>(out).empty()) {
      const Instant at = *driven.channel.wake_at();
      pauses.push_back(at - driven.now);
      driven.now = at;
      out = driven.step(event::Tick{});
    }
    EXPECT_EQ(only<action::Connect>(out).size(), 1U);
    const auto done = only<action::Complete>(driven.step(event::Lost{"refused"}));
    ASSERT_EQ(done.size(), 1U);
    EXPECT_THAT(done[0].result.error().message, HasSubstr("no connection to host:1: refused"));
  }
  EXPECT_EQ(pauses, (std::vector<Duration>{100ms, 200ms, 300ms}));
}

TEST(Channel, OnewayIsDoneWhenItIsOnItsWay) {
  Driven driven;
  driven.connect();
  const auto out = driven.call(1, 3s, true);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(read(std::get<action::Send>(out[0]))->command.is_oneway());
  EXPECT_TRUE(std::get<action::Complete>(out[1]).result);
}

TEST(Channel, SignsAsServersCheckIt) {
  Driven driven({.credentials = Credentials{.access_key = "who", .secret_key = "secret", .security_token = "token"}});
  driven.connect();
  const auto said = read(only<action::Send>(driven.call(1)).front());
  EXPECT_EQ(wire::access_key_of(said->command), "who");
  EXPECT_TRUE(wire::is_signed_with(said->command, "secret"));
  EXPECT_FALSE(wire::is_signed_with(said->command, "other"));
}

TEST(Channel, PassesOnWhatTheServerAsks) {
  Driven driven;
  driven.connect();
  wire::Outgoing ask = wire::Outgoing::request(wire::RequestCode::notify_consumer_ids_changed, 5, true);
  ask.field("consumerGroup", "G");
  const auto asked = only<action::Asked>(driven.step(event::Received{wire::encode(ask)}));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].request.code, 40);
  EXPECT_EQ(asked[0].request.opaque, 5);
  EXPECT_EQ(asked[0].request.field("consumerGroup"), "G");
  wire::Outgoing answer;
  answer.opaque = 5;
  EXPECT_TRUE(read(only<action::Send>(driven.step(event::Reply{answer})).front())->command.is_response());
}

TEST(Channel, LeavesWhoSpeaksSomethingElse) {
  for (const std::string_view octets :
       {std::string_view("HTTP/1.1 400 Bad Request\r\n"), std::string_view("\x00\x00\x00\x06\x00\x00\x00\x02[]", 10)}) {
    Driven driven;
    driven.connect();
    driven.call(1);
    const auto out = driven.step(event::Received{octets});
    EXPECT_EQ(only<action::Disconnect>(out).size(), 1U);
    const auto done = only<action::Complete>(out);
    ASSERT_EQ(done.size(), 2U);
    EXPECT_THAT(done[0].result.error().message, HasSubstr("does not speak RocketMQ's remoting"));
  }
}

TEST(Channel, KeepsWhatWaitsBounded) {
  Driven driven({.waiting_max = 2});
  driven.call(1), driven.call(2);
  const auto done = only<action::Complete>(driven.call(3));
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].result.error().code, Code::busy);
}

TEST(Channel, TellsAllWhenItIsClosed) {
  Driven driven;
  driven.connect();
  driven.call(1);
  const auto out = driven.step(event::Close{});
  EXPECT_EQ(only<action::Disconnect>(out).size(), 1U);
  EXPECT_EQ(only<action::Complete>(out).size(), 2U);
  const auto later = only<action::Complete>(driven.call(2));
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].result.error().code, Code::closed);
}

}  // namespace
}  // namespace chorus::mqclient
