#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/random.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

class Corpus : public testing::TestWithParam<Target> {};

/// Each file as it is, cut at several places, and with octets changed: a broken promise aborts.
TEST_P(Corpus, Replays) {
  const Target& target = GetParam();
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CHORUS_SOURCE_DIR) + "/tests/fuzz/corpus/" + target.name)) {
    SCOPED_TRACE(entry.path());
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(in), {}};
    target.run(input);
    base::Random random(input.size());
    for (int i = 0; i < 20; ++i) {
      std::string changed = input.substr(0, random.below(input.size() + 1));
      target.run(changed);
      changed = input;
      for (std::uint64_t n = random.below(4); n > 0 && !changed.empty(); --n)
        changed[random.below(changed.size())] = static_cast<char>(random.next());
      target.run(changed);
    }
    ++count;
  }
  EXPECT_GE(count, 5);
}

INSTANTIATE_TEST_SUITE_P(
    Fuzz, Corpus,
    testing::Values(Target{"txn_log", fuzz_txn_log}, Target{"snapshot", fuzz_snapshot}, Target{"jute", fuzz_jute},
                    Target{"server", fuzz_server}, Target{"quorum", fuzz_quorum}, Target{"quorum_auth", fuzz_quorum_auth},
                    Target{"election", fuzz_election}, Target{"mq_remoting", fuzz_mq_remoting}, Target{"mq_message", fuzz_mq_message},
                    Target{"mq_body", fuzz_mq_body}, Target{"mq_filter", fuzz_mq_filter}, Target{"mq_log", fuzz_mq_log},
                    Target{"mq_compression", fuzz_mq_compression}, Target{"mq_state", fuzz_mq_state}, Target{"mq_records", fuzz_mq_records},
                    Target{"mq_client", fuzz_mq_client}, Target{"mq_face", fuzz_mq_face}, Target{"cache", fuzz_cache},
                    Target{"cache_dump", fuzz_cache_dump}, Target{"cache_rdb", fuzz_cache_rdb}, Target{"cache_script", fuzz_cache_script},
                    Target{"cache_replica", fuzz_cache_replica}, Target{"cache_aof", fuzz_cache_aof}),
    [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace chorus::fuzz
