#include "base/checksum.h"
#include "base/text.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class DumpTest : public ServerTest {
 protected:
  /// Octets as an inline request names them.
  static std::string quoted(std::string_view octets) {
    std::string out = "\"";
    for (const char c : octets) out += "\\x" + base::hex({&c, 1});
    return out + "\"";
  }
  std::string payload_of(std::string_view key) {
    const std::string reply = ask("DUMP " + std::string(key));
    const std::size_t begin = reply.find('|') + 1;
    return reply.substr(begin, std::stoul(reply.substr(1)));
  }
};

TEST_F(DumpTest, MovesAValueToAnotherKey) {
  EXPECT_EQ(ask("DUMP none"), "$-1|");
  ask("SET k 10");
  const std::string ten = quoted(payload_of("k"));
  EXPECT_EQ(ten, quoted(*base::unhex("00c00a0b000740ea36f3318a32")));
  effects();
  EXPECT_EQ(ask("RESTORE new 0 " + ten), "+OK|");
  EXPECT_EQ(ask("GET new"), "$2|10|");
  EXPECT_EQ(ask("TTL new"), ":-1|");
  EXPECT_EQ(effects().substr(0, 14), "RESTORE new 0 ");
  EXPECT_EQ(ask("RESTORE new 0 " + ten), "-BUSYKEY Target key name already exists.|");
  events();
  EXPECT_EQ(ask("RESTORE new 5000 " + ten + " REPLACE"), "+OK|");
  EXPECT_EQ(ask("PTTL new"), ":5000|");
  EXPECT_EQ(events(), "new:new restore:new");
  const std::string effect = effects();
  EXPECT_EQ(effect.substr(0, 25), "RESTORE new 1700000005000");
  EXPECT_TRUE(effect.ends_with(" REPLACE ABSTTL"));
  EXPECT_EQ(ask("RESTORE new 1700000009000 " + ten + " replace absttl idletime 100"), "+OK|");
  EXPECT_EQ(ask("PTTL new"), ":9000|");
  EXPECT_EQ(ask("OBJECT IDLETIME new"), ":100|");
  EXPECT_TRUE(effects().ends_with(" replace absttl idletime 100"));
}

TEST_F(DumpTest, WhatIsExpiredIsNotStored) {
  ask("SET k 10");
  const std::string ten = quoted(payload_of("k"));
  effects();
  EXPECT_EQ(ask("RESTORE new 1 " + ten + " ABSTTL"), "+OK|");
  EXPECT_EQ(ask("EXISTS new"), ":0|");
  EXPECT_EQ(effects(), "");
  events();
  EXPECT_EQ(ask("RESTORE k 1 " + ten + " ABSTTL REPLACE"), "+OK|");
  EXPECT_EQ(ask("EXISTS k"), ":0|");
  EXPECT_EQ(effects(), "UNLINK k");
  EXPECT_EQ(events(), "del:k");
}

TEST_F(DumpTest, SaysWhatIsWrong) {
  ask("SET k 10");
  const std::string ten = quoted(payload_of("k"));
  const std::pair<std::string, std::string> cases[] = {
      {"RESTORE n -1 " + ten, "-ERR Invalid TTL value, must be >= 0|"},
      {"RESTORE n x " + ten, "-ERR value is not an integer or out of range|"},
      {"RESTORE n 9223372036854775807 " + ten, "-ERR Invalid TTL value, must be >= 0|"},
      {"RESTORE n 0 abc", "-ERR DUMP payload version or checksum are wrong|"},
      {"RESTORE n 0 0123456789", "-ERR DUMP payload version or checksum are wrong|"},
      {"RESTORE n 0 " + ten + " IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0|"},
      {"RESTORE n 0 " + ten + " IDLETIME x", "-ERR value is not an integer or out of range|"},
      {"RESTORE n 0 " + ten + " FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255|"},
      {"RESTORE n 0 " + ten + " FREQ 1 IDLETIME 1", "-ERR syntax error|"},
      {"RESTORE n 0 " + ten + " FREQ", "-ERR syntax error|"},
      {"RESTORE n 0", "-ERR wrong number of arguments for 'restore' command|"},
  };
  for (const auto& [request, reply] : cases) EXPECT_EQ(ask(request), reply) << request;
  EXPECT_EQ(ask("RESTORE n 0 " + ten + " FREQ 200"), "+OK|");
  EXPECT_EQ(ask("RESTORE-ASKING m 0 " + ten), "+OK|");
  // A body that is none, with the checksum that belongs to it.
  std::string bad = *base::unhex("0005 6865 0b00");
  const std::uint64_t sum = base::crc64_jones(bad);
  for (int i = 0; i < 8; ++i) bad.push_back(static_cast<char>(sum >> (8 * i)));
  EXPECT_EQ(ask("RESTORE bad 0 " + quoted(bad)), "-ERR Bad data format|");
}

}  // namespace
}  // namespace chorus::cache
