// MD5, which memcached's clients place keys and servers by. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chorus::ring {

/// The four words of the digest, each of which the digest has with its lowest octet first. Allocates nothing, which is why it is not
/// OpenSSL's: that looks its algorithms up for each digest. RFC 1321
std::array<std::uint32_t, 4> md5(std::string_view octets);

}  // namespace chorus::ring
