// The few ZooKeeper frames that the load needs, encoded once; only the request's number and the node's digits are written for each request.
#pragma once

#include <cstdint>
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
  void write(char* to, std::int32_t xid, std::uint64_t number) const;

  /// The path that write() stamps for `number`, below 10^12.
  static std::string path(char letter, std::uint64_t number);

 private:
  std::string frame_;
};

}  // namespace chorus::bench
