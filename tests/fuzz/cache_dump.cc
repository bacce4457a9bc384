#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/ensure.h"
#include "cache/rdb/payload.h"
#include "cache/rdb/value_writer.h"
#include "cache/server.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

std::string sealed(std::string_view body) {
  std::string out(body);
  rdb::write_little(out, 2, 11);
  rdb::write_little(out, 8, base::crc64_jones(out));
  return out;
}

class Peer {
 public:
  Peer() { server_.connect(ClientId(1), "a", "b", now_); }
  std::string ask(const std::vector<std::string>& words) {
    std::string request = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    server_.receive(ClientId(1), request, now_);
    std::string reply;
    std::vector<Output> outputs;
    for (server_.take_outputs(outputs); !outputs.empty(); server_.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        reply += output.octets;
        if (!output.closes) server_.resume(output.client, now_);
      }
    }
    return reply;
  }
  const Entry* entry(std::string_view key) const { return server_.database(0).find(key); }

 private:
  Now now_{.unix_us = 1'700'000'000'000'000, .monotonic_us = 1};
  Server server_{ServerOptions{}, 7, now_};
};

}  // namespace

void fuzz_cache_dump(std::string_view input) {
  Peer peer;
  const std::string reply = peer.ask({"RESTORE", "k", "0", sealed(input)});
  if (reply != "+OK\r\n") {
    ENSURE(reply == "-ERR Bad data format\r\n" || reply == "-ERR DUMP payload version or checksum are wrong\r\n", reply);
    return;
  }
  // What was taken is a value like any other: it can be written and read again, asked for, changed and removed.
  // (Once, as what is laid out as it need not be is not kept so.)
  for (const bool compresses : {true, false}) {
    for (const unsigned version : {10U, 11U}) {
      const rdb::WriteOptions options{.version = version, .compresses = compresses};
      ENSURE(peer.ask({"RESTORE", "copy", "0", rdb::make_payload(*peer.entry("k"), options), "REPLACE"}) == "+OK\r\n");
      const std::string payload = rdb::make_payload(*peer.entry("copy"), options);
      ENSURE(peer.ask({"RESTORE", "again", "0", payload, "REPLACE"}) == "+OK\r\n");
      const std::string again = rdb::make_payload(*peer.entry("again"), options);
      ENSURE(again.size() == payload.size() || compresses, again.size(), payload.size());
      ENSURE(peer.ask({"TYPE", "again"}) == peer.ask({"TYPE", "k"}));
    }
  }
  const std::vector<std::vector<std::string>> all = {{"GET", "k"},
                                                     {"APPEND", "k", "x"},
                                                     {"PFCOUNT", "k"},
                                                     {"LRANGE", "k", "0", "-1"},
                                                     {"LPOS", "k", "a"},
                                                     {"LINSERT", "k", "BEFORE", "a", "1"},
                                                     {"LSET", "k", "-1", "b"},
                                                     {"LREM", "k", "1", "a"},
                                                     {"RPOP", "k"},
                                                     {"SMEMBERS", "k"},
                                                     {"SISMEMBER", "k", "1"},
                                                     {"SADD", "k", "1", "x"},
                                                     {"SREM", "k", "1"},
                                                     {"SPOP", "k"},
                                                     {"HGETALL", "k"},
                                                     {"HSET", "k", "f", "1"},
                                                     {"HDEL", "k", "a"},
                                                     {"ZRANGE", "k", "0", "-1"},
                                                     {"ZRANK", "k", "a"},
                                                     {"ZADD", "k", "5", "a"},
                                                     {"ZCOUNT", "k", "0", "5"},
                                                     {"ZREM", "k", "b"},
                                                     {"OBJECT", "ENCODING", "k"},
                                                     {"MEMORY", "USAGE", "k"},
                                                     {"COPY", "k", "other"},
                                                     {"DUMP", "k"},
                                                     {"DEL", "k", "copy"}};
  for (const auto& words : all) ENSURE(!peer.ask(words).empty());
}

}  // namespace chorus::fuzz
