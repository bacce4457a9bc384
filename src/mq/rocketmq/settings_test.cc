#include "mq/rocketmq/settings.h"

#include <gtest/gtest.h>

#include <map>

namespace chorus::mq::rocketmq {
namespace {

TEST(Settings, ThoseThatCanChangeDo) {
  const std::map<std::string, std::string> wanted{{"autoCreateTopicEnable", "false"},
                                                  {"autoCreateSubscriptionGroup", "false"},
                                                  {"brokerPermission", "4"},
                                                  {"defaultTopicQueueNums", "3"},
                                                  {"enablePropertyFilter", "false"},
                                                  {"maxMessageSize", "65536"},
                                                  {"recallMessageEnable", "true"},
                                                  {"rejectTransactionMessage", "true"},
                                                  {"timerMaxDelaySec", "60"},
                                                  {"traceOn", "false"},
                                                  {"transactionCheckInterval", "20"},
                                                  {"transactionCheckMax", "3"},
                                                  {"transactionTimeOut", "100"},
                                                  {"enableRetryTopicV2", "true"},
                                                  {"popFromRetryProbability", "7"},
                                                  {"popInflightMessageThreshold", "50"},
                                                  {"popPollingSize", "9"}};
  BrokerOptions broker;
  FaceOptions face;
  for (const auto& [name, value] : wanted) EXPECT_EQ(change_setting(broker, face, name, value), "") << name;
  std::size_t seen = 0;
  for (const auto& [name, value] : settings_of(broker, face)) {
    if (const auto found = wanted.find(name); found != wanted.end()) {
      EXPECT_EQ(value, found->second) << name;
      ++seen;
    }
  }
  EXPECT_EQ(seen, wanted.size());
}

TEST(Settings, OthersAreRefusedByName) {
  BrokerOptions broker;
  FaceOptions face;
  const PropertyList before = settings_of(broker, face);
  EXPECT_EQ(change_setting(broker, face, "brokerName", broker.name), "");  // as it is
  EXPECT_TRUE(change_setting(broker, face, "brokerName", "other").starts_with("brokerName cannot be changed while"));
  EXPECT_TRUE(change_setting(broker, face, "maxErrorRateOfBloomFilter", "21").starts_with("maxErrorRateOfBloomFilter is no setting"));
  EXPECT_TRUE(change_setting(broker, face, "maxPopPollingSize", "1").starts_with("maxPopPollingSize cannot be changed while"));
  EXPECT_EQ(change_setting(broker, face, "popFromRetryProbability", "101"), "popFromRetryProbability wants 0 to 100, not '101'");
  EXPECT_EQ(change_setting(broker, face, "traceOn", "maybe"), "traceOn wants true or false, not 'maybe'");
  EXPECT_EQ(change_setting(broker, face, "maxMessageSize", "1"), "maxMessageSize wants 1024 to 15728640, not '1'");
  EXPECT_EQ(change_setting(broker, face, "maxMessageSize", "99999999999999999999"),
            "maxMessageSize wants 1024 to 15728640, not '99999999999999999999'");
  EXPECT_EQ(settings_of(broker, face), before);
}

}  // namespace
}  // namespace chorus::mq::rocketmq
