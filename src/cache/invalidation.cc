// Who is told that a key was changed, in the words of their protocol.
#include <algorithm>

#include "cache/call.h"
#include "cache/tracking.h"

namespace chorus::cache {
namespace {

constexpr std::string_view invalidation_channel = "__redis__:invalidate";
/// Keys that are forgotten at a time, when too many are remembered.
constexpr std::size_t forgotten_at_once = 1000;

}  // namespace

void Server::track(Client& client, TrackingMode mode) {
  const bool was_on = client.tracking != nullptr;
  if (was_on) {
    mode.prefixes.insert(client.tracking->prefixes.begin(), client.tracking->prefixes.end());
  } else {
    ++tracking_clients_;
  }
  if (mode.broadcasts && mode.prefixes.empty()) mode.prefixes.insert("");
  for (const std::string& prefix : mode.prefixes) tracking_->add_prefix(prefix, client.id);
  client.tracking = std::make_unique<TrackingMode>(std::move(mode));
}

void Server::stop_tracking(Client& client) {
  if (client.tracking == nullptr) return;
  for (const std::string& prefix : client.tracking->prefixes) tracking_->remove_prefix(prefix, client.id);
  client.tracking.reset();
  --tracking_clients_;
}

/// What a command that reads has looked at. source: section 5.8
void Server::remember_keys(Client& client, const Command& command, Arguments arguments) {
  const TrackingMode& mode = *client.tracking;
  if (mode.broadcasts || !command.flags.has(Flag::readonly) || command.flags.has(Flag::pubsub)) return;
  if ((mode.opt_in && !mode.caching) || (mode.opt_out && mode.caching)) return;
  std::vector<std::size_t> at;
  if (!find_keys(command, arguments, at)) return;
  for (const std::size_t i : at) tracking_->remember(arguments[i], client.id);
}

/// `write` appends what is to be forgotten: an array of keys, or null for all.
template <class Write>
void Server::invalidate(Client& reader, Write write) {
  TrackingMode& mode = *reader.tracking;
  Client* to = &reader;
  if (mode.redirect) {
    to = find_client(*mode.redirect);
    if (to == nullptr || to->closes) {
      mode.is_redirect_broken = true;
      if (reader.protocol < 3) return;
      Reply reply(reader.is_run ? reader.pushes : reader.out, reader.protocol);
      reply.push(2);
      reply.bulk("tracking-redir-broken");
      reply.integer(static_cast<std::int64_t>(mode.redirect->value));
      return list(reader);
    }
  }
  Reply reply(to->is_run ? to->pushes : to->out, to->protocol);
  if (to->protocol > 2) {
    reply.push(2);
    reply.bulk("invalidate");
  } else if (mode.redirect && to->is_subscribed()) {
    reply.push(3);
    reply.bulk("message");
    reply.bulk(invalidation_channel);
  } else {
    return;
  }
  write(reply);
  list(*to);
  const std::size_t hard = options_.pubsub_output.hard;
  if (hard > 0 && to->out.size() + to->pushes.size() > hard) cut_off(*to);
}

void Server::invalidate_key(std::string_view key, bool by_nobody) {
  if (tracking_clients_ == 0) return;
  tracking_->changed(key, by_nobody || running_ == nullptr ? std::nullopt : std::optional(running_->id));
  for (const ClientId id : tracking_->forget(key)) {
    Client* reader = find_client(id);
    if (reader == nullptr || reader->closes || reader->tracking == nullptr || reader->tracking->broadcasts) continue;
    if (reader->tracking->no_loop && reader == running_) continue;
    invalidate(*reader, [&](Reply& reply) {
      reply.array(1);
      reply.bulk(key);
    });
  }
}

void Server::invalidate_all() {
  if (tracking_clients_ == 0) return;
  tracking_->forget_all();
  for (Client* client : all_clients()) {
    if (client->tracking == nullptr || client->closes) continue;
    invalidate(*client, [](Reply& reply) { reply.null(); });
  }
}

/// At the end of an event: broadcasts, and what is too much to be remembered.
void Server::finish_tracking() {
  if (tracking_clients_ == 0 && tracking_->keys() > 0) tracking_->forget_all();
  if (tracking_->has_broadcasts()) {
    const auto is_no_loop = [this](ClientId id) {
      const Client* client = find_client(id);
      return client != nullptr && client->tracking != nullptr && client->tracking->no_loop;
    };
    for (const Tracking::Broadcast& message : tracking_->broadcasts(is_no_loop)) {
      Client* client = find_client(message.to);
      if (client == nullptr || client->closes || client->tracking == nullptr) continue;
      invalidate(*client, [&](Reply& reply) {
        reply.array(message.keys.size());
        for (const std::string& key : message.keys) reply.bulk(key);
      });
    }
  }
  const std::size_t most = options_.tracked_keys_max;
  for (std::size_t i = 0; most > 0 && tracking_->keys() > most && i < forgotten_at_once; ++i) {
    invalidate_key(*tracking_->any(random_), true);
  }
}

}  // namespace chorus::cache
