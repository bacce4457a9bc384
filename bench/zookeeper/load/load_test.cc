#include <gtest/gtest.h>

#include "base/text.h"
#include "zookeeper/load/frames.h"
#include "zookeeper/load/histogram.h"
#include "zookeeper/load/session.h"

namespace chorus::bench {
namespace {

TEST(Histogram, QuantilesAreWithinABucketsWidth) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  for (std::uint64_t value = 1; value <= 1'000'000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.count(), 1'000'000u);
  EXPECT_EQ(histogram.max(), 1'000'000u);
  for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0})
    EXPECT_NEAR(static_cast<double>(histogram.quantile(fraction)), fraction * 1e6, fraction * 1e6 * 0.008) << fraction;
}

TEST(Histogram, SmallValuesAreExactAndHugeOnesKeepTheirMaximum) {
  Histogram histogram;
  histogram.record(7, 99);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.quantile(0.99), 7u);
  EXPECT_EQ(histogram.max(), UINT64_MAX);
}

// The golden bytes are of ZooKeeper's own client: connect with 30 s, create with the open ACL, set and get.
TEST(Frames, AreThoseOfAZooKeeperClient) {
  EXPECT_EQ(base::hex(connect_frame(30'000)),
            "0000002d"
            "00000000"
            "0000000000000000"
            "00007530"
            "0000000000000000"
            "00000010"
            "00000000000000000000000000000000"
            "00");
  EXPECT_EQ(base::hex(write_frame(1, Op::create, "/a", "x")),
            "00000032"
            "00000001"
            "00000001"
            "000000022f61"
            "0000000178"
            "00000001"
            "0000001f"
            "00000005776f726c64"
            "00000006616e796f6e65"
            "00000000");
  EXPECT_EQ(base::hex(write_frame(4, Op::set, "/a", "yy")),
            "00000018"
            "00000004"
            "00000005"
            "000000022f61"
            "000000027979"
            "ffffffff");
  EXPECT_EQ(base::hex(path_frame(2, Op::get, "/a")),
            "0000000f"
            "00000002"
            "00000004"
            "000000022f61"
            "00");
  EXPECT_EQ(base::hex(path_frame(3, Op::sync, "/")),
            "0000000d"
            "00000003"
            "00000009"
            "000000012f");
  EXPECT_EQ(base::hex(bare_frame(8, Op::close)),
            "00000008"
            "00000008"
            "fffffff5");
}

// From the description of ConnectRequest: protocol version, last zxid seen, timeout, session, password, read-only.
TEST(Frames, AConnectMayResumeASession) {
  EXPECT_EQ(base::hex(connect_frame(4'000, {.id = 0x1234, .password = "0123456789abcdef"}, 0x1'0000'0002)),
            "0000002d"
            "00000000"
            "0000000100000002"
            "00000fa0"
            "0000000000001234"
            "00000010"
            "30313233343536373839616263646566"
            "00");
}

TEST(Targets, AreHostAndPort) {
  const std::vector<Target> targets = parse_targets({"127.0.0.1:2181", "10.0.0.1:65535"});
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[1].host, "10.0.0.1");
  EXPECT_EQ(targets[1].port, 65'535);
  for (const char* wrong : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x"})
    EXPECT_THROW(parse_targets({wrong}), std::runtime_error) << wrong;
  EXPECT_THROW(parse_targets({}), std::runtime_error);
}

TEST(Frames, StampedFramesEqualEncodedOnes) {
  const Stamp set(Op::set, 'k', "value");
  std::string stamped(set.size(), '\0');
  set.write(stamped.data(), 123'456, 987'654);
  EXPECT_EQ(stamped, write_frame(123'456, Op::set, Stamp::path('k', 987'654), "value"));
  EXPECT_EQ(Stamp::path('k', 987'654), "/chorus-bench/k000000987654");
}

}  // namespace
}  // namespace chorus::bench
