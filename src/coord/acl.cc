#include "coord/acl.h"

#include <arpa/inet.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <tuple>

#include "base/ensure.h"
#include "base/text.h"
#include "coord/subject.h"

namespace chorus::coord {
namespace {

struct AclList {
  std::vector<jute::Acl> acl;
  JUTE_FIELDS(acl)
};

const std::vector<jute::Acl>& open_acl() {
  static const std::vector<jute::Acl> acl = {{jute::perms::all, {"world", "anyone"}}};
  return acl;
}

struct IpRange {
  std::array<unsigned char, 16> octets{};
  std::size_t size = 0;  // 4 or 16
  int bits = 0;
};

std::optional<IpRange> parse_ip_range(std::string_view text) {
  const auto parts = base::split(text, '/');
  if (parts.size() > 2) return std::nullopt;
  IpRange range;
  const std::string address(parts[0]);
  if (inet_pton(AF_INET, address.c_str(), range.octets.data()) == 1) {
    range.size = 4;
  } else if (inet_pton(AF_INET6, address.c_str(), range.octets.data()) == 1) {
    range.size = 16;
  } else {
    return std::nullopt;
  }
  range.bits = static_cast<int>(range.size * 8);
  if (parts.size() == 2) {
    const auto bits = base::parse_int(parts[1]);
    if (!bits || *bits < 0 || *bits > range.bits) return std::nullopt;
    range.bits = static_cast<int>(*bits);
  }
  return range;
}

bool matches(const AuthId& auth, const jute::Id& id) {
  if (auth.scheme != id.scheme) return false;
  return auth.scheme == "ip" ? ip_matches(auth.id, id.id) : auth.id == id.id;
}

bool is_valid_id(const jute::Id& id) {
  if (id.scheme == "ip") return is_valid_ip_range(id.id);
  if (id.scheme == "digest") return std::ranges::count(id.id, ':') == 1;
  if (id.scheme == "x509") return is_distinguished_name(id.id);
  return false;
}

constexpr std::size_t acl_entry_octets = 12;  // beside its texts
// A list with "auth" many times over, from a connection with many ids, would become their product.
constexpr std::size_t expanded_octets_max = 1 << 20;

// Ids that say who somebody is, not where from, may stand in for the scheme "auth".
bool is_authenticated(const AuthId& auth) { return auth.scheme != "ip" && auth.scheme != "super"; }

}  // namespace

std::shared_ptr<const AclTable::List> AclTable::make_list(std::string octets) {
  auto list = std::make_shared<List>(List{std::move(octets), {}});
  list->acl = jute::decode<AclList>(list->octets)->acl;
  return list;
}

AclId AclTable::intern(const std::vector<jute::Acl>& acl) {
  if (acl.empty() || acl == open_acl()) return open_acl_id;
  std::string octets = jute::encode(AclList{acl});
  const auto [at, is_new] = by_octets_.try_emplace(std::move(octets), 0);
  if (is_new) {
    at->second = ++last_;
    entries_[at->second].list = make_list(at->first);
  }
  ++entries_[at->second].uses;
  return at->second;
}

bool AclTable::load(AclId id, const std::vector<jute::Acl>& acl) {
  if (id <= 0 || entries_.contains(id)) return false;
  Entry entry{make_list(jute::encode(AclList{acl}))};
  by_octets_.try_emplace(entry.list->octets, id);  // two numbers for one list: both stay readable, the first is used from now on
  entries_.emplace(id, std::move(entry));
  last_ = std::max(last_, id);
  return true;
}

bool AclTable::add_use(AclId id) {
  if (id == open_acl_id) return true;
  const auto at = entries_.find(id);
  if (at == entries_.end()) return false;
  ++at->second.uses;
  return true;
}

void AclTable::drop_use(AclId id) {
  if (id == open_acl_id) return;
  const auto at = entries_.find(id);
  ENSURE(at != entries_.end() && at->second.uses > 0, id);
  if (--at->second.uses > 0) return;
  if (const auto key = by_octets_.find(at->second.list->octets); key != by_octets_.end() && key->second == id) by_octets_.erase(key);
  entries_.erase(at);
}

void AclTable::purge_unused() {
  for (const AclId id : ids()) {
    if (entries_[id].uses > 0) continue;
    entries_[id].uses = 1;
    drop_use(id);
  }
}

const std::vector<jute::Acl>& AclTable::list(AclId id) const {
  if (id == open_acl_id) return open_acl();
  const auto at = entries_.find(id);
  ENSURE(at != entries_.end(), id);
  return at->second.list->acl;
}

std::vector<AclId> AclTable::ids() const {
  std::vector<AclId> ids;
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

bool AclTable::allows(AclId id, std::int32_t perms, std::span<const AuthId> auth) const {
  if (id == open_acl_id) return true;
  if (std::ranges::any_of(auth, [](const AuthId& a) { return a.scheme == "super"; })) return true;
  const auto& entries = list(id);
  if (entries.empty()) return true;  // as Java takes it; only an old snapshot has one
  for (const jute::Acl& entry : entries) {
    if ((entry.perms & perms) == 0) continue;
    if (entry.id.scheme == "world" && entry.id.id == "anyone") return true;
    if (std::ranges::any_of(auth, [&](const AuthId& a) { return matches(a, entry.id); })) return true;
  }
  return false;
}

base::Result<std::vector<jute::Acl>, jute::ErrorCode> fix_up_acl(const std::vector<jute::Acl>& acl, std::span<const AuthId> auth) {
  std::vector<jute::Acl> fixed;
  std::set<std::tuple<std::int32_t, std::string_view, std::string_view>> seen;
  std::size_t octets = 0;
  const auto add = [&](const jute::Acl& entry) {
    if (!seen.emplace(entry.perms, entry.id.scheme, entry.id.id).second) return;
    octets += acl_entry_octets + entry.id.scheme.size() + entry.id.id.size();
    fixed.push_back(entry);
  };
  for (const jute::Acl& entry : acl) {
    if (entry.id.scheme == "world" && entry.id.id == "anyone") {
      add(entry);
    } else if (entry.id.scheme == "auth") {
      bool any = false;
      for (const AuthId& a : auth) {
        if (!is_authenticated(a)) continue;
        add({entry.perms, {a.scheme, a.id}});
        any = true;
      }
      if (!any || octets > expanded_octets_max) return std::unexpected(jute::ErrorCode::invalid_acl);
    } else if (is_valid_id(entry.id)) {
      add(entry);
    } else {
      return std::unexpected(jute::ErrorCode::invalid_acl);
    }
  }
  if (fixed.empty()) return std::unexpected(jute::ErrorCode::invalid_acl);
  return fixed;
}

std::string digest_of(std::string_view user_and_password) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sha1{};
  unsigned size = 0;
  ENSURE(EVP_Digest(user_and_password.data(), user_and_password.size(), sha1.data(), &size, EVP_sha1(), nullptr) == 1);
  std::array<unsigned char, 64> base64{};
  const int length = EVP_EncodeBlock(base64.data(), sha1.data(), static_cast<int>(size));
  std::string id(user_and_password.substr(0, user_and_password.find(':')));
  id += ':';
  id.append(reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length));
  return id;
}

bool is_valid_ip_range(std::string_view range) { return parse_ip_range(range).has_value(); }

bool ip_matches(std::string_view address, std::string_view range_text) {
  const auto host = parse_ip_range(address);
  const auto range = parse_ip_range(range_text);
  if (!host || !range || host->size != range->size) return false;
  for (int bit = 0; bit < range->bits; bit += 8) {
    const int left = std::min(8, range->bits - bit);
    const auto mask = static_cast<unsigned char>(0xff << (8 - left));
    const auto at = static_cast<std::size_t>(bit / 8);
    if ((host->octets[at] & mask) != (range->octets[at] & mask)) return false;
  }
  return true;
}

}  // namespace chorus::coord
