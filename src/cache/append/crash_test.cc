// Random ends of a server with an append log, again and again: what it promised is there, and every unit is there whole or not at all.
#include "cache/append/fixture.h"

namespace chorus::cache {
namespace {

/// One client's transactions: numbers from 1, each written to three places at once.
struct Writer {
  std::unique_ptr<Peer> peer;
  int tried = 0, promised = 0;
  bool is_asking = false;
  std::vector<std::pair<world::Instant, int>> acknowledged;  // when, and what
};

struct Chance {
  std::uint64_t seed;
  SyncPolicy policy;
};

class AppendLogCrashTest : public AppendLogFixture, public testing::WithParamInterface<Chance> {
 protected:
  static constexpr int writers = 3;
  AppendLogCrashTest() : AppendLogFixture(GetParam().seed), random_(GetParam().seed) {
    append_.sync = GetParam().policy;
    append_.rewrite_octets_min = 4000;
    writers_.resize(writers);
  }

  void go_on(int number) {
    Writer& writer = writers_[number];
    if (writer.peer == nullptr || writer.peer->is_closed) return;
    if (writer.is_asking) {
      if (!is_reply(writer)) return;
      writer.is_asking = false;
      // Under the other policies nobody said that it is durable.
      if (GetParam().policy == SyncPolicy::always) writer.promised = writer.tried;
      writer.acknowledged.emplace_back(clients_.world().now(), writer.tried);
    }
    const int next = ++writer.tried;
    writer.peer->received.clear();
    writer.peer->say(fmt::format("MULTI\r\nSET a{0} {1}\r\nSET b{0} {1}\r\nRPUSH all {0}:{1}\r\nEXEC", number, next));
    writer.is_asking = true;
  }
  static bool is_reply(const Writer& writer) {
    const std::size_t begin = writer.peer->received.find("*3\r\n");
    return begin != std::string::npos &&
           std::count(writer.peer->received.begin() + static_cast<std::ptrdiff_t>(begin), writer.peer->received.end(), '\n') == 4;
  }
  int number_of(const std::string& key) {
    const std::string value = ask("GET " + key);
    return value == "$-1|" ? 0 : std::stoi(value.substr(value.find('|') + 1));
  }
  /// What is there is one moment of the past, and none before what was promised.
  void check() {
    wait_until_loaded();
    std::vector<int> last(writers, 0);
    const std::string length_text = ask("LLEN all");
    const int length = std::stoi(length_text.substr(1));
    std::vector<std::string> all;
    if (length > 0) {
      const std::string text = ask("LRANGE all 0 -1", 1 + 2 * static_cast<std::size_t>(length));
      for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; ++at) {
        const std::string word = text.substr(at + 1, text.find('|', at + 1) - at - 1);
        if (word.find(':') != std::string::npos) all.push_back(word);
      }
    }
    ASSERT_EQ(all.size(), static_cast<std::size_t>(length));
    for (const std::string& word : all) {
      const int who = word[0] - '0', number = std::stoi(word.substr(2));
      ASSERT_GT(number, last[who]) << "in order";
      last[who] = number;
    }
    for (int i = 0; i < writers; ++i) {
      Writer& writer = writers_[i];
      const int a = number_of(fmt::format("a{}", i)), b = number_of(fmt::format("b{}", i));
      ASSERT_EQ(a, b) << "all or nothing";
      ASSERT_EQ(a, last[i]) << "all or nothing";
      ASSERT_GE(a, writer.promised);
      ASSERT_LE(a, writer.tried);
      writer.promised = a;
      writer.is_asking = false;
      writer.peer = connect();
    }
  }

  base::Random random_;
  std::vector<Writer> writers_;
};

TEST_P(AppendLogCrashTest, KeepsWhatWasPromised) {
  start();
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(fmt::format("seed {} round {}", GetParam().seed, round));
    check();
    if (HasFatalFailure()) return;
    const bool power_fails = random_.chance(0.7);
    if (power_fails) machine_.crash_after_file_operations(1 + random_.below(120));
    auto admin = connect();
    const std::uint64_t steps = 20 + random_.below(150);
    for (std::uint64_t step = 0; step < steps && machine_.running(); ++step) {
      for (int i = 0; i < writers; ++i) go_on(i);
      if (random_.chance(0.03)) admin->say("BGREWRITEAOF");
      if (random_.chance(0.02)) admin->say("BGSAVE");
      run_for(std::chrono::microseconds(random_.below(3000)));
    }
    // The end of the process alone takes nothing that the system was given, and that is soon.
    const world::Instant long_ago = clients_.world().now() - std::chrono::milliseconds(100);
    for (Writer& writer : writers_) {
      for (const auto& [when, number] : writer.acknowledged) {
        if (!power_fails && when < long_ago) writer.promised = std::max(writer.promised, number);
      }
      writer.acknowledged.clear();
      writer.peer.reset();
    }
    admin.reset();
    end(power_fails);
    start();
  }
}

/// The power fails at each file operation in turn, of a start, writes, a rewrite, and writes.
class AppendLogBoundaryTest : public AppendLogFixture, public testing::WithParamInterface<std::uint64_t> {
 protected:
  AppendLogBoundaryTest() : AppendLogFixture(GetParam()) {}
  void increment() {
    if (!machine_.running()) return;
    ++tried_;
    if (ask(fmt::format("SET n {}", tried_)) == "+OK|") acknowledged_ = tried_;
  }
  int tried_ = 0, acknowledged_ = 0;
};

TEST_P(AppendLogBoundaryTest, KeepsWhatWasAcknowledged) {
  if (GetParam() % 2 == 0) machine_.disk().power_loss = sim::PowerLoss::lose;
  start();
  machine_.crash_after_file_operations(GetParam());
  for (int i = 0; i < 3; ++i) increment();
  if (machine_.running()) ask("BGREWRITEAOF");
  for (int i = 0; i < 3; ++i) increment();
  run_for(std::chrono::seconds(1));
  for (int i = 0; i < 2; ++i) increment();
  restart();
  const std::string value = ask("GET n");
  const int found = value == "$-1|" ? 0 : std::stoi(value.substr(value.find('|') + 1));
  EXPECT_GE(found, acknowledged_);
  EXPECT_LE(found, tried_);
  EXPECT_EQ(ask("SET n 100"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET n"), "$3|100|");
}
INSTANTIATE_TEST_SUITE_P(Operations, AppendLogBoundaryTest, testing::Range<std::uint64_t>(1, 81));

std::vector<Chance> chances() {
  std::vector<Chance> all;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    all.push_back({seed, seed % 4 == 0 ? SyncPolicy::everysec : seed % 8 == 1 ? SyncPolicy::no : SyncPolicy::always});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Seeds, AppendLogCrashTest, testing::ValuesIn(chances()),
                         [](const auto& chance) { return fmt::format("{}", chance.param.seed); });

}  // namespace
}  // namespace chorus::cache
