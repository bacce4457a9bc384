#include "coord/digest.h"

#include <bit>
#include <cstring>

#include "base/checksum.h"

namespace chorus::coord {
namespace {

template <class T>
char* put(char* at, T value) {
  const auto swapped = std::byteswap(value);
  std::memcpy(at, &swapped, sizeof swapped);
  return at + sizeof swapped;
}
static_assert(std::endian::native == std::endian::little);

}  // namespace

std::uint32_t digest_prefix(std::string_view path, const jute::Buffer& data) {
  const std::uint32_t crc = base::crc32(path == "/" ? std::string_view() : path);
  return data ? base::crc32(*data, crc) : crc;
}

std::uint32_t digest_of_node(std::string_view path, std::uint32_t prefix, const jute::StatPersisted& stat) {
  if (path.starts_with("/zookeeper/")) return 0;
  // Unlike the record on disk, pzxid comes third. source: DigestCalculator.getStatBytes
  char octets[60];
  char* at = octets;
  at = put(at, stat.czxid);
  at = put(at, stat.mzxid);
  at = put(at, stat.pzxid);
  at = put(at, stat.ctime);
  at = put(at, stat.mtime);
  at = put(at, stat.version);
  at = put(at, stat.cversion);
  at = put(at, stat.aversion);
  put(at, stat.ephemeral_owner);
  return base::crc32({octets, sizeof octets}, prefix);
}

}  // namespace chorus::coord
