#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ensure.h"
#include "mq/client/channel.h"
#include "mq/client/client.h"
#include "mq/client/message.h"
#include "mq/client/route.h"
#include "mq/rocketmq/body/body.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mqclient;

void messages(std::string_view input) {
  const auto read = decode_messages(input, "b");
  if (!read) return;
  for (const Received& message : *read) {
    ENSURE(message.broker_name == "b" && !message.id().empty());
    static_cast<void>(message.real_topic());
    static_cast<void>(properties_text(message.properties));
  }
}

void route(std::string_view input) {
  const auto read = wire::decode_body<wire::TopicRoute>(input);
  if (!read) return;
  const auto readable = readable_queues("t", *read);
  for (const Queue& queue : writable_queues("t", *read)) static_cast<void>(address_of(*read, queue.broker_name));
  ENSURE(addresses_of(*read).size() <= read->brokers.size());
  // Members share all queues, and none twice.
  const std::vector<std::string> members{"a", "b", "c"};
  std::size_t taken = 0;
  for (const std::string& member : members) taken += allocate_evenly(readable, members, member).size();
  ENSURE(taken == readable.size(), taken, readable.size());
}

/// What a server sends to one that has asked three things: each is completed once, whatever comes.
void channel(std::string_view input, std::size_t piece) {
  Channel channel("server:1", {});
  std::vector<ChannelAction> actions;
  std::size_t completed = 0;
  bool is_gone = false;
  const Instant now{std::chrono::seconds(5)};
  const auto step = [&](Instant at, ChannelEvent event) {
    actions.clear();
    channel.step(at, std::move(event), actions);
    for (const ChannelAction& action : actions) {
      completed += std::holds_alternative<action::Complete>(action) ? 1 : 0;
      is_gone = is_gone || std::holds_alternative<action::Disconnect>(action);
    }
  };
  for (std::uint64_t id = 1; id <= 3; ++id) {
    step(now,
         event::Call{
             .id = id, .request = wire::Outgoing::request(wire::RequestCode::heart_beat, 0), .deadline = now + std::chrono::seconds(3)});
  }
  step(now, event::Connected{});
  for (std::size_t at = 0; at < input.size() && !is_gone; at += piece) {
    const std::string borrowed(input.substr(at, piece));
    step(now, event::Received{borrowed});
  }
  ENSURE(completed <= 3, completed);
  step(now + std::chrono::seconds(4), event::Tick{});
  ENSURE(completed == 3, completed);
}

}  // namespace

void fuzz_mq_client(std::string_view input) {
  if (input.size() < 2) return;
  const std::string borrowed(input.substr(2));
  switch (static_cast<unsigned char>(input[0]) % 4) {
    case 0:
      return messages(borrowed);
    case 1:
      return route(borrowed);
    case 2:
      return channel(borrowed, 1 + static_cast<unsigned char>(input[1]));
    default:
      static_cast<void>(parse_name_servers(borrowed));
  }
}

}  // namespace chorus::fuzz
