// What consumers do that pop.
#include <fmt/format.h>

#include <algorithm>

#include "broker_scene.h"

namespace chorus::mq_sim {
namespace {

mq::PopAck ack_of(const std::string& group, const Given& message, bool in_order) {
  return {.of = {.group = group, .queue = {message.queue.topic, message.queue.number}},
          .offsets = {message.offset},
          .pop_time_ms = message.pop_time_ms,
          .in_order = in_order};
}

}  // namespace

std::vector<PopGroup> Scene::pop_groups() {
  return {{.name = "packing", .in_order = false, .retry_max = static_cast<std::int32_t>(dice_.below(4))},
          {.name = "invoices", .in_order = true}};
}

void Scene::note_clock() {
  // It may be stepped back after it went on: how far it came, if nothing else was done to it, counts.
  const std::int64_t now_ms = machine_.world().wall_now().time_since_epoch().count();
  const auto passed = std::chrono::ceil<milliseconds>(simulation_.elapsed() - clock_noted_at_);
  pops_.clock(std::max(now_ms, clock_noted_ms_ + passed.count()));
  clock_noted_ms_ = now_ms;
  clock_noted_at_ = simulation_.elapsed();
}

void Scene::pop_on(std::size_t popper) {
  if (resting_) return;
  if (machine_.running()) note_clock();
  if (up()) pop(popper);
  const sim::Duration pause = quiet_ ? sim::Duration(ms_between(20, 60)) : sim::Duration(dice_.between(500'000, 15'000'000));
  simulation_.after(pause, [this, popper] { pop_on(popper); });
}

void Scene::pop(std::size_t popper) {
  if (popping_[popper]) return;
  popping_[popper] = true;
  const PopGroup& group = pops_.groups()[popper % pops_.groups().size()];
  const auto queues = static_cast<std::uint64_t>(queues_of_a_topic);
  note_clock();
  mq::PopRequest request{.group = group.name,
                         .topic = topics[dice_.below(topics.size())],
                         .queue = dice_.chance(0.6) ? -1 : static_cast<std::int32_t>(dice_.below(queues)),
                         .messages_max = static_cast<std::uint32_t>(dice_.between(1, 16)),
                         .octets_max = pick<std::uint64_t>({1, 4 << 10, 256 << 10}),
                         .invisible_ms = pick({ms_between(0, 20), ms_between(20, 300), ms_between(20, 300), 1500ms}).count(),
                         .in_order = group.in_order,
                         .connection = mq::ConnectionId(4)};
  // Long enough for what is acknowledged at once, or it would never end.
  if (quiet_) request.invisible_ms = 5'000;
  if (dice_.chance(0.4)) request.hold_until = machine_.world().now() + ms_between(1, 100);
  const std::int64_t invisible_ms = request.invisible_ms;
  broker_->pop(std::move(request), of_this_life({}, [this, popper, &group, invisible_ms](const mq::BrokerResult<mq::PopAnswer>& answer) {
                 popping_[popper] = false;
                 popped(group, invisible_ms, answer);
               }));
}

void Scene::popped(const PopGroup& group, std::int64_t invisible_ms, const mq::BrokerResult<mq::PopAnswer>& answer) {
  note_clock();
  if (!answer) {
    pops_.pop_unanswered(group.name);
    if (answer.error().code == mq::BrokerErrc::failed) failed();
    return;
  }
  std::vector<Given> all;
  for (const mq::Popped& of : answer->queues) {
    const Queue queue{of.queue.topic, of.queue.queue};
    std::vector<Given> messages;
    std::string_view rest = of.payloads;
    for (std::size_t i = 0; i < of.offsets.size(); ++i) {
      const auto message = mq::decode_message(rest.substr(0, of.sizes[i]));
      rest.remove_prefix(of.sizes[i]);
      if (!message || message->queue_offset != of.offsets[i]) {
        fault(fmt::format("{} at {} was popped, and its octets are no message of that place", to_string(queue), of.offsets[i]));
        continue;
      }
      const Id id = id_in(message->body);
      ledger_.seen(queue, of.offsets[i], {.id = id, .store_time_ms = message->store_time_ms, .reconsume_times = message->reconsume_times});
      if (id == 0 || id > ledger_.size()) continue;
      const auto count = of.counts.find(of.offsets[i]);
      messages.push_back({.queue = queue,
                          .offset = of.offsets[i],
                          .id = id,
                          .reconsume_times = message->reconsume_times,
                          .pop_time_ms = answer->pop_time_ms,
                          .invisible_ms = invisible_ms,
                          .count = count == of.counts.end() ? 0 : count->second});
    }
    if (messages.empty()) continue;
    pops_.given(group.name, messages);
    all.insert(all.end(), messages.begin(), messages.end());
  }
  handle(group, std::move(all));
}

void Scene::handle(const PopGroup& group, std::vector<Given> messages) {
  if (quiet_) return acknowledge(group, std::move(messages));
  std::vector<Given> together;
  for (const Given& message : messages) {
    const auto later = [&](milliseconds delay, auto what) {
      simulation_.after(delay, [this, &group, message, what] {
        if (up()) what(this, group, message);
      });
    };
    const auto ack = [](Scene* scene, const PopGroup& of, const Given& one) { scene->acknowledge(of, {one}); };
    const milliseconds invisible(message.invisible_ms);
    switch (dice_.below(20)) {
      case 0:
      case 1:
        break;  // its consumer died
      case 2:
        later(invisible + ms_between(0, 300), ack);  // too late, perhaps
        break;
      case 3:
        later(invisible - std::min(invisible, ms_between(0, 3)), ack);  // at the last moment
        break;
      case 4:
      case 5:
        later(ms_between(0, 30), [](Scene* scene, const PopGroup& of, const Given& one) { scene->change(of, one); });
        break;
      case 6:
      case 7:
      case 8:
      case 9:
        together.push_back(message);
        break;
      default:
        later(ms_between(0, 30), ack);
    }
  }
  if (together.empty()) return;
  simulation_.after(ms_between(0, 30), [this, &group, together = std::move(together)] {
    if (up()) acknowledge(group, together);
  });
}

void Scene::acknowledge(const PopGroup& group, std::vector<Given> messages) {
  if (messages.empty() || !up()) return;
  note_clock();
  std::vector<mq::PopAck> acks;
  for (const Given& message : messages) {
    pops_.ack_asked(group.name, message);
    acks.push_back(ack_of(group.name, message, group.in_order));
  }
  broker_->ack(std::move(acks), of_this_life({}, [this, &group, messages = std::move(messages)](const mq::BrokerResult<void>& result) {
                 note_clock();
                 auto outcome = PopLedger::Outcome::success;
                 if (!result) {
                   // Of several it is not told which were refused.
                   const bool refused = result.error().code == mq::BrokerErrc::not_found && messages.size() == 1;
                   outcome = refused ? PopLedger::Outcome::refused : PopLedger::Outcome::unknown;
                   if (result.error().code == mq::BrokerErrc::illegal_message)
                     fault("what was popped cannot be acknowledged: " + result.error().message);
                 }
                 for (const Given& message : messages) pops_.acked(group.name, message, outcome);
               }));
}

void Scene::change(const PopGroup& group, const Given& message) {
  note_clock();
  pops_.change_asked(group.name, message);
  const mq::PopChange change{.of = {.group = group.name, .queue = {message.queue.topic, message.queue.number}},
                             .offset = message.offset,
                             .pop_time_ms = message.pop_time_ms,
                             .invisible_ms = ms_between(0, 600).count(),
                             .in_order = group.in_order};
  broker_->change_invisible(change, of_this_life({}, [this, &group, message](const mq::BrokerResult<mq::PopChanged>& result) {
                              note_clock();
                              Given now = message;
                              if (!result) {
                                const bool refused = result.error().code == mq::BrokerErrc::not_found;
                                return pops_.changed(group.name, message,
                                                     refused ? PopLedger::Outcome::refused : PopLedger::Outcome::unknown, now);
                              }
                              now.pop_time_ms = result->pop_time_ms;
                              now.invisible_ms = result->invisible_ms;
                              pops_.changed(group.name, message, PopLedger::Outcome::success, now);
                              if (dice_.chance(0.3)) return;
                              simulation_.after(ms_between(0, 100), [this, &group, now] { acknowledge(group, {now}); });
                            }));
}

void Scene::note_deleted() {
  broker_->store().for_each_queue([this](const mq::QueueKey& queue, const mq::Store::Bounds& bounds) { deleted_[queue] = bounds.min; });
}

std::string Scene::left_to_pop() const {
  if (!up()) return "nobody is there";
  const mq::PopState& state = broker_->state().pops();
  if (state.handles().size() > 0) return fmt::format("{} are held", state.handles().size());
  const auto left_in = [this](const std::string& group, const Queue& queue) -> std::string {
    const mq::QueueKey key{queue.topic, queue.number};
    const auto bounds = broker_->bounds(key);
    // What was deleted is not given, nor missed when a failure of power brings it back.
    const auto deleted = deleted_.find(key);
    const std::int64_t min = std::max(bounds.min, deleted == deleted_.end() ? 0 : deleted->second);
    const std::int64_t next = std::max(broker_->committed(group, key).value_or(0), min);
    // What was acknowledged ahead of messages that were deleted stays known until the next pop.
    const bool is_known = broker_->state().pops().orders().find({.group = group, .queue = key}) != nullptr;
    if (is_known && (!retention_ || next < bounds.max))
      return fmt::format("{} is held in order, and ends at {}", to_string(queue), bounds.max);
    return next >= bounds.max ? "" : fmt::format("{} is at {} of {} to {}", to_string(queue), next, bounds.min, bounds.max);
  };
  for (const PopGroup& group : pops_.groups()) {
    for (const std::string& topic : topics) {
      std::vector<Queue> queues;
      for (std::int32_t i = 0; i < queues_of_a_topic; ++i) queues.push_back({topic, i});
      for (const std::string& retry : pop_retry_topics(group.name, topic)) queues.push_back({retry, 0});
      for (const Queue& queue : queues) {
        if (const std::string left = left_in(group.name, queue); !left.empty()) return group.name + ": " + left;
      }
    }
  }
  return "";
}

}  // namespace chorus::mq_sim
