// What was changed, done again from its effects alone, gives the same streams.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/random.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

/// A second server that follows the first.
class StreamReplay : public ServerTest {
 protected:
  StreamReplay() {
    follower_now.unix_us += follower_is_ahead_us;
    follower.connect(ClientId(1), "127.0.0.1:1", "127.0.0.1:6379", follower_now);
  }

  void on_unit(Position at, std::span<const Effect> unit) override {
    ServerTest::on_unit(at, unit);
    for (const Effect& effect : unit) {
      std::string request = "*" + std::to_string(effect.arguments.size()) + "\r\n";
      for (const std::string& word : effect.arguments) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
      const std::string reply = tell(request);
      EXPECT_NE(reply.substr(0, 1), "-") << reply << " for " << request;
    }
  }

  std::string tell(std::string_view request) {
    follower_now.unix_us = now.unix_us + follower_is_ahead_us;
    follower_now.monotonic_us = now.monotonic_us;
    follower.receive(ClientId(1), request, follower_now);
    std::string all;
    std::vector<Output> outputs;
    for (follower.take_outputs(outputs); !outputs.empty(); follower.take_outputs(outputs)) {
      for (const Output& output : outputs) all += output.octets;
      follower.resume(ClientId(1), follower_now);
    }
    return all;
  }

  /// All there is of a stream, but for when consumers were seen: effects do not say it.
  static std::string without_times(std::string text) {
    for (const std::string_view name : {"seen-time", "active-time"}) {
      for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
        at += name.size();
        const std::size_t value = text.find(':', at);
        text.erase(value, text.find_first_of("\r|", value) - value);
      }
    }
    return text;
  }
  void compare(const std::string& key) {
    const std::string question = "XINFO STREAM " + key + " FULL COUNT 0";
    std::string mine = without_times(ask(question)), theirs = without_times(tell(question + "\r\n"));
    for (std::size_t at = 0; (at = theirs.find("\r\n", at)) != std::string::npos;) theirs.replace(at, 2, "|");
    ASSERT_EQ(theirs, mine);
  }

  static constexpr std::int64_t follower_is_ahead_us = 3'600'000'000;  // no two clocks agree
  Now follower_now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 5'000'000};
  Server follower{ServerOptions{}, 7, follower_now};
};

/// One word or some that commands of streams take, by a letter.
std::string draw(char what, base::Random& random) {
  const auto pick = [&](std::initializer_list<const char*> of) { return std::string(of.begin()[random.below(of.size())]); };
  switch (what) {
    case 'k':
      return pick({"s", "s", "t"});
    case 'g':
      return pick({"g", "g", "h"});
    case 'c':
      return pick({"c", "d", "e"});
    case 'i':
      return std::to_string(random.below(2) == 0 ? 39 : random.below(40)) + "-" + std::to_string(random.below(8));
    case 'a':
      return random.below(3) == 0 ? "39-*" : std::to_string(random.below(40)) + "-*";
    case 'n':
      return pick({"1", "2", "5", "9223372036854775807"});
    case 't':
      return pick({"MAXLEN ~ 3", "MAXLEN 6", "MINID ~ 12", "MINID 20", "MAXLEN 0"});
    case 'o':
      return pick({"", "", "JUSTID", "FORCE", "RETRYCOUNT 9223372036854775807", "RETRYCOUNT 3 FORCE", "IDLE 50", "TIME 1", "LASTID 30-0"});
    case 'm':
      return pick({"0", "0", "20"});
    default:
      return {};
  }
}

/// "XADD k i f v" with its letters drawn, but for names and values of fields.
std::string draw_line(std::string_view form, base::Random& random) {
  std::string line;
  for (std::size_t at = 0; at < form.size();) {
    const std::size_t end = std::min(form.find(' ', at), form.size());
    const std::string_view word = form.substr(at, end - at);
    const bool is_drawn = word.size() == 1 && std::string_view("kgciantom").contains(word.front());
    line += (line.empty() ? "" : " ") + (is_drawn ? draw(word.front(), random) : std::string(word));
    at = end + 1;
  }
  return line;
}

TEST_F(StreamReplay, GivesTheSameStreams) {
  static constexpr std::array<std::string_view, 27> forms{
      "XADD k a f v",
      "XADD k a f v",
      "XADD k i f v",
      "XADD k t a f v",
      "XADD k a f v other v",
      "XADD t * f v",
      "XDEL k i i i i",
      "XTRIM k t",
      "XSETID k i",
      "XSETID k 39-50 ENTRIESADDED n",
      "XSETID k 39-50 MAXDELETEDID i",
      "XGROUP CREATE k g 0 MKSTREAM",
      "XGROUP CREATE k g $ MKSTREAM ENTRIESREAD n",
      "XGROUP SETID k g i",
      "XGROUP DESTROY k h",
      "XGROUP CREATECONSUMER k g c",
      "XGROUP DELCONSUMER k g e",
      "XREADGROUP GROUP g c COUNT 2 STREAMS k >",
      "XREADGROUP GROUP g c STREAMS k >",
      "XREADGROUP GROUP g c NOACK COUNT 1 STREAMS k >",
      "XREADGROUP GROUP g c STREAMS k i",
      "XREADGROUP GROUP g c COUNT 3 STREAMS k 0",
      "XACK k g i i i",
      "XCLAIM k g c m i i i i o",
      "XCLAIM k g c m i i i o",
      "XAUTOCLAIM k g c m i COUNT 4",
      "XAUTOCLAIM k g c m 0 JUSTID",
  };
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    ask("FLUSHALL");
    for (const auto& each : {ask("CONFIG SET stream-node-max-entries 4"), tell("CONFIG SET stream-node-max-entries 4\r\n")}) {
      ASSERT_EQ(each.substr(0, 3), "+OK");
    }
    for (int i = 0; i < 200; ++i) {
      if (random.below(30) == 0) ask("DEL " + draw('k', random));
      if (random.below(4) == 0) pass(static_cast<std::int64_t>(random.below(30)));
      const std::string line = draw_line(forms[random.below(forms.size())], random);
      SCOPED_TRACE(line);
      ask(line);
      for (const char* key : {"s", "t"}) ASSERT_NO_FATAL_FAILURE(compare(key));
      ASSERT_FALSE(HasNonfatalFailure());
    }
  }
}

}  // namespace
}  // namespace chorus::cache
