#include "store/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "base/checksum.h"
#include "store/memory_files.h"

namespace chorus::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// u64 CRC-32C | u32 length | i64 id | octets, zeros behind.
class TestFormat final : public Format {
 public:
  std::string name_of(Id first) const override { return "seg." + std::to_string(first); }
  std::optional<Id> first_of(std::string_view name) const override {
    if (!name.starts_with("seg.")) return std::nullopt;
    return std::stoll(std::string(name.substr(4)));
  }
  std::string header(Id) const override { return "TEST"; }
  std::string refuse_header(std::string_view header) const override { return header == "TEST" ? "" : "not a test segment"; }
  Scan scan(std::string_view octets) const override {
    base::Reader in(octets);
    const std::uint64_t check = in.u64();
    const std::uint32_t length = in.u32();
    if (!in.ok()) return {.kind = Scan::Kind::more, .length = 12};
    if (length == 0) return {.kind = Scan::Kind::end};
    if (length < 8 || length > (1U << 30)) return {.kind = Scan::Kind::bad, .length = 12, .why = "impossible length"};
    if (octets.size() < 12ULL + length) return {.kind = Scan::Kind::more, .length = 12ULL + length};
    const std::string_view body = octets.substr(12, length);
    if (check != base::crc32c(body)) return {.kind = Scan::Kind::bad, .length = 12ULL + length, .why = "wrong checksum"};
    return {.kind = Scan::Kind::complete, .length = 12ULL + length, .id = base::Reader(body).i64(), .payload = body.substr(8)};
  }
  std::size_t frame_size() const override { return 12; }
  std::size_t zero_prefix() const override { return 4; }
};

std::string record(Id id, std::string_view payload) {
  std::string body;
  base::Writer(body).i64(id);
  body += payload;
  std::string out;
  base::Writer writer(out);
  writer.u64(base::crc32c(body));
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.octets(body);
  return out;
}

struct LogTest : testing::Test {
  MemoryFiles files;
  TestFormat format;
  LogOptions options{.directory = "d", .allocate_octets = 16 << 10};

  std::unique_ptr<Log> open() {
    auto log = Log::open(files, format, options);
    if (!log) {
      ADD_FAILURE() << log.error().message;
      return nullptr;
    }
    return std::move(*log);
  }
  std::string refusal() {
    auto log = Log::open(files, format, options);
    if (!log) return log.error().message;
    std::string all = "opened; last " + std::to_string((*log)->last());
    for (const TornTail& torn : (*log)->torn()) all += "; " + to_string(torn);
    return all;
  }
  void add(Log& log, Id first, Id last, std::string_view payload) {
    std::string group;
    for (Id id = first; id <= last; ++id) group += record(id, payload);
    ASSERT_TRUE(log.append(group, first, last));
    ASSERT_TRUE(log.sync());
  }
  std::vector<Id> ids(const Log& log, Id from = 0) {
    std::vector<Id> out;
    Cursor cursor = log.read_from(from);
    for (;;) {
      auto next = cursor.next();
      if (!next) {
        ADD_FAILURE() << next.error().message;
        break;
      }
      if (!*next) break;
      out.push_back((*next)->id);
    }
    return out;
  }
  std::string& octets(Id segment) { return files.nodes.at("d/seg." + std::to_string(segment))->now; }
};

TEST_F(LogTest, AppendsAndReadsAgain) {
  {
    auto log = open();
    EXPECT_TRUE(log->empty());
    EXPECT_THAT(ids(*log), IsEmpty());
    add(*log, 1, 3, "abc");
    add(*log, 4, 4, "d");
    EXPECT_THAT(ids(*log), ElementsAre(1, 2, 3, 4));
  }
  auto log = open();
  EXPECT_EQ(log->last(), 4);
  EXPECT_THAT(log->torn(), IsEmpty());
  add(*log, 5, 5, "e");
  EXPECT_THAT(ids(*log, 3), ElementsAre(3, 4, 5));
  EXPECT_EQ(octets(1).size(), 16U << 10);
}

TEST_F(LogTest, RollsBySizeAndRemovesOldSegments) {
  options.segment_octets_max = 100;
  auto log = open();
  for (Id id = 1; id <= 9; ++id) add(*log, id, id, std::string(20, 'x'));
  EXPECT_THAT(log->segments(), ElementsAre(1, 4, 7));
  EXPECT_LT(octets(1).size(), 200U) << "a sealed segment gives its spare space back";
  ASSERT_TRUE(log->remove_before(6));
  EXPECT_THAT(log->segments(), ElementsAre(4, 7));
  EXPECT_THAT(ids(*log), ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_THAT(ids(*log, 7), ElementsAre(7, 8, 9));
  ASSERT_TRUE(log->roll());
  EXPECT_THAT(ids(*log, 8), ElementsAre(8, 9));
  EXPECT_THAT(ids(*open(), 8), ElementsAre(8, 9));
}

TEST_F(LogTest, TruncatesAcrossSegments) {
  options.segment_octets_max = 100;
  auto log = open();
  for (Id id = 1; id <= 9; ++id) add(*log, id, id, std::string(20, 'x'));
  ASSERT_TRUE(log->truncate_after(5));
  EXPECT_EQ(log->last(), 5);
  add(*log, 105, 105, "new");
  EXPECT_THAT(ids(*log), ElementsAre(1, 2, 3, 4, 5, 105));
  log = open();
  EXPECT_THAT(ids(*log), ElementsAre(1, 2, 3, 4, 5, 105));
  ASSERT_TRUE(log->truncate_after(3));
  EXPECT_THAT(log->segments(), ElementsAre(1));
  ASSERT_TRUE(log->truncate_after(0));
  EXPECT_TRUE(log->empty());
  add(*log, 7, 7, "again");
  EXPECT_THAT(ids(*open()), ElementsAre(7));
}

TEST_F(LogTest, DamageInTheLastSegmentIsIsolatedWhereThatIsWanted) {
  {
    auto log = open();
    for (Id id = 1; id <= 5; ++id) add(*log, id, id, "abc");
  }
  octets(1)[4 + 2 * 23 + 15] ^= 1;  // in the third record
  EXPECT_THAT(refusal(), HasSubstr("damaged"));
  options.isolate_damage = true;
  {
    auto log = open();
    ASSERT_TRUE(log->damage());
    EXPECT_EQ(log->damage()->offset, 4U + 2 * 23);
    EXPECT_EQ(log->damage()->octets, 3U * 23 + mark_size);
    add(*log, 9, 9, "after");
    EXPECT_THAT(log->segments(), ElementsAre(1, 9));
    EXPECT_EQ(log->release_before(9), std::vector<std::string>{"d/seg.1"});
    EXPECT_THAT(log->segments(), ElementsAre(9));
  }
  EXPECT_EQ(open()->last(), 9);
  octets(9)[0] ^= 1;
  auto log = open();
  ASSERT_TRUE(log->damage()) << "the header is damaged";
  EXPECT_EQ(log->damage()->path, "d/seg.9");
}

TEST_F(LogTest, FullDiskRefusesAndGoesOnWhenThereIsRoom) {
  auto log = open();
  add(*log, 1, 1, "a");
  files.capacity = (16 << 10) + 100;
  std::string group = record(2, std::string(20'000, 'x'));
  const std::string before = group;
  auto full = log->append(group, 2, 2);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, LogErrc::no_space);
  EXPECT_EQ(group, before);
  EXPECT_THAT(ids(*log), ElementsAre(1));
  add(*log, 2, 2, "small enough");
  files.capacity = 1 << 20;
  group = record(3, std::string(20'000, 'x'));
  ASSERT_TRUE(log->append(group, 3, 3));
  ASSERT_TRUE(log->sync());
  EXPECT_THAT(ids(*open()), ElementsAre(1, 2, 3));
}

TEST_F(LogTest, FullDiskWhileBeginningASegment) {
  auto log = open();
  files.capacity = 6;
  std::string group = record(1, "a");
  auto full = log->append(group, 1, 1);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, LogErrc::no_space);
  EXPECT_THAT(files.nodes, IsEmpty());
  files.capacity = 1000;
  add(*log, 1, 1, "a");
  EXPECT_THAT(ids(*open()), ElementsAre(1));
}

TEST_F(LogTest, FailedSyncPoisonsUntilOpenedAgain) {
  auto log = open();
  add(*log, 1, 1, "a");
  std::string group = record(2, "b");
  ASSERT_TRUE(log->append(group, 2, 2));
  files.fail_next_sync = true;
  EXPECT_EQ(log->sync().error().code, LogErrc::failed);
  EXPECT_THAT(log->append(group, 2, 2).error().message, HasSubstr("failed to sync"));
  EXPECT_FALSE(log->sync());
  log = open();
  const std::size_t end = log->segment_octets();
  EXPECT_TRUE(files.nodes.at("d/seg.1")->synced.substr(0, end) == octets(1).substr(0, end)) << "what is read back was made durable first";
  EXPECT_THAT(ids(*log), ElementsAre(1, 2));
}

TEST_F(LogTest, FailedWritePoisons) {
  auto log = open();
  add(*log, 1, 1, "a");
  files.fail_next_write = true;
  std::string group = record(2, "bbbbbbbbbbbbbbbbbbbbbbbbb");
  EXPECT_EQ(log->append(group, 2, 2).error().code, LogErrc::failed);
  EXPECT_THAT(log->append(group, 2, 2).error().message, HasSubstr("the device failed"));
  EXPECT_THAT(refusal(), HasSubstr("opened; last 1; d/seg.1: cut off"));
}

TEST_F(LogTest, TornTails) {
  const std::string big(3000, 'p');
  const struct {
    const char* name;
    std::function<void(std::string& file, std::size_t last_group)> harm;
    const char* want;
  } cases[] = {
      {"cut in the middle of a record", [](auto& f, auto g) { std::fill(f.begin() + g + 700, f.end(), '\0'); },
       "last 2; d/seg.1: cut off 700"},
      {"file ends inside of a record", [](auto& f, auto g) { f.resize(g + 700); }, "last 2; d/seg.1: cut off 700"},
      {"first record whole, second missing", [](auto& f, auto g) { f.resize(g + 3020); }, "last 3"},
      {"sector missing, good records behind", [](auto& f, auto g) { std::fill_n(f.begin() + (g / 512 + 2) * 512, 512, '\0'); },
       "last 2; d/seg.1: cut off"},
      {"first sector missing, the old mark is there",
       [](auto& f, auto g) {
         const std::string mark = make_mark(1, g, 3020);
         std::fill(f.begin() + g, f.begin() + (g / 512 + 1) * 512, '\0');
         std::copy(mark.begin(), mark.end(), f.begin() + g);
       },
       "last 2; d/seg.1: cut off"},
      {"first sector missing, no old mark", [](auto& f, auto g) { std::fill(f.begin() + g, f.begin() + (g / 512 + 1) * 512, '\0'); },
       "last 2; d/seg.1: cut off"},
      {"octets flipped in the last group", [](auto& f, auto g) { f[g + 100] ^= 1; }, "offset 6044: wrong checksum. No crash explains this"},
      {"octets flipped before the last group", [](auto& f, auto) { f[100] ^= 1; }, "offset 4: wrong checksum, though later"},
      {"sector gone before the last group", [](auto& f, auto) { std::fill_n(f.begin() + 1024, 512, '\0'); },
       "offset 4: wrong checksum, though later"},
      {"length flipped before the last group", [](auto& f, auto) { f[4 + 9] ^= 1; },
       "offset 4: a record is longer than the file, though later"},
      {"length flipped in the last group", [](auto& f, auto g) { f[g + 9] ^= 1; }, "the length of a record is wrong"},
      {"start overwritten", [](auto& f, auto) { f[0] = 'X'; }, "offset 0: not a test segment"},
      {"header missing", [](auto& f, auto) { std::fill_n(f.begin(), 512, '\0'); }, "offset 0: the header is missing before records"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    files = MemoryFiles();
    auto log = open();
    add(*log, 1, 1, big);
    add(*log, 2, 2, big);
    const std::size_t last_group = log->segment_octets();
    std::string group = record(3, big) + record(4, big);
    ASSERT_TRUE(log->append(group, 3, 4));
    c.harm(octets(1), last_group);
    const std::string first_look = refusal();
    EXPECT_THAT(first_look, HasSubstr(c.want));
    if (first_look.starts_with("opened")) {
      // What is left is whole, and goes on.
      log = open();
      EXPECT_THAT(log->torn(), IsEmpty());
      add(*log, 9, 9, "new");
      EXPECT_EQ(ids(*open()).back(), 9);
    }
  }
}

TEST_F(LogTest, AnySealedDamageIsCorruption) {
  auto log = open();
  add(*log, 1, 1, std::string(2000, 'p'));
  ASSERT_TRUE(log->roll());
  std::fill_n(octets(1).begin() + 1024, 512, '\0');
  EXPECT_THAT(refusal(), HasSubstr("d/seg.1 is damaged at offset 4"));
}

TEST_F(LogTest, DamageInAnOlderSegmentIsRefusedWhenRead) {
  options.segment_octets_max = 100;
  auto log = open();
  for (Id id = 1; id <= 9; ++id) add(*log, id, id, std::string(20, 'x'));
  octets(4)[30] ^= 1;
  log = open();
  Cursor cursor = log->read_from(2);
  EXPECT_EQ((*cursor.next())->id, 2);
  EXPECT_EQ((*cursor.next())->id, 3);
  auto damaged = cursor.next();
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().message, HasSubstr("d/seg.4 is damaged at offset 4: wrong checksum"));
  EXPECT_THAT(ids(*log, 7), ElementsAre(7, 8, 9)) << "segments that are not needed are not judged";
}

// Identities may be left out, as where an epoch ends: what zeros took from the end of a sealed segment is missed by its mark alone.
TEST_F(LogTest, ZerosAtTheEndOfASealedSegmentAreDamage) {
  {
    auto log = open();
    add(*log, 1, 5, std::string(300, 'x'));
    ASSERT_TRUE(log->roll());
    add(*log, 100, 101, "y");
  }
  const std::string whole = octets(1);
  const std::size_t end = 4 + 3 * record(1, std::string(300, 'x')).size();
  const auto read_all = [&]() -> std::string {
    auto log = open();
    Cursor cursor = log->read_from(0);
    for (;;) {
      auto next = cursor.next();
      if (!next) return next.error().message;
      if (!*next) return "";
    }
  };
  EXPECT_EQ(read_all(), "");
  for (const std::size_t left : {0, 1, 3}) {  // of the mark, which a sector's end may cut
    octets(1) = whole;
    std::fill(octets(1).begin() + static_cast<std::ptrdiff_t>(end), octets(1).end() - static_cast<std::ptrdiff_t>(left), '\0');
    EXPECT_THAT(read_all(), HasSubstr("later files follow")) << left;
  }
  // The mark of one that ends where two sectors meet is of zeros.
  std::size_t size = whole.size();
  while ((size - mark_size) % 512 != 508) ++size;
  const std::string last = record(5, std::string(300 + size - whole.size(), 'x'));
  octets(1) = whole.substr(0, whole.size() - mark_size - record(5, std::string(300, 'x')).size()) + last + std::string(mark_size, '\0');
  EXPECT_EQ(read_all(), "");
  // ZooKeeper's segments have no mark, and end with zeros up to whole KiB.
  octets(1) = whole.substr(0, end);
  octets(1).resize(4096, '\0');
  EXPECT_EQ(read_all(), "");
}

TEST_F(LogTest, ForeignTornSegmentIsPassedOverWhenTheNextGoesOn) {
  // As ZooKeeper leaves them: no marks, a record cut short, the next file begins where the last whole record ended.
  files.put("d/seg.1", "TEST" + record(1, "a") + record(2, "bbbb").substr(0, 20) + std::string(1000, '\0'));
  files.put("d/seg.2", "TEST" + record(2, "b") + std::string(1000, '\0'));
  auto log = open();
  Cursor cursor = log->read_from(0);
  EXPECT_EQ((*cursor.next())->id, 1);
  EXPECT_EQ((*cursor.next())->id, 2);
  EXPECT_EQ(cursor.path(), "d/seg.2");
  EXPECT_EQ(cursor.torn().size(), 1U);
  files.nodes.erase("d/seg.2");
  files.put("d/seg.3", "TEST" + record(3, "c"));
  log = open();
  cursor = log->read_from(0);
  EXPECT_TRUE(cursor.next());
  EXPECT_THAT(cursor.next().error().message, HasSubstr("later files follow"));
}

TEST_F(LogTest, EmptyLastSegmentIsDropped) {
  auto log = open();
  add(*log, 1, 1, "a");
  files.put("d/seg.2", std::string(16 << 10, '\0'));
  EXPECT_THAT(refusal(), HasSubstr("opened; last 1; d/seg.2: cut off 16384 octets at offset 0"));
  EXPECT_FALSE(files.exists("d/seg.2"));
  files.put("d/seg.2", "TEST");
  EXPECT_EQ(refusal(), "opened; last 1");
  EXPECT_FALSE(files.exists("d/seg.2"));
}

/// Thousands of crashes: every synced record is there, the rest is a first part of what was appended, and nothing is ever refused.
TEST_F(LogTest, SurvivesCrashes) {
  int torn = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    files = MemoryFiles();
    options.allocate_octets = random.chance(0.3) ? 0 : 4096 << random.below(5);
    options.segment_octets_max = random.chance(0.5) ? 0 : 5000;
    Id appended = 0;
    Id synced = 0;
    for (int round = 0; round < 4; ++round) {
      auto log = open();
      ASSERT_NE(log, nullptr);
      torn += static_cast<int>(log->torn().size());
      ASSERT_GE(log->last(), synced == 0 ? -1 : synced);
      ASSERT_LE(log->last(), appended);
      std::vector<Id> want;
      for (Id id = 1; id <= log->last(); ++id) want.push_back(id);
      ASSERT_EQ(ids(*log), want);
      appended = synced = std::max<Id>(log->last(), 0);
      for (std::uint64_t groups = random.below(8); groups > 0; --groups) {
        std::string group;
        const Id first = appended + 1;
        for (std::uint64_t n = random.below(12) + 1; n > 0; --n) {
          group += record(++appended, std::string(random.below(random.chance(0.2) ? 3000 : 200), random.chance(0.2) ? '\0' : 'y'));
        }
        ASSERT_TRUE(log->append(group, first, appended));
        if (random.chance(0.8)) {
          ASSERT_TRUE(log->sync());
          synced = appended;
        }
        if (random.chance(0.1)) {
          ASSERT_TRUE(log->roll());
          synced = appended;
        }
        if (random.chance(0.05) && appended > 1) {
          ASSERT_TRUE(log->truncate_after(appended - 1));
          synced = --appended;
        }
      }
      if (random.chance(0.8)) files.crash(random);
    }
  }
  EXPECT_GT(torn, 100) << "the test crashed without tearing anything";
}

/// One flipped bit in what was sealed is always noticed, by open() or by reading.
TEST_F(LogTest, NoticesEveryFlippedBit) {
  auto log = open();
  for (Id id = 1; id <= 6; ++id) add(*log, id, id, std::string(static_cast<std::size_t>(id) * 40, 'z'));
  ASSERT_TRUE(log->roll());
  const std::string good = octets(1);
  for (std::size_t bit = 0; bit < (good.size() - mark_size) * 8; ++bit) {
    files.put("d/seg.1", good);
    octets(1)[bit / 8] ^= static_cast<char>(1 << bit % 8);
    auto damaged = Log::open(files, format, options);
    ASSERT_FALSE(damaged) << "bit " << bit;
    EXPECT_EQ(damaged.error().code, LogErrc::corrupt);
  }
}

}  // namespace
}  // namespace chorus::store
