#include "base/checksum.h"

#include <isa-l/crc.h>
#include <isa-l/crc64.h>
#include <isa-l/igzip_lib.h>

namespace chorus::base {
namespace {

// ISA-L reads only; its older entry points lack the const.
unsigned char* bytes_of(std::string_view octets) { return reinterpret_cast<unsigned char*>(const_cast<char*>(octets.data())); }

}  // namespace

std::uint32_t adler32(std::string_view octets, std::uint32_t start) { return isal_adler32(start, bytes_of(octets), octets.size()); }

std::uint32_t crc32(std::string_view octets, std::uint32_t start) { return crc32_gzip_refl(start, bytes_of(octets), octets.size()); }

std::uint32_t crc32c(std::string_view octets, std::uint32_t start) {
  // crc32_iscsi takes and returns the register itself, without the complements.
  std::uint32_t crc = ~start;
  while (octets.size() > (1U << 30)) {
    crc = crc32_iscsi(bytes_of(octets), 1 << 30, crc);
    octets.remove_prefix(1U << 30);
  }
  return ~crc32_iscsi(bytes_of(octets), static_cast<int>(octets.size()), crc);
}

std::uint64_t crc64_jones(std::string_view octets, std::uint64_t start) {
  // ISA-L complements the register before and after, which this checksum does not.
  return ~crc64_jones_refl(~start, bytes_of(octets), octets.size());
}

}  // namespace chorus::base
