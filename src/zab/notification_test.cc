#include "zab/notification.h"

#include <gtest/gtest.h>

#include "zab/election_vectors.h"

namespace chorus::zab {
namespace {

std::string unhex(std::string_view text) { return base::unhex(text).value(); }

void expect_equal(const Notification& one, const Notification& other) {
  EXPECT_EQ(one.state, other.state);
  EXPECT_EQ(one.vote, other.vote);
  EXPECT_EQ(one.version, other.version);
  EXPECT_EQ(one.config, other.config);
}

std::string joined(const std::vector<world::Address>& addresses) {
  std::string out;
  for (const auto& address : addresses) out += (out.empty() ? "" : "|") + to_string(address);
  return out;
}

/// What comes of it in words.
std::string show(std::string_view octets) {
  const auto read = decode_initial_message(octets);
  if (!read) return "error: " + read.error();
  if (!*read) return "more";
  return std::to_string((*read)->message.from) + " at " + joined((*read)->message.addresses) + ", " + std::to_string((*read)->used);
}

TEST(Notification, EveryRecordedMessageReadsAndWritesTheSame) {
  int initial = 0, notifications = 0;
  for (const RecordedMessage& message : read_election_vectors().messages) {
    SCOPED_TRACE(base::hex(message.octets.substr(0, 60)));
    if (message.is_initial) {
      ++initial;
      const auto read = decode_initial_message(message.octets);
      ASSERT_TRUE(read.has_value() && *read);
      EXPECT_EQ((*read)->used, message.octets.size());
      EXPECT_EQ((*read)->message.from, message.sender);
      EXPECT_EQ(message.sender, message.from);
      EXPECT_EQ(joined((*read)->message.addresses), message.addresses);
      EXPECT_EQ(encode((*read)->message, message.protocol == -65535), message.octets);
    } else {
      ++notifications;
      const std::string frame = message.octets.substr(4);
      EXPECT_EQ(unhex("0000") + message.octets.substr(2, 2), message.octets.substr(0, 4));
      const auto read = decode_notification(frame);
      ASSERT_TRUE(read.has_value());
      expect_equal(*read, message.notification);
      EXPECT_EQ(encode(*read), frame);
    }
  }
  EXPECT_EQ(initial, 54);
  EXPECT_EQ(notifications, 130);
}

TEST(Notification, OlderReleases) {
  const std::string body = unhex("00000002 0000000000000003 0000000500000007 0000000000000009");
  auto read = decode_notification(body);
  ASSERT_TRUE(read);
  expect_equal(*read, {.state = NotificationState::leading, .vote = {3, 0x5'0000'0007, 9, 5}, .version = 0, .config = ""});
  const std::string with_epoch = body + unhex("0000000000000006");
  read = decode_notification(with_epoch + unhex("00000001"));
  ASSERT_TRUE(read);
  expect_equal(*read, {.state = NotificationState::leading, .vote = {3, 0x5'0000'0007, 9, 6}, .version = 0, .config = ""});
  EXPECT_FALSE(decode_notification(with_epoch)) << "36 octets";
  read = decode_notification(with_epoch + unhex("00000001 00"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(encode(*read), with_epoch + unhex("00000001"));
}

TEST(Notification, DropsWhatIsMalformed) {
  const std::string good = encode(Notification{.vote = {3, 4, 5, 6}, .config = "version=0"});
  ASSERT_TRUE(decode_notification(good));
  ASSERT_TRUE(decode_notification(good + "more")) << "what follows is passed over";
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_notification(good.substr(0, size)).has_value(), size == 28 || size == 40) << size;
  }
  std::string changed = good;
  changed[3] = 4;
  EXPECT_FALSE(decode_notification(changed)) << "no such state";
  changed = good;
  changed[40] = '\xff';
  EXPECT_FALSE(decode_notification(changed)) << "a negative length";
}

// source: QuorumCnxManager.InitialMessage.parse
TEST(InitialMessage, Reads) {
  const std::string v1 = "ffffffffffff0000 0000000000000002", v2 = "ffffffffffff0001 0000000000000002";
  const struct {
    const char* name;
    std::string octets, want;
  } cases[] = {
      {"one address", unhex(v1 + "00000005") + "a:123" + "next", "2 at a:123, 25"},
      {"several", unhex(v2 + "0000000f") + "a:1|[::1]:2|b:3", "2 at a:1|[::1]:2|b:3, 35"},
      {"several in the first version", unhex(v1 + "00000007") + "a:1|b:3", "2 at a:1|b:3, 27"},
      {"wildcards", unhex(v2 + "00000017") + "0.0.0.0:1|[::]:2|10.0:3", "2 at 10.0:3, 43"},
      {"only wildcards", unhex(v1 + "00000009") + "0.0.0.0:1", "2 at , 29"},
      {"before 3.5", unhex("0000000000000007") + "next", "7 at , 8"},
      {"an observer outside of the configuration", unhex("7fffffffffffffff"), "9223372036854775807 at , 8"},
      {"cut", unhex(v1 + "00000005") + "a:12", "more"},
      {"cut before the length", unhex(v1 + "0000"), "more"},
      {"nothing yet", "", "more"},
      {"unknown version", unhex("ffffffffffff0002"), "error: the version -65534 of the protocol is unknown"},
      {"negative number", unhex("ffffffffffff0000 ffffffffffffffff 00000005"), "error: the server number -1 is negative"},
      {"no address", unhex(v1 + "00000000"), "error: addresses of 0 octets"},
      {"too long", unhex(v1 + "00000801"), "error: addresses of 2049 octets"},
      {"negative length", unhex(v1 + "ffffffff"), "error: addresses of 4294967295 octets"},
      {"no port", unhex(v1 + "00000001") + "a", "error: malformed address 'a'"},
      {"empty part", unhex(v2 + "00000004") + "a:1|", "error: malformed address ''"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(show(c.octets), c.want);
  }
  const std::string longest = std::string(2044, 'a') + ":123";
  EXPECT_EQ(show(unhex(v1 + "00000800") + longest), "2 at " + longest + ", 2068");
}

TEST(InitialMessage, TheFirstVersionNamesOneAddress) {
  const InitialMessage message{.from = 2, .addresses = {{"a", 1}, {"::1", 2}}};
  EXPECT_EQ(base::hex(encode(message, false)), "ffffffffffff0000000000000000000200000003" + base::hex("a:1"));
  EXPECT_EQ(base::hex(encode(message, true)), "ffffffffffff000100000000000000020000000b" + base::hex("a:1|[::1]:2"));
}

}  // namespace
}  // namespace chorus::zab
