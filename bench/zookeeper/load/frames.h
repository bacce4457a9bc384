// The few ZooKeeper frames that the load needs, encoded once; only the request's number and the node's digits are written for each request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chorus::bench {

/// The parent of every node that the load touches.
inline constexpr std::string_view kBase = "/chorus-bench";

/// Operation codes, spec: ZooKeeper's ZooDefs.OpCode.
enum class Op : std::int32_t { create = 1, remove = 2, get = 4, set = 5, children = 8, close = -11 };

/// ConnectRequest with its length, for a new session.
std::string connect_frame(std::int32_t timeout_ms);
/// A request without arguments.
std::string bare_frame(std::int32_t xid, Op op);
/// A request about one path: get, children and remove (any version).
std::string path_frame(std::int32_t xid, Op op, std::string_view path);
/// create (persistent, open to the world) or set (any version).
std::string write_frame(std::int32_t xid, Op op, std::string_view path, std::string_view value);

/// A request about the node `kBase`/<letter><12 digits>, stamped out many times.
class Stamp {
 public:
  Stamp(Op op, char letter, std::string_view value);

  std::size_t size() const { return frame_.size(); }
  /// Writes size() octets at `to`.
  void write(char* to, std::int32_t xid, std::uint64_t number) const;

  /// The path that write() stamps for `number`, below 10^12.
  static std::string path(char letter, std::uint64_t number);

 private:
  std::string frame_;
};

}  // namespace chorus::bench
