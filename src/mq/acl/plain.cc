#include "mq/acl/plain.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mq/broker/topics.h"

namespace chorus::mq::acl {
namespace {

constexpr std::size_t key_octets_min = 6;  // and longer than that

/// "name=perm", in words when it is not.
base::Result<std::pair<std::string, std::uint8_t>, std::string> parse_perm(std::string_view text) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : base::split(text, '=')) {
    if (!part.empty()) parts.push_back(base::trim(part));
  }
  if (parts.size() != 2) {
    return std::unexpected(
        fmt::format("Parse Resource format error for {}.\nThe expected resource format is 'Res=Perm'. For example: topicA=SUB", text));
  }
  const std::uint8_t perm = plain_perm::parse(parts[1]);
  if (perm == plain_perm::deny && parts[1] != "DENY") {
    return std::unexpected(fmt::format(
        "Parse resource permission error for {}.\nThe expected permissions are 'SUB' or 'PUB' or 'SUB|PUB' or 'PUB|SUB'.", text));
  }
  return std::pair{std::string(parts[0]), perm};
}

}  // namespace

std::uint8_t plain_perm::parse(std::string_view text) {
  text = base::trim(text);
  if (text == "PUB") return pub;
  if (text == "SUB") return sub;
  if (text == "PUB|SUB" || text == "SUB|PUB") return pub | sub;
  return deny;
}

bool plain_perm::allows(std::uint8_t owned, std::uint8_t needed) {
  if (owned & deny) return false;
  if (needed & any) return owned & (pub | sub);
  return owned & needed;
}

void Account::merge(const Account& newer) {
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  if (!newer.secret_key.empty()) secret_key = newer.secret_key;
  admin = newer.admin;
  take(white_remote_address, newer.white_remote_address);
  if (newer.default_topic_perm && !newer.default_topic_perm->empty()) default_topic_perm = newer.default_topic_perm;
  if (newer.default_group_perm && !newer.default_group_perm->empty()) default_group_perm = newer.default_group_perm;
  take(topic_perms, newer.topic_perms);
  take(group_perms, newer.group_perms);
}

base::Result<PlainAccount, std::string> PlainAccount::compile(Account account) {
  if (account.access_key.size() <= key_octets_min || account.secret_key.size() <= key_octets_min) {
    return std::unexpected(fmt::format("The accessKey={} and its secretKey cannot be null and length should longer than {}",
                                       account.access_key, key_octets_min));
  }
  PlainAccount compiled;
  auto white = AddressPattern::parse(account.white_remote_address.value_or(""));
  if (!white) return std::unexpected(white.error());
  compiled.white_ = std::move(*white);
  if (account.default_topic_perm) compiled.default_topic_ = plain_perm::parse(*account.default_topic_perm);
  if (account.default_group_perm) compiled.default_group_ = plain_perm::parse(*account.default_group_perm);
  for (const bool of_groups : {false, true}) {
    for (const std::string& text : (of_groups ? account.group_perms : account.topic_perms).value_or(std::vector<std::string>{})) {
      const auto perm = parse_perm(text);
      if (!perm) return std::unexpected(perm.error());
      compiled.owned_[of_groups ? topic::retry_of(perm->first) : perm->first] = perm->second;
    }
  }
  compiled.account_ = std::move(account);
  return compiled;
}

std::string PlainAccount::refusal(std::int32_t request_code, bool needs_admin, const PlainNeeds& needs) const {
  if (needs_admin && !account_.admin) {
    return fmt::format("Need admin permission for request code={}, but accessKey={} is not", request_code, account_.access_key);
  }
  if (owned_.empty() && account_.admin) return {};
  for (const auto& [resource, needed] : needs) {
    const bool is_group = topic::is_retry(resource);
    const auto owned = owned_.find(resource);
    if (plain_perm::allows(owned != owned_.end() ? owned->second : is_group ? default_group_ : default_topic_, needed)) continue;
    return fmt::format("No default permission for {}:{}", is_group ? "group" : "topic", is_group ? topic::group_of(resource) : resource);
  }
  return {};
}

}  // namespace chorus::mq::acl
