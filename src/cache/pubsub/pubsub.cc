// SUBSCRIBE, PUBLISH and their relatives.
#include "cache/call.h"
#include "cache/command/rows.h"
#include "cache/connection/help.h"
#include "cache/pubsub/handlers.h"

namespace chorus::cache {
namespace {

std::string_view word(Listening how, bool begins) {
  switch (how) {
    case Listening::pattern:
      return begins ? "psubscribe" : "punsubscribe";
    case Listening::shard:
      return begins ? "ssubscribe" : "sunsubscribe";
    default:
      return begins ? "subscribe" : "unsubscribe";
  }
}

/// What a client listens to after a change: channels and patterns together, shard channels apart.
std::size_t count(Client& client, Listening how) {
  if (how == Listening::shard) return client.listens(how).size();
  return client.listens(Listening::channel).size() + client.listens(Listening::pattern).size();
}

/// Where confirmations go: as messages do they come also to those who turned replies off (CLIENT REPLY).
Reply confirmations(Call& call) {
  Client& client = call.client();
  const bool is_silent = client.reply_mode == ReplyMode::off || client.reply_mode == ReplyMode::skip_this;
  return Reply(is_silent ? client.pushes : client.out, client.protocol);
}

void begin(Call& call, Listening how) {
  Reply reply = confirmations(call);
  for (const std::string_view name : call.arguments().subspan(1)) {
    call.server().subscriptions().add(call.client(), how, name);
    reply.push(3);
    reply.bulk(word(how, true));
    reply.bulk(name);
    reply.integer(static_cast<std::int64_t>(count(call.client(), how)));
  }
}

void end(Call& call, Listening how) {
  std::vector<std::string> names(call.arguments().begin() + 1, call.arguments().end());
  if (names.empty()) names.assign(call.client().listens(how).begin(), call.client().listens(how).end());
  Reply reply = confirmations(call);
  const auto confirm = [&](const std::string* name) {
    reply.push(3);
    reply.bulk(word(how, false));
    name == nullptr ? reply.null() : reply.bulk(*name);
    reply.integer(static_cast<std::int64_t>(count(call.client(), how)));
  };
  for (const std::string& name : names) {
    call.server().subscriptions().remove(call.client(), how, name);
    confirm(&name);
  }
  if (names.empty()) confirm(nullptr);
}

void send(Call& call, Listening how) {
  const std::size_t receivers = call.server().publish(how, call[1], call[2]);
  // Replicas have listeners of their own.
  call.effect(call.arguments());
  call.reply.integer(static_cast<std::int64_t>(receivers));
}

void show_active(Call& call, Listening how) {
  if (call.size() > 3) {
    return reply_wrong_subcommand(call);
  }
  const auto names = call.server().subscriptions().active(how, call.size() == 3 ? call[2] : std::string_view());
  call.reply.array(names.size());
  for (const std::string& name : names) call.reply.bulk(name);
}

void show_listeners(Call& call, Listening how) {
  call.reply.array((call.size() - 2) * 2);
  for (const std::string_view name : call.arguments().subspan(2)) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<std::int64_t>(call.server().subscriptions().listeners(how, name)));
  }
}

}  // namespace

void subscribe(Call& call) { begin(call, Listening::channel); }
void psubscribe(Call& call) { begin(call, Listening::pattern); }
void ssubscribe(Call& call) { begin(call, Listening::shard); }
void unsubscribe(Call& call) { end(call, Listening::channel); }
void punsubscribe(Call& call) { end(call, Listening::pattern); }
void sunsubscribe(Call& call) { end(call, Listening::shard); }
void publish(Call& call) { send(call, Listening::channel); }
void spublish(Call& call) { send(call, Listening::shard); }
void pubsub_channels(Call& call) { show_active(call, Listening::channel); }
void pubsub_shardchannels(Call& call) { show_active(call, Listening::shard); }
void pubsub_numsub(Call& call) { show_listeners(call, Listening::channel); }
void pubsub_shardnumsub(Call& call) { show_listeners(call, Listening::shard); }
void pubsub_numpat(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.server().subscriptions().count(Listening::pattern))); }

void pubsub_help(Call& call) {
  reply_help(call, {"CHANNELS [<pattern>]", "    Return the currently active channels matching a <pattern> (default: '*').", "NUMPAT",
                    "    Return number of subscriptions to patterns.", "NUMSUB [<channel> ...]",
                    "    Return the number of subscribers for the specified channels.", "SHARDCHANNELS [<pattern>]",
                    "    Return the currently active shard channels matching a <pattern>.", "SHARDNUMSUB [<shardchannel> ...]",
                    "    Return the number of subscribers for the specified shard channels."});
}

std::span<const Command> pubsub_rows() {
  constexpr Group group = Group::pubsub;
  constexpr KeyRange one{1, 1, 1}, all{1, -1, 1};
  static constexpr Command pubsub_commands[] = {
      {"channels", -2, "plt", {}, group, "2.8.0", pubsub_channels},
      {"help", 2, "lt", {}, group, "6.2.0", pubsub_help},
      {"numpat", 2, "plt", {}, group, "2.8.0", pubsub_numpat},
      {"numsub", -2, "plt", {}, group, "2.8.0", pubsub_numsub},
      {"shardchannels", -2, "plt", {}, group, "7.0.0", pubsub_shardchannels},
      {"shardnumsub", -2, "plt", {}, group, "7.0.0", pubsub_shardnumsub},
  };
  static constexpr Command rows[] = {
      {"psubscribe", -2, "pslt", {}, group, "2.0.0", psubscribe},
      {"publish", 3, "pltFR", {}, group, "2.0.0", publish},
      {.name = "pubsub", .arity = -2, .flags = "", .keys = {}, .group = group, .since = "2.8.0", .subcommands = pubsub_commands},
      {"punsubscribe", -1, "pslt", {}, group, "2.0.0", punsubscribe},
      {"spublish", 3, "pltFR", one, group, "7.0.0", spublish},
      {"ssubscribe", -2, "pslt", all, group, "7.0.0", ssubscribe},
      {"subscribe", -2, "pslt", {}, group, "2.0.0", subscribe},
      {"sunsubscribe", -1, "pslt", all, group, "7.0.0", sunsubscribe},
      {"unsubscribe", -1, "pslt", {}, group, "2.0.0", unsubscribe},
  };
  return rows;
}

}  // namespace chorus::cache
