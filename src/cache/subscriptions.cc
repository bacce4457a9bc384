#include "cache/subscriptions.h"

#include "cache/resp/glob.h"

namespace chorus::cache {

bool Subscriptions::add(Client& client, Listening how, std::string_view name) {
  if (!client.listens(how).insert(std::string(name)).second) return false;
  of(how)[std::string(name)].push_back(client.id);
  client.listening_octets += 2 * name.size();
  return true;
}

bool Subscriptions::remove(Client& client, Listening how, std::string_view name) {
  auto& own = client.listens(how);
  const auto mine = own.find(name);
  if (mine == own.end()) return false;
  const auto found = of(how).find(name);
  if (found != of(how).end()) {
    std::erase(found->second, client.id);
    if (found->second.empty()) of(how).erase(found);
  }
  client.listening_octets -= 2 * name.size();
  own.erase(mine);
  return true;
}

void Subscriptions::remove_all(Client& client) {
  for (const Listening how : {Listening::channel, Listening::pattern, Listening::shard}) {
    while (!client.listens(how).empty()) {
      const std::string name = *client.listens(how).begin();
      remove(client, how, name);
    }
  }
}

std::vector<Subscriptions::Delivery> Subscriptions::receivers(Listening how, std::string_view channel) const {
  std::vector<Delivery> out;
  if (const auto found = of(how).find(channel); found != of(how).end()) {
    for (const ClientId id : found->second) out.push_back({.to = id, .pattern = {}});
  }
  if (how == Listening::shard) return out;
  for (const auto& [pattern, ids] : of(Listening::pattern)) {
    if (!glob_matches(pattern, channel)) continue;
    for (const ClientId id : ids) out.push_back({.to = id, .pattern = pattern, .by_pattern = true});
  }
  return out;
}

std::vector<std::string> Subscriptions::active(Listening how, std::string_view pattern) const {
  std::vector<std::string> out;
  for (const auto& [name, ids] : of(how)) {
    if (pattern.empty() || glob_matches(pattern, name)) out.push_back(name);
  }
  return out;
}

std::size_t Subscriptions::listeners(Listening how, std::string_view name) const {
  const auto found = of(how).find(name);
  return found == of(how).end() ? 0 : found->second.size();
}

}  // namespace chorus::cache
