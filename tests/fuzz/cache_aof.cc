#include <fmt/format.h>

#include <string>

#include "base/ensure.h"
#include "cache/append/manifest.h"
#include "cache/append/scanner.h"
#include "cache/scripts/scripts.h"
#include "cache/server.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

constexpr Now now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1};

ServerOptions small() {
  ServerOptions options;
  options.databases = 2;
  options.bulk_octets_max = 1 << 16;
  options.script_octets_max = 8 << 20;
  return options;
}

/// Ends scripts that take long.
struct Watch final : ScriptWatch {
  explicit Watch(Server& watched) : server(watched) {}
  Server& server;
  Now time = chorus::fuzz::now;
  Now now() override {
    time.monotonic_us += 10'000'000;
    return time;
  }
  void let_others_in() override { server.scripts().kill(); }
  void log(int /*level*/, std::string_view /*line*/) override {}
};

std::string scan(std::string_view input, std::size_t step) {
  append::Scanner scanner;
  for (std::size_t at = 0; at < input.size(); at += step) {
    if (!scanner.feed(input.substr(at, step))) return fmt::format("{} bad at {}: {}", scanner.whole(), scanner.bad(), scanner.why());
  }
  ENSURE(scanner.whole() <= input.size() && scanner.offset() == input.size());
  return fmt::format("{} {} {}", scanner.whole(), scanner.is_cut_short(), scanner.is_ours());
}

/// What came of it: how far it was done, and what is there then.
std::string replay(std::string_view input, std::size_t step) {
  Server server(small(), 7, now);
  Watch watch(server);
  server.watch_scripts(&watch);
  server.begin_log(input.size(), now);
  server.begin_log_file();
  for (std::size_t at = 0; at < input.size(); at += step) {
    if (const auto done = server.load_log(input.substr(at, step), now); !done) return fmt::format("error, {} keys", server.keys());
  }
  const auto whole = server.end_log_file();
  const LogReplayed replayed = server.end_log(now);
  ENSURE(!whole || *whole <= input.size());
  return fmt::format("{} {} {} {}", whole ? fmt::format("{}", *whole) : whole.error(), replayed.commands, replayed.failures, server.keys());
}

}  // namespace

void fuzz_cache_aof(std::string_view input) {
  if (input.size() < 2) return;
  const auto kind = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  if (kind == 0) {
    const auto manifest = append::parse_manifest(input);
    if (!manifest) return;
    const auto again = append::parse_manifest(to_string(*manifest));
    ENSURE(again && *again == *manifest);
    return;
  }
  // However the octets are cut, the same is in them.
  const std::size_t step = kind % 16 + 1;
  const std::string whole = scan(input, input.size()), pieces = scan(input, step);
  ENSURE(whole == pieces, whole, pieces);
  const std::string done = replay(input, input.size()), again = replay(input, step);
  ENSURE(done == again, done, again);
}

}  // namespace chorus::fuzz
