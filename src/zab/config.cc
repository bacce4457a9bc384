#include "zab/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

#include "base/java_properties.h"
#include "base/text.h"

namespace chorus::zab {
namespace {

using base::Result;

// A group's weights are added up: this many of the heaviest still fit.
constexpr std::int64_t weight_max = std::int64_t{1} << 32;
// What fits into a notification has far fewer octets.
constexpr std::size_t text_octets_max = 1 << 20;

std::unexpected<std::string> problem(std::string words) { return std::unexpected(std::move(words)); }

/// Of what is quoted in an error: the beginning.
std::string_view shown(std::string_view text) { return text.substr(0, 200); }

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view(".-_%:").contains(c);
  });
}

/// "host:part:part", a host with colons in brackets. source: ConfigUtils.getHostAndPort
std::optional<std::vector<std::string_view>> host_and_parts(std::string_view text) {
  std::vector<std::string_view> parts;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || (close + 1 < text.size() && text[close + 1] != ':')) return std::nullopt;
    parts.push_back(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    if (!text.empty()) {
      for (const std::string_view part : base::split(text.substr(1), ':')) parts.push_back(part);
    }
  } else {
    parts = base::split(text, ':');
  }
  if (!is_host(parts[0])) return std::nullopt;
  return parts;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = base::parse_int(text);
  if (!number || *number < 0 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

/// "[host:]port"
std::optional<world::Address> parse_client(std::string_view text) {
  if (const auto port = parse_port(text)) return world::Address{"0.0.0.0", *port};
  const auto parts = host_and_parts(text);
  if (!parts || parts->size() != 2) return std::nullopt;
  const auto port = parse_port((*parts)[1]);
  if (!port) return std::nullopt;
  return world::Address{std::string((*parts)[0]), *port};
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

/// The number after the dot of "server.1".
std::optional<std::int64_t> number_of(std::string_view key) {
  const auto number = base::parse_int(key.substr(key.find('.') + 1));
  // The largest is what observers outside of the configuration once called themselves, negative ones are given out to them.
  if (!number || *number < 0 || *number == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return number;
}

struct Reader {
  EnsembleConfig config;
  std::map<std::int64_t, std::string> group_keys;

  Result<void, std::string> take(const std::string& key, const std::string& value) {
    if (key == "version") return version(value);
    if (!key.starts_with("server.") && !key.starts_with("group.") && !key.starts_with("weight.")) {
      return problem(fmt::format("'{}' is not known here: server.N, group.N, weight.N and version are", shown(key)));
    }
    const auto number = number_of(key);
    if (!number) return problem(fmt::format("'{}' must end with the number of a {}", shown(key), key.substr(0, key.find('.'))));
    if (key.starts_with("server.")) return server(key, *number, value);
    if (key.starts_with("group.")) return group(key, *number, value);
    return weight(key, *number, value);
  }

  Result<void, std::string> version(const std::string& value) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), config.version, 16);
    if (error != std::errc{} || end != value.data() + value.size() || config.version < 0) {
      return problem(fmt::format("version={} is no hexadecimal number of at most 63 bits", shown(value)));
    }
    return {};
  }

  Result<void, std::string> server(const std::string& key, ServerId id, const std::string& value) {
    auto member = parse_member(value);
    if (!member) return problem(fmt::format("{}: {}", shown(key), member.error()));
    if (!config.members.emplace(id, std::move(*member)).second) return problem(fmt::format("server.{} is given twice", id));
    return {};
  }

  Result<void, std::string> group(const std::string& key, std::int64_t group, const std::string& value) {
    if (!group_keys.emplace(group, key).second) return problem(fmt::format("group.{} is given twice", group));
    for (const std::string_view part : base::split(value, ':')) {
      const auto id = base::parse_int(base::trim(part));
      if (!id) return problem(fmt::format("{}={}: server numbers joined by ':' are wanted", shown(key), shown(value)));
      if (!config.groups.emplace(*id, group).second) return problem(fmt::format("server {} is in several groups", *id));
    }
    return {};
  }

  Result<void, std::string> weight(const std::string& key, ServerId id, const std::string& value) {
    const auto number = base::parse_int(value);
    if (!number || *number < 0 || *number > weight_max) {
      return problem(fmt::format("{}={}: a whole number up to {} is wanted", shown(key), shown(value), weight_max));
    }
    if (!config.weights.emplace(id, *number).second) return problem(fmt::format("weight.{} is given twice", id));
    return {};
  }

  /// What no single line shows. source: QuorumHierarchical.parse, QuorumPeerConfig.parseDynamicConfig
  Result<void, std::string> check() {
    if (config.voters() == 0) return problem("at least one server.N must be a participant");
    if (config.groups.empty() && config.weights.empty()) return {};
    for (const auto& [id, member] : config.members) {
      if (member.is_observer) continue;
      if (!config.groups.contains(id))
        return problem(fmt::format("server {} is in no group: where there are groups or weights, each is", id));
      config.weights.emplace(id, 1);
    }
    for (const auto& [id, group] : config.groups) {
      if (!config.weights.contains(id)) return problem(fmt::format("group.{} names server {}, which is no participant", group, id));
    }
    return {};
  }
};

}  // namespace

bool EnsembleConfig::is_voter(ServerId id) const {
  const auto found = members.find(id);
  return found != members.end() && !found->second.is_observer;
}

std::size_t EnsembleConfig::voters() const {
  return static_cast<std::size_t>(std::ranges::count_if(members, [](const auto& member) { return !member.second.is_observer; }));
}

std::int64_t EnsembleConfig::weight(ServerId id) const {
  const auto found = weights.find(id);
  return found == weights.end() ? 1 : found->second;
}

bool EnsembleConfig::is_quorum(const std::function<bool(ServerId)>& has) const {
  if (groups.empty()) {
    std::size_t count = 0, all = 0;
    for (const auto& [id, member] : members) {
      if (member.is_observer) continue;
      ++all;
      if (has(id)) ++count;
    }
    return count > all / 2;
  }
  struct Weights {
    std::int64_t all = 0, has = 0;
  };
  std::map<std::int64_t, Weights> by_group;
  for (const auto& [id, group] : groups) {
    Weights& sum = by_group[group];
    sum.all += weight(id);
    if (is_voter(id) && has(id)) sum.has += weight(id);
  }
  std::size_t won = 0, counted = 0;
  for (const auto& [group, sum] : by_group) {
    if (sum.all == 0) continue;
    ++counted;
    if (sum.has > sum.all / 2) ++won;
  }
  return won > counted / 2;
}

std::string EnsembleConfig::to_text() const {
  std::string out;
  for (const auto& [id, member] : members) {
    fmt::format_to(std::back_inserter(out), "server.{}=", id);
    std::vector<std::tuple<std::string, std::uint16_t, std::uint16_t>> addresses;
    for (std::size_t i = 0; i < std::min(member.quorum_addresses.size(), member.election_addresses.size()); ++i) {
      const world::Address& quorum = member.quorum_addresses[i];
      addresses.emplace_back(quorum.host, quorum.port, member.election_addresses[i].port);
    }
    // In order of the hosts, so that all members write the same. source: QuorumServer.toString
    std::ranges::sort(addresses);
    for (const auto& [name, quorum, election] : addresses) {
      fmt::format_to(std::back_inserter(out), "{}{}:{}:{}", out.ends_with('=') ? "" : "|", bracketed(name), quorum, election);
    }
    out += member.is_observer ? ":observer" : ":participant";
    if (member.client_address)
      fmt::format_to(std::back_inserter(out), ";{}:{}", bracketed(member.client_address->host), member.client_address->port);
    out += '\n';
  }
  std::map<std::int64_t, std::vector<ServerId>> by_group;
  for (const auto& [id, group] : groups) by_group[group].push_back(id);
  for (const auto& [group, ids] : by_group) fmt::format_to(std::back_inserter(out), "group.{}={}\n", group, fmt::join(ids, ":"));
  if (!groups.empty()) {
    for (const auto& [id, heavy] : weights) fmt::format_to(std::back_inserter(out), "weight.{}={}\n", id, heavy);
  }
  fmt::format_to(std::back_inserter(out), "version={:x}", version);
  return out;
}

Result<EnsembleConfig, std::string> parse_config(std::string_view text) {
  if (text.size() > text_octets_max) return problem(fmt::format("a configuration has at most {} octets", text_octets_max));
  std::map<std::string, std::string> lines;
  for (base::JavaProperty& line : base::parse_java_properties(text)) lines.insert_or_assign(std::move(line.key), std::move(line.value));
  Reader reader;
  for (const auto& [key, value] : lines) {
    if (auto taken = reader.take(key, value); !taken) return std::unexpected(std::move(taken.error()));
  }
  if (auto checked = reader.check(); !checked) return std::unexpected(std::move(checked.error()));
  return std::move(reader.config);
}

Result<Member, std::string> parse_member(std::string_view spec) {
  const auto wrong = [&](std::string_view why) {
    return problem(
        fmt::format("'{}' {}; host:quorumPort:electionPort[:participant|:observer][;[clientHost:]clientPort] is wanted", shown(spec), why));
  };
  Member member;
  std::string_view servers = base::trim(spec);
  if (const std::size_t at = servers.find(';'); at != std::string_view::npos) {
    const std::string_view client = base::trim(servers.substr(at + 1));
    servers = base::trim(servers.substr(0, at));
    if (!client.empty()) {
      member.client_address = parse_client(client);
      if (!member.client_address) return wrong("has a malformed client address");
    }
  }
  std::optional<bool> is_observer;
  for (const std::string_view server : base::split(servers, '|')) {
    const auto parts = host_and_parts(base::trim(server));
    if (!parts || parts->size() < 3 || parts->size() > 4) return wrong("has a malformed server address");
    const std::string host((*parts)[0]);
    const auto quorum = parse_port((*parts)[1]);
    const auto election = parse_port((*parts)[2]);
    if (!quorum || !election) return wrong("has a port that is no number up to 65535");
    if (*quorum == *election) return wrong("has one port for two purposes");
    if (parts->size() == 4) {
      const std::string role = base::lower(base::trim((*parts)[3]));
      if (role != "participant" && role != "observer") return wrong("has an unknown role");
      if (is_observer && *is_observer != (role == "observer")) return wrong("has two different roles");
      is_observer = role == "observer";
    }
    const world::Address quorum_address{host, *quorum};
    if (std::ranges::find(member.quorum_addresses, quorum_address) != member.quorum_addresses.end()) return wrong("has an address twice");
    member.quorum_addresses.push_back(quorum_address);
    member.election_addresses.push_back({host, *election});
  }
  member.is_observer = is_observer.value_or(false);
  return member;
}

}  // namespace chorus::zab
