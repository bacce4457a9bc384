#include "ring/ketama.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/text.h"
#include "ring/ring_fixture.h"

namespace chorus::ring {
namespace {

/// "weighted" or "plain", the servers as name=weight, and for each key, in hexadecimal, the number of its server. By
/// tests/conformance/ring/ketama_vectors.py from libmemcached.
TEST(Ketama, GoesWhereLibmemcachedGoes) {
  std::ifstream file(CHORUS_SOURCE_DIR "/src/ring/testdata/ketama.txt");
  ASSERT_TRUE(file);
  std::string line;
  std::optional<Ketama> ketama;
  std::size_t lists = 0, keys = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "weighted" || word == "plain") {
      SCOPED_TRACE(line);
      std::vector<Node> nodes;
      for (std::string server; words >> server;) {
        const std::size_t equals = server.rfind('=');
        nodes.push_back({server.substr(0, equals), static_cast<std::uint32_t>(std::stoul(server.substr(equals + 1)))});
      }
      auto made = Ketama::make(nodes, {.weighted = word == "weighted"});
      ASSERT_TRUE(made) << made.error().message;
      ketama.emplace(std::move(*made));
      ++lists;
    } else {
      NodeIndex want = 0;
      words >> want;
      ASSERT_TRUE(ketama && words);
      const auto key = base::unhex(word);
      ASSERT_TRUE(key);
      ASSERT_EQ(ketama->locate_key(*key), want) << lists << ": " << word;
      ++keys;
    }
  }
  EXPECT_GE(lists, 10U);
  EXPECT_GE(keys, 1000U);
}

TEST(Ketama, HasAsManyPointsAsLibmemcached) {
  EXPECT_EQ(Ketama::make(make_nodes(7), {.weighted = true})->points(), 7 * 160U);
  EXPECT_EQ(Ketama::make(make_nodes(7), {.weighted = false})->points(), 7 * 100U);
  const std::vector<Node> nodes = {{.name = "a", .weight = 1}, {.name = "b", .weight = 2}, {.name = "c", .weight = 4}};
  // 120 digests: 17.1, 34.3 and 68.6 of them
  EXPECT_EQ(Ketama::make(nodes)->points(), (17 + 34 + 68) * 4U);
  EXPECT_EQ(ketama_digests(1, 7, 3), 17U);
  EXPECT_EQ(ketama_digests(4, 7, 3), 68U);
}

TEST(Ketama, NamesAreHostAndPort) {
  for (const char* name : {"", ":1", "h:", "h:0", "h:65536", "h:x", "[::1", "[::1]x", "[::1]:", "[]:1"})
    EXPECT_FALSE(Ketama::make(std::vector<Node>{{.name = name}})) << name;
  EXPECT_FALSE(Ketama::make(std::vector<Node>{{.name = std::string(Ketama::max_name + 1, 'h')}}));
  for (const char* name : {"h", "h:1", "h:65535", "10.0.0.1:11211", "::1", "[::1]", "[::1]:11212", "fe80::1", "/run/memcached.sock"})
    EXPECT_TRUE(Ketama::make(std::vector<Node>{{.name = name}})) << name;
  // The default port may be left out.
  const std::vector<Node> with = {{.name = "a:11211"}, {.name = "[::1]:11211"}}, without = {{.name = "a"}, {.name = "::1"}};
  for (const std::uint64_t hash : make_hashes(1000)) ASSERT_EQ(Ketama::make(with)->locate(hash), Ketama::make(without)->locate(hash));
}

TEST(Ketama, KeysAreHashedAsTheBehaviourSays) {
  const auto ketama = Ketama::make(make_nodes(3));
  EXPECT_EQ(ketama->hash(""), 0xd98c1dd4U);  // d41d8cd9..., the lowest octet first
  EXPECT_EQ(ketama->hash("abc"), 0x98500190U);
  const auto plain = Ketama::make(make_nodes(3), {.weighted = false});
  EXPECT_EQ(plain->hash(""), 0U);
  EXPECT_EQ(plain->hash("a"), 0xca2e9442U);  // source: B. Jenkins's page on it
  EXPECT_EQ(plain->hash("The quick brown fox jumps over the lazy dog"), 0x519e91f5U);
}

}  // namespace
}  // namespace chorus::ring
