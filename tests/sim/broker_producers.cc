// What producers do.
#include <fmt/format.h>

#include "base/text.h"
#include "broker_scene.h"

namespace chorus::mq_sim {

std::string body_of(Id id, std::size_t padding) { return fmt::format("{}/{}", id, std::string(padding, 'x')); }
Id id_in(std::string_view body) { return static_cast<Id>(base::parse_int(body.substr(0, body.find('/'))).value_or(0)); }

Queue Scene::any_queue() {
  return {topics[dice_.below(topics.size())], static_cast<std::int32_t>(dice_.below(static_cast<std::uint64_t>(queues_of_a_topic)))};
}

mq::NewMessage Scene::fresh(const Queue& queue, std::string_view body) const {
  return {
      .topic = queue.topic, .queue = queue.number, .born_time_ms = 1, .born_host = broker_options_.host, .body = body, .properties = {}};
}

void Scene::produce_on() {
  if (quiet_) return;
  if (up()) {
    for (std::uint64_t n = 1 + dice_.below(6); n > 0 && up(); --n) produce();
  }
  simulation_.after(sim::Duration(dice_.between(500'000, 20'000'000)), [this] { produce_on(); });
}

void Scene::produce() {
  switch (dice_.below(10)) {
    case 0:
      return send_batch();
    case 1:
    case 2:
      return send_delayed();
    case 3:
    case 4:
      return send_transaction();
    default:
      return send_plain();
  }
}

void Scene::send_plain() {
  const Queue queue = any_queue();
  const Id id = ledger_.ask({.queue = queue, .flushed_later = queue.topic == later_topic});
  const std::string body = body_of(id, dice_.below(dice_.chance(0.1) ? 3000 : 100));
  broker_->send(fresh(queue, body), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (note(id, result)) stored(id, result->offset, *result);
                }));
}

void Scene::send_batch() {
  const Queue queue = any_queue();
  std::vector<Id> ids;
  std::vector<std::string> bodies;
  std::vector<mq::NewMessage> messages;
  for (std::uint64_t n = 1 + dice_.below(8); n > 0; --n) {
    ids.push_back(ledger_.ask({.queue = queue, .flushed_later = queue.topic == later_topic}));
    bodies.push_back(body_of(ids.back(), dice_.below(60)));
  }
  for (const std::string& body : bodies) messages.push_back(fresh(queue, body));
  broker_->send_batch(queue.topic, queue.number, messages, {.queues = queues_of_a_topic},
                      of_this_life(ids, [this, ids](mq::BrokerResult<std::vector<mq::StoredMessage>> result) {
                        for (std::size_t i = 0; i < ids.size(); ++i) {
                          if (note(ids[i], result)) stored(ids[i], (*result)[i].offset, (*result)[i]);
                        }
                      }));
}

void Scene::send_delayed() {
  const Queue queue = any_queue();
  const bool by_level = dice_.chance(0.5);
  const auto level = static_cast<std::size_t>(1 + dice_.below(broker_options_.delay_levels.size()));
  const milliseconds delay = by_level ? broker_options_.delay_levels[level - 1] : ms_between(1, 3000);
  const std::int64_t now = machine_.world().wall_now().time_since_epoch().count();
  const Id id = ledger_.ask({.queue = queue, .delayed = true, .due_ms = now + delay.count(), .flushed_later = queue.topic == later_topic});
  const std::string body = body_of(id, dice_.below(100));
  mq::NewMessage message = fresh(queue, body);
  if (by_level) {
    mq::append_property(message.properties, mq::property::delay_level, std::to_string(level));
  } else {
    mq::append_property(message.properties, mq::property::timer_delay_ms, std::to_string(delay.count()));
  }
  broker_->send(std::move(message), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (note(id, result)) stored(id, -1, *result);
                }));
}

void Scene::send_transaction() {
  const Queue queue = any_queue();
  const Id id = ledger_.ask({.queue = queue,
                             .decision = pick({Decision::commit, Decision::commit, Decision::rollback, Decision::undecided}),
                             .flushed_later = queue.topic == later_topic});
  const std::string body = body_of(id, dice_.below(100));
  mq::NewMessage message = fresh(queue, body);
  mq::append_property(message.properties, mq::property::transaction_prepared, "true");
  mq::append_property(message.properties, mq::property::producer_group, producer_group);
  broker_->send(std::move(message), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (!note(id, result)) return;
                  stored(id, -1, *result);
                  if (dice_.chance(0.3)) return;  // the producer dies, or forgets: it will be asked
                  simulation_.after(ms_between(0, 300), [this, id, offset = result->offset, position = result->position] {
                    if (up()) end(id, offset, position);
                  });
                }));
}

void Scene::end(Id id, std::int64_t offset, mq::Position position) {
  const Decision decision = ledger_.message(id).decision;
  const auto outcome = decision == Decision::commit     ? mq::TransactionOutcome::commit
                       : decision == Decision::rollback ? mq::TransactionOutcome::rollback
                                                        : mq::TransactionOutcome::unknown;
  broker_->end_transaction({.producer_group = producer_group, .half_offset = offset, .half_position = position, .outcome = outcome},
                           of_this_life({}, [this, id, decision](const mq::BrokerResult<void>& result) {
                             if (result && decision == Decision::commit) ledger_.message(id).end_acknowledged = true;
                             if (!result && result.error().code == mq::BrokerErrc::failed) failed();
                           }));
}

void Scene::checked(const mq::TransactionCheck& check) {
  const auto message = mq::decode_message(check.message);
  if (!message) return fault("a check brings a message that cannot be read");
  const Id id = id_in(message->body);
  if (id == 0 || id > ledger_.size() || ledger_.message(id).decision == Decision::none)
    return fault(fmt::format("a check asks for message {}, which is of no transaction", id));
  if (dice_.chance(0.3)) return;
  simulation_.after(ms_between(0, 100), [this, id, check, life = life_] {
    if (up() && life == life_) end(id, check.half_offset, check.half_position);
  });
}

}  // namespace chorus::mq_sim
