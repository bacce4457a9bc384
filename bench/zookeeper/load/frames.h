// The few ZooKeeper frames that the load needs, encoded once; only the request's number and the node's digits are written for each request.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace chorus::bench {

/// The parent of every node that the load touches.
inline constexpr std::string_view kBase = "/chorus-bench";

/// Operation codes, spec: ZooKeeper's ZooDefs.OpCode.
enum class Op : std::int32_t { create = 1, remove = 2, get = 4, set = 5, children = 8, sync = 9, close = -11 };

/// What a server needs to know to go on with a session; as it is, a new one.
struct SessionId {
  std::uint64_t id = 0;
  std::string password = std::string(16, '\0');
};

/// ConnectRequest with its length. `last_zxid`: what the client has seen of the tree.
std::string connect_frame(std::int32_t timeout_ms, const SessionId& session = {}, std::uint64_t last_zxid = 0);
/// A request without arguments.
std::string bare_frame(std::int32_t xid, Op op);
/// A request about one path: get, children, sync and remove (any version).
std::string path_frame(std::int32_t xid, Op op, std::string_view path);
/// create (persistent, open to the world) or set (any version).
std::string write_frame(std::int32_t xid, Op op, std::string_view path, std::string_view value);

/// A request about the node `kBase`/<letter><12 digits>, stamped out many times.
class Stamp {
 public:
  Stamp(Op op, char letter, std::string_view value);

  std::size_t size() const { return frame_.size(); }
  /// Writes size() octets at `to`.
  void write(char* to, std::int32_t xid, std::uint64_t number) const {
    std::memcpy(to, frame_.data(), frame_.size());
    static_assert(std::endian::native == std::endian::little);
    const std::uint32_t big_endian_xid = std::byteswap(static_cast<std::uint32_t>(xid));
    std::memcpy(to + kXidAt, &big_endian_xid, sizeof big_endian_xid);
    write_digits(to + kDigitsAt, number);
  }

  /// The path that write() stamps for `number`, below 10^12.
  static std::string path(char letter, std::uint64_t number);

 private:
  static constexpr std::size_t kDigits = 12;
  static constexpr std::size_t kXidAt = 4;
  static constexpr std::size_t kDigitsAt = 16 + kBase.size() + 2;  // length, xid, op, length of the path, base, '/', letter

  /// Over zeros that are there already, three at a time.
  static void write_digits(char* to, std::uint64_t number) {
    for (std::size_t i = kDigits; number > 0; number /= kThreeDigits.size()) {
      i -= 3;
      std::memcpy(to + i, kThreeDigits[number % kThreeDigits.size()].data(), 3);
    }
  }
  static constexpr auto kThreeDigits = [] {
    std::array<std::array<char, 3>, 1000> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = {static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10), static_cast<char>('0' + i % 10)};
    return all;
  }();

  std::string frame_;
};

}  // namespace chorus::bench
