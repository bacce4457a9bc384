#include "zab/election.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/bytes.h"
#include "base/ensure.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace zab;

/// What was read is written, and read again as the same.
void notification(std::string_view input) {
  const auto read = decode_notification(input);
  if (!read) return;
  const std::string written = encode(*read);
  ENSURE(read->config.size() <= input.size());
  if (read->version > 1) ENSURE(input.starts_with(written));
  const auto again = decode_notification(written);
  ENSURE(again && again->vote == read->vote && again->state == read->state && again->config == read->config);
}

void initial_message(std::string_view input) {
  const auto read = decode_initial_message(input);
  if (!read) {
    ENSURE(read.error().size() < 300, read.error());
    return;
  }
  if (!*read) return;
  const auto& [message, used] = **read;
  ENSURE(used <= input.size() && used <= 2068 && message.from >= 0, used);
  for (std::size_t cut = 0; cut < used; cut += 1 + cut / 8) {
    const auto part = decode_initial_message(input.substr(0, cut));
    ENSURE(part && !*part, cut, used);
  }
  if (message.addresses.empty()) return;
  const std::string written = encode(message, true);
  const auto again = decode_initial_message(written);
  ENSURE(again && *again && (*again)->message.addresses == message.addresses && (*again)->used == written.size());
}

void config(std::string_view input) {
  const auto read = parse_config(input);
  if (!read) {
    ENSURE(!read.error().empty() && read.error().size() < 2000, read.error());
    return;
  }
  const std::string text = read->to_text();
  const auto again = parse_config(text);
  ENSURE(again, again ? "" : again.error());
  ENSURE(again->to_text() == text, text);
  ENSURE(read->voters() > 0 && !read->is_quorum([](ServerId) { return false; }));
  const auto weighs = [&](const auto& member) { return !member.second.is_observer && read->weight(member.first) > 0; };
  const bool all = read->is_quorum([](ServerId) { return true; });
  ENSURE(!all || std::ranges::any_of(read->members, weighs));
  ENSURE(all || !read->groups.empty());
}

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

std::int64_t number(base::Reader& in) {
  const auto octet = static_cast<std::int8_t>(in.u8());
  return octet == -128 ? least : octet == 127 ? most : octet;
}

/// A server that hears whatever the others like to say: { octet what, more by kind }*
void story(std::string_view input) {
  base::Reader in(input);
  const std::uint8_t kind = in.u8();
  std::string text = "server.0=a:1:2\nserver.1=b:1:2\nserver.2=c:1:2\nserver.3=d:1:2:observer\n";
  if (kind & 1) text += "group.1=0:1\ngroup.2=2\nweight.1=0\n";
  EnsembleConfig committed = parse_config(text).value();
  EnsembleConfig last_seen =
      parse_config(text + ((kind & 2) ? "server.4=e:1:2\nversion=5" + std::string((kind & 1) ? "\ngroup.3=4" : "") : "")).value();
  const ServerId self = kind >> 2 & 3;
  Election election({.self = self, .is_observer = self == 3, .reconfig_enabled = (kind & 16) != 0});
  world::Instant now{};
  std::vector<Action> out;
  while (in.remaining() > 0) {
    out.clear();
    const std::uint8_t what = in.u8();
    const ServerId who = what >> 3 & 7;
    std::optional<EnsembleConfig> newer;
    switch (what & 7) {
      case 0:
        election.start({.leader = (what & 64) ? who : self, .zxid = number(in), .peer_epoch = number(in)}, committed, last_seen, now, out);
        ENSURE(!out.empty() || committed.voters() == 1);
        break;
      case 1:
        now += milliseconds(in.u8());
        election.time_passed(now, out);
        break;
      case 2:
        election.server_down(who, now);
        break;
      case 3:
        election.set_peer_epoch(number(in));
        break;
      case 4:
        if (!election.is_looking()) election.set_config(committed, last_seen);
        break;
      default: {
        Notification said{.state = static_cast<NotificationState>(in.u8() & 3), .vote = {}, .version = in.u8() & 3, .config = ""};
        said.vote = {.leader = number(in), .zxid = number(in), .election_epoch = number(in), .peer_epoch = number(in)};
        if (what & 128) said.config = last_seen.to_text();
        newer = election.receive(who, said, now, out);
      }
    }
    ENSURE(out.size() <= 8, out.size());
    for (const Action& action : out) ENSURE(std::get<SendNotification>(action).to != self);
    if (newer) {
      ENSURE(election.is_looking() && newer->version > committed.version);
      committed = *newer;
      election.start({.leader = self, .zxid = 1, .peer_epoch = 1}, committed, last_seen, now, out);
    }
    ENSURE(election.decided().has_value() != election.is_looking());
    if (!election.is_looking()) ENSURE(!election.deadline());
    if (election.state() == NotificationState::leading) ENSURE(election.decided()->leader == self);
  }
}

}  // namespace

void fuzz_election(std::string_view input) {
  if (input.empty()) return;
  const int kind = input[0] & 3;
  input.remove_prefix(1);
  if (kind == 0) return notification(input);
  if (kind == 1) return initial_message(input);
  if (kind == 2) return config(input);
  story(input);
}

}  // namespace chorus::fuzz
