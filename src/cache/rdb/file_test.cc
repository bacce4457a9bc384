#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/text.h"
#include "cache/rdb/file_reader.h"
#include "cache/rdb/file_writer.h"
#include "cache/value/destroy.h"

namespace chorus::cache::rdb {
namespace {

using base::unhex;

/// What was in a file, one line a thing.
struct Told final : FileSink {
  std::string text;
  void on_aux(std::string_view name, std::string_view value) override { text += fmt::format("aux {}={}\n", name, value); }
  Outcome on_database(std::uint64_t db) override {
    if (db > 15) return std::unexpected("no such database");
    text += fmt::format("db {}\n", db);
    return {};
  }
  void on_sizes(std::uint64_t keys, std::uint64_t expiring) override { text += fmt::format("sizes {} {}\n", keys, expiring); }
  Outcome on_key(Entry* entry, KeyUse use) override {
    text += fmt::format("{} {} {}", name_of(entry->type()), entry->key(), encoding_name(*entry));
    if (entry->expires()) text += fmt::format(" expires={}", *entry->expiry());
    if (use.idle_s) text += fmt::format(" idle={}", *use.idle_s);
    if (use.frequency) text += fmt::format(" frequency={}", *use.frequency);
    text += "\n";
    destroy(entry);
    return {};
  }
  Outcome on_function(std::string_view code) override {
    text += fmt::format("function {}\n", code);
    return {};
  }
};

/// What was in it, and how the reading ended.
std::string told(std::string_view file, std::size_t piece = std::string::npos) {
  const Thresholds thresholds;
  Told sink;
  FileReader reader(thresholds, sink);
  for (std::size_t at = 0; at < file.size(); at += std::min(piece, file.size())) {
    const auto fed = reader.feed(file.substr(at, piece));
    if (!fed) return sink.text + "error: " + fed.error() + "\n";
    if (*fed) return sink.text + fmt::format("end {} rest {}\n", reader.offset(), reader.rest().size());
  }
  return sink.text + "more\n";
}

std::string sealed(std::string file) {
  write_end(file, end_checksum(base::crc64_jones(file)));
  return file;
}

std::string sample() {
  const WriteOptions options;
  std::string file;
  write_header(file, options);
  write_aux(file, "redis-ver", "7.2.4", options);
  write_function(file, "#!lua name=l\n", options);
  write_database(file, 3);
  write_sizes(file, 2, 1);
  Entry* number = Entry::make_string("number", "12", 1'700'000'000'123);
  Entry* text = Entry::make_string("text", std::string(500, 'x'));
  for (const Entry* entry : {number, text}) {
    write_key(file, *entry, entry == text ? KeyUse{.idle_s = 300, .frequency = 7} : KeyUse{}, options);
    write_value(file, *entry, options);
  }
  destroy(number);
  destroy(text);
  return sealed(file);
}

TEST(RdbFile, ComesBackAsItWas) {
  const std::string file = sample();
  const std::string want = fmt::format(
      "aux redis-ver=7.2.4\nfunction #!lua name=l\n\ndb 3\nsizes 2 1\nstring number int expires=1700000000123\nstring text raw idle=300 "
      "frequency=7\n"
      "end {} rest 0\n",
      file.size());
  for (const std::size_t piece : {std::string::npos, std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}}) {
    EXPECT_EQ(told(file, piece), want) << piece;
  }
  EXPECT_EQ(told(file + "*1\r\n"), want.substr(0, want.size() - 2) + "4\n");
}

TEST(RdbFile, TakesWhatAllVersionsWrite) {
  // Version 1: no checksum, seconds. Later opcodes: use, slots, what modules keep beside keys.
  EXPECT_EQ(told("REDIS0001" + *unhex("fe00 fd 00f15365 00 016b 0176 ff")), "db 0\nstring k embstr expires=1700000000000\nend 22 rest 0\n");
  EXPECT_EQ(
      told(sealed("REDIS0012" + *unhex("f4 01 02 03 f3 016a 01 00 05 f7 81 0102030405060708 02 05 05 0161 03 00000000 04 0000000000000000 "
                                       "01 07 00 f8 40ff 00 016b 0176 f9 07 00 016c 0176"))),
      "string k embstr idle=255\nstring l embstr frequency=7\nend 75 rest 0\n");
  EXPECT_EQ(told("VALKEY080" + *unhex("ff 0000000000000000")), "end 18 rest 0\n");
  // A collection without elements is passed over, with what stood before it.
  EXPECT_EQ(told("REDIS0001" + *unhex("fd 00f15365 01 016b 00 00 016c 0176 ff")), "string l embstr\nend 24 rest 0\n");
}

TEST(RdbFile, RefusesWhatIsNone) {
  const std::string file = sample();
  EXPECT_EQ(told("GARBAGE01"), "error: Wrong signature trying to load DB from file (at octet 9)\n");
  EXPECT_EQ(told("REDIS0013"), "error: Can't handle RDB format version 13 (at octet 9)\n");
  EXPECT_EQ(told("VALKEY079"), "error: Can't handle RDB format version 79 (at octet 9)\n");
  EXPECT_EQ(told("REDIS0000").substr(0, 31), "error: Can't handle RDB format ");
  EXPECT_EQ(told("REDIS0011" + *unhex("fe 40 10")), "error: no such database (at octet 12)\n");
  EXPECT_EQ(told("REDIS0011\xf6"), "error: Pre-release function format not supported (at octet 10)\n");
  EXPECT_EQ(told("REDIS0011" + *unhex("06 016b")), "error: the value of a module, which is not loaded here (at octet 12)\n");
  EXPECT_EQ(told("REDIS0011" + *unhex("18 016b")), "error: a value of type 24, which is not known (at octet 12)\n");
  for (std::size_t cut = 0; cut < file.size(); ++cut) {
    EXPECT_TRUE(told(file.substr(0, cut)).ends_with("more\n")) << cut;
  }
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string bad = file;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    EXPECT_FALSE(told(bad).find("end ") != std::string::npos) << at;
  }
}

TEST(RdbFile, TakesAFileWithoutChecksum) {
  std::string file = sample();
  file.resize(file.size() - 9);
  write_end(file, 0);
  EXPECT_TRUE(told(file).ends_with(fmt::format("end {} rest 0\n", file.size())));
}

}  // namespace
}  // namespace chorus::cache::rdb
