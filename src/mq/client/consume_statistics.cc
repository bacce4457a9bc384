#include "mq/client/consume_statistics.h"

namespace chorus::mqclient {
namespace {

constexpr std::string_view pull_count = "PULL_TPS", pull_time = "PULL_RT";
constexpr std::string_view ok_count = "CONSUME_OK_TPS", failed_count = "CONSUME_FAILED_TPS", consume_time = "CONSUME_RT";

}  // namespace

void ConsumeStatistics::pulled(std::string_view topic, std::size_t messages, std::int64_t took_ms, std::int64_t now_ms) {
  counts_.add(pull_count, topic, static_cast<std::int64_t>(messages), now_ms);
  counts_.add(pull_time, topic, took_ms, now_ms);
}

void ConsumeStatistics::consumed(std::string_view topic, std::size_t messages, bool is_ok, std::int64_t took_ms, std::int64_t now_ms) {
  counts_.add(is_ok ? ok_count : failed_count, topic, static_cast<std::int64_t>(messages), now_ms);
  counts_.add(consume_time, topic, took_ms, now_ms);
}

wire::ConsumeStatus ConsumeStatistics::of(std::string_view topic, std::int64_t now_ms) const {
  const auto item = [&](std::string_view name) { return counts_.find(name, topic, now_ms).value_or(mq::Statistics::Item{}); };
  // Of a topic with few messages the last minute may have had none.
  const auto consume = item(consume_time);
  return {.failed_messages_in_hour = item(failed_count).hour.sum,
          .failed_per_second = item(failed_count).minute.per_second,
          .ok_per_second = item(ok_count).minute.per_second,
          .consume_time = consume.minute.sum == 0 ? consume.hour.per_call : consume.minute.per_call,
          .pull_time = item(pull_time).minute.per_call,
          .pulled_per_second = item(pull_count).minute.per_second};
}

}  // namespace chorus::mqclient
