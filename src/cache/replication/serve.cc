// PSYNC, SYNC and REPLCONF: what replicas say.
#include <fmt/format.h>

#include "base/text.h"
#include "cache/call.h"
#include "cache/replication/handlers.h"
#include "cache/replication/replication.h"
#include "cache/resp/parser.h"

namespace chorus::cache {
namespace {

using replication::Introduction;

/// "7.2.4": 70204; empty: it is none.
std::optional<std::int64_t> version_number(std::string_view text) {
  std::int64_t number = 0;
  const auto parts = base::split(text, '.');
  if (parts.size() != 3) return {};
  for (const std::string_view part : parts) {
    const auto value = parse_integer(part);
    if (!value || *value < 0 || *value > 99) return {};
    number = number * 100 + *value;
  }
  return number;
}

/// False: the error is replied.
bool read_filter(Call& call, std::string_view text, Introduction& introduction) {
  std::vector<std::string> words;
  if (!split_words(text, words)) {
    call.error("ERR Missing rdb-filter-only values");
    return false;
  }
  introduction.has_filter = true;
  introduction.wants_functions = false;
  for (const std::string& word : words) {
    if (base::lower(word) != "functions") {
      call.error(fmt::format("ERR Unsupported rdb-filter-only option: {}", word));
      return false;
    }
    introduction.wants_functions = true;
  }
  return true;
}

/// One option of REPLCONF that says something of the replica. False: the error is replied.
bool introduce(Call& call, std::size_t at, Introduction& introduction) {
  const std::string_view value = call[at + 1];
  if (call.is_word(at, "LISTENING-PORT")) {
    const auto port = call.integer(at + 1);
    if (port) introduction.port = static_cast<std::uint16_t>(*port);
    return port.has_value();
  }
  if (call.is_word(at, "IP-ADDRESS")) {
    constexpr std::size_t host_octets_max = 255;
    if (value.size() > host_octets_max) {
      call.error(fmt::format("ERR REPLCONF ip-address provided by replica instance is too long: {} bytes", value.size()));
      return false;
    }
    introduction.ip = value;
  } else if (call.is_word(at, "CAPA")) {
    // Others are no matter.
    if (call.is_word(at + 1, "EOF")) introduction.takes_mark = true;
    if (call.is_word(at + 1, "PSYNC2")) introduction.takes_new_id = true;
  } else if (call.is_word(at, "RDB-ONLY")) {
    const auto on = call.integer(at + 1);
    if (!on) return false;
    if (*on < 0 || *on > 1) {
      call.error("ERR value is out of range, value must between 0 and 1");
      return false;
    }
    introduction.only_snapshot = *on == 1;
  } else if (call.is_word(at, "RDB-FILTER-ONLY")) {
    return read_filter(call, value, introduction);
  } else if (call.is_word(at, "VERSION")) {
    const auto number = version_number(value);
    if (!number) {
      call.error(fmt::format("ERR Unrecognized version format: {}", value));
      return false;
    }
    introduction.version = *number;
  } else {
    call.error(fmt::format("ERR Unrecognized REPLCONF option: {}", call[at]));
    return false;
  }
  return true;
}

/// Nobody replies to that.
void acknowledge(Call& call, std::size_t at) {
  const auto offset = parse_integer(call[at + 1]);
  if (!offset) return;
  std::optional<std::int64_t> synced;
  if (at + 3 < call.size() && call.is_word(at + 2, "FACK")) synced = parse_integer(call[at + 3]);
  call.server().replication().primary().acknowledge(call.client(), *offset, synced);
  call.server().replication().acknowledged();
}

}  // namespace

void psync(Call& call) { call.server().replication().primary().psync(call); }
void sync(Call& call) { call.server().replication().primary().sync(call); }

void replconf(Call& call) {
  if (call.size() % 2 == 0) return call.error(errors::syntax);
  Client& client = call.client();
  for (std::size_t i = 1; i < call.size(); i += 2) {
    if (call.is_word(i, "ACK")) return acknowledge(call, i);
    if (call.is_word(i, "GETACK")) {
      replication::Replica* replica = call.server().replication().replica();
      if (client.is_primary && replica != nullptr) replica->acknowledge_soon();
      return;
    }
    if (client.introduction == nullptr) client.introduction = std::make_unique<Introduction>();
    if (!introduce(call, i, *client.introduction)) return;
  }
  call.reply.ok();
}

}  // namespace chorus::cache
