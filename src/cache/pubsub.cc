// Messages to those who listen, and what happens to keys as messages.
#include <fmt/format.h>

#include "cache/call.h"

namespace chorus::cache {

std::size_t Server::publish(Listening how, std::string_view channel, std::string_view message) {
  const auto receivers = subscriptions_.receivers(how, channel);
  for (const Subscriptions::Delivery& delivery : receivers) {
    const auto found = clients_.find(delivery.to);
    if (found == clients_.end() || found->second->closes) continue;
    Client& client = *found->second;
    // What a command leads to for its own client comes behind its reply, in a transaction behind that of EXEC.
    Reply reply(client.is_run ? client.pushes : client.out, client.protocol);
    reply.push(delivery.by_pattern ? 4 : 3);
    reply.bulk(delivery.by_pattern ? "pmessage" : how == Listening::shard ? "smessage" : "message");
    if (delivery.by_pattern) reply.bulk(delivery.pattern);
    reply.bulk(channel);
    reply.bulk(message);
    list(client);
    // Who does not take messages is let go: nobody else waits for it, and its memory is bounded.
    if (const std::size_t hard = output_limit(client).hard; hard > 0 && client.out.size() + client.pushes.size() > hard) {
      ++statistics_.output_limit_disconnections;
      cut_off(client);
    }
  }
  return receivers.size();
}

void Server::notify(unsigned db, Notify what, std::string_view event, std::string_view key) {
  effects_.event(db, what, event, key);
  const NotifySettings& wanted = options_.notify;
  if (!wanted.any() || !wanted.has(what)) return;
  if (wanted.keyspace) publish(Listening::channel, fmt::format("__keyspace@{}__:{}", db, key), event);
  if (wanted.keyevent) publish(Listening::channel, fmt::format("__keyevent@{}__:{}", db, event), key);
}

}  // namespace chorus::cache
