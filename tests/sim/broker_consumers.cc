// What consumers do.
#include <fmt/format.h>

#include <algorithm>

#include "broker_scene.h"

namespace chorus::mq_sim {

void Scene::consume_on(Consumer& consumer) {
  if (up()) {
    const auto ensured = broker_->ensure_group(consumer.group);
    if (!ensured) fault("a group cannot be made: " + ensured.error().message);
    std::vector<Queue> queues{{"%RETRY%" + consumer.group, 0}};
    for (const std::string& topic : topics) {
      for (std::int32_t i = 0; i < queues_of_a_topic; ++i) queues.push_back({topic, i});
    }
    consume(consumer, queues[dice_.below(queues.size())]);
  }
  if (quiet_) return;
  simulation_.after(sim::Duration(dice_.between(500'000, 15'000'000)), [this, &consumer] { consume_on(consumer); });
}

void Scene::consume(Consumer& consumer, const Queue& queue) {
  if (std::exchange(consumer.busy[queue], true)) return;
  mq::PullRequest request{.queue = {queue.topic, queue.number}, .from = consumer.next[queue], .connection = mq::ConnectionId(2)};
  request.limits.entries_max = static_cast<std::uint32_t>(dice_.between(1, 16));
  if (dice_.chance(0.5)) request.hold_until = machine_.world().now() + ms_between(1, 100);
  broker_->pull(std::move(request), of_this_life({}, [this, &consumer, queue](const mq::StoreResult<mq::Batch>& batch) {
                  consumer.busy[queue] = false;
                  consumed(consumer, queue, batch);
                }));
}

void Scene::see(const Queue& queue, const mq::Batch& batch, const std::function<void(Id, const mq::MessageView&)>& use) {
  std::string_view rest = batch.payloads;
  for (const mq::IndexEntry& entry : batch.entries) {
    const auto message = mq::decode_message(rest.substr(0, entry.size));
    rest.remove_prefix(entry.size);
    if (!message) {
      fault(fmt::format("{} has octets at {} that are no message", to_string(queue), entry.offset));
      continue;
    }
    if (message->queue_offset != entry.offset || message->position != entry.position)
      fault(fmt::format("{} at {}: the message says offset {} and position {}", to_string(queue), entry.offset, message->queue_offset,
                        message->position));
    const Id id = id_in(message->body);
    ledger_.seen(queue, entry.offset, {.id = id, .store_time_ms = message->store_time_ms, .reconsume_times = message->reconsume_times});
    if (id > 0 && id <= ledger_.size()) use(id, *message);
  }
}

void Scene::consumed(Consumer& consumer, const Queue& queue, const mq::StoreResult<mq::Batch>& batch) {
  using Status = mq::Batch::Status;
  if (!batch) {
    if (batch.error().code == mq::StoreErrc::failed) failed();
    return;
  }
  std::int64_t& next = consumer.next[queue];
  switch (batch->status) {
    case Status::before_begin:
      if (!retention_) fault(fmt::format("{} begins at {}, and nothing is to be deleted", to_string(queue), batch->min));
      next = batch->min;
      return;
    case Status::beyond_end:
      return fault(fmt::format("{} ends at {}, and was read up to {} before", to_string(queue), batch->max, next));
    case Status::lost:
      return fault(fmt::format("{} is damaged from {} to {}", to_string(queue), next, batch->next));
    case Status::found:
      break;
    case Status::empty_queue:
      if (retention_) next = std::max(next, batch->max);
      return;
    case Status::none_wanted:
    case Status::at_end:
    case Status::unknown_queue:
      return;
  }
  if (batch->entries.front().offset != next)
    fault(fmt::format("{} was read from {} and gave {}", to_string(queue), next, batch->entries.front().offset));
  see(queue, *batch, [&](Id id, const mq::MessageView& message) {
    if (dice_.chance(0.1) && up()) send_back(consumer.group, id, message.position, static_cast<std::int32_t>(dice_.below(3)));
  });
  next = batch->next;
  if (!up()) return;
  ledger_.commit_asked(consumer.group, queue, next);
  broker_->offsets().commit(consumer.group, {queue.topic, queue.number}, next);
  if (!dice_.chance(0.2)) return;
  broker_->store_offsets(of_this_life({}, [this, asked = ledger_.commits_asked()](const mq::BrokerResult<void>& result) {
    if (result) ledger_.commits_acknowledged(asked);
  }));
}

void Scene::send_back(const std::string& group, Id id, mq::Position position, std::int32_t level) {
  ++sent_back_;
  ++ledger_.message(id).sent_back[group].second;
  broker_->send_back({.position = position, .group = group, .delay_level = level, .max_reconsume_times = reconsume_max},
                     of_this_life({}, [this, group, id](const mq::BrokerResult<void>& result) {
                       auto& counts = ledger_.message(id).sent_back[group];
                       if (result) {
                         ++counts.first;
                       } else if (result.error().code == mq::BrokerErrc::failed) {
                         failed();
                       } else {
                         --counts.second;
                       }
                     }));
}

}  // namespace chorus::mq_sim
