// Words of RocketMQ's that stand in messages: properties, bits of the system flag, levels of delay.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace chorus::mq {

/// Names of properties. source: common/message/MessageConst.java
namespace property {
inline constexpr std::string_view keys = "KEYS";
inline constexpr std::string_view tags = "TAGS";
inline constexpr std::string_view wait_store_ok = "WAIT";
inline constexpr std::string_view delay_level = "DELAY";
inline constexpr std::string_view retry_topic = "RETRY_TOPIC";
inline constexpr std::string_view real_topic = "REAL_TOPIC";
inline constexpr std::string_view real_queue_id = "REAL_QID";
inline constexpr std::string_view transaction_prepared = "TRAN_MSG";
inline constexpr std::string_view producer_group = "PGROUP";
inline constexpr std::string_view min_offset = "MIN_OFFSET";
inline constexpr std::string_view max_offset = "MAX_OFFSET";
inline constexpr std::string_view buyer_id = "BUYER_ID";
inline constexpr std::string_view origin_message_id = "ORIGIN_MESSAGE_ID";
inline constexpr std::string_view transfer_flag = "TRANSFER_FLAG";
inline constexpr std::string_view correction_flag = "CORRECTION_FLAG";
inline constexpr std::string_view mq2_flag = "MQ2_FLAG";
inline constexpr std::string_view reconsume_time = "RECONSUME_TIME";
inline constexpr std::string_view region = "MSG_REGION";
inline constexpr std::string_view trace_on = "TRACE_ON";
inline constexpr std::string_view unique_key = "UNIQ_KEY";
inline constexpr std::string_view extend_unique_info = "EXTEND_UNIQ_INFO";
inline constexpr std::string_view max_reconsume_times = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view consume_start_time = "CONSUME_START_TIME";
inline constexpr std::string_view inner_num = "INNER_NUM";
inline constexpr std::string_view inner_base = "INNER_BASE";
inline constexpr std::string_view dup_info = "DUP_INFO";
inline constexpr std::string_view check_immunity_seconds = "CHECK_IMMUNITY_TIME_IN_SECONDS";
inline constexpr std::string_view transaction_prepared_queue_offset = "TRAN_PREPARED_QUEUE_OFFSET";
inline constexpr std::string_view transaction_id = "__transactionId__";
inline constexpr std::string_view transaction_check_times = "TRANSACTION_CHECK_TIMES";
inline constexpr std::string_view instance_id = "INSTANCE_ID";
inline constexpr std::string_view correlation_id = "CORRELATION_ID";
inline constexpr std::string_view reply_to_client = "REPLY_TO_CLIENT";
inline constexpr std::string_view ttl = "TTL";
inline constexpr std::string_view arrive_time = "ARRIVE_TIME";
inline constexpr std::string_view push_reply_time = "PUSH_REPLY_TIME";
inline constexpr std::string_view cluster = "CLUSTER";
inline constexpr std::string_view message_type = "MSG_TYPE";
inline constexpr std::string_view pop_ck = "POP_CK";
inline constexpr std::string_view pop_ck_offset = "POP_CK_OFFSET";
inline constexpr std::string_view first_pop_time = "1ST_POP_TIME";
inline constexpr std::string_view sharding_key = "__SHARDINGKEY";
inline constexpr std::string_view forward_queue_id = "PROPERTY_FORWARD_QUEUE_ID";
inline constexpr std::string_view redirect = "REDIRECT";
inline constexpr std::string_view inner_multi_dispatch = "INNER_MULTI_DISPATCH";
inline constexpr std::string_view inner_multi_queue_offset = "INNER_MULTI_QUEUE_OFFSET";
inline constexpr std::string_view trace_context = "TRACE_CONTEXT";
inline constexpr std::string_view timer_delay_seconds = "TIMER_DELAY_SEC";
inline constexpr std::string_view timer_deliver_ms = "TIMER_DELIVER_MS";
inline constexpr std::string_view born_host = "__BORNHOST";
inline constexpr std::string_view born_timestamp = "BORN_TIMESTAMP";
inline constexpr std::string_view timer_enqueue_ms = "TIMER_ENQUEUE_MS";
inline constexpr std::string_view timer_dequeue_ms = "TIMER_DEQUEUE_MS";
inline constexpr std::string_view timer_roll_times = "TIMER_ROLL_TIMES";
inline constexpr std::string_view timer_out_ms = "TIMER_OUT_MS";
inline constexpr std::string_view timer_delete_unique_key = "TIMER_DEL_UNIQKEY";
inline constexpr std::string_view timer_delay_level = "TIMER_DELAY_LEVEL";
inline constexpr std::string_view timer_delay_ms = "TIMER_DELAY_MS";
inline constexpr std::string_view crc32 = "__CRC32#";
inline constexpr std::string_view dlq_origin_topic = "DLQ_ORIGIN_TOPIC";
inline constexpr std::string_view dlq_origin_message_id = "DLQ_ORIGIN_MESSAGE_ID";
/// What begins with it is for the broker alone and is not stored.
inline constexpr std::string_view transient_prefix = "__RMQ.TRANSIENT.";

/// Whether RocketMQ keeps the name for itself: any of the above, or one with the transient prefix.
bool is_reserved(std::string_view name);
}  // namespace property

/// Bits of a message's system flag. source: common/sysflag/MessageSysFlag.java
namespace sys_flag {
inline constexpr std::int32_t compressed = 1;
inline constexpr std::int32_t multi_tags = 2;
inline constexpr std::int32_t transaction_mask = 12;
inline constexpr std::int32_t transaction_none = 0;
inline constexpr std::int32_t transaction_prepared = 4;
inline constexpr std::int32_t transaction_commit = 8;
inline constexpr std::int32_t transaction_rollback = 12;
inline constexpr std::int32_t born_host_v6 = 16;
inline constexpr std::int32_t store_host_v6 = 32;
inline constexpr std::int32_t need_unwrap = 64;
inline constexpr std::int32_t inner_batch = 128;
inline constexpr std::int32_t compressor_mask = 7 << 8;
inline constexpr std::int32_t compressor_zlib_old = 0;
inline constexpr std::int32_t compressor_lz4 = 1 << 8;
inline constexpr std::int32_t compressor_zstd = 2 << 8;
inline constexpr std::int32_t compressor_zlib = 3 << 8;

constexpr std::int32_t transaction_of(std::int32_t flag) { return flag & transaction_mask; }
constexpr std::int32_t with_transaction(std::int32_t flag, std::int32_t type) { return (flag & ~transaction_mask) | type; }
}  // namespace sys_flag

/// Levels 1 to 18, each with its delay. source: store/config/MessageStoreConfig.java, messageDelayLevel
using namespace std::chrono_literals;
inline constexpr std::array<std::chrono::milliseconds, 18> default_delay_levels{1s,   5s,   10s,  30s,  1min,  2min,  3min,  4min, 5min,
                                                                                6min, 7min, 8min, 9min, 10min, 20min, 30min, 1h,   2h};

/// "1s 5s 10m 2h 1d": the levels from 1 on, in that order; empty when a part is no number with one of these units.
std::optional<std::vector<std::chrono::milliseconds>> parse_delay_levels(std::string_view text);

}  // namespace chorus::mq
