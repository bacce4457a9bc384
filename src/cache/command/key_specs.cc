// Where the keys of each command are and what is done to them. source: COMMAND of redis-server 7.0
#include "cache/command/key_specs.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>

#include "base/ensure.h"
#include "base/text.h"

namespace chorus::cache {
namespace {

struct Row {
  std::string_view specs;  // "flags @where how", apart by " / "; see parse()
  std::string_view commands;
};

constexpr Row rows[] = {
    {"RO access @1 0:1:0",
     "bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro "
     "geosearch get getbit getrange hget hgetall hkeys hmget hrandfield hscan hvals lindex lpos lrange pexpiretime "
     "pttl smembers smismember srandmember sscan substr ttl xpending xrange xrevrange zcount zlexcount zmscore "
     "zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan "
     "zscore"},
    {"RW update @1 0:1:0", "expire expireat geoadd hmset hset lset persist pexpire pexpireat setrange xack xadd xclaim xsetid zadd"},
    {"RW access update @1 0:1:0", "decr decrby getex getset hincrby hincrbyfloat incr incrby incrbyfloat move setbit zincrby"},
    {"RW delete @1 0:1:0", "hdel lrem ltrim srem xautoclaim xdel xtrim zrem zremrangebylex zremrangebyrank zremrangebyscore"},
    {"RO @1 0:1:0", "hexists hlen hstrlen llen scard sismember strlen type xlen zcard"},
    {"RW insert @1 0:1:0", "append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd"},
    {"RW access delete @1 0:1:0", "getdel lpop rpop spop zpopmax zpopmin"},
    {"RW access delete @1 0:1:0 / RW insert @2 0:1:0", "blmove brpoplpush lmove rpoplpush smove"},
    {"RO @2 0:1:0", "memory|usage object|encoding object|freq object|idletime object|refcount"},
    {"RO access @1 #0:1:1", "sintercard zdiff zinter zintercard zunion"},
    {"RW access delete @1 -2:1:0", "blpop brpop bzpopmax bzpopmin"},
    {"RO access @1 -1:1:0", "mget sdiff sinter sunion"},
    {"OW update @1 0:1:0", "psetex restore restore-asking setex"},
    {"RW access update @2 #0:1:1", "eval evalsha fcall"},
    {"RO access @2 #0:1:1", "eval_ro evalsha_ro fcall_ro"},
    {"RO @1 -1:1:0", "exists touch watch"},
    {"RO access @2 0:1:0", "xinfo|consumers xinfo|groups xinfo|stream"},
    {"OW update @1 0:1:0 / RO access @2 #0:1:1", "zdiffstore zinterstore zunionstore"},
    {"RW access update variable_flags @1 0:1:0", "bitfield set"},
    {"RW access delete @2 #0:1:1", "blmpop bzmpop"},
    {"RM delete @1 -1:1:0", "del unlink"},
    {"OW update @1 0:1:0 / RO access @2 0:1:0", "geosearchstore zrangestore"},
    {"RW access delete @1 #0:1:1", "lmpop zmpop"},
    {"OW update @1 0:1:0 / RO access @2 -1:1:0", "sdiffstore sunionstore"},
    {"not_key @1 -1:1:0", "ssubscribe sunsubscribe"},
    {"RW insert @2 0:1:0", "xgroup|create xgroup|createconsumer"},
    {"RW delete @2 0:1:0", "xgroup|delconsumer xgroup|destroy"},
    {"OW update @2 0:1:0 / RO access @3 -1:1:0", "bitop"},
    {"RO access @1 0:1:0 / OW update @2 0:1:0", "copy"},
    {"RO access @1 0:1:0 / OW update @STORE:6 0:1:0 / OW update @STOREDIST:6 0:1:0", "georadius"},
    {"RO access @1 0:1:0 / OW update @STORE:5 0:1:0 / OW update @STOREDIST:5 0:1:0", "georadiusbymember"},
    {"RO access @1 1:1:0", "lcs"},
    {"RW access delete @3 0:1:0 / RW access delete incomplete @KEYS:-2 -1:1:0", "migrate"},
    {"OW update @1 -1:2:0", "mset"},
    {"OW insert @1 -1:2:0", "msetnx"},
    {"RW access @1 -1:1:0", "pfcount"},
    {"RW access @2 0:1:0", "pfdebug"},
    {"RW access insert @1 0:1:0 / RO access @2 -1:1:0", "pfmerge"},
    {"RW access delete @1 0:1:0 / OW update @2 0:1:0", "rename"},
    {"RW access delete @1 0:1:0 / OW insert @2 0:1:0", "renamenx"},
    {"OW insert @1 0:1:0", "setnx"},
    {"RW update @1 0:1:0 / RO access @2 -1:1:0", "sinterstore"},
    {"RO access @1 0:1:0 / RO access @? ? / OW update @? ?", "sort"},
    {"RO access @1 0:1:0 / RO access @? ?", "sort_ro"},
    {"not_key @1 0:1:0", "spublish"},
    {"RW update @2 0:1:0", "xgroup|setid"},
    {"RO access @STREAMS:1 -1:1:2", "xread"},
    {"RO access @STREAMS:4 -1:1:2", "xreadgroup"},
};

constexpr std::array<std::string_view, 11> names = {"RO",     "RW",     "OW",      "RM",         "access",        "update",
                                                    "insert", "delete", "not_key", "incomplete", "variable_flags"};

int number(std::string_view text) {
  const auto value = base::parse_int(text);
  ENSURE(value, text);
  return static_cast<int>(*value);
}

/// where: "1" an index, "STREAMS:4" a word looked for from an argument on (from the end: negative), "?" unknown. how: "last:step:limit" a
/// range, "#at:first:step" a number of keys, "?" unknown.
KeySpec parse(std::string_view text) {
  KeySpec spec;
  for (const std::string_view word : base::split(text, ' ')) {
    if (word.starts_with('@')) {
      const std::string_view where = word.substr(1);
      const std::size_t colon = where.find(':');
      if (where == "?") {
        spec.begin = KeySpec::Begin::unknown;
      } else if (colon == std::string_view::npos) {
        spec.index = number(where);
      } else {
        spec.begin = KeySpec::Begin::keyword;
        spec.keyword = where.substr(0, colon);
        spec.index = number(where.substr(colon + 1));
      }
    } else if (const auto* name = std::find(names.begin(), names.end(), word); name != names.end()) {
      spec.flags = static_cast<std::uint16_t>(spec.flags | 1U << (name - names.begin()));
    } else if (word == "?") {
      spec.find = KeySpec::Find::unknown;
    } else {
      const bool is_count = word.starts_with('#');
      const auto parts = base::split(word.substr(is_count ? 1 : 0), ':');
      ENSURE(parts.size() == 3, word);
      spec.find = is_count ? KeySpec::Find::count : KeySpec::Find::range;
      for (std::size_t i = 0; i < 3; ++i) spec.how[i] = number(parts[i]);
    }
  }
  return spec;
}

using Specs = absl::flat_hash_map<std::string, std::vector<KeySpec>>;
const Specs& all_specs() {
  static const Specs all = [] {
    Specs specs;
    for (const Row& row : rows) {
      std::vector<KeySpec> parsed;
      for (std::string_view rest = row.specs; !rest.empty();) {
        const std::size_t end = std::min(rest.find(" / "), rest.size());
        parsed.push_back(parse(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 3, rest.size()));
      }
      for (const std::string_view command : base::split(row.commands, ' ')) specs.emplace(std::string(command), parsed);
    }
    return specs;
  }();
  return all;
}

bool is_word(std::string_view argument, std::string_view word) { return base::lower(argument) == base::lower(word); }

/// Where the keys of a spec begin; 0: they are not there.
std::size_t begin_of(const KeySpec& spec, Arguments arguments) {
  const auto count = static_cast<int>(arguments.size());
  if (spec.begin == KeySpec::Begin::index) return spec.index < count ? static_cast<std::size_t>(spec.index) : 0;
  if (spec.begin == KeySpec::Begin::unknown) return 0;
  const int step = spec.index < 0 ? -1 : 1;
  for (int i = spec.index < 0 ? count + spec.index : spec.index; i > 0 && i < count; i += step) {
    if (is_word(arguments[static_cast<std::size_t>(i)], spec.keyword)) return i + 1 < count ? static_cast<std::size_t>(i) + 1 : 0;
  }
  return 0;
}

bool covers(const KeySpec& spec, Arguments arguments, std::size_t at) {
  const auto begin = static_cast<std::int64_t>(begin_of(spec, arguments)), count = static_cast<std::int64_t>(arguments.size());
  if (begin == 0 || spec.find == KeySpec::Find::unknown) return false;
  const auto i = static_cast<std::int64_t>(at);
  if (spec.find == KeySpec::Find::count) {
    const std::int64_t number_at = begin + spec.how[0], first = begin + spec.how[1];
    if (number_at >= count) return false;
    const auto keys = base::parse_int(arguments[static_cast<std::size_t>(number_at)]);
    return keys && i >= first && (i - first) % spec.how[2] == 0 && (i - first) / spec.how[2] < *keys;
  }
  std::int64_t last = begin + spec.how[0];
  if (spec.how[0] < 0) last = spec.how[2] <= 1 ? count + spec.how[0] : begin + (count - begin) / spec.how[2] + spec.how[0];
  return i >= begin && i <= last && (i - begin) % spec.how[1] == 0;
}

constexpr auto with = [](std::initializer_list<KeyUse> uses) {
  std::uint16_t flags = 0;
  for (const KeyUse use : uses) flags = static_cast<std::uint16_t>(flags | static_cast<std::uint16_t>(use));
  return flags;
};

/// Of commands whose options decide what is done to the key.
std::uint16_t variable_flags(const Command& command, Arguments arguments, std::uint16_t flags) {
  using enum KeyUse;
  if (command.name == "set") {
    const bool gets = std::any_of(arguments.begin() + 3, arguments.end(), [](std::string_view word) { return is_word(word, "GET"); });
    return gets ? with({rw, access, update}) : with({ow, update});
  }
  if (command.name == "bitfield") {
    // Anything but what only reads counts as a change.
    bool changes = false;
    for (std::size_t i = 2; i < arguments.size() && !changes;) {
      const std::size_t rest = arguments.size() - i - 1;
      const bool gets = is_word(arguments[i], "GET") && rest >= 2;
      changes = !gets && !(is_word(arguments[i], "OVERFLOW") && rest >= 1);
      i += gets ? 3 : 2;
    }
    return changes ? with({rw, access, update}) : with({ro, access});
  }
  return static_cast<std::uint16_t>(flags & ~with({variable_flags_of_options}));
}

}  // namespace

std::span<const KeySpec> key_specs(const Command& command) {
  const auto found = all_specs().find(command.full_name());
  return found == all_specs().end() ? std::span<const KeySpec>() : std::span<const KeySpec>(found->second);
}

std::vector<std::string_view> key_flag_names(std::uint16_t flags) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((flags >> i & 1) != 0) out.push_back(names[i]);
  }
  return out;
}

bool find_keys_and_flags(const Command& command, Arguments arguments, std::vector<FoundKey>& keys) {
  keys.clear();
  std::vector<std::size_t> at;
  if (!find_keys(command, arguments, at)) return false;
  const auto specs = key_specs(command);
  for (const std::size_t i : at) {
    const auto covering = std::find_if(specs.begin(), specs.end(), [&](const KeySpec& spec) { return covers(spec, arguments, i); });
    // A key that no spec finds is that of the last whose place is unknown (STORE of SORT); of commands without specs it may be anything.
    const std::uint16_t flags = covering != specs.end()          ? covering->flags
                                : !specs.empty()                 ? specs.back().flags
                                : command.flags.has(Flag::write) ? with({KeyUse::rw, KeyUse::access, KeyUse::update})
                                                                 : with({KeyUse::ro, KeyUse::access});
    if ((flags & with({KeyUse::not_key})) != 0) continue;
    keys.push_back(
        {.at = i, .flags = (flags & with({KeyUse::variable_flags_of_options})) != 0 ? variable_flags(command, arguments, flags) : flags});
  }
  return true;
}

}  // namespace chorus::cache
