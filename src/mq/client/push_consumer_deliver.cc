// How messages reach the listener, and what becomes of them then; what administrators ask.
#include <fmt/format.h>

#include <utility>

#include "mq/client/push_consumer.h"

namespace chorus::mqclient {
namespace {

using namespace std::chrono_literals;
using wire::MessageModel;

constexpr Duration retry_pause = 5s;  // of a message that could not be sent back

}  // namespace

bool PushConsumer::may_hand_out(const Assigned& assigned) const {
  if (assigned.dropped || assigned.waiting.empty() || with_listener_ >= options_.concurrency) return false;
  if (!options_.in_order) return true;
  const bool is_locked = options_.model == MessageModel::broadcasting || assigned.locked_until > client_.world().now();
  return !assigned.busy && is_locked;
}

void PushConsumer::hand_out() {
  // Fair between queues: one batch of each in turn, for as long as there is room.
  bool any = true;
  while (any && !stopping_) {
    any = false;
    std::vector<AssignedPtr> all;
    for (const auto& [queue, assigned] : assigned_) all.push_back(assigned);
    for (const AssignedPtr& each : all) {
      if (!may_hand_out(*each)) continue;
      any = true;
      hand_out(each);
    }
  }
}

void PushConsumer::hand_out(const AssignedPtr& assigned) {
  std::vector<Received> messages;
  while (messages.size() < options_.batch_max && !assigned->waiting.empty()) {
    messages.push_back(std::move(assigned->waiting.front()));
    assigned->waiting.pop_front();
  }
  assigned->busy = true;
  ++with_listener_;
  std::vector<Received> given = messages;
  // A listener may answer at once; what follows from that comes after it has returned.
  const Instant began = client_.world().now();
  listener_(std::move(given), guarded([this, assigned, began, messages = std::move(messages)](Verdict verdict) mutable {
              const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(client_.world().now() - began);
              statistics_.consumed(assigned->queue.topic, messages.size(), verdict == Verdict::consumed, took.count(), now_ms());
              client_.world().post(guarded(
                  [this, assigned, messages = std::move(messages), verdict]() mutable { judged(assigned, std::move(messages), verdict); }));
            }));
}

void PushConsumer::judged(const AssignedPtr& assigned, std::vector<Received> messages, Verdict verdict) {
  --with_listener_;
  if (assigned->dropped || stopping_) {
    assigned->busy = false;
    if (!stopping_) hand_out();
    return;
  }
  const bool is_later = verdict == Verdict::later && options_.model == MessageModel::clustering;
  if (options_.in_order && is_later) {
    const std::int32_t most = options_.reconsume_max.value_or(-1);
    for (auto at = messages.rbegin(); at != messages.rend(); ++at) {
      ++at->reconsume_times;
      if (most >= 0 && at->reconsume_times > most) {
        try_again(assigned, std::move(*at));
      } else {
        assigned->waiting.push_front(std::move(*at));
      }
    }
    return after(options_.pause_in_order, [this, assigned] {
      assigned->busy = false;
      hand_out();
    });
  }
  assigned->busy = false;
  for (Received& message : messages) {
    if (is_later) {
      try_again(assigned, std::move(message));
    } else {
      assigned->flight.done(message.queue_offset);
    }
  }
  hand_out();
  read(assigned);
}

void PushConsumer::try_again(const AssignedPtr& assigned, Received message) {
  const std::int64_t offset = message.queue_offset;
  // In order it was tried often enough here already.
  const std::int32_t level = options_.in_order ? -1 : 0;
  const auto request = send_back(options_.group, message, level, options_.reconsume_max);
  client_.ask_broker_of<void>(assigned->queue, request,
                              guarded([this, assigned, offset, message = std::move(message)](const Result<void>& sent) mutable {
                                if (sent) {
                                  assigned->flight.done(offset);
                                  return read(assigned);
                                }
                                complain(sent.error());
                                ++message.reconsume_times;
                                after(retry_pause, [this, assigned, message = std::move(message)]() mutable {
                                  if (assigned->dropped) return;
                                  assigned->waiting.push_back(std::move(message));
                                  hand_out();
                                });
                              }));
}

void PushConsumer::asked(const Incoming& request, ConsumerHooks::Answer answer) {
  switch (static_cast<wire::RequestCode>(request.code)) {
    case wire::RequestCode::get_consumer_status_from_client: {
      wire::ConsumerStatus status;
      const auto topic = request.field("topic").value_or("");
      for (const auto& [queue, assigned] : assigned_) {
        if (queue.topic == topic) status.offsets[queue] = assigned->flight.consumed_to();
      }
      return answer(wire::encode_body(status));
    }
    case wire::RequestCode::get_consumer_running_info: {
      wire::ConsumerRunningInfo info;
      info.properties["PROP_CONSUMEORDERLY"] = options_.in_order ? "true" : "false";
      info.properties["PROP_CONSUME_TYPE"] = "CONSUME_PASSIVELY";
      info.properties["PROP_CLIENT_VERSION"] = "V5_3_0";
      info.properties["PROP_CONSUMER_START_TIMESTAMP"] = std::to_string(started_ms_);
      info.properties["PROP_THREADPOOL_CORE_SIZE"] = std::to_string(options_.concurrency);
      for (const auto& [topic, each] : subscriptions_) {
        info.subscriptions.push_back(each);
        info.topics[topic].text = wire::encode_body(statistics_.of(topic, now_ms()));
      }
      for (const auto& [queue, assigned] : assigned_) {
        info.queues[queue].text = fmt::format(
            R"({{"cachedMsgCount":{},"cachedMsgSizeInMiB":{},"commitOffset":{},"droped":{},"locked":{}}})", assigned->flight.count(),
            assigned->flight.octets() >> 20, assigned->flight.consumed_to(), assigned->dropped, assigned->locked_until != Instant{});
      }
      return answer(wire::encode_body(info));
    }
    default: {
      auto messages = decode_messages(request.body, request.field("brokerName").value_or(""));
      if (!messages || messages->size() != 1) return answer(std::nullopt);
      const Instant began = client_.world().now();
      listener_(std::move(*messages), guarded([this, began, answer = std::move(answer)](Verdict verdict) mutable {
                  wire::ConsumeDirectlyResult result{.order = options_.in_order};
                  result.result = verdict == Verdict::consumed ? "CR_SUCCESS" : "CR_LATER";
                  result.spent_ms = std::chrono::duration_cast<std::chrono::milliseconds>(client_.world().now() - began).count();
                  answer(wire::encode_body(result));
                }));
    }
  }
}

}  // namespace chorus::mqclient
