#include "coord/reconfig.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace chorus::coord {

using base::Result;
using jute::ErrorCode;
using zab::EnsembleConfig;
using zab::Member;
using zab::ServerId;

namespace {

// Without the spaces around them, and without empty ones.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : base::split(text, separator)) {
    if (const std::string_view trimmed = base::trim(part); !trimmed.empty()) parts.push_back(trimmed);
  }
  return parts;
}

std::vector<world::Address> addresses_of(const Member& member) {
  std::vector<world::Address> addresses = member.quorum_addresses;
  addresses.insert(addresses.end(), member.election_addresses.begin(), member.election_addresses.end());
  if (member.client_address) addresses.push_back(*member.client_address);
  return addresses;
}

bool have_an_address_in_common(const Member& one, const Member& other) {
  const auto addresses = addresses_of(other);
  return std::ranges::any_of(addresses_of(one),
                             [&](const world::Address& address) { return std::ranges::find(addresses, address) != addresses.end(); });
}

// "server.5=host:quorum:election:participant;clientPort"
bool join(EnsembleConfig& config, std::string_view joiner) {
  const auto parts = parts_of(joiner, '=');
  if (parts.size() != 2) return false;
  const auto id = base::parse_int(parts[0].substr(parts[0].rfind('.') + 1));
  auto member = zab::parse_member(parts[1]);
  if (!id || !member || !member->client_address) return false;
  for (const auto& [other_id, other] : config.members) {
    if (other_id != *id && have_an_address_in_common(*member, other)) return false;
  }
  config.members.insert_or_assign(*id, std::move(*member));
  return true;
}

Result<EnsembleConfig, ErrorCode> changed(const EnsembleConfig& config, const jute::ReconfigRequest& request) {
  if (!config.groups.empty() || !config.weights.empty()) return std::unexpected(ErrorCode::bad_arguments);
  EnsembleConfig next = config;
  for (const std::string_view leaving : parts_of(request.leaving_servers.value_or(""), ',')) {
    const auto id = base::parse_int(leaving);
    if (!id) return std::unexpected(ErrorCode::bad_arguments);
    next.members.erase(*id);
  }
  for (const std::string_view joiner : parts_of(request.joining_servers.value_or(""), ',')) {
    if (!join(next, joiner)) return std::unexpected(ErrorCode::bad_arguments);
  }
  return next;
}

Result<EnsembleConfig, ErrorCode> replaced(std::string_view new_members) {
  std::string lines(new_members);
  std::ranges::replace(lines, ',', '\n');
  auto config = zab::parse_config(lines);
  if (!config) return std::unexpected(ErrorCode::bad_arguments);
  return std::move(*config);
}

}  // namespace

Result<EnsembleConfig, ErrorCode> Membership::after(const jute::ReconfigRequest& request, std::int64_t zxid,
                                                    bool standalone_enabled) const {
  if (is_pending) return std::unexpected(ErrorCode::reconfig_in_progress);
  if (request.current_config_id != -1 && request.current_config_id != config.version) return std::unexpected(ErrorCode::bad_version);
  auto next = request.new_members ? replaced(*request.new_members) : changed(config, request);
  if (!next) return next;
  next->version = zxid;
  if (next->voters() < (standalone_enabled ? 2U : 1U)) return std::unexpected(ErrorCode::bad_arguments);
  if (!next->is_quorum([&](ServerId id) { return synced.contains(id); })) return std::unexpected(ErrorCode::new_config_no_quorum);
  return next;
}

}  // namespace chorus::coord
