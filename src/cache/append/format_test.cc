// What the files of a log look like, and how far one is whole.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/random.h"
#include "cache/append/group.h"
#include "cache/append/manifest.h"
#include "cache/append/scanner.h"
#include "cache/effect_commands.h"

namespace chorus::cache::append {
namespace {

TEST(Manifest, IsRedisOwn) {
  // As Redis 7.0.15 writes it after BGREWRITEAOF.
  const std::string text =
      "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq 2 type "
      "i\n";
  const auto manifest = parse_manifest(text);
  ASSERT_TRUE(manifest) << manifest.error();
  EXPECT_EQ(manifest->base->name, "appendonly.aof.2.base.rdb");
  ASSERT_EQ(manifest->increments.size(), 1U);
  EXPECT_EQ(manifest->increments[0].sequence, 2U);
  EXPECT_EQ(manifest->history.size(), 1U);
  EXPECT_EQ(manifest->next_base(), 3U);
  EXPECT_EQ(manifest->next_increment(), 3U);
  EXPECT_EQ(to_string(*manifest), text);
}

TEST(Manifest, NamesMayBeQuoted) {
  const Manifest manifest{.base = Manifest::File{.name = "my log.aof", .sequence = 1}};
  EXPECT_EQ(to_string(manifest), "file \"my log.aof\" seq 1 type b\n");
  const auto again = parse_manifest("# a comment\n\n" + to_string(manifest));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again, manifest);
}

TEST(Manifest, IsRefused) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "it names no file"},
      {"file a seq 1\n", "line 1: it is not of names and values"},
      {"file a seq 0 type b\n", "line 1: seq has to be a number from 1"},
      {"file a seq 1 type x\n", "line 1: type has to be b, i or h"},
      {"file ../a seq 1 type b\n", "line 1: a file has to be a name within the directory"},
      {"file .. seq 1 type b\n", "line 1: a file has to be a name within the directory"},
      {"file a seq 1 type b\nfile b seq 2 type b\n", "line 2: there is a base already"},
      {"file a seq 1 type b\nfile a seq 2 type h\n", "line 2: the file is named already"},
      {"file a.manifest seq 2 type h\n", "line 1: a file has to be a name within the directory"},
      {"file a seq 2 type i\nfile b seq 2 type i\n", "line 2: increments have to be in order of their numbers"},
      {"file \"a seq 1 type b\n", "line 1: it is not of names and values"},
  };
  for (const auto& each : cases) {
    const auto manifest = parse_manifest(each.text);
    ASSERT_FALSE(manifest) << each.text;
    EXPECT_EQ(manifest.error(), each.why);
  }
}

TEST(Group, HasALineOfItsPlace) {
  const Group group{.octets = 4711, .unsynced = 77, .check = 0xdeadbeef};
  std::string line = group_line(1000, group);
  EXPECT_EQ(line.size(), group_line_size);
  EXPECT_TRUE(line.starts_with("#G:000000001267 00000000004d deadbeef ")) << line;
  const auto read = read_group_line(1000, line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->octets, 4711U);
  EXPECT_EQ(read->unsynced, 77U);
  EXPECT_EQ(read->check, 0xdeadbeefU);
  EXPECT_FALSE(read_group_line(1001, line)) << "it is of another place";
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::string changed = line;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(read_group_line(1000, changed)) << i;
  }
}

std::string request(std::initializer_list<std::string_view> words) {
  std::string out;
  append_request(out, words);
  return out;
}
/// A group as it stands at `offset`.
std::string grouped(std::uint64_t offset, const std::string& units) {
  return group_line(offset, {.octets = units.size(), .unsynced = 0, .check = base::crc32c(units)}) + units;
}

struct Seen {
  bool is_good;
  std::uint64_t whole;
  bool is_cut_short, is_ours;
  std::string why;
  std::uint64_t bad;
  friend bool operator==(const Seen&, const Seen&) = default;
};
Seen scan(std::string_view octets, std::size_t step = std::string::npos) {
  Scanner scanner;
  bool is_good = true;
  for (std::size_t at = 0; at < octets.size() && is_good; at += std::min(step, octets.size() - at)) {
    is_good = scanner.feed(octets.substr(at, step));
  }
  // What was not looked at any more depends on the pieces.
  return {is_good, scanner.whole(), is_good && scanner.is_cut_short(), scanner.is_ours(), scanner.why(), scanner.bad()};
}

TEST(Scanner, CommandsAndTransactionsAreWholeAtTheirEnds) {
  const std::string select = request({"SELECT", "0"}), set = request({"SET", "k", "a\r\nb"});
  const std::string unit = request({"MULTI"}) + set + set + request({"EXEC"});
  const std::string file = "#TS:1700000000\r\n" + select + set + unit + set;
  std::vector<std::size_t> ends{0, 16};
  for (const std::string& each : {select, set, unit, set}) ends.push_back(ends.back() + each.size());
  for (std::size_t size = 0; size <= file.size(); ++size) {
    const Seen seen = scan(std::string_view(file).substr(0, size));
    ASSERT_TRUE(seen.is_good) << size << seen.why;
    const auto end = std::upper_bound(ends.begin(), ends.end(), size) - 1;
    EXPECT_EQ(seen.whole, *end) << size;
    EXPECT_EQ(seen.is_cut_short, size != *end) << size;
    EXPECT_FALSE(seen.is_ours);
    for (const std::size_t step : {1, 2, 7}) EXPECT_EQ(scan(std::string_view(file).substr(0, size), step), seen);
  }
}

TEST(Scanner, WhatIsNoCommandIsTold) {
  const std::string set = request({"SET", "k", "v"});
  const struct {
    std::string text;
    std::uint64_t bad;
    const char* why;
  } cases[] = {
      {set + "x", set.size(), "no command begins there"},
      {set + std::string(600, '\0'), set.size(), "no command begins there"},
      {"*0\r\n", 0, "a command has an impossible number of arguments"},
      {"*-1\r\n", 0, "a command has an impossible number of arguments"},
      {"*x\r\n", 0, "no command begins there"},
      {"*1\r\n*1\r\n", 4, "no argument begins there"},
      {"*1\r\n$-1\r\n", 4, "an argument has an impossible length"},
      {"*1\r\n$9999999999999999\r\n", 4, "an argument has an impossible length"},
      {"*1\r\n$4\r\nPINGxx", 12, "an argument is not of its length"},
      {"#" + std::string(1100, 'x'), 0, "a line is too long"},
      {"#G:" + std::string(300, '\0') + "\r\n", 0, "the line before a group of commands is damaged"},
      {"#G" + std::string(300, '\0') + "x\r\n", 0, "a comment is damaged"},
  };
  for (const auto& each : cases) {
    for (const std::size_t step : {std::string::npos, std::size_t{1}, std::size_t{5}}) {
      const Seen seen = scan(each.text, step);
      EXPECT_FALSE(seen.is_good) << each.text;
      EXPECT_EQ(seen.bad, each.bad) << each.text;
      EXPECT_EQ(seen.why, each.why) << each.text;
    }
  }
}

TEST(Scanner, GroupsAreWholeAtTheirEnds) {
  const std::string first = grouped(0, ""), second = grouped(first.size(), request({"SET", "k", "v"}) + request({"SET", "l", "v"}));
  const std::string file = first + second;
  for (std::size_t size = 0; size <= file.size(); ++size) {
    const Seen seen = scan(std::string_view(file).substr(0, size));
    ASSERT_TRUE(seen.is_good) << size;
    const std::size_t whole = size < first.size() ? 0 : size < file.size() ? first.size() : size;
    EXPECT_EQ(seen.whole, whole) << size;
    EXPECT_EQ(seen.is_ours, size >= first.size());
  }
  // Others may go on behind, and we behind them.
  const std::string mixed = file + request({"SET", "k", "w"});
  EXPECT_FALSE(scan(mixed).is_ours);
  EXPECT_TRUE(scan(mixed + grouped(mixed.size(), request({"DEL", "k"}))).is_ours);
}

TEST(Scanner, AnyOctetOfAGroupMayBeWrong) {
  const std::string first = grouped(0, ""), second = grouped(first.size(), request({"SET", "k", "v"}));
  const std::string file = first + second;
  for (std::size_t i = first.size(); i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    const Seen seen = scan(changed);
    EXPECT_EQ(seen.whole, first.size()) << i;
    EXPECT_TRUE(!seen.is_good || seen.is_cut_short) << i;
  }
}

}  // namespace
}  // namespace chorus::cache::append
