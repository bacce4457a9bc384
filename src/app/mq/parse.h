// The command line of `chorus mq` as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/mq/exit.h"
#include "base/result.h"

namespace chorus::app::mqtool {

struct Connection {
  std::string servers = "127.0.0.1:9876";
  double timeout_s = 5;
  std::string access_key, secret_key, security_token;
  bool tls = false;
  std::string certificate, key, ca;
  bool verify = true;
  bool json = false;
};

/// One command with its arguments; each command uses some of the fields. parse.cc says which.
struct Command {
  std::string name;  // "topics list", "produce", ...
  std::string topic, group, broker, cluster;
  std::string flush;                                   // topics create: sync, async, or empty
  std::vector<std::string> items;                      // bodies, ids, attributes
  std::optional<std::string> tag, key, order_key;      // produce; key: message too
  std::vector<std::string> properties;                 // name=value
  std::optional<std::string> delay, at;                // produce
  std::optional<int> delay_level;                      // produce
  std::optional<std::string> compress;                 // produce
  std::optional<std::size_t> compress_above;           // produce
  std::string filter = "*", sql;                       // consume
  std::optional<std::string> from, to;                 // consume, reset, message
  std::optional<std::string> id;                       // message
  std::optional<std::int64_t> offset;                  // message
  std::optional<std::int32_t> queue;                   // produce, reset, message
  std::int64_t count = 0;                              // consume, lists; 0: no limit
  double seconds = 0;                                  // consume --for
  std::int32_t queues = 8, read_queues = 0, perm = 6;  // topics create
  std::int32_t retries = 16;                           // groups create
  bool all = false, details = false, force = false, dry_run = false, follow = false, in_order = false, whole = false, batch = false;
  bool headers = false, broadcast = false, to_topic = false, oneway = false, ready = false;
};

/// The program is to end (after printing --help, or what is wrong, already said) with this code.
struct Leave {
  Exit code = Exit::ok;
};
/// arguments: without the program's name.
std::variant<std::pair<Connection, Command>, Leave> parse_arguments(std::vector<std::string> arguments);

/// "2026-01-31", "2026-01-31T12:00:00", with or without seconds, milliseconds and Z (always UTC), "10m ago", or milliseconds since 1970.
/// On failure: what is wrong.
base::Result<std::int64_t, std::string> parse_time(std::string_view text, std::int64_t now_ms);
/// "10s", "1h30m", "500ms", "2d"; milliseconds. On failure: what is wrong.
base::Result<std::int64_t, std::string> parse_duration(std::string_view text);

}  // namespace chorus::app::mqtool
