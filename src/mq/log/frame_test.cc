#include "mq/log/frame.h"

#include <gtest/gtest.h>

#include "mq/log/store_fixture.h"
#include "store/log.h"
#include "store/memory_files.h"

namespace chorus::mq::log {
namespace {

std::string entry_at(std::uint64_t place, std::string_view body) {
  std::string group;
  encode_entry({.queue = {"t", 0}, .payload = message_with(body)},
               {.position = static_cast<Position>(place), .epoch = 1, .offset = 0, .store_time_ms = 1}, group);
  fill_checksums(group);
  return group;
}

TEST(EntryFormat, AnyMissingSectorOfTheLastWriteIsATornTail) {
  const std::string header = entry_format.header(segment_header_octets);
  constexpr std::size_t sector = 512;
  // The second entry begins at each place of a sector that there is.
  for (std::size_t padding = 0; padding < sector; padding += entry_alignment) {
    const std::string first = entry_at(header.size(), std::string(padding, 'a'));
    const std::string second = entry_at(header.size() + first.size(), std::string(900, 'b'));
    const std::size_t begin = header.size() + first.size();
    for (std::size_t at = begin / sector * sector; at < begin + second.size(); at += sector) {
      std::string octets = header + first + second;
      const std::size_t from = std::max(at, begin);
      const std::size_t to = std::min(at + sector, octets.size());
      std::fill(octets.begin() + static_cast<std::ptrdiff_t>(from), octets.begin() + static_cast<std::ptrdiff_t>(to), '\0');
      octets.resize(4096, '\0');
      store::MemoryFiles files;
      files.put("d/" + entry_format.name_of(segment_header_octets), octets);
      const auto log = store::Log::open(files, entry_format, {.directory = "d"});
      ASSERT_TRUE(log) << log.error().message;
      EXPECT_EQ((*log)->last(), static_cast<store::Id>(header.size())) << "sector at " << at;
    }
  }
}

}  // namespace
}  // namespace chorus::mq::log
