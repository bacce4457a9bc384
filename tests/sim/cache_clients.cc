// Clients that count, and follow redirections as Redis Cluster's do.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "cache_scene.h"

namespace chorus::cache_sim {

std::int64_t number_in(std::string_view reply) {
  if (reply == "$-1\r\n") return 0;
  const std::string_view text = reply.starts_with('$') ? reply.substr(reply.find("\r\n") + 2) : reply.substr(1);
  return base::parse_int(base::trim(text)).value_or(-1);
}

std::string redirected_to(std::string_view reply) {
  if (!reply.starts_with("-MOVED ") && !reply.starts_with("-ASK ")) return {};
  const auto to = world::parse_address(base::split(base::trim(reply), ' ').at(2));
  ENSURE(to.has_value(), reply);
  return to->host;
}

RedisConnection& Scene::connection(std::size_t client, const std::string& host) {
  auto& made = clients_[client].connections[host];
  const auto patience = client == clients_count ? 10s : 4s;
  if (!made) made = std::make_unique<RedisConnection>(*outside_world_, world::Address{host, port}, patience);
  return *made;
}

void Scene::go_on(std::size_t client) {
  if (is_quiet_) return;
  simulation_.after(ms_between(1, 60), [this, client] {
    const std::string& key = keys_[dice_.below(keys_.size())];
    ++counts_.operations;
    const std::string& known = clients_[client].owner[key];
    const std::string host = known.empty() || by_chance(10) ? caches_[dice_.below(caches_.size())].host() : known;
    attempt(client, judge_.begin(key, !by_chance(3)), host, 0, false);
  });
}

void Scene::attempt(std::size_t client, const CounterJudge::Begun& begun, const std::string& host, int tries, bool asks) {
  RedisConnection& to = connection(client, host);
  if (asks) to.ask({"ASKING"}, [](const Reply&) {});
  to.ask({begun.is_increment ? "INCR" : "GET", begun.key}, [this, client, begun, host, tries](const Reply& reply) {
    std::string& owner = clients_[client].owner[begun.key];
    if (!reply) {
      owner.clear();
      return go_on(client);
    }
    constexpr int tries_max = 6;
    if (const std::string next = redirected_to(*reply); !next.empty() && tries < tries_max) {
      const bool is_moved = reply->starts_with("-MOVED ");
      if (is_moved) owner = next;
      return attempt(client, begun, next, tries + 1, !is_moved);
    }
    if (reply->starts_with('-')) {
      owner.clear();
      judge_.refused(begun);
    } else {
      const std::size_t before = judge_.faults().size();
      judge_.answered(begun, number_in(*reply));
      if (judge_.faults().size() > before) note(fmt::format("{} said it: {}", host, judge_.faults().back()));
    }
    go_on(client);
  });
}

void Scene::order(const std::string& host, const Words& words, RedisConnection::Done done) {
  operators(host).ask(words, [this, host, words, done = std::move(done)](const Reply& reply) {
    if (options_.verbose) {
      constexpr std::size_t shown_max = 80;
      note(fmt::format("{} <- {}: {}", host, fmt::join(words, " "), base::trim(reply.value_or("nothing")).substr(0, shown_max)));
    }
    done(reply);
  });
}

void Scene::follow(const Words& words, const std::string& host, int tries, std::function<void(Reply, const std::string&)> done, bool asks) {
  RedisConnection& to = operators(host);
  if (asks) to.ask({"ASKING"}, [](const Reply&) {});
  to.ask(words, [this, words, host, tries, done = std::move(done)](const Reply& reply) {
    if (tries == 0 || (reply && !reply->starts_with('-'))) return done(reply, host);
    // A write whose answer was lost may be done yet, behind what others do in the meantime.
    if (!reply && words.front() != "GET") return done(reply, host);
    const std::string next = reply ? redirected_to(*reply) : caches_[dice_.below(caches_.size())].host();
    const bool asks_next = reply && reply->starts_with("-ASK ");
    simulation_.after(next.empty() ? 100ms : 1ms, [this, words, tries, done, asks_next, to = next.empty() ? host : next] {
      follow(words, to, tries - 1, done, asks_next);
    });
  });
}

/// At the end, from whoever has it.
void Scene::read_all() {
  unread_ = keys_.size();
  constexpr int tries_max = 400;
  for (const std::string& key : keys_) {
    follow({"GET", key}, caches_.front().host(), tries_max,
           [this, begun = judge_.begin(key, false)](const Reply& reply, const std::string&) {
             if (!reply || !reply->starts_with('$')) return;
             judge_.answered(begun, number_in(*reply));
             --unread_;
           });
  }
}

}  // namespace chorus::cache_sim
