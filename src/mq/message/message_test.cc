#include "mq/message/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/random.h"
#include "base/text.h"
#include "mq/message/names.h"

namespace chorus::mq {
namespace {

MessageView example() {
  return {.queue_id = 3,
          .flag = 7,
          .queue_offset = 0x0102030405060708,
          .position = 0x1112131415161718,
          .sys_flag = sys_flag::compressed,
          .born_time_ms = 1700000000000,
          .born_host = *parse_host("10.0.0.1:34567"),
          .store_time_ms = 1700000000005,
          .store_host = *parse_host("127.0.0.1:10911"),
          .reconsume_times = 2,
          .prepared_offset = 99,
          .body = "hello",
          .topic = "T",
          .properties_text = "TAGS\1a\2"};
}

// By hand after the table in message.h; CRC-32 of "hello" is 3610a686.
TEST(Message, HasTheLayoutOfTheTable) {
  const std::string expected = *base::unhex(
      "00000068 daa320a7 3610a686 00000003 00000007 0102030405060708 1112131415161718 00000001 0000018bcfe56800 0a000001 00008707"
      "0000018bcfe56805 7f000001 00002a9f 00000002 0000000000000063 00000005 68656c6c6f 0154 0007 54414753016102");
  EXPECT_EQ(base::hex(encode_message(example())), base::hex(expected));
  EXPECT_EQ(expected.size(), encoded_size(example()));
}

TEST(Message, ComesBackAsItWas) {
  for (const bool born_v6 : {false, true})
    for (const bool store_v6 : {false, true})
      for (const std::size_t topic_size : {1, 127, 128, 255, 3000}) {
        MessageView message = example();
        if (born_v6) message.born_host = *parse_host("[2001:db8::1]:80");
        if (store_v6) message.store_host = *parse_host("[::1]:10911");
        const std::string topic(topic_size, 't');
        message.topic = topic;
        const std::string octets = encode_message(message) + "more";
        const auto back = decode_message(octets);
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(back->size, octets.size() - 4);
        EXPECT_EQ(back->born_host, message.born_host);
        EXPECT_EQ(back->store_host, message.store_host);
        EXPECT_EQ(back->topic, topic);
        EXPECT_EQ(back->body, "hello");
        EXPECT_EQ(back->prepared_offset, 99);
        EXPECT_EQ(back->properties().get(property::tags), "a");
        EXPECT_TRUE(has_intact_body(*back));
        EXPECT_EQ(encode_message(*back), octets.substr(0, octets.size() - 4));
      }
}

TEST(Message, IsPatchedInPlace) {
  for (const char* born : {"10.0.0.1:1", "[::2]:1"}) {
    MessageView message = example();
    message.born_host = *parse_host(born);
    std::string octets = encode_message(message);
    patch_queue_id(octets, 11);
    patch_queue_offset(octets, 1234567890123);
    patch_position(octets, 9876543210987);
    patch_store_time(octets, 1800000000000);
    patch_store_host(octets, *parse_host("192.168.1.2:20911"));
    const auto back = decode_message(octets);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->queue_id, 11);
    EXPECT_EQ(back->queue_offset, 1234567890123);
    EXPECT_EQ(back->position, 9876543210987);
    EXPECT_EQ(back->store_time_ms, 1800000000000);
    EXPECT_EQ(to_string(back->store_host), "192.168.1.2:20911");
    EXPECT_EQ(back->born_host, message.born_host);
    EXPECT_EQ(back->offset_id(), "C0A80102000051AF000008FB8FD985EB");
  }
}

TEST(Message, CutOrChangedIsNotTakenForOne) {
  const std::string octets = encode_message(example());
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto cut = decode_message(octets.substr(0, size));
    ASSERT_FALSE(cut.has_value());
    EXPECT_EQ(cut.error(), MessageErrc::truncated);
  }
  for (const std::size_t at : {4, 39, 84, 93}) {  // magic, sys flag (IPv6), lengths of body and topic
    std::string changed = octets;
    changed[at] = static_cast<char>(changed[at] ^ 0x30);
    const auto wrong = decode_message(changed);
    EXPECT_FALSE(wrong.has_value()) << at;
  }
  std::string other_body = octets;
  other_body[88] = 'j';
  ASSERT_TRUE(decode_message(other_body).has_value());
  EXPECT_FALSE(has_intact_body(*decode_message(other_body)));
}

TEST(Batch, IsReadItemByItem) {
  std::string body;
  append_batch_item(body, {.flag = 1, .body = "first", .properties_text = "KEYS\1a\2"});
  append_batch_item(body, {.flag = -2, .body = "", .properties_text = ""});
  const auto items = decode_batch(body);
  ASSERT_TRUE(items.has_value());
  ASSERT_EQ(items->size(), 2u);
  EXPECT_EQ((*items)[0], (BatchItem{1, "first", "KEYS\1a\2"}));
  EXPECT_EQ((*items)[1], (BatchItem{-2, "", ""}));
  EXPECT_EQ(decode_batch("").error(), MessageErrc::damaged);
  for (std::size_t size = 1; size < body.size(); ++size) {
    const auto cut = decode_batch(std::string_view(body).substr(0, size));
    EXPECT_EQ(cut.has_value(), size == 34) << size;  // 34: the first item is whole
  }
}

TEST(Properties, AreReadInOrderAndTheLastCounts) {
  const Properties properties(
      std::string_view("a\1"
                       "1\2"
                       "b\1"
                       "2\2\2"
                       "x\2"
                       "\1v\2"
                       "e\1\2"
                       "a\1"
                       "3\1"
                       "4\2"
                       "tail\1"
                       "5"));
  std::vector<Property> seen;
  for (const Property& pair : properties) seen.push_back(pair);
  EXPECT_EQ(seen, (std::vector<Property>{{"a", "1"},
                                         {"b", "2"},
                                         {"a",
                                          "3\1"
                                          "4"},
                                         {"tail", "5"}}));
  EXPECT_EQ(properties.get("a"),
            "3\1"
            "4");
  EXPECT_EQ(properties.get("tail"), "5");
  EXPECT_EQ(properties.get_int("b"), 2);
  EXPECT_FALSE(properties.has("e"));
  EXPECT_FALSE(properties.has("x"));
  EXPECT_FALSE(Properties("").has(""));
}

TEST(Properties, AreChangedInPlace) {
  std::string text =
      "a\1"
      "1\2"
      "b\1"
      "2\2"
      "a\1"
      "3\2"
      "c\1"
      "4";
  set_property(text, "a", "longer");
  EXPECT_EQ(text,
            "a\1"
            "longer\2"
            "b\1"
            "2\2"
            "c\1"
            "4");
  set_property(text, "c", "5");
  EXPECT_EQ(text,
            "a\1"
            "longer\2"
            "b\1"
            "2\2"
            "c\1"
            "5");
  set_property(text, "d", "6");
  EXPECT_EQ(text,
            "a\1"
            "longer\2"
            "b\1"
            "2\2"
            "c\1"
            "5\2"
            "d\1"
            "6\2");
  EXPECT_TRUE(remove_property(text, "b"));
  EXPECT_FALSE(remove_property(text, "b"));
  set_property(text, "a", "");
  EXPECT_EQ(text,
            "c\1"
            "5\2"
            "d\1"
            "6\2");
  EXPECT_FALSE(can_be_property("a\1", "b"));
  EXPECT_FALSE(can_be_property("", "b"));
  EXPECT_FALSE(can_be_property("a", "b\2"));
}

// Against a list of pairs.
TEST(Properties, DoWhatAListDoes) {
  base::Random random(17);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    std::vector<std::pair<std::string, std::string>> model;
    for (int step = 0; step < 30; ++step) {
      const std::string key(1, static_cast<char>('a' + random.below(5))),
          value(1 + random.below(4), static_cast<char>('p' + random.below(5)));
      const auto at = std::ranges::find(model, key, [](const auto& pair) { return pair.first; });
      switch (random.below(3)) {
        case 0:
          EXPECT_EQ(remove_property(text, key), at != model.end());
          if (at != model.end()) model.erase(at);
          break;
        default:
          set_property(text, key, value);
          if (at != model.end())
            at->second = value;
          else
            model.emplace_back(key, value);
      }
      std::string expected;
      for (const auto& [k, v] : model) expected += k + "\1" + v + "\2";
      ASSERT_EQ(text, expected);
    }
  }
}

TEST(Properties, KeysAreWords) {
  std::vector<std::string_view> words;
  for_each_key(" a  bc d ", [&](std::string_view word) { words.push_back(word); });
  EXPECT_EQ(words, (std::vector<std::string_view>{"a", "bc", "d"}));
}

TEST(Ids, OffsetIdBothWays) {
  const OffsetId v4{*parse_host("127.0.0.1:10911"), 123456789};
  EXPECT_EQ(to_string(v4), "7F00000100002A9F00000000075BCD15");
  EXPECT_EQ(parse_offset_id("7f00000100002a9f00000000075bcd15"), v4);
  const OffsetId v6{*parse_host("[2001:db8::ff]:1"), -1};
  EXPECT_EQ(to_string(v6), "20010DB80000000000000000000000FF00000001FFFFFFFFFFFFFFFF");
  EXPECT_EQ(parse_offset_id(to_string(v6)), v6);
  for (const char* bad : {"", "7F", "7F00000100002A9F00000000075BCD1G", "7F00000100002A9F00000000075BCD15 "})
    EXPECT_FALSE(parse_offset_id(bad)) << bad;
}

TEST(Ids, UniqueIdBothWays) {
  const std::string text = "7F00000100B12A139A5500C5B1CA0001";
  const auto id = parse_unique_id(text);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->pid, 0xb1);
  EXPECT_EQ(id->loader_hash, 0x2a139a55);
  EXPECT_EQ(id->month_ms, 0x00c5b1ca);
  EXPECT_EQ(id->counter, 1);
  EXPECT_EQ(to_string(*id), text);
  EXPECT_EQ(ms_of_month(1'700'000'000'123), 13 * 86'400'000 + 22 * 3'600'000 + 13 * 60'000 + 20'123);  // 2023-11-14T22:13:20.123Z
}

TEST(Ids, HostsAreReadAndWritten) {
  EXPECT_EQ(to_string(*parse_host("::1:10911")), "[::1]:10911");
  for (const char* bad : {"", "127.0.0.1", "host:1", "127.0.0.1:70000", "127.0.0.1:", "1.2.3:5"}) EXPECT_FALSE(parse_host(bad)) << bad;
}

// The numbers are jshell's "…".hashCode().
TEST(Ids, JavaHash) {
  const struct {
    std::string_view text;
    std::int32_t hash;
  } cases[] = {{"", 0},
               {"TagA", 2598919},
               {"polygenelubricants", std::numeric_limits<std::int32_t>::min()},
               {"\xe6\xa0\x87\xe7\xad\xbe", 857175},
               {"\xf0\x9f\x98\x80", 1772899},
               {"a\xff"
                "b",
                2124838},
               {"\xe2\x82", 65533},
               {"\xf0\x9f\x98"
                "A\xed\xa0\x80"
                "B\xc0\x80",
                1267927081}};
  for (const auto& c : cases) EXPECT_EQ(java_hash(c.text), c.hash) << c.text;
  EXPECT_EQ(tag_hash(Properties("TAGS\1TagA\2")), 2598919);
  EXPECT_EQ(tag_hash(Properties("KEYS\1TagA\2")), 0);
}

TEST(Names, DelayLevels) {
  const auto levels = parse_delay_levels("1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h");
  ASSERT_TRUE(levels.has_value());
  EXPECT_TRUE(std::ranges::equal(*levels, default_delay_levels));
  EXPECT_FALSE(parse_delay_levels("1s 5x"));
  EXPECT_FALSE(parse_delay_levels("s"));
  EXPECT_TRUE(property::is_reserved("UNIQ_KEY"));
  EXPECT_TRUE(property::is_reserved("__RMQ.TRANSIENT.X"));
  EXPECT_FALSE(property::is_reserved("mine"));
}

}  // namespace
}  // namespace chorus::mq
