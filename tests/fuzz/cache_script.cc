// What scripts are given: their own text, and octets that cjson, cmsgpack and struct read.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/ensure.h"
#include "cache/scripts/scripts.h"
#include "cache/server.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

/// Ends whatever takes long.
struct Watch final : ScriptWatch {
  Server* server = nullptr;
  Now time{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1};
  Now now() override {
    time.monotonic_us += 10'000'000;
    return time;
  }
  void let_others_in() override { server->scripts().kill(); }
  void log(int /*level*/, std::string_view /*line*/) override {}
};

ServerOptions small() {
  ServerOptions options;
  options.databases = 2;
  options.script_octets_max = 8U << 20;
  options.reply_octets_max = 1U << 20;
  return options;
}

std::string request(const std::vector<std::string_view>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  return text;
}

}  // namespace

void fuzz_cache_script(std::string_view input) {
  if (input.empty()) return;
  constexpr ClientId someone(1), other(2);
  Watch watch;
  Server server(small(), 7, watch.time);
  watch.server = &server;
  server.watch_scripts(&watch);
  const auto ask = [&](ClientId who, const std::vector<std::string_view>& words) {
    server.receive(who, request(words), watch.time);
    std::string got;
    std::vector<Output> outputs;
    server.take_outputs(outputs);
    for (const Output& output : outputs) got += output.octets;
    return got;
  };
  server.connect(someone, "a", "b", watch.time);
  server.connect(other, "c", "d", watch.time);
  const std::string_view octets = input.substr(1);
  const std::size_t split = std::min(octets.find('\0'), octets.size());
  switch (input.front() % 6) {
    case 0:
      ask(someone, {"EVAL", octets, "1", "k", "v"});
      break;
    case 1:
      ask(someone, {"EVAL", "return cjson.encode(cjson.decode(ARGV[1]))", "0", octets});
      break;
    case 2:
      // What was unpacked packs again, and what that gives is unpacked alike.
      ENSURE(ask(someone, {"EVAL",
                           "local function all(s) local r = {pcall(cmsgpack.unpack, s)} if not r[1] then return nil end table.remove(r, 1) "
                           "return r end\n"
                           "local first = all(ARGV[1]) if not first then return 'refused' end\n"
                           "local packed = cmsgpack.pack(first) local again = cmsgpack.pack((cmsgpack.unpack(packed)))\n"
                           "return #packed >= 1 and #again >= 1 and 'fine'",
                           "0", octets}) != "$-1\r\n");
      break;
    case 3:
      ask(someone, {"EVAL", "return {struct.unpack(ARGV[1], ARGV[2])}", "0", octets.substr(0, split), octets.substr(split)});
      ask(someone, {"EVAL", "return {pcall(struct.size, ARGV[1]), pcall(struct.pack, ARGV[1], 1, 'x', -2, ARGV[2])}", "0",
                    octets.substr(0, split), octets.substr(split)});
      break;
    case 4:
      ask(someone, {"FUNCTION", "LOAD", "#!lua name=l\n" + std::string(octets)});
      break;
    default:
      ask(someone, {"FUNCTION", "LOAD", octets});
  }
  ENSURE(server.scripts().running() == nullptr);
  ENSURE(ask(other, {"EVAL", "return redis.call('ping')", "0"}) == "+PONG\r\n");
}

}  // namespace chorus::fuzz
