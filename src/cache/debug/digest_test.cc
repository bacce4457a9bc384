#include "cache/debug/digest.h"

#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class DigestTest : public ServerTest {
 protected:
  DigestTest() : ServerTest({.debug_access = ProtectedAccess::yes}) {}
  void fill() {
    for (const char* line : {"set s hello", "set n 123", "set e v ex 1000", "rpush l a 2 ccc", "sadd t x y 3",
                             "zadd z 1 a 0.1 b 1e30 c -inf d", "hset h f v n 7", "xadd x 1-1 a b", "xadd x 2-5 c 10 d 11"}) {
      ask(line);
    }
  }
};

// From redis-server 7.0.15 with the same commands.
TEST_F(DigestTest, IsThatOfRedis) {
  fill();
  const struct {
    const char *key, *digest;
  } cases[] = {{"s", "36b23a1456b2dce2c3ed252c456761301dba8060"},   {"n", "89f7f51b707418f666d5b45e053bd5bbbf82ac2b"},
               {"e", "311b17018163335616e089f6b951c82c477335ac"},   {"l", "39d44c85604fe2aa41e55e7e6f3a90f016d85083"},
               {"t", "415a07507e2348d139f9fd645a024f6be569dd65"},   {"z", "1864e93aa56507c7389be0b28a531aece5fa5dca"},
               {"h", "4f27ca621cb2752866d01527a40541bd50df9e80"},   {"x", "1bc2385368891b8615f098dc7fd7c52553bd799b"},
               {"none", "0000000000000000000000000000000000000000"}};
  for (const auto& each : cases) {
    EXPECT_EQ(ask(std::string("debug digest-value ") + each.key), std::string("*1|+") + each.digest + "|") << each.key;
  }
  EXPECT_EQ(ask("debug digest"), "+461039945cb981998003c39debd62eeb934faddc|");
  ask("select 3");
  ask("set k v");
  EXPECT_EQ(ask("debug digest"), "+c5c2e7999154ac1168b3c7f0f53a4ef9b6fb2285|");
}

TEST_F(DigestTest, OfLargeValuesIsThatOfSmallOnes) {
  fill();
  const std::string small = ask("debug digest");
  ask("flushall");
  ask("config set hash-max-listpack-entries 0 set-max-listpack-entries 0 set-max-intset-entries 0 zset-max-listpack-entries 0 "
      "list-max-listpack-size 1");
  fill();
  EXPECT_EQ(ask("object encoding t"), "$9|hashtable|");
  EXPECT_EQ(ask("debug digest"), small);
  ask("flushall");
  EXPECT_EQ(ask("debug digest"), "+0000000000000000000000000000000000000000|");
}

TEST_F(DigestTest, ObjectsAndTablesAreShown) {
  fill();
  const std::string object = ask("debug object l");
  EXPECT_TRUE(object.starts_with("+Value at:0x")) << object;
  EXPECT_NE(object.find(" refcount:1 encoding:listpack serializedlength:20 lru:"), std::string::npos) << object;
  EXPECT_EQ(ask("debug object none"), "-ERR no such key|");
  ask("config set list-max-listpack-size 2");
  ask("rpush q a b c d e");
  EXPECT_NE(ask("debug object q").find(" ql_nodes:3 ql_avg_node:1.67 ql_listpack_max:2 ql_compressed:0 ql_uncompressed_size:36"),
            std::string::npos)
      << ask("debug object q");
  EXPECT_EQ(ask("debug htstats-key l"), "-ERR The value stored at the specified key is not represented using an hash table|");
  EXPECT_EQ(ask("debug htstats 16"), "-ERR Out of range database|");
  EXPECT_NE(
      ask("debug htstats 0").find("[Dictionary HT]\nHash table 0 stats (main hash table):\n table size: 14\n number of elements: 9\n"),
      std::string::npos)
      << ask("debug htstats 0");
  EXPECT_NE(ask("debug htstats 5").find("No stats available for empty dictionaries"), std::string::npos);
}

}  // namespace
}  // namespace chorus::cache
