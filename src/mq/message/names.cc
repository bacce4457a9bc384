#include "mq/message/names.h"

#include <absl/container/flat_hash_set.h>

#include "base/text.h"

namespace chorus::mq {

bool property::is_reserved(std::string_view name) {
  static const absl::flat_hash_set<std::string_view> names{keys,
                                                           tags,
                                                           wait_store_ok,
                                                           delay_level,
                                                           retry_topic,
                                                           real_topic,
                                                           real_queue_id,
                                                           transaction_prepared,
                                                           producer_group,
                                                           min_offset,
                                                           max_offset,
                                                           buyer_id,
                                                           origin_message_id,
                                                           transfer_flag,
                                                           correction_flag,
                                                           mq2_flag,
                                                           reconsume_time,
                                                           region,
                                                           trace_on,
                                                           unique_key,
                                                           extend_unique_info,
                                                           max_reconsume_times,
                                                           consume_start_time,
                                                           inner_num,
                                                           inner_base,
                                                           dup_info,
                                                           check_immunity_seconds,
                                                           transaction_prepared_queue_offset,
                                                           transaction_id,
                                                           transaction_check_times,
                                                           instance_id,
                                                           correlation_id,
                                                           reply_to_client,
                                                           ttl,
                                                           arrive_time,
                                                           push_reply_time,
                                                           cluster,
                                                           message_type,
                                                           pop_ck,
                                                           pop_ck_offset,
                                                           first_pop_time,
                                                           sharding_key,
                                                           forward_queue_id,
                                                           redirect,
                                                           inner_multi_dispatch,
                                                           inner_multi_queue_offset,
                                                           trace_context,
                                                           timer_delay_seconds,
                                                           timer_deliver_ms,
                                                           born_host,
                                                           born_timestamp,
                                                           timer_enqueue_ms,
                                                           timer_dequeue_ms,
                                                           timer_roll_times,
                                                           timer_out_ms,
                                                           timer_delete_unique_key,
                                                           timer_delay_level,
                                                           timer_delay_ms,
                                                           crc32,
                                                           dlq_origin_topic,
                                                           dlq_origin_message_id};
  return names.contains(name) || name.starts_with(transient_prefix);
}

std::optional<std::vector<std::chrono::milliseconds>> parse_delay_levels(std::string_view text) {
  std::vector<std::chrono::milliseconds> levels;
  for (const std::string_view part : base::split(text, ' ')) {
    if (part.empty()) continue;
    const auto count = base::parse_int(part.substr(0, part.size() - 1));
    if (!count || *count < 0 || *count > 10'000'000) return std::nullopt;
    switch (part.back()) {
      case 's':
        levels.emplace_back(std::chrono::seconds(*count));
        break;
      case 'm':
        levels.emplace_back(std::chrono::minutes(*count));
        break;
      case 'h':
        levels.emplace_back(std::chrono::hours(*count));
        break;
      case 'd':
        levels.emplace_back(std::chrono::hours(24 * *count));
        break;
      default:
        return std::nullopt;
    }
  }
  return levels;
}

}  // namespace chorus::mq
