#include "cache/replication/stream.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace chorus::cache::replication {
namespace {

std::string id_of(char digit) { return std::string(40, digit); }

std::string all_from(const Stream& stream, std::int64_t from) {
  std::string all;
  for (std::string_view octets = stream.from(from); !octets.empty(); octets = stream.from(from + static_cast<std::int64_t>(all.size()))) {
    all += octets;
  }
  return all;
}

TEST(ReplicationStream, GivesWhatWasAppended) {
  Stream stream(id_of('a'));
  stream.keep();
  base::Random random(7);
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string octets(random.below(900), static_cast<char>('a' + i % 26));
    stream.append(octets);
    all += octets;
    if (i % 10 == 0) stream.trim(20'000, {});
  }
  EXPECT_EQ(stream.end(), static_cast<std::int64_t>(all.size()));
  EXPECT_GE(stream.octets(), 20'000U);
  EXPECT_LE(stream.octets(), 20'000U + (64U << 10));
  const auto last = static_cast<std::int64_t>(all.size()) - 19'999;
  for (std::int64_t from = stream.first(); from <= stream.end() + 1; from += 997) {
    EXPECT_EQ(all_from(stream, from), all.substr(static_cast<std::size_t>(from - 1))) << from;
  }
  EXPECT_LE(stream.first(), last);
  EXPECT_EQ(stream.from(stream.first() - 1), "");
  EXPECT_EQ(stream.from(stream.end() + 1), "");
}

TEST(ReplicationStream, KeepsWhatTheSlowestNeeds) {
  Stream stream(id_of('a'));
  stream.keep();
  stream.append(std::string(200'000, 'x'));
  stream.trim(1000, 100);
  EXPECT_LE(stream.first(), 100);
  stream.trim(1000, {});
  EXPECT_GT(stream.first(), 100'000);
}

TEST(ReplicationStream, WhoMayGoOn) {
  Stream stream(id_of('a'));
  EXPECT_FALSE(stream.can_continue(id_of('a'), 1));  // nothing was counted
  stream.keep();
  stream.append("0123456789");
  EXPECT_TRUE(stream.can_continue(id_of('a'), 1));
  EXPECT_TRUE(stream.can_continue(id_of('a'), 11));
  EXPECT_FALSE(stream.can_continue(id_of('a'), 12));
  EXPECT_FALSE(stream.can_continue(id_of('a'), 0));
  EXPECT_FALSE(stream.can_continue(id_of('b'), 5));
  stream.branch(id_of('b'));
  stream.append("more");
  EXPECT_EQ(stream.second_id(), id_of('a'));
  EXPECT_EQ(stream.second_end(), 11);
  EXPECT_TRUE(stream.can_continue(id_of('b'), 13));
  EXPECT_TRUE(stream.can_continue(id_of('a'), 11));
  EXPECT_FALSE(stream.can_continue(id_of('a'), 12));  // theirs is another octet
  stream.become(id_of('c'), 1000);
  EXPECT_FALSE(stream.can_continue(id_of('b'), 1001));
  EXPECT_TRUE(stream.can_continue(id_of('c'), 1001));
  EXPECT_EQ(stream.octets(), 0U);
  stream.forget(id_of('d'));
  EXPECT_FALSE(stream.can_continue(id_of('d'), 1001));
  EXPECT_EQ(stream.end(), 1000);
}

}  // namespace
}  // namespace chorus::cache::replication
