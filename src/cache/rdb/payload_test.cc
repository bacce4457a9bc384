#include "cache/rdb/payload.h"

#include "base/checksum.h"
#include "base/text.h"
#include "cache/rdb/value_writer.h"
#include "cache/server_fixture.h"
#include "cache/value/destroy.h"

namespace chorus::cache::rdb {
namespace {

using base::hex;
using base::unhex;

class RdbPayload : public ServerTest {
 protected:
  const Entry& entry(std::string_view key = "k") { return *server.database(0).find(key); }
  /// Puts what a payload holds under `to`; false: it is refused.
  bool restore(std::string_view payload, std::string_view to) {
    const auto read = read_payload(payload, to, {}, server.options().thresholds);
    if (read) const_cast<Database&>(server.database(0)).insert(*read);
    return read.has_value();
  }
};

/// A body with version and checksum behind it.
std::string sealed(std::string body, unsigned version = 11) {
  write_little(body, 2, version);
  write_little(body, 8, base::crc64_jones(body));
  return body;
}

TEST_F(RdbPayload, IsAsValkeyWritesIt) {
  // source: DUMP of Valkey 8.0.1
  const struct {
    const char *make, *body, *checksum;
  } cases[] = {
      {"SET k 10", "00c00a", "0740ea36f3318a32"},
      {"SET k 300", "00c12c01", "fc9ddc81981db599"},
      {"SET k -70000", "00c290eefeff", "41aa6308ee74c189"},
      {"SET k 99999999999", "000b3939393939393939393939", "4a6ff588f34406f6"},
      {"SET k \"\"", "0000", "3444e133f2e04b53"},
      {"SET k hello", "000568656c6c6f", "0aad620598abc983"},
      {"SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "00c3091e016161e01100016161", "2cacc1c8d6fb9232"},
      {"RPUSH k 1 a", "1201020c0c00000002000101816102ff", "b94672df4a00f7ca"},
      {"RPUSH k 5000 -5000 70000 -9000000 3000000000", "12010224240000000500f1881303f178ec03f270110104f3c0ab76ff05f4005ed0b20000000009ff",
       "04943fa74e4fd701"},
      {"SADD k 1 2 300", "0b0e0200000003000000010002002c01", "8ccf0ffd860ac023"},
      {"SADD k a b", "140d0d0000000200816102816202ff", "0aec0ab449a3d654"},
      {"ZADD k 1.5 a 2 b", "111414000000040081610283312e35048162020201ff", "93dd095652876eea"},
      {"HSET k f v n 7", "1012120000000400816602817602816e020701ff", "d1f563dbbde01321"},
      {"PFADD k a", "001548594c4c01000000000000000000008071a6844e57", "0fee4271cb12dbbd"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.make);
    ask("DEL k copy");
    ask(each.make);
    const std::string payload = make_payload(entry(), {});
    EXPECT_EQ(hex(payload), std::string(each.body) + "0b00" + each.checksum);
    ASSERT_TRUE(restore(payload, "copy"));
    EXPECT_EQ(make_payload(entry("copy"), {}), payload);
    // Which a string has is by its making.
    if (entry().type() != Type::string) EXPECT_EQ(encoding_name(entry("copy")), encoding_name(entry()));
  }
  // Tables, where the order is not that of chance: of one element.
  ask("CONFIG SET hash-max-listpack-entries 0 set-max-intset-entries 0 set-max-listpack-entries 0 zset-max-listpack-entries 0");
  ask("DEL h s z");
  ask("HSET h f v");
  ask("ZADD z 1.5 a 2 b");
  ask("SADD s 1");
  EXPECT_EQ(hex(make_payload(entry("h"), {})), "0401016601760b00c42dfe254c19e775");
  EXPECT_EQ(hex(make_payload(entry("z"), {})), "0502016200000000000000400161000000000000f83f0b008ea3b66062d18e97");
  EXPECT_EQ(hex(make_payload(entry("s"), {})).substr(0, 8), "0201c001");
  EXPECT_EQ(hex(make_payload(entry("h"), {.version = 10})).substr(10, 6), "760a00");
}

TEST_F(RdbPayload, KeepsStreamsWithTheirGroups) {
  for (int i = 1; i <= 250; ++i) ask("XADD k " + std::to_string(i) + "-1 field value-" + std::to_string(i));
  ask("XADD k 251-1 other x more y");
  ask("XDEL k 7-1 250-1");
  ask("XGROUP CREATE k group 0");
  ask("XGROUP CREATE k idle $");
  ask("XGROUP CREATECONSUMER k idle nobody");
  pass(1000);
  ask("XREADGROUP GROUP group one COUNT 3 STREAMS k >");
  pass(1000);
  ask("XREADGROUP GROUP group two COUNT 2 STREAMS k >");
  ask("XACK k group 2-1");
  for (const unsigned version : {10U, 11U}) {
    SCOPED_TRACE(version);
    ask("DEL copy");
    const std::string payload = make_payload(entry(), {.version = version});
    EXPECT_EQ(payload[0], version == 10 ? 19 : 21);
    ASSERT_TRUE(restore(payload, "copy"));
    EXPECT_EQ(make_payload(entry("copy"), {.version = version}), payload);
    for (const std::string question : {"XRANGE % - +", "XREVRANGE % + - COUNT 5", "XPENDING % group - + 10", "XINFO GROUPS %", "XLEN %"}) {
      std::string mine = question, theirs = question;
      mine.replace(mine.find('%'), 1, "copy");
      theirs.replace(theirs.find('%'), 1, "k");
      EXPECT_EQ(ask(mine), ask(theirs)) << question;
    }
    // In pieces it is the same.
    std::string pieces(1, payload[0]);
    ValueWriter writer(entry(), {.version = version});
    for (bool is_whole = false; !is_whole;) {
      std::string piece;
      is_whole = writer.step(piece, 500);
      pieces += piece;
    }
    EXPECT_EQ(pieces, payload.substr(0, payload.size() - 10));
    // Nothing of it may be missing.
    for (std::size_t cut = 1; cut < pieces.size(); ++cut) {
      ASSERT_FALSE(read_payload(sealed(pieces.substr(0, cut)), "cut", {}, server.options().thresholds).has_value()) << cut;
    }
  }
  ask("DEL copy");
  ask("XTRIM k MAXLEN 0");
  ASSERT_TRUE(restore(make_payload(entry(), {}), "copy")) << "a stream without entries is one";
  EXPECT_EQ(ask("XINFO STREAM copy"), ask("XINFO STREAM k"));
}

TEST_F(RdbPayload, ReadsTablesOfOthers) {
  ASSERT_TRUE(restore(*unhex("0202c001c0020b00e9e70187e6cd9440"), "s"));
  EXPECT_EQ(ask("SMEMBERS s"), "*2|$1|1|$1|2|");
  EXPECT_EQ(ask("OBJECT ENCODING s"), "$6|intset|");
  ASSERT_TRUE(restore(*unhex("0502016200000000000000400161000000000000f83f0b008ea3b66062d18e97"), "z"));
  EXPECT_EQ(ask("ZRANGE z 0 -1 WITHSCORES"), "*4|$1|a|$3|1.5|$1|b|$1|2|");
  EXPECT_EQ(ask("OBJECT ENCODING z"), "$8|listpack|");
}

TEST_F(RdbPayload, ReadsEncodingsOfOldVersions) {
  // Laid out by hand from the formats that Redis 2.2 to 6.2 documented.
  // ziplist "a", 12, -1, 300, "bc"
  const std::string ziplist = *unhex("1b000000 16000000 0500 00 01 61  03 fd  02 fe ff  03 c0 2c01  04 02 62 63 ff");
  ASSERT_EQ(ziplist.size(), 0x1bU);
  const auto blob = [](char type, const std::string& octets) { return std::string(1, type) + static_cast<char>(octets.size()) + octets; };
  ASSERT_TRUE(restore(sealed(blob(10, ziplist), 6), "list"));
  EXPECT_EQ(ask("LRANGE list 0 -1"), "*5|$1|a|$2|12|$2|-1|$3|300|$2|bc|");
  const std::string node = blob(0x1b, ziplist).substr(1);
  ASSERT_TRUE(restore(sealed(*unhex("0e 02") + node + node, 9), "chain"));
  EXPECT_EQ(ask("LLEN chain"), ":10|");
  const std::string pairs = *unhex("14000000 0f000000 0400 00 01 61 03 f3 02 01 62 03 f2 ff");
  const std::string fixed = *unhex("15000000 12000000 0400 00 01 61 03 f3 02 01 62 03 f2 ff");
  ASSERT_EQ(pairs.size(), 0x15U);
  EXPECT_FALSE(restore(sealed(blob(13, pairs), 6), "bad")) << "the length is not that of the octets";
  ASSERT_TRUE(restore(sealed(blob(13, fixed), 6), "hash"));
  EXPECT_EQ(ask("HGETALL hash"), "*4|$1|a|$1|2|$1|b|$1|1|");
  // Not in the order of scores: it is put into it.
  ASSERT_TRUE(restore(sealed(blob(12, fixed), 6), "zset"));
  EXPECT_EQ(ask("ZRANGE zset 0 -1 WITHSCORES"), "*4|$1|b|$1|1|$1|a|$1|2|");
  // zipmap "k" -> "v" with two octets of room, "n" -> "12"
  ASSERT_TRUE(restore(sealed(blob(9, *unhex("02 01 6b 01 02 76 0000 01 6e 02 00 3132 ff")), 3), "map"));
  EXPECT_EQ(ask("HGETALL map"), "*4|$1|k|$1|v|$1|n|$2|12|");
  // zset with scores as text
  ASSERT_TRUE(restore(sealed(*unhex("03 03 0161 03 312e35 0162 fe 0163 ff"), 6), "old"));
  EXPECT_EQ(ask("ZRANGE old 0 -1 WITHSCORES"), "*6|$1|c|$4|-inf|$1|a|$3|1.5|$1|b|$3|inf|");
}

TEST_F(RdbPayload, RefusesWhatIsNone) {
  const struct {
    const char *name, *body;
  } cases[] = {
      {"nothing", ""},
      {"a type that does not exist", "63 00"},
      {"a module's", "07 00"},
      {"a string cut short", "00 05 6865"},
      {"a string longer than there can be", "00 81 7fffffffffffffff"},
      {"a special string that does not exist", "00 c4"},
      {"LZF that gives too little", "00 c3 02 1e 0061"},
      {"LZF that reaches before its begin", "00 c3 05 05 0061 200561"},
      {"LZF that claims a gigabyte", "00 c3 02 80 3ff00000 0061"},
      {"a list without elements", "01 00"},
      {"more elements than there are", "01 05 0161"},
      {"the same member twice", "02 02 0161 0161"},
      {"the same field twice", "04 02 0161 0162 0161 0163"},
      {"the same member twice, packed", "14 0d 0d0000000200 816102 816102 ff"},
      {"a score that is no number", "05 01 0161 000000000000f87f"},
      {"a packed score that is no number", "11 0d 0d0000000200 816102 817802 ff"},
      {"a packed hash with half a pair", "10 0a 0a0000000100 816102 ff"},
      {"a packed list that claims more octets", "10 0d 0e0000000200 816102 816202 ff"},
      {"a packed list that claims more elements", "10 0d 0d0000000300 816102 816202 ff"},
      {"an element that reaches beyond the end", "10 0d 0d0000000200 816102 826202 ff"},
      {"a backward length that lies", "10 0d 0d0000000200 816103 816202 ff"},
      {"integers out of order", "0b 0c 0200000002000000 0200 0100"},
      {"integers of a width that does not exist", "0b 0b 0300000001000000 020001"},
      {"integers that are not there", "0b 08 02000000ffffffff"},
      {"a ziplist whose tail is elsewhere", "0a 0f 0f000000 0b000000 0100 00 02 6162 ff"},
      {"a node of a kind that does not exist", "12 01 03 0161"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    const auto read = read_payload(sealed(*unhex(each.body)), "k", {}, server.options().thresholds);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error(), PayloadErrc::format);
  }
  const std::string good = *unhex("00c00a0b000740ea36f3318a32");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const auto read = read_payload(bad, "k", {}, server.options().thresholds);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error(), PayloadErrc::checksum);
  }
  EXPECT_EQ(read_payload(sealed(*unhex("00c00a"), 13), "k", {}, server.options().thresholds).error(), PayloadErrc::checksum);
}

TEST_F(RdbPayload, LaysOutAnewWhatOthersWouldLayOutOtherwise) {
  // A number kept as text, and one that takes more octets than it needs: a packed set finds its members by their octets.
  ASSERT_TRUE(restore(sealed(*unhex("14 0e 0e0000000200 813102 f1020003 ff")), "k"));
  EXPECT_EQ(ask("SISMEMBER k 1"), ":1|");
  EXPECT_EQ(ask("SISMEMBER k 2"), ":1|");
  EXPECT_FALSE(restore(sealed(*unhex("14 0e 0e0000000200 813102 f1010003 ff")), "same"));
}

TEST_F(RdbPayload, KeepsLargeValues) {
  for (int i = 0; i < 700; ++i) {
    const std::string n = std::to_string(i);
    ask("RPUSH list element-" + n + "-" + std::string(200, 'x'));
    ask("SADD set member-" + n);
    ask("SADD ints " + n + "000000");
    ask("HSET hash field-" + n + " value-" + n);
    ask("ZADD zset " + n + ".5 member-" + n);
  }
  ask("SETRANGE text 100000 end");
  for (const std::string key : {"list", "set", "ints", "hash", "zset", "text"}) {
    SCOPED_TRACE(key);
    for (const bool compresses : {true, false}) {
      for (const unsigned version : {10U, 11U}) {
        ask("DEL copy");
        ASSERT_TRUE(restore(make_payload(entry(key), {.version = version, .compresses = compresses}), "copy"));
        EXPECT_EQ(encoding_name(entry("copy")), encoding_name(entry(key)));
      }
    }
    const std::map<std::string, std::string> questions = {{"list", "LRANGE % 0 -1"},
                                                          {"set", "SMEMBERS %"},
                                                          {"ints", "SMEMBERS %"},
                                                          {"hash", "HGETALL %"},
                                                          {"zset", "ZRANGE % 0 -1 WITHSCORES"},
                                                          {"text", "GET %"}};
    const auto answer = [&](const std::string& of) {
      std::string question = questions.at(key);
      question.replace(question.find('%'), 1, of);
      std::vector<std::string> words(1);
      for (const char c : ask(question)) c == '|' ? words.emplace_back() : words.back() += std::string(1, c);
      if (key == "set" || key == "ints" || key == "hash") std::sort(words.begin(), words.end());
      return words;
    };
    EXPECT_EQ(answer("copy"), answer(key));
    // In pieces it is the same.
    std::string whole, pieces;
    write_value(whole, entry(key), {});
    ValueWriter writer(entry(key), {});
    for (bool is_whole = false; !is_whole;) {
      std::string piece;
      is_whole = writer.step(piece, 1000);
      if (key != "text") EXPECT_LT(piece.size(), 12'000U);
      pieces += piece;
    }
    EXPECT_EQ(pieces, whole);
  }
}

}  // namespace
}  // namespace chorus::cache::rdb
