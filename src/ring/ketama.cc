#include "ring/ketama.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/text.h"

// As in rendezvous.cc: the same points on every machine.
#pragma STDC FP_CONTRACT OFF

namespace chorus::ring {
namespace {

constexpr std::int64_t default_port = 11211;
constexpr std::uint32_t points_unweighted = 100;

/// What libmemcached hashes of a server, without the "-number" at its end; empty when the name is no host:port.
std::optional<std::string> hashed_name(std::string_view name) {
  std::string_view host = name, port;
  if (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = name.substr(1, end - 1);
    const std::string_view rest = name.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return std::nullopt;
  } else if (const std::size_t colon = name.find(':');
             colon != std::string_view::npos && name.find(':', colon + 1) == std::string_view::npos) {
    host = name.substr(0, colon);
    port = name.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  if (host.starts_with('/')) return fmt::format("{}:0", name);  // a socket of this machine has port 0
  if (host.empty()) return std::nullopt;
  if (port.empty()) return std::string(host);
  const auto number = base::parse_int(port);
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  return *number == default_port ? std::string(host) : fmt::format("{}:{}", host, *number);
}

}  // namespace

std::uint32_t one_at_a_time(std::string_view octets) {
  std::uint32_t value = 0;
  for (const char octet : octets) {
    value += static_cast<std::uint32_t>(static_cast<signed char>(octet));
    value += value << 10;
    value ^= value >> 6;
  }
  value += value << 3;
  value ^= value >> 11;
  return value + (value << 15);
}

std::uint32_t ketama_digests(std::uint32_t weight, std::uint64_t total, std::size_t servers) {
  const float share = static_cast<float>(weight) / static_cast<float>(total);
  const float digests = share * 160.0F / 4.0F * static_cast<float>(static_cast<std::uint32_t>(servers));
  return static_cast<std::uint32_t>(std::floor(static_cast<float>(static_cast<double>(digests) + 0.0000000001)));
}

Result<Ketama> Ketama::make(std::span<const Node> nodes, const KetamaOptions& options) {
  std::vector<Node> servers(nodes.begin(), nodes.end());
  for (Node& server : servers) server.weight = std::max(server.weight, 1U);
  if (auto ok = check_nodes(servers); !ok) return std::unexpected(ok.error());
  const std::uint64_t total = total_weight(servers);
  const bool by_weight = options.weighted || std::ranges::any_of(servers, [](const Node& server) { return server.weight > 1; });
  std::vector<PointRing<std::uint32_t>::Point> points;
  for (NodeIndex index = 0; index < servers.size(); ++index) {
    const std::string& name = servers[index].name;
    const auto hashed = name.size() <= max_name ? hashed_name(name) : std::nullopt;
    if (!hashed) return base::error(Errc::invalid, fmt::format("\"{}\" is not host, host:port or [host]:port", name.substr(0, 100)));
    if (by_weight) {
      for (std::uint32_t i = 0, end = ketama_digests(servers[index].weight, total, servers.size()); i < end; ++i) {
        for (const std::uint32_t value : md5(fmt::format("{}-{}", *hashed, i))) points.push_back({.value = value, .node = index});
      }
    } else {
      for (std::uint32_t i = 0; i < points_unweighted; ++i)
        points.push_back({.value = one_at_a_time(fmt::format("{}-{}", *hashed, i)), .node = index});
    }
  }
  if (points.empty()) return base::error(Errc::invalid, "rounded down, no server has a point");
  return Ketama(PointRing<std::uint32_t>(std::move(points)), nodes.size(), options.weighted);
}

}  // namespace chorus::ring
