// Popping: messages are given to whoever of a group asks next. source: broker/processor/PopMessageProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "mq/broker/broker.h"
#include "mq/broker/pop_work.h"

namespace chorus::mq {
namespace {

/// Invisible times that clients write: held where sums with times cannot overflow.
constexpr std::int64_t invisible_ms_max = std::int64_t{1} << 50;

/// Those who only ask whether there is something have a turn of their own: they take nothing from those who pop.
std::string asking_turn(std::string_view group) { return std::string(group) + "\x01?"; }

}  // namespace

/// One pop at work, queue after queue.
struct Broker::PopRound {
  PopRequest request;
  std::move_only_function<void(BrokerResult<PopAnswer>)> done;
  std::vector<QueueKey> queues;
  std::size_t at = 0;
  PopAnswer answer{};
  std::size_t messages = 0;
  std::uint64_t octets = 0;
  std::set<GroupQueue> reset{};      // what was held of them in order counts no more
  std::vector<GroupQueue> locked{};  // what is read of them is not in the log yet
  std::vector<NewEntry> records{};
  std::optional<BrokerError> failure{};
  bool in_call = true;  // nothing came later than the call: completions may not come yet

  bool is_full() const { return messages >= request.messages_max || (messages > 0 && octets >= request.octets_max); }
};

std::vector<QueueKey> Broker::pop_queues(const PopRequest& request, bool retry_first) {
  std::vector<QueueKey> own, retry;
  const TopicConfig* config = topics_.find(request.topic);
  if (config == nullptr) return own;  // removed
  if (request.queue >= 0) {
    own.push_back({.topic = request.topic, .queue = request.queue});
  } else if (config->read_queues > 0) {
    const auto queues = static_cast<std::uint32_t>(config->read_queues);
    const auto first = static_cast<std::uint32_t>(world_.random().below(queues));
    for (std::uint32_t i = 0; i < queues; ++i) {
      own.push_back({.topic = request.topic, .queue = static_cast<std::int32_t>((first + i) % queues)});
    }
  }
  if (request.in_order) return own;
  // Of one kind only: what is told of queues names all retry topics alike. Messages of the other kind are given out as well: they stay from
  // before the setting was changed. source: retrieveMessageFromPopRetryTopicV1
  std::string name = topic::pop_retry_of(request.group, request.topic, options_.pop_retry_topic_v2);
  std::string other = topic::pop_retry_of(request.group, request.topic, !options_.pop_retry_topic_v2);
  const auto has_some = [&](const std::string& retry) {
    const GroupQueue of{.group = request.group, .queue = {.topic = retry, .queue = 0}};
    return bounds(of.queue).max > pop_offset(of, false);
  };
  if (has_some(other) && (!has_some(name) || world_.random().below(2) == 0)) name = std::move(other);
  if (topics_.find(name) == nullptr && bounds({.topic = name, .queue = 0}).max > 0) {
    topics_.ensure(name, 1, perm::read | perm::write, now_ms());  // a crash kept it from the catalogue
  }
  if (const TopicConfig* retry_config = topics_.find(name)) {
    for (std::int32_t queue = 0; queue < retry_config->read_queues; ++queue) retry.push_back({.topic = name, .queue = queue});
  }
  auto& front = retry_first ? retry : own;
  auto& back = retry_first ? own : retry;
  front.insert(front.end(), back.begin(), back.end());
  return std::move(front);
}

Offset Broker::pop_offset(const GroupQueue& of, bool from_newest) const {
  if (const auto committed = state_->offsets.committed(of.group, of.queue)) return *committed;
  const Store::Bounds bounds = this->bounds(of.queue);
  // A group that is new to a queue which still has its first message begins there, else with its last one.
  // source: PopMessageProcessor.getInitOffset
  if (!from_newest || topic::is_retry(of.queue.topic) || bounds.min <= 0) return bounds.min;
  return std::max(bounds.min, bounds.max - 1);
}

bool Broker::may_pop(const PopRequest& request, const QueueKey& queue) const {
  const GroupQueue of{.group = request.group, .queue = queue};
  if (bounds(queue).max <= pop_offset(of, request.from_newest)) return false;
  if (request.in_order) {
    if (pop_work_->orders_busy.contains(of)) return false;
    return state_->offsets.pending_reset(of.group, queue) || !state_->pops().orders().is_blocked(of, request.attempt_id, now_ms());
  }
  const PopHandles& handles = state_->pops().handles();
  return handles.size() < options_.pop_in_flight_max && handles.size(of) < options_.pop_in_flight_per_queue_max;
}

bool Broker::may_pop_any(const PopRequest& request) {
  return std::ranges::any_of(pop_queues(request, false), [&](const QueueKey& queue) {
    return !pop_locks_.contains({.group = request.group, .queue = queue}) && may_pop(request, queue);
  });
}

void Broker::pop(PopRequest request, std::move_only_function<void(BrokerResult<PopAnswer>)> done) {
  request.invisible_ms = std::clamp<std::int64_t>(request.invisible_ms, 0, invisible_ms_max);
  request.messages_max = std::clamp<std::uint32_t>(request.messages_max, 1, PopOrders::offsets_max);
  if (stopping_) {
    return later([done = std::move(done)]() mutable { done(base::error(BrokerErrc::unavailable, "the broker is stopping")); });
  }
  auto round = std::make_shared<PopRound>(PopRound{.request = std::move(request), .done = std::move(done), .queues = {}});
  round->queues = pop_queues(round->request, world_.random().below(100) < options_.pop_from_retry_percent);
  round->answer.pop_time_ms = now_ms();
  if (round->request.in_order) {
    // What was popped before is known by another time, whatever the clock does.
    for (const QueueKey& queue : round->queues) {
      const OrderedPop* taken = state_->pops().orders().find({.group = round->request.group, .queue = queue});
      if (taken != nullptr) round->answer.pop_time_ms = std::max(round->answer.pop_time_ms, taken->pop_time_ms + 1);
    }
  }
  next_queue(round);
  round->in_call = false;
}

void Broker::next_queue(const RoundPtr& round) {
  while (round->at < round->queues.size()) {
    const QueueKey queue = round->queues[round->at++];
    if (visit(round, queue)) return;  // goes on when it is read
  }
  end_round(round);
}

bool Broker::visit(const RoundPtr& round, const QueueKey& queue) {
  const PopRequest& request = round->request;
  const GroupQueue of{.group = request.group, .queue = queue};
  const Store::Bounds bounds = this->bounds(queue);
  if (pop_locks_.contains(of)) {
    if (!request.in_order) round->answer.rest += std::max<Offset>(0, bounds.max - pop_offset(of, request.from_newest));
    return false;
  }
  // What is acknowledged just now is not to be given, and whose time is changed neither.
  if (request.in_order && pop_work_->orders_busy.contains(of)) return false;
  if (state_->offsets.take_reset(of.group, queue) && state_->pops().orders().find(of) != nullptr) {
    round->reset.insert(of);
    round->records.push_back({.kind = Kind::own, .payload = encode_entry(of), .type = static_cast<std::uint8_t>(EntryType::order_cleared)});
  } else if (request.in_order && state_->pops().orders().is_blocked(of, request.attempt_id, now_ms())) {
    return false;  // what it holds back does not count: nobody is to be woken for it
  }
  Offset from = pop_offset(of, request.from_newest);
  // An offset that cannot be is put right. source: PopMessageProcessor.popMsgFromQueue
  from = std::clamp(from, bounds.min, bounds.max);
  state_->offsets.commit(of.group, queue, from);
  if (from >= bounds.max) return false;
  if (round->is_full() || (!request.in_order && !may_pop(request, queue))) {
    round->answer.rest += bounds.max - from;
    return false;
  }
  pop_locks_.insert(of);
  state_->offsets.hold(of.group, queue);
  read_queue(round, of, from);
  return true;
}

void Broker::read_queue(const RoundPtr& round, const GroupQueue& of, Offset from) {
  const PopRequest& request = round->request;
  std::size_t most = request.messages_max - round->messages;
  // Past what was acknowledged before its turn; with the least that is not, all of that is within so many.
  if (request.in_order) most = std::min(most + state_->pops().orders().acked(of).size(), PopOrders::offsets_max);
  store_->read(stored_key(of.queue), from, {.entries_max = static_cast<std::uint32_t>(most), .octets_max = request.octets_max},
               Wanted(request.wanted),
               guarded([this, round, of, from](StoreResult<Batch> batch) { take(round, of, from, std::move(batch)); }));
}

void Broker::take(const RoundPtr& round, const GroupQueue& of, Offset from, StoreResult<Batch> batch) {
  const PopRequest& request = round->request;
  const auto leave = [&] {
    unlock(of);
    next_queue(round);
  };
  if (!batch) {
    round->failure = BrokerError{BrokerErrc::failed, batch.error().message};
    return leave();
  }
  Popped popped{.queue = of.queue, .start = from};
  const std::set<Offset> acked = request.in_order && !round->reset.contains(of) ? state_->pops().orders().acked(of) : std::set<Offset>();
  std::size_t at = 0;
  for (const IndexEntry& entry : batch->entries) {
    const std::string_view payload = std::string_view(batch->payloads).substr(at, entry.size);
    at += entry.size;
    if (acked.contains(entry.offset) || popped.offsets.size() >= request.messages_max - round->messages) continue;
    if (request.match && !request.match(payload)) continue;
    popped.offsets.push_back(entry.offset);
    popped.sizes.push_back(entry.size);
    popped.payloads += payload;
  }
  if (topics_.find(of.queue.topic) == nullptr) return leave();  // removed meanwhile
  if (popped.offsets.empty()) {
    // Nothing was wanted, or what was there is lost: the group goes on behind it.
    const bool goes_on = batch->next > from;
    if (goes_on) state_->offsets.commit(of.group, of.queue, batch->next);
    if (goes_on && batch->next < bounds(of.queue).max && !state_->offsets.pending_reset(of.group, of.queue)) {
      return read_queue(round, of, batch->next);
    }
    return leave();
  }
  if (request.in_order) {
    const OrderPoppedEntry entry{.of = of,
                                 .attempt_id = request.attempt_id,
                                 .pop_time_ms = round->answer.pop_time_ms,
                                 .invisible_ms = request.invisible_ms,
                                 .start = from,
                                 .offsets = popped.offsets};
    round->records.push_back(
        {.kind = Kind::own, .payload = encode_entry(entry), .type = static_cast<std::uint8_t>(EntryType::order_popped)});
  } else {
    const PoppedEntry entry{.of = of,
                            .next = batch->next,
                            .pop_time_ms = round->answer.pop_time_ms,
                            .invisible_ms = request.invisible_ms,
                            .start = from,
                            .offsets = popped.offsets};
    // Nothing is acknowledged by it: where the power fails before it is on the disk, its messages are given again, and an acknowledgement,
    // which stands behind it in the log, is durable only with it.
    round->records.push_back(
        {.kind = Kind::own, .payload = encode_entry(entry), .type = static_cast<std::uint8_t>(EntryType::popped), .flush = Flush::async});
  }
  round->answer.rest += std::max<Offset>(0, batch->max - batch->next);
  round->messages += popped.offsets.size();
  round->octets += popped.payloads.size();
  round->locked.push_back(of);
  round->answer.queues.push_back(std::move(popped));
  next_queue(round);
}

void Broker::end_round(const RoundPtr& round) {
  if (round->records.empty()) {
    if (!round->in_call) return answer_round(round);
    return later([this, round] { answer_round(round); });
  }
  store_->append_all(std::move(round->records), guarded([this, round](StoreResult<std::vector<Appended>> appended) {
                       round->records.clear();
                       for (const GroupQueue& of : round->locked) unlock(of);
                       if (!appended) {
                         round->answer.queues.clear();
                         round->failure = BrokerError{BrokerErrc::unavailable, appended.error().message};
                       }
                       answer_round(round);
                       arm_revive();
                       arm_free();
                     }));
}

void Broker::answer_round(const RoundPtr& round) {
  PopRequest& request = round->request;
  PopAnswer& answer = round->answer;
  publish_changes({});
  if (answer.queues.empty() && round->failure) return round->done(std::unexpected(*round->failure));
  if (answer.queues.empty()) {
    // Something may have become readable, or free, since its queue was looked at.
    const bool may_wait = request.hold_until && *request.hold_until > world_.now() && !stopping_;
    if (may_wait && may_pop_any(request)) return pop(std::move(request), std::move(round->done));
    if (may_wait && park(request, request.group, [this, round] { pop(std::move(round->request), std::move(round->done)); })) return;
    if (may_wait) answer.status = PopAnswer::Status::full;
  } else {
    answer.status = PopAnswer::Status::found;
    for (Popped& popped : answer.queues) {
      counters_.messages_out += popped.offsets.size();
      counters_.octets_out += popped.payloads.size();
      counters_.popped += popped.offsets.size();
      const std::string key = fmt::format("{}@{}", popped.queue.topic, request.group);
      const auto count = static_cast<std::int64_t>(popped.offsets.size());
      statistics_.add(stats::group_get_count, key, count, now_ms(), static_cast<std::int64_t>(popped.payloads.size()));
      statistics_.add(stats::broker_get_count, options_.cluster, count, now_ms());
      if (!request.in_order) continue;
      if (const OrderedPop* taken = state_->pops().orders().find({.group = request.group, .queue = popped.queue}))
        popped.counts = taken->counts;
    }
  }
  // The next one of the group has what this one left.
  for (const QueueKey& queue : round->queues) {
    if (!may_pop(request, queue)) continue;
    wake_pops({.group = request.group, .queue = queue});
    break;
  }
  round->done(std::move(answer));
}

void Broker::unlock(const GroupQueue& of) {
  pop_locks_.erase(of);
  release_offset(of);
}

void Broker::keep_order(const GroupQueue& of) { ++pop_work_->orders_busy[of]; }

void Broker::release_order(const GroupQueue& of) {
  auto& busy = pop_work_->orders_busy;
  if (--busy[of] == 0) busy.erase(of);
  if (!busy.contains(of) && !state_->pops().orders().is_blocked(of, {}, now_ms())) wake_pops(of);
}

bool Broker::park(const PopRequest& request, std::string turn, std::move_only_function<void()> again) {
  const QueueKey key = stored_key({.topic = request.topic, .queue = std::max(request.queue, -1)});
  if (hold_.size(key, turn) >= options_.pop_waits_per_queue_max) return false;
  Wait wait{.queue = key, .connection = request.connection, .deadline = *request.hold_until, .turn = std::move(turn)};
  if (!request.in_order) {
    for (const bool v2 : {false, true}) {
      const std::string retry = topic::pop_retry_of(request.group, request.topic, v2);
      wait.also.push_back({.topic = stored_key({.topic = retry, .queue = 0}).topic, .queue = -1});
    }
  }
  const auto id = hold_.add(std::move(wait));
  if (!id) return false;
  parked_.emplace(*id, Parked{.connection = request.connection, .again = std::move(again)});
  arm_hold();
  return true;
}

void Broker::wake_pops(const GroupQueue& of) {
  std::vector<WaitId> woken;
  const QueueKey key = stored_key(of.queue);
  for (const std::string& turn : {of.group, asking_turn(of.group)}) {
    hold_.wake_turn(key, turn, woken);
    if (key.queue >= 0) hold_.wake_turn({.topic = key.topic, .queue = -1}, turn, woken);
  }
  this->woken(woken);
}

void Broker::await_message(PopRequest request, std::move_only_function<void(PopAnswer::Status)> done) {
  const auto answer = [&](PopAnswer::Status status) { later([done = std::move(done), status]() mutable { done(status); }); };
  const auto queues = pop_queues(request, false);
  if (std::ranges::any_of(queues, [&](const QueueKey& queue) { return may_pop(request, queue); })) return answer(PopAnswer::Status::found);
  if (!request.hold_until || *request.hold_until <= world_.now() || stopping_) return answer(PopAnswer::Status::nothing);
  struct Asking {
    PopRequest request;
    decltype(done) done;
  };
  auto asking = std::make_shared<Asking>(Asking{.request = std::move(request), .done = std::move(done)});
  const bool parked = park(asking->request, asking_turn(asking->request.group),
                           [this, asking] { await_message(std::move(asking->request), std::move(asking->done)); });
  if (!parked) later([asking] { asking->done(PopAnswer::Status::full); });
}

void Broker::peek(PopRequest request, std::move_only_function<void(BrokerResult<PopAnswer>)> done) {
  auto round = std::make_shared<PopRound>(PopRound{.request = std::move(request), .done = std::move(done), .queues = {}});
  round->queues = pop_queues(round->request, world_.random().below(5) == 0);
  peek_next(round);
  round->in_call = false;
}

void Broker::peek_next(const RoundPtr& round) {
  PopAnswer& answer = round->answer;
  while (round->at < round->queues.size()) {
    const QueueKey queue = round->queues[round->at++];
    const Store::Bounds bounds = this->bounds(queue);
    const Offset from = std::clamp(pop_offset({.group = round->request.group, .queue = queue}, false), bounds.min, bounds.max);
    answer.rest += bounds.max - from;
    if (from >= bounds.max || round->is_full()) continue;
    const ReadLimits limits{.entries_max = static_cast<std::uint32_t>(round->request.messages_max - round->messages),
                            .octets_max = round->request.octets_max};
    return store_->read(stored_key(queue), from, limits, nullptr, guarded([this, round, queue, from](StoreResult<Batch> batch) {
                          if (!batch) return round->done(base::error(BrokerErrc::failed, batch.error().message));
                          Popped seen{.queue = queue, .start = from};
                          for (const IndexEntry& entry : batch->entries) {
                            seen.offsets.push_back(entry.offset);
                            seen.sizes.push_back(entry.size);
                          }
                          round->messages += seen.offsets.size();
                          round->octets += batch->payloads.size();
                          seen.payloads = std::move(batch->payloads);
                          if (!seen.offsets.empty()) {
                            round->answer.status = PopAnswer::Status::found;
                            round->answer.queues.push_back(std::move(seen));
                          }
                          peek_next(round);
                        }));
  }
  const auto tell = [round] { round->done(std::move(round->answer)); };
  if (!round->in_call) return tell();
  later(tell);
}

}  // namespace chorus::mq
