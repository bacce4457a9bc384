// `chorus mq transactions`
#include <fmt/format.h>

#include <set>

#include "app/mq/tool.h"
#include "base/text.h"
#include "mq/broker/topics.h"

namespace chorus::app::mqtool {

using mqclient::Queue;
using mqclient::Received;

Exit Tool::list_transactions(const Command& command) {
  const auto brokers = masters();
  if (!brokers) return fail(brokers.error());
  Table table({"OFFSET ID", "ID", "TOPIC", "GROUP", "STATE", "CHECKS", "STORED"});
  std::int64_t count = 0;
  const auto show = [&](const Received& half, const char* state) {
    ++count;
    const std::string group(half.property(mq::property::producer_group)), checks(half.property(mq::property::transaction_check_times));
    if (json_) {
      print(line({{"offset_id", half.offset_id},
                  {"id", half.id()},
                  {"topic", half.property(mq::property::real_topic)},
                  {"group", group},
                  {"state", state},
                  {"checks", base::parse_int(checks).value_or(0)},
                  {"stored", time_text(half.store_time_ms)}}));
    } else {
      table.add({half.offset_id, half.id(), std::string(half.property(mq::property::real_topic)), group, state,
                 checks.empty() ? "0" : checks, time_text(half.store_time_ms)});
    }
    return command.count == 0 || count < command.count;
  };
  // Asked by address: nobody has a route to these topics.
  for (const Broker& broker : *brokers) {
    const auto scan_at = [&](std::string_view topic, std::int64_t from, const auto& use) -> mqclient::Result<void> {
      const Queue queue{.topic = std::string(topic), .broker_name = broker.name, .queue_id = 0};
      const auto end = client_.ask(broker.address, mqclient::max_offset(queue));
      if (!end) return std::unexpected(end.error());
      const auto begin = client_.ask(broker.address, mqclient::min_offset(queue));
      if (!begin) return std::unexpected(begin.error());
      for (std::int64_t at = std::max(from, *begin); at < *end;) {
        auto pulled = client_.ask(broker.address, mqclient::pull({.group = tools_group, .queue = queue, .offset = at}));
        if (!pulled) {
          if (pulled.error().code == mqclient::Code::unknown_topic) return {};  // there never was one
          return std::unexpected(pulled.error());
        }
        for (const Received& message : pulled->messages) {
          if (!use(message)) return {};
        }
        progress([&] { return fmt::format("{}: {} of {}", topic, at, *end); });
        if (pulled->next == at) return {};
        at = pulled->next;
      }
      return {};
    };
    // RocketMQ writes an op message with the offsets of halves that have ended, and checks from where its own group is; Chorus answers
    // with the open ones alone, and has no op messages.
    const Queue halves{.topic = std::string(mq::topic::half), .broker_name = broker.name, .queue_id = 0};
    const Queue ops{.topic = std::string(mq::topic::op_half), .broker_name = broker.name, .queue_id = 0};
    const auto checked = client_.ask(broker.address, mqclient::committed_offset("CID_RMQ_SYS_TRANS", halves, false));
    const auto ops_checked = client_.ask(broker.address, mqclient::committed_offset("CID_RMQ_SYS_TRANS", ops, false));
    std::set<std::int64_t> ended;
    const auto read_ops = scan_at(mq::topic::op_half, ops_checked ? ops_checked->value_or(0) : 0, [&](const Received& op) {
      for (const std::string_view part : base::split(op.body, ',')) {
        if (const auto offset = base::parse_int(part)) ended.insert(*offset);
      }
      return true;
    });
    if (!read_ops && read_ops.error().code != mqclient::Code::unknown_topic) return fail(read_ops.error());
    const auto read_halves = scan_at(mq::topic::half, checked ? checked->value_or(0) : 0,
                                     [&](const Received& half) { return ended.contains(half.queue_offset) || show(half, "open"); });
    if (!read_halves && read_halves.error().code != mqclient::Code::unknown_topic) return fail(read_halves.error());
    const auto read_given_up = scan_at(mq::topic::check_max, 0, [&](const Received& half) { return show(half, "given up"); });
    if (!read_given_up && read_given_up.error().code != mqclient::Code::unknown_topic) return fail(read_given_up.error());
  }
  progress([&] { return fmt::format("{} transactions", count); }, true);
  if (!json_) print(table.empty() ? "no transaction is without an end\n" : table.text());
  return Exit::ok;
}

Exit Tool::resume_transaction(const Command& command) {
  const auto id = mq::parse_offset_id(*command.id);
  if (!id) return fail(Exit::usage, fmt::format("\"{}\" is no offset id: \"chorus mq transactions list\" shows them", *command.id));
  const auto address = world::parse_address(to_string(id->store_host));
  const auto done = client_.ask(*address, mqclient::resume_check(std::string(mq::topic::check_max), *command.id));
  if (!done) return fail(done.error(), "only a transaction that was given up can be resumed");
  print(json_ ? line({{"offset_id", *command.id}, {"resumed", true}}) : fmt::format("{} will be checked again\n", *command.id));
  return Exit::ok;
}

}  // namespace chorus::app::mqtool
