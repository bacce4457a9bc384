// Who listens to which channels, patterns and shard channels.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cache/client.h"

namespace chorus::cache {

/// Both ways: clients know what they listen to (Client::subscriptions), this knows who listens. Bounded by what clients ask for.
class Subscriptions {
 public:
  /// A message for one client: of a channel, or of a pattern that the channel matches.
  struct Delivery {
    ClientId to;
    std::string_view pattern;  // empty unless `by_pattern`; good until the next change
    bool by_pattern = false;
  };

  /// False: the client does so already (does not).
  bool add(Client& client, Listening how, std::string_view name);
  bool remove(Client& client, Listening how, std::string_view name);
  void remove_all(Client& client);
  /// Who is to get a message on a channel, those of the channel first, then by pattern.
  std::vector<Delivery> receivers(Listening how, std::string_view channel) const;
  /// Channels (or shard channels) that somebody listens to and that match, in order; an empty pattern matches all.
  std::vector<std::string> active(Listening how, std::string_view pattern) const;
  std::size_t listeners(Listening how, std::string_view name) const;
  std::size_t count(Listening how) const { return of(how).size(); }

 private:
  using Names = std::map<std::string, std::vector<ClientId>, std::less<>>;
  Names& of(Listening how) { return names_[static_cast<std::size_t>(how)]; }
  const Names& of(Listening how) const { return names_[static_cast<std::size_t>(how)]; }
  Names names_[3];
};

}  // namespace chorus::cache
