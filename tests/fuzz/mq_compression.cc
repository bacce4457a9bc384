#include <string>

#include "base/ensure.h"
#include "mq/message/compression.h"
#include "targets.h"

namespace chorus::fuzz {

void fuzz_mq_compression(std::string_view input) {
  using namespace mq;
  if (input.empty()) return;
  constexpr std::size_t octets_max = 1 << 20;
  const std::int32_t flags = static_cast<std::int32_t>(static_cast<unsigned char>(input.front()) % 8) << 8;
  const auto body = decompress(input.substr(1), flags, octets_max);
  if (!body) return;
  ENSURE(body->size() <= octets_max);
  for (const Compression how : {Compression::zlib, Compression::lz4, Compression::zstd})
    ENSURE(decompress(compress(*body, how), static_cast<std::int32_t>(how), octets_max) == *body);
}

}  // namespace chorus::fuzz
