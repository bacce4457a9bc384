// Client-side caching: who has read which keys, and has to be told when they change.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/strong.h"

namespace chorus::cache {

using ClientId = base::Strong<std::uint64_t, struct ClientIdTag>;

/// What a client asked for with CLIENT TRACKING ON.
struct TrackingMode {
  std::optional<ClientId> redirect = {};  // who is told in its place
  bool broadcasts = false;                // of every key with a prefix, read or not
  bool opt_in = false, opt_out = false;
  bool no_loop = false;             // not of what it changes itself
  bool caching = false;             // CLIENT CACHING was said, for the next command
  bool is_redirect_broken = false;  // there is nobody to be told any more
  std::set<std::string, std::less<>> prefixes = {};
};

/// Knows ids, not clients: an id whose client is gone may be handed out, and is passed over by whoever sends.
class Tracking {
 public:
  /// A message that is due: these keys are to be forgotten by that client.
  struct Broadcast {
    ClientId to;
    std::vector<std::string> keys;
  };

  /// The client has read the key.
  void remember(std::string_view key, ClientId client);
  /// Who has read the key since it was forgotten last; nobody any more after this.
  std::vector<ClientId> forget(std::string_view key);
  /// Any key, to be forgotten because there are too many; nullopt: there is none.
  std::optional<std::string> any(base::Random& random) const;
  void forget_all();

  void add_prefix(std::string_view prefix, ClientId client);
  void remove_prefix(std::string_view prefix, ClientId client);
  /// A key was changed, by that client if by one: kept for those with a prefix of it until broadcasts() is asked.
  void changed(std::string_view key, std::optional<ClientId> by);
  bool has_broadcasts() const { return is_due_; }
  /// What is due, in the order of prefixes; `no_loop` says of a client that it is not to be told of what it changed itself.
  template <class NoLoop>
  std::vector<Broadcast> broadcasts(NoLoop no_loop);

  std::size_t keys() const { return readers_.size(); }
  /// Readers of all keys together.
  std::size_t items() const { return items_; }
  std::size_t prefixes() const { return prefixes_.size(); }

 private:
  struct Prefix {
    std::set<ClientId> clients;
    std::map<std::string, std::optional<ClientId>> keys;  // and who changed each last
  };
  absl::flat_hash_map<std::string, std::vector<ClientId>> readers_;
  std::size_t items_ = 0;
  std::map<std::string, Prefix, std::less<>> prefixes_;
  bool is_due_ = false;
};

template <class NoLoop>
std::vector<Tracking::Broadcast> Tracking::broadcasts(NoLoop no_loop) {
  std::vector<Broadcast> all;
  is_due_ = false;
  for (auto& [name, prefix] : prefixes_) {
    if (prefix.keys.empty()) continue;
    for (const ClientId client : prefix.clients) {
      Broadcast message{.to = client, .keys = {}};
      const bool leaves_out_own = no_loop(client);
      for (const auto& [key, by] : prefix.keys) {
        if (!leaves_out_own || by != client) message.keys.push_back(key);
      }
      if (!message.keys.empty()) all.push_back(std::move(message));
    }
    prefix.keys.clear();
  }
  return all;
}

}  // namespace chorus::cache
