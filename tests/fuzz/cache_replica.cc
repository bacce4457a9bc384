// What somebody says who is taken for a primary.
#include <string>
#include <vector>

#include "base/ensure.h"
#include "cache/replication/replication.h"
#include "cache/server.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

constexpr ClientId client(1), link(2);
constexpr std::string_view history = "0123456789012345678901234567890123456789";

struct Node {
  Now now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1'000'000};
  Server server;
  std::string got;

  Node() : server(options(), 7, now) { server.connect(client, "127.0.0.1:1", "127.0.0.1:2", now); }
  static ServerOptions options() {
    ServerOptions options;
    options.databases = 2;
    options.bulk_octets_max = 1 << 16;
    options.query_octets_max = 1 << 20;
    return options;
  }
  std::string ask(std::string_view line) {
    got.clear();
    server.receive(client, std::string(line) + "\r\n", now);
    take();
    return got;
  }
  void take() {
    std::vector<Output> outputs;
    for (server.take_outputs(outputs); !outputs.empty(); server.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        if (output.client == client) got += output.octets;
        if (output.client == link && output.closes) server.disconnect(link);
      }
    }
  }
  void pass() {
    now.unix_us += 2'000'000;
    now.monotonic_us += 2'000'000;
    server.tick(now);
    take();
  }
};

}  // namespace

/// The first octet: 1, the handshake is over and the rest is the stream; else it is all that is said. Its other bits: how long the pieces
/// are.
void fuzz_cache_replica(std::string_view input) {
  if (input.empty()) return;
  const bool is_stream = (input.front() & 1) != 0;
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(input.front()) >> 1) + 1;
  input.remove_prefix(1);
  Node node;
  node.ask("set mine v");
  node.ask("replicaof 10.0.0.1 6379");
  node.pass();
  const auto dial = node.server.take_dial();
  ENSURE(dial && node.server.connect_primary(dial->number, link, "10.0.0.1:6379", "10.0.0.2:1", node.now));
  if (is_stream) {
    // A file without keys.
    std::string file = "REDIS0009\xff";
    file.append(8, '\0');
    const std::string said =
        "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC " + std::string(history) + " 7\r\n$" + std::to_string(file.size()) + "\r\n" + file;
    node.server.receive(link, said, node.now);
    node.take();
    ENSURE(node.server.replication().is_link_up());
  }
  while (!input.empty()) {
    const std::string part(input.substr(0, piece));
    input.remove_prefix(part.size());
    node.server.receive(link, part, node.now);
    node.take();
  }
  node.pass();
  ENSURE(node.ask("ping").starts_with("+PONG"));
  ENSURE(node.server.is_replica());
  const auto& stream = node.server.replication().stream();
  // It has the keys that it had, or those of the primary, be it that the stream behind them made no sense.
  const std::string mine = node.ask("get mine");
  ENSURE(mine == "$1\r\nv\r\n" || mine == "$-1\r\n" || stream.is_kept());
  if (is_stream) ENSURE(stream.end() >= 7);
  node.ask("replicaof no one");
  ENSURE(node.ask("set k v") == "+OK\r\n");
}

}  // namespace chorus::fuzz
