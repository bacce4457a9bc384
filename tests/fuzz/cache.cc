#include <map>
#include <string>
#include <vector>

#include "base/ensure.h"
#include "cache/scripts/scripts.h"
#include "cache/server.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

constexpr ClientId someone(1), follower(2);

ServerOptions small() {
  ServerOptions options;
  options.databases = 2;
  options.bulk_octets_max = 1 << 16;  // so that no single command asks for much memory
  options.query_octets_max = 1 << 20;
  options.script_octets_max = 8 << 20;
  options.thresholds = {.list_listpack_size = 4,
                        .set_intset_entries = 4,
                        .set_listpack_entries = 4,
                        .set_listpack_value = 24,
                        .zset_listpack_entries = 4,
                        .hash_listpack_entries = 4};
  return options;
}

/// Ends scripts that take long.
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

/// A server with one client, and what that got.
struct Peer {
  Now now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1};
  Server server{small(), 7, now};
  std::string got;
  bool ended = false;

  Watch watch;

  Peer() {
    watch.server = &server;
    server.watch_scripts(&watch);
    server.connect(someone, "a", "b", now);
  }
  void feed(std::string_view octets) {
    server.receive(someone, octets, now);
    take();
  }
  void take() {
    std::vector<Output> outputs;
    for (server.take_outputs(outputs); !outputs.empty(); server.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        got += output.octets;
        ended = ended || output.closes;
        if (!output.closes) server.resume(output.client, now);
      }
    }
  }
};

/// Does again what another did, by its effects alone.
struct Follower final : EffectSink {
  Peer peer;
  unsigned db = 0;
  void on_unit(Position, std::span<const Effect> unit) override {
    for (const Effect& effect : unit) {
      if (effect.db != db) say({"SELECT", std::to_string(effect.db)});
      db = effect.db;
      say(effect.arguments);
    }
  }
  void say(const std::vector<std::string>& words) {
    std::string request = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    peer.feed(request);
  }
};

/// Every key with its value and expiry, as commands show them.
std::map<std::string, std::string> keys_of(Server& server, Now now) {
  std::map<std::string, std::string> out;
  // Whatever was set, this client gets in.
  server.change_options().password.clear();
  server.change_options().clients_max = 10;
  server.connect(follower, "c", "d", now);
  const auto ask = [&](const std::string& request) {
    server.receive(follower, request, now);
    std::string reply;
    std::vector<Output> outputs;
    for (server.take_outputs(outputs); !outputs.empty(); server.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        if (output.client == follower) reply += output.octets;
        if (!output.closes) server.resume(output.client, now);
      }
    }
    return reply;
  };
  for (unsigned db = 0; db < 2; ++db) {
    ask("SELECT " + std::to_string(db) + "\r\n");
    std::vector<std::string> keys;
    server.database(db).for_each([&](Entry* entry) {
      if (!entry->is_expired(now.unix_ms())) keys.emplace_back(entry->key());
    });
    for (const std::string& key : keys) {
      const std::string argument = "$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
      std::string& value = out[std::to_string(db) + " " + key];
      value += ask("*2\r\n$11\r\nPEXPIRETIME\r\n" + argument);
      value += ask("*2\r\n$3\r\nGET\r\n" + argument);
      value += ask("*4\r\n$6\r\nLRANGE\r\n" + argument + "$1\r\n0\r\n$2\r\n-1\r\n");
      value += ask("*5\r\n$6\r\nZRANGE\r\n" + argument + "$1\r\n0\r\n$2\r\n-1\r\n$10\r\nWITHSCORES\r\n");
      value += ask("*2\r\n$4\r\nHLEN\r\n" + argument);
      value += ask("*2\r\n$5\r\nSCARD\r\n" + argument);
    }
  }
  server.disconnect(follower);
  return out;
}

}  // namespace

void fuzz_cache(std::string_view input) {
  if (input.empty()) return;
  const auto step = static_cast<std::size_t>(static_cast<unsigned char>(input[0]) % 16 + 1);
  input.remove_prefix(1);
  Peer whole, pieces;
  Follower follows;
  whole.server.effects().follow(follows);
  whole.feed(input);
  for (std::size_t at = 0; at < input.size() && !pieces.ended; at += step) pieces.feed(input.substr(at, step));
  // However the octets are cut, the answers are the same, but for those that tell of the connection or of memory; and effects alone make
  // the same data.
  ENSURE(whole.ended == pieces.ended);
  const auto tells = [&](std::string_view word) { return whole.got.find(word) != std::string::npos; };
  ENSURE(whole.got == pieces.got || tells("qbuf=") || tells("used_memory") || tells("total_net_input"), whole.got.size(),
         pieces.got.size());
  const auto mine = keys_of(whole.server, whole.now), theirs = keys_of(follows.peer.server, whole.now);
  ENSURE(mine == theirs);
}

}  // namespace chorus::fuzz
