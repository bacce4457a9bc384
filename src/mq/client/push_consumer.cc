#include "mq/client/push_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mq/broker/topics.h"

namespace chorus::mqclient {
namespace {

using namespace std::chrono_literals;
using wire::MessageModel;

// source: client/impl/consumer/ProcessQueue.java, REBALANCE_LOCK_MAX_LIVE_TIME and _INTERVAL
constexpr Duration lock_life = 30s, lock_interval = 20s;
constexpr Duration poll_pause = 200ms;

}  // namespace

wire::SubscriptionData subscription(const std::string& topic, const std::string& expression, const std::string& expression_type,
                                    std::int64_t version) {
  wire::SubscriptionData data{.topic = topic,
                              .sub_string = expression.empty() ? "*" : expression,
                              .expression_type = expression_type,
                              .tags_set = {},
                              .code_set = {},
                              .sub_version = version};
  if (expression_type != "TAG" || data.sub_string == "*") return data;
  std::string_view rest = data.sub_string;
  while (!rest.empty()) {
    const std::size_t bar = rest.find("||");
    const std::string_view tag = base::trim(rest.substr(0, bar));
    if (!tag.empty()) {
      data.tags_set.emplace_back(tag);
      data.code_set.push_back(mq::java_hash(tag));
    }
    rest = bar == std::string_view::npos ? "" : rest.substr(bar + 2);
  }
  return data;
}

bool is_wanted(const wire::SubscriptionData& subscription, const Received& message) {
  if (subscription.tags_set.empty()) return true;
  return std::ranges::find(subscription.tags_set, message.property(mq::property::tags)) != subscription.tags_set.end();
}

PushConsumer::PushConsumer(Client& client, ConsumerOptions options, Listener listener)
    : client_(client), options_(std::move(options)), listener_(std::move(listener)), started_ms_(client.now_ms()) {}

PushConsumer::~PushConsumer() {
  if (!stopping_) client_.leave_consumers(options_.group);
}

void PushConsumer::subscribe(const std::string& topic, const std::string& expression, const std::string& expression_type) {
  subscriptions_.insert_or_assign(topic, subscription(topic, expression, expression_type, client_.now_ms()));
}

wire::ConsumerData PushConsumer::consumer_data() const {
  wire::ConsumerData data{.group_name = options_.group,
                          .consume_type = wire::ConsumeType::passively,
                          .message_model = options_.model,
                          .consume_from_where = options_.from,
                          .subscriptions = {}};
  for (const auto& [topic, each] : subscriptions_) data.subscriptions.push_back(each);
  return data;
}

void PushConsumer::start() {
  if (options_.model == MessageModel::clustering) subscribe(mq::topic::retry_of(options_.group));
  // Routes first: the heartbeat that follows makes the group and its retry topic known where they are.
  auto left = std::make_shared<std::size_t>(subscriptions_.size());
  for (const auto& [topic, each] : subscriptions_) {
    client_.route(topic, guarded([this, left](const Result<std::shared_ptr<const wire::TopicRoute>>&) {
                    if (--*left > 0) return;
                    client_.join(consumer_data(), {.members_changed = [this] { rebalance(); },
                                                   .reset = [this](const wire::OffsetTable& offsets) { reset(offsets); },
                                                   .asked = [this](const Incoming& request,
                                                                   ConsumerHooks::Answer answer) { asked(request, std::move(answer)); }});
                    client_.send_heartbeats(guarded([this] { rebalance(); }));
                  }));
  }
  const auto every = [this](Duration interval, void (PushConsumer::*work)()) {
    auto again = std::make_shared<std::function<void()>>();
    *again = [this, interval, work, weak = std::weak_ptr(again)] {
      after(interval, [this, work, again = weak.lock()] {
        (this->*work)();
        (*again)();
      });
    };
    (*again)();
  };
  every(options_.rebalance_interval, &PushConsumer::rebalance);
  every(options_.offset_interval, &PushConsumer::commit_all);
  every(std::chrono::seconds(10), &PushConsumer::sample);
  if (options_.in_order) every(lock_interval, &PushConsumer::lock_all);
}

void PushConsumer::after(Duration delay, std::move_only_function<void()> work) {
  client_.world().after(delay, guarded([this, work = std::move(work)]() mutable {
                          if (!stopping_) work();
                        }));
}

void PushConsumer::complain(const Error& error) {
  if (trouble_ && !stopping_) trouble_(error);
}

void PushConsumer::rebalance() {
  if (stopping_) return;
  for (const auto& [topic, each] : subscriptions_) rebalance(topic);
}

void PushConsumer::rebalance(const std::string& topic) {
  client_.route(topic, guarded([this, topic](Result<std::shared_ptr<const wire::TopicRoute>> route) {
                  if (stopping_) return;
                  if (!route) {
                    // The retry topic is made by the first heartbeat, and known a moment later.
                    if (!mq::topic::is_retry(topic)) return complain(route.error());
                    take(topic, {});
                    return after(1s, [this, topic] { rebalance(topic); });
                  }
                  std::vector<Queue> all = readable_queues(topic, **route);
                  if (options_.model == MessageModel::broadcasting) return take(topic, all);
                  const auto brokers = addresses_of(**route);
                  if (brokers.empty()) return;
                  client_.ask<wire::ConsumerIdList>(brokers[turn_++ % brokers.size()], consumer_ids(options_.group),
                                                    guarded([this, topic, all = std::move(all)](Result<wire::ConsumerIdList> members) {
                                                      if (stopping_) return;
                                                      if (!members) return complain(members.error());
                                                      take(topic, allocate_evenly(all, members->ids, client_.id()));
                                                    }));
                }));
}

void PushConsumer::take(const std::string& topic, const std::vector<Queue>& ours) {
  std::vector<AssignedPtr> gone;
  for (const auto& [queue, assigned] : assigned_) {
    if (queue.topic == topic && std::ranges::find(ours, queue) == ours.end()) gone.push_back(assigned);
  }
  for (const AssignedPtr& each : gone) drop(each);
  balanced_.insert(topic);
  std::map<std::string, std::vector<AssignedPtr>> fresh;
  for (const Queue& queue : ours) {
    if (assigned_.contains(queue)) continue;
    fresh[queue.broker_name].push_back(std::make_shared<Assigned>(Assigned{.queue = queue}));
  }
  for (auto& [broker, some] : fresh) {
    if (!options_.in_order || options_.model == MessageModel::broadcasting) {
      for (const AssignedPtr& each : some) begin(each);
      continue;
    }
    // Whose lock another member still holds is tried again with the next rebalance.
    lock(some, [this, some] {
      for (const AssignedPtr& each : some) {
        if (each->locked_until > client_.world().now() && !assigned_.contains(each->queue)) begin(each);
      }
    });
  }
}

void PushConsumer::drop(const AssignedPtr& assigned, std::function<void()> done) {
  assigned->dropped = true;
  commit(assigned, std::move(done));
  if (options_.in_order && assigned->locked_until != Instant{})
    client_.ask_broker_of<void>(assigned->queue, unlock_queues(lock_batch({assigned}), true), [](const Result<void>&) {});
  assigned->waiting.clear();
  assigned_.erase(assigned->queue);
}

void PushConsumer::begin(const AssignedPtr& assigned) {
  assigned_[assigned->queue] = assigned;
  find_start(assigned, guarded([this, assigned](Result<std::int64_t> offset) {
               if (assigned->dropped || stopping_) return;
               if (!offset) {
                 complain(offset.error());
                 assigned->dropped = true;
                 assigned_.erase(assigned->queue);  // the next rebalance takes it on again
                 return;
               }
               assigned->flight = InFlight(*offset);
               read(assigned);
             }));
}

void PushConsumer::find_start(const AssignedPtr& assigned, Completion<std::int64_t> done) {
  const Queue queue = assigned->queue;
  auto without = [this, queue](Completion<std::int64_t> done) {
    const bool is_retry = mq::topic::is_retry(queue.topic);
    const auto answer = [&](std::int64_t offset) {
      client_.world().post(guarded([offset, done = std::move(done)]() mutable { done(offset); }));
    };
    switch (options_.from) {
      case wire::ConsumeFromWhere::first_offset:
      case wire::ConsumeFromWhere::min_offset:
        return answer(0);  // and the broker says where the first one is
      case wire::ConsumeFromWhere::timestamp:
        if (is_retry) break;
        return client_.ask_broker_of<std::int64_t>(queue, offset_at(queue, options_.from_ms), std::move(done));
      default:
        if (is_retry) return answer(0);
        break;
    }
    client_.ask_broker_of<std::int64_t>(queue, max_offset(queue), std::move(done));
  };
  if (options_.model == MessageModel::broadcasting) return without(std::move(done));
  client_.ask_broker_of<std::optional<std::int64_t>>(
      queue, committed_offset(options_.group, queue),
      guarded([assigned, without, done = std::move(done)](Result<std::optional<std::int64_t>> committed) mutable {
        if (!committed) return done(std::unexpected(std::move(committed.error())));
        if (!*committed) return without(std::move(done));
        assigned->committed = **committed;
        done(**committed);
      }));
}

void PushConsumer::read(const AssignedPtr& assigned) {
  if (assigned->dropped || assigned->reading || stopping_) return;
  const InFlight& flight = assigned->flight;
  if (flight.count() >= options_.queue_messages_max || flight.octets() >= options_.queue_octets_max) return;  // judged() goes on
  if (!options_.in_order && flight.span() >= options_.queue_span_max) return;
  const wire::SubscriptionData& wanted = subscriptions_.at(assigned->queue.topic);
  assigned->reading = true;
  PullRequest request{.group = options_.group,
                      .queue = assigned->queue,
                      .offset = flight.next(),
                      .count_max = options_.pull_max,
                      .wait = options_.wait,
                      .expression = wanted.sub_string,
                      .expression_type = wanted.expression_type,
                      .version = wanted.sub_version};
  if (options_.model == MessageModel::clustering && assigned->committed != flight.consumed_to()) {
    request.commit = flight.consumed_to();
    assigned->committed = *request.commit;
  }
  client_.ask_broker_of<Pulled>(assigned->queue, pull(request),
                                guarded([this, assigned, asked = client_.world().now()](Result<Pulled> result) {
                                  if (result) {
                                    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(client_.world().now() - asked);
                                    statistics_.pulled(assigned->queue.topic, result->messages.size(), took.count(), now_ms());
                                  }
                                  pulled(assigned, std::move(result));
                                }),
                                options_.wait + 15s);
}

void PushConsumer::pulled(const AssignedPtr& assigned, Result<Pulled> result) {
  assigned->reading = false;
  if (assigned->dropped || stopping_) return;
  if (!result) {
    if (result.error().code == Code::closed) return;
    complain(result.error());
    client_.forget_route(assigned->queue.topic);
    return after(options_.pause_on_error, [this, assigned] { read(assigned); });
  }
  if (result->status == Pulled::Status::moved) {
    // What lies between is gone, or was never there; a reset says so too.
    assigned->flight = InFlight(result->next);
    assigned->waiting.clear();
    if (options_.model == MessageModel::clustering) commit(assigned);
    return after(100ms, [this, assigned] { read(assigned); });
  }
  const wire::SubscriptionData& wanted = subscriptions_.at(assigned->queue.topic);
  for (Received& message : result->messages) {
    if (!is_wanted(wanted, message)) continue;
    assigned->flight.add(message.queue_offset, message.body.size());
    if (const auto real = message.property(mq::property::retry_topic); !real.empty() && mq::topic::is_retry(message.topic))
      message.topic = std::string(real);
    assigned->waiting.push_back(std::move(message));
  }
  assigned->flight.read_to(result->next);
  assigned->caught_up = result->next >= result->max;
  hand_out();
  // Without a wait at the broker it is here that one waits.
  if (result->status == Pulled::Status::none && options_.wait <= 0s) return after(poll_pause, [this, assigned] { read(assigned); });
  read(assigned);
}

void PushConsumer::commit(const AssignedPtr& assigned, std::function<void()> done) {
  const std::int64_t offset = assigned->flight.consumed_to();
  const bool is_found = assigned->committed >= 0 || offset > 0;  // else its start is not known yet
  if (options_.model == MessageModel::broadcasting || assigned->committed == offset || !is_found) {
    if (done) client_.world().post(std::move(done));
    return;
  }
  assigned->committed = offset;
  client_.ask_broker_of<void>(assigned->queue, commit_offset(options_.group, assigned->queue, offset, true),
                              [done = std::move(done)](const Result<void>&) {
                                if (done) done();
                              });
}

void PushConsumer::commit_all() {
  for (const auto& [queue, assigned] : assigned_) commit(assigned);
}

wire::LockBatch PushConsumer::lock_batch(const std::vector<AssignedPtr>& of) const {
  wire::LockBatch batch{.client_id = client_.id(), .consumer_group = options_.group, .queues = {}};
  for (const AssignedPtr& each : of) batch.queues.push_back(each->queue);
  return batch;
}

void PushConsumer::lock(const std::vector<AssignedPtr>& of_one_broker, std::function<void()> done) {
  client_.ask_broker_of<std::vector<Queue>>(of_one_broker.front()->queue, lock_queues(lock_batch(of_one_broker)),
                                            guarded([this, of_one_broker, done = std::move(done)](Result<std::vector<Queue>> locked) {
                                              if (stopping_) return;
                                              if (!locked) return complain(locked.error());
                                              for (const AssignedPtr& each : of_one_broker) {
                                                const bool is_ours = std::ranges::find(*locked, each->queue) != locked->end();
                                                each->locked_until = is_ours ? client_.world().now() + lock_life : Instant{};
                                              }
                                              if (done) done();
                                            }));
}

void PushConsumer::lock_all() {
  std::map<std::string, std::vector<AssignedPtr>> by_broker;
  for (const auto& [queue, assigned] : assigned_) by_broker[queue.broker_name].push_back(assigned);
  for (const auto& [broker, some] : by_broker) lock(some, [this] { hand_out(); });
}

void PushConsumer::reset(const wire::OffsetTable& offsets) {
  for (const auto& [queue, offset] : offsets) {
    const auto at = assigned_.find(queue);
    if (at == assigned_.end()) continue;
    const AssignedPtr assigned = at->second;
    assigned->flight = InFlight(offset);
    commit(assigned);
    drop(assigned);
  }
  after(100ms, [this] { rebalance(); });
}

std::vector<Queue> PushConsumer::queues() const {
  std::vector<Queue> out;
  for (const auto& [queue, assigned] : assigned_) out.push_back(queue);
  return out;
}

void PushConsumer::stop(std::move_only_function<void()> done) {
  if (stopping_) return;
  auto all = std::exchange(assigned_, {});
  auto left = std::make_shared<std::size_t>(all.size() + 1);
  auto shared = std::make_shared<std::move_only_function<void()>>(std::move(done));
  // Commits are one-way: the brokers have them once they have answered what follows on the same connection.
  const std::function<void()> one = guarded([this, left, shared] {
    if (--*left == 0) client_.leave_consumers(options_.group, std::move(*shared));
  });
  for (const auto& [queue, assigned] : all) drop(assigned, one);
  stopping_ = true;
  client_.world().post(one);
}

bool PushConsumer::has_caught_up() const {
  if (balanced_.size() < subscriptions_.size() || with_listener_ > 0) return false;
  return std::ranges::all_of(assigned_, [](const auto& each) { return each.second->caught_up && each.second->flight.count() == 0; });
}

}  // namespace chorus::mqclient
