#include "mq/acl/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "mq/acl/address.h"

namespace chorus::mq::acl {
namespace {

constexpr std::array<std::string_view, 2> user_types{"Super", "Normal"};
constexpr std::array<std::string_view, 2> user_statuses{"enable", "disable"};
constexpr std::array<std::string_view, 5> resource_types{"Any", "Cluster", "Namespace", "Topic", "Group"};
constexpr std::array<std::string_view, 9> actions{"All", "Any", "Pub", "Sub", "Create", "Update", "Delete", "Get", "List"};
constexpr std::array<std::string_view, 2> decisions{"Allow", "Deny"};
constexpr std::array<std::string_view, 2> policy_types{"Custom", "Default"};

template <class E, std::size_t N>
std::optional<E> find(const std::array<std::string_view, N>& names, std::string_view name) {
  const std::string low = base::lower(name);
  for (std::size_t i = 0; i < N; ++i) {
    if (base::lower(names[i]) == low) return static_cast<E>(i);
  }
  return std::nullopt;
}

/// Which of two entries about the same request counts more: negative, `a`. source: AclAuthorizationHandler.comparePolicyEntries
int compare(const Entry& a, const Entry& b) {
  const auto rank = [](const Entry& entry) {
    if (entry.resource.type == ResourceType::any) return 3;
    return entry.resource.pattern == Pattern::literal ? 0 : entry.resource.pattern == Pattern::prefixed ? 1 : 2;
  };
  if (const int by_kind = rank(a) - rank(b)) return by_kind;
  if (a.resource.name.size() != b.resource.name.size()) return a.resource.name.size() > b.resource.name.size() ? -1 : 1;
  return (a.decision == Decision::deny ? 0 : 1) - (b.decision == Decision::deny ? 0 : 1);
}

}  // namespace

std::string_view name_of(UserType type) { return user_types[static_cast<std::size_t>(type)]; }
std::string_view name_of(UserStatus status) { return user_statuses[static_cast<std::size_t>(status)]; }
std::string_view name_of(Action action) { return actions[static_cast<std::size_t>(action)]; }
std::string_view name_of(Decision decision) { return decisions[static_cast<std::size_t>(decision)]; }
std::string_view name_of(PolicyType type) { return policy_types[static_cast<std::size_t>(type)]; }
std::optional<UserType> user_type_of(std::string_view name) { return find<UserType>(user_types, name); }
std::optional<UserStatus> user_status_of(std::string_view name) { return find<UserStatus>(user_statuses, name); }
std::optional<Action> action_of(std::string_view name) { return find<Action>(actions, name); }
std::optional<Decision> decision_of(std::string_view name) { return find<Decision>(decisions, name); }
std::optional<PolicyType> policy_type_of(std::string_view name) { return find<PolicyType>(policy_types, name); }

std::string subject_of(std::string_view user) { return fmt::format("{}{}", user_prefix, user); }
std::optional<std::string_view> user_of(std::string_view subject) {
  const std::size_t colon = subject.find(':');
  if (colon == std::string_view::npos || base::lower(subject.substr(0, colon)) != "user") return std::nullopt;
  return subject.substr(colon + 1);
}

bool Resource::covers(const Resource& asked) const {
  if (type == ResourceType::any) return true;
  if (type != asked.type) return false;
  if (pattern == Pattern::any) return true;
  return pattern == Pattern::prefixed ? asked.name.starts_with(name) : asked.name == name;
}

std::string to_string(const Resource& resource) {
  if (resource.type == ResourceType::any) return "*";
  return fmt::format("{}:{}{}", resource_types[static_cast<std::size_t>(resource.type)], resource.name,
                     resource.pattern == Pattern::literal ? "" : "*");
}

std::optional<Resource> parse_resource(std::string_view text) {
  if (base::trim(text).empty()) return std::nullopt;
  if (text == "*") return Resource{};
  const std::size_t colon = text.find(':');
  const auto type = find<ResourceType>(resource_types, text.substr(0, colon));
  if (!type) return std::nullopt;
  const std::string_view name = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (name == "*") return Resource{*type, "", Pattern::any};
  if (!name.ends_with('*')) return Resource::literal(*type, name);
  return Resource{*type, std::string(name.substr(0, name.find('*'))), Pattern::prefixed};
}

bool Entry::is_about(const Resource& asked, const std::vector<Action>& one_of, std::string_view ip) const {
  if (!resource.covers(asked)) return false;
  const bool acts = std::ranges::any_of(one_of, [&](Action action) {
    return action == Action::any || std::ranges::find(actions, action) != actions.end() ||
           std::ranges::find(actions, Action::all) != actions.end();
  });
  if (!acts) return false;
  return source_ips.empty() || std::ranges::any_of(source_ips, [&](const std::string& network) { return is_in(ip, network); });
}

Policy* Acl::policy(PolicyType type) {
  const auto found = std::ranges::find(policies, type, &Policy::type);
  return found == policies.end() ? nullptr : &*found;
}

void Acl::merge(const std::vector<Policy>& more) {
  for (const Policy& one : more) {
    Policy* mine = policy(one.type);
    if (mine == nullptr) mine = &policies.emplace_back(Policy{.type = one.type});
    for (const Entry& entry : one.entries) {
      const auto same = std::ranges::find(mine->entries, entry.resource, &Entry::resource);
      if (same == mine->entries.end()) {
        mine->entries.push_back(entry);
      } else {
        *same = entry;
      }
    }
  }
}

void Acl::remove(PolicyType type, const Resource& resource) {
  if (Policy* from = policy(type)) std::erase_if(from->entries, [&](const Entry& entry) { return entry.resource == resource; });
  std::erase_if(policies, [](const Policy& policy) { return policy.entries.empty(); });
}

const Entry* Acl::deciding(const Resource& asked, const std::vector<Action>& one_of, std::string_view ip) const {
  for (const PolicyType type : {PolicyType::custom, PolicyType::fallback}) {
    const Policy* from = policy(type);
    if (from == nullptr) continue;
    const Entry* best = nullptr;
    for (const Entry& entry : from->entries) {
      if (entry.is_about(asked, one_of, ip) && (best == nullptr || compare(entry, *best) < 0)) best = &entry;
    }
    if (best != nullptr) return best;
  }
  return nullptr;
}

}  // namespace chorus::mq::acl
