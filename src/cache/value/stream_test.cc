#include "cache/value/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "base/text.h"

namespace chorus::cache {
namespace {

struct Owned {
  Stream* stream = Stream::make();
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { Stream::destroy(stream); }
  Stream* operator->() const { return stream; }
};

void add(const Owned& to, StreamId id, std::vector<std::string_view> fields = {"f", "v"}) { ASSERT_TRUE(to->append(id, fields, 4096, 3)); }

std::string list(const Stream& stream, StreamId first = {}, StreamId last = StreamId::last(), bool reverse = false) {
  std::string out;
  StreamCursor cursor(stream, first, last, reverse);
  while (cursor.next()) {
    out += cursor.id().text() + "(";
    cursor.for_each([&](std::string_view name, std::string_view value) { out += std::string(name) + "=" + std::string(value) + " "; });
    out.back() = ')';
    out += ' ';
  }
  return out;
}

TEST(Stream, HasRedisOwnNodes) {
  const Owned stream;
  add(stream, {1, 1}, {"a", "1", "b", "x"});
  add(stream, {1, 2}, {"a", "2", "b", "y"});
  add(stream, {3, 0}, {"c", "z"});
  ASSERT_EQ(stream->nodes().size(), 1U);
  const Listpack pack(stream->nodes().begin()->second);
  // What DUMP of Redis 7.0 gives for the same three entries. source: redis-server 7.0.15, seen on the wire
  EXPECT_EQ(base::hex({static_cast<const char*>(pack.block()), pack.octets()}),
            "4000000019000301000102018161028162020001"
            "02010001000101018178020501"
            "02010001010102018179020501"
            "00010201dfff020101816302817a020601ff");
  EXPECT_EQ(Stream::check_node(pack), 3U);
  EXPECT_EQ(list(*stream.stream), "1-1(a=1 b=x) 1-2(a=2 b=y) 3-0(c=z) ");
  EXPECT_EQ(list(*stream.stream, {1, 2}, {2, 9}, true), "1-2(a=2 b=y) ");
}

TEST(Stream, DeletesWithinNodesAndWhole) {
  const Owned stream;
  for (std::uint64_t i = 1; i <= 7; ++i) add(stream, {i, 0});
  EXPECT_EQ(stream->nodes().size(), 3U);
  EXPECT_TRUE(stream->erase({2, 0}));
  EXPECT_FALSE(stream->erase({2, 0}));
  EXPECT_FALSE(stream->erase({9, 0}));
  EXPECT_TRUE(stream->erase({1, 0}));
  EXPECT_EQ(stream->first_id, (StreamId{3, 0}));
  EXPECT_TRUE(stream->erase({3, 0}));
  EXPECT_EQ(stream->nodes().size(), 2U);
  EXPECT_EQ(stream->max_deleted_id, (StreamId{3, 0}));
  EXPECT_EQ(stream->trim({.length = 3, .whole_nodes = true}), 0U);
  EXPECT_EQ(stream->trim({.id = {6, 0}}), 2U);
  EXPECT_EQ(list(*stream.stream), "6-0(f=v) 7-0(f=v) ");
  EXPECT_EQ(stream->trim({.length = 0}), 2U);
  EXPECT_EQ(stream->length, 0U);
  EXPECT_EQ(stream->first_id, StreamId{});
  EXPECT_EQ(stream->entries_added, 7U);
  EXPECT_TRUE(stream->nodes().empty());
}

TEST(Stream, ChecksNodesOfOthers) {
  const auto node = [](std::vector<std::string_view> words) {
    Listpack pack = Listpack::make();
    pack.append_all(words);
    const auto count = Stream::check_node(pack);
    pack.destroy();
    return count ? std::to_string(*count) : "refused";
  };
  EXPECT_EQ(node({"1", "1", "1", "f", "0", "2", "0", "0", "v", "4", "3", "0", "1", "v", "4"}), "1");
  EXPECT_EQ(node({"1", "0", "1", "f", "0", "0", "0", "0", "1", "g", "v", "6"}), "1");
  EXPECT_EQ(node({"0", "1", "1", "f", "0", "3", "0", "0", "v", "4"}), "0") << "Redis writes such into files and reads them";
  EXPECT_EQ(node({}), "refused");
  EXPECT_EQ(node({"1", "0", "9999", "f", "0"}), "refused");
  EXPECT_EQ(node({"2", "0", "1", "f", "0", "2", "0", "0", "v", "4"}), "refused") << "a count that is none";
  EXPECT_EQ(node({"1", "0", "1", "f", "0", "2", "0", "0", "v", "5"}), "refused") << "a way back that leads elsewhere";
  EXPECT_EQ(node({"1", "0", "1", "f", "0", "2", "0", "0"}), "refused");
  EXPECT_EQ(node({"1", "0", "1", "f", "0", "0", "0", "0", "9223372036854775807", "v", "4"}), "refused");
}

TEST(Stream, EndsALittleAtATimeAndCopies) {
  memory::Account account;
  {
    const memory::Scope scope(account);
    Stream* stream = Stream::make();
    for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(stream->append({i, 0}, std::vector<std::string_view>{"f", "v"}, 4096, 2));
    StreamGroup& group = stream->groups[StreamName("g")];
    StreamConsumer& consumer = group.add("a consumer with a long name, so that it has a block", 1);
    for (std::uint64_t i = 1; i <= 50; ++i) group.put({i, 0}, {.consumer = &consumer});
    EXPECT_GT(stream->memory(0), account.used * 3 / 4);
    EXPECT_LT(stream->memory(0), account.used * 4 / 3);
    Stream* copy = stream->copy();
    EXPECT_EQ(copy->groups.find("g")->second.pending.begin()->second.consumer, &copy->groups.find("g")->second.consumers.begin()->second);
    EXPECT_EQ(list(*copy), list(*stream));
    Stream::destroy(copy);
    std::size_t steps = 0;
    for (bool is_gone = false; !is_gone; ++steps) {
      std::size_t items = 10;
      is_gone = stream->drain(items);
    }
    EXPECT_GE(steps, 10U);
    Stream::destroy(stream);
  }
  EXPECT_EQ(account.used, 0U);
}

TEST(Stream, KeepsNodesInWhichNothingLives) {
  const Owned stream;
  for (std::uint64_t i = 1; i <= 3; ++i) add(stream, {i, 0});
  EXPECT_TRUE(stream->erase({3, 0}));
  EXPECT_EQ(stream->trim({.id = {3, 0}}), 2U);
  ASSERT_EQ(stream->nodes().size(), 1U);
  EXPECT_EQ(Stream::check_node(Listpack(stream->nodes().begin()->second)), 0U);
  EXPECT_EQ(stream->length, 0U);
  EXPECT_EQ(list(*stream.stream), "");
}

TEST(Stream, RefusesWhatAPackedListCannotHold) {
  const Owned stream;
  // The words fit, but not what is to be kept of each beside it.
  const std::string word(7000, 'x');
  const std::vector<std::string_view> fields(153'240, word);
  ASSERT_LT(fields.size() * word.size(), Listpack::octets_max - (1U << 20));
  EXPECT_FALSE(stream->append({1, 0}, fields, 4096, 100));
  add(stream, {1, 0});
  EXPECT_FALSE(stream->append({2, 0}, fields, 4096, 100));
  EXPECT_EQ(list(*stream.stream), "1-0(f=v) ");
}

TEST(Stream, EndsItsConsumersALittleAtATime) {
  Stream* stream = Stream::make();
  StreamGroup& group = stream->groups[StreamName("g")];
  for (int i = 0; i < 100; ++i) group.add(std::to_string(i), 1);
  std::size_t steps = 0;
  for (bool is_gone = false; !is_gone; ++steps) {
    std::size_t items = 10;
    is_gone = stream->drain(items);
  }
  EXPECT_GE(steps, 10U);
  Stream::destroy(stream);
}

TEST(Stream, IsASortedMap) {
  int erased_late = 0, dead_nodes = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    const Owned stream;
    std::map<StreamId, std::string> model;
    StreamId last;
    std::vector<StreamId> ids;  // all that there ever were
    for (int i = 0; i < 80; ++i) {
      const auto what = random.below(8);
      // Half of the time one of the latest, so that there is something to be found to the end.
      const bool is_late = !ids.empty() && random.below(2) == 0;
      const StreamId any =
          is_late ? ids[ids.size() - 1 - random.below(std::min<std::size_t>(ids.size(), 12))] : StreamId{random.below(12), random.below(6)};
      if (what < 4) {
        const StreamId id = any > last ? any : StreamId{last.ms + any.ms % 2, last.seq + 1};
        const std::string value = "v" + std::to_string(random.below(300));
        const std::string name = random.below(4) == 0 ? "other" : "f";
        ASSERT_TRUE(stream->append(id, std::vector<std::string_view>{name, value}, 200, 4));
        model[id] = name + "=" + value;
        last = id;
        ids.push_back(id);
      } else if (what < 6) {
        const bool is_there = model.erase(any) > 0;
        ASSERT_EQ(stream->erase(any), is_there);
        if (is_there && i >= 60) ++erased_late;
      } else if (what == 6) {
        const auto keep = random.below(20);
        stream->trim({.length = keep});
        while (model.size() > keep) model.erase(model.begin());
      } else {
        stream->trim({.id = any});
        model.erase(model.begin(), model.lower_bound(any));
      }
      ASSERT_EQ(stream->length, model.size());
      ASSERT_EQ(stream->first_id, model.empty() ? StreamId{} : model.begin()->first);
      ASSERT_EQ(stream->top(), model.empty() ? StreamId{} : model.rbegin()->first);
      for (const auto& [id, block] : stream->nodes()) {
        const auto living = Stream::check_node(Listpack(block));
        ASSERT_TRUE(living.has_value());
        if (*living == 0) ++dead_nodes;
      }
      std::string forward, backward;
      const auto from = model.lower_bound(any);
      for (auto at = from; at != model.end(); ++at) forward += at->first.text() + "(" + at->second + ") ";
      for (auto at = model.end(); at != from;) {
        --at;
        backward += at->first.text() + "(" + at->second + ") ";
      }
      ASSERT_EQ(list(*stream.stream, any), forward);
      ASSERT_EQ(list(*stream.stream, any, StreamId::last(), true), backward);
    }
  }
  EXPECT_GT(erased_late, 200);
  EXPECT_GT(dead_nodes, 20);
}

}  // namespace
}  // namespace chorus::cache
