// `chorus mq lag` and `chorus mq reset`
#include <fmt/format.h>

#include <algorithm>

#include "app/mq/tool.h"
#include "mq/broker/topics.h"

namespace chorus::app::mqtool {

using mqclient::Queue;

Exit Tool::lag(const Command& command) {
  std::vector<std::string> groups;
  const auto known = all_groups(false);
  if (!known) return fail(known.error());
  if (!command.group.empty()) {
    groups.push_back(command.group);
  } else {
    for (const auto& [name, config] : *known) groups.push_back(name);
  }
  Table queues({"GROUP", "TOPIC", "BROKER", "QUEUE", "COMMITTED", "END", "LAG", "CONSUMED UP TO"});
  Table sums({"GROUP", "TOPIC", "LAG", "CONSUMED UP TO"});
  std::size_t done = 0;
  for (const std::string& group : groups) {
    progress([&] { return fmt::format("{} of {} groups", done, groups.size()); });
    ++done;
    const auto lags = lag_of(group, command.topic);
    if (!lags) return fail(lags.error());
    if (lags->empty() && !command.group.empty() && !known->contains(group))
      return fail(Exit::not_found, fmt::format("there is no group \"{}\"; \"chorus mq groups list\" lists them", group));
    if (json_) {
      for (const QueueLag& each : *lags) {
        print(line({{"group", group},
                    {"topic", each.queue.topic},
                    {"broker", each.queue.broker_name},
                    {"queue", each.queue.queue_id},
                    {"committed", each.offsets.consumer_offset},
                    {"end", each.offsets.broker_offset},
                    {"lag", each.lag()},
                    {"consumed_up_to", time_text(each.offsets.last_time_ms)}}));
      }
      continue;
    }
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> by_topic;
    for (const QueueLag& each : *lags) {
      queues.add({group, each.queue.topic, each.queue.broker_name, std::to_string(each.queue.queue_id),
                  std::to_string(each.offsets.consumer_offset), std::to_string(each.offsets.broker_offset), std::to_string(each.lag()),
                  time_text(each.offsets.last_time_ms)});
      auto& [lag, time] = by_topic[each.queue.topic];
      lag += each.lag();
      time = std::max(time, each.offsets.last_time_ms);
    }
    for (const auto& [topic, sum] : by_topic) sums.add({group, topic, std::to_string(sum.first), time_text(sum.second)});
  }
  progress([&] { return fmt::format("{} groups", done); }, true);
  if (json_) return Exit::ok;
  const Table& table = command.group.empty() ? sums : queues;
  print(table.empty() ? "nothing is committed\n" : table.text());
  return Exit::ok;
}

Exit Tool::reset(const Command& command) {
  const auto groups = all_groups(true);
  if (!groups) return fail(groups.error());
  if (!groups->contains(command.group)) {
    return fail(Exit::not_found, fmt::format("there is no group \"{}\"; \"chorus mq groups list\" lists them", command.group));
  }
  auto queues = queues_of(command.topic);
  if (!queues) return fail(queues.error());
  std::erase_if(*queues, [&](const Queue& queue) {
    return (command.queue && queue.queue_id != *command.queue) || (!command.broker.empty() && queue.broker_name != command.broker);
  });
  if (queues->empty()) return fail(Exit::not_found, fmt::format("{} has no such queue", command.topic));

  const std::string& to = *command.to;
  const bool is_name = to == "earliest" || to == "latest";
  std::optional<std::int64_t> offset, time_ms;
  if (!is_name && command.queue && to.find_first_not_of("0123456789") == std::string::npos && to.size() < 13) {
    offset = std::stoll(to);
  } else if (!is_name) {
    const auto time = parse_time(to, now_ms());
    if (!time) return fail(Exit::usage, time.error());
    time_ms = *time;
  }
  struct Move {
    Queue queue;
    std::optional<std::int64_t> from;
    std::int64_t to = 0, end = 0;
  };
  std::vector<Move> moves;
  for (const Queue& queue : *queues) {
    const auto from = client_.ask_broker_of(queue, mqclient::committed_offset(command.group, queue, false));
    if (!from) return fail(from.error());
    const auto begin = client_.ask_broker_of(queue, mqclient::min_offset(queue));
    if (!begin) return fail(begin.error());
    const auto end = client_.ask_broker_of(queue, mqclient::max_offset(queue));
    if (!end) return fail(end.error());
    std::int64_t target = to == "earliest" ? *begin : *end;
    if (time_ms) {
      const auto at = client_.ask_broker_of(queue, mqclient::offset_at(queue, *time_ms));
      if (!at) return fail(at.error());
      target = *at;
    }
    if (offset && (*offset < *begin || *offset > *end)) {
      return fail(Exit::usage, fmt::format("queue {} of {} goes from {} to {}: {} is not there", queue.queue_id, queue.broker_name, *begin,
                                           *end, *offset));
    }
    moves.push_back({queue, *from, offset.value_or(target), *end});
  }
  const auto members = members_of(command.group);
  if (!members) return fail(members.error());
  const std::size_t live = members->connections.size();
  const auto show = [&](bool is_done) {
    Table table({"BROKER", "QUEUE", "COMMITTED", "NEW", "MESSAGES TO COME"});
    for (const Move& move : moves) {
      if (json_) {
        Json out = {{"broker", move.queue.broker_name},
                    {"queue", move.queue.queue_id},
                    {"committed", nullptr},
                    {"new", move.to},
                    {"to_come", move.end - move.to},
                    {"done", is_done}};
        if (move.from) out["committed"] = *move.from;
        print_json(out);
      } else {
        table.add({move.queue.broker_name, std::to_string(move.queue.queue_id), move.from ? std::to_string(*move.from) : "-",
                   std::to_string(move.to), std::to_string(move.end - move.to)});
      }
    }
    if (!json_) print(table.text());
    std::fflush(stdout);
  };
  if (command.dry_run) {
    show(false);
    return Exit::ok;
  }
  if (live > 0 && !command.force) {
    show(false);
    return fail(Exit::in_use, fmt::format("{} consumers of \"{}\" are connected: stop them, or move their offsets under them with --force; "
                                          "nothing was done",
                                          live, command.group));
  }
  for (const Move& move : moves) {
    const auto refused = [&](const mqclient::Error& error) {
      return fail(error, fmt::format("queue {} of {}: it and what follows are as they were", move.queue.queue_id, move.queue.broker_name));
    };
    if (live > 0) {
      // The broker tells the members, and ignores what they commit in between.
      const auto done = client_.ask_broker_of(
          move.queue,
          mqclient::reset_offsets({.group = command.group, .topic = command.topic, .queue = move.queue.queue_id, .offset = move.to}));
      if (!done) return refused(done.error());
    } else {
      const auto done = client_.ask_broker_of(move.queue, mqclient::commit_offset(command.group, move.queue, move.to, false));
      if (!done) return refused(done.error());
    }
  }
  show(true);
  return Exit::ok;
}

}  // namespace chorus::app::mqtool
