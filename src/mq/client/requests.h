// What can be asked of a NameServer or broker: the request, and how its answer is read. For Client::ask and BlockingClient::ask.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mq/client/channel.h"
#include "mq/client/message.h"
#include "mq/client/route.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/body/topic_config.h"

namespace chorus::mqclient {

template <class T>
struct Request {
  wire::Outgoing outgoing;
  std::function<Result<T>(Incoming&&)> read;
};

/// The error that an answer other than success stands for.
Error refusal(const Incoming& answer);

// Of a NameServer.
Request<wire::TopicRoute> route_of(const std::string& topic);
Request<wire::ClusterInfo> cluster_info();
Request<wire::TopicList> all_topics();
Request<void> forget_topic(const std::string& topic);

// Topics and groups of a broker.
Request<void> update_topic(const wire::TopicConfig& config, const std::string& attribute_changes = {});
Request<void> delete_topic(const std::string& topic);
Request<wire::TopicConfig> topic_config(const std::string& topic);
Request<wire::TopicStats> topic_stats(const std::string& topic);
Request<wire::GroupList> groups_of_topic(const std::string& topic);
Request<wire::TopicList> topics_of_group(const std::string& group);
Request<wire::SubscriptionGroupTable> all_groups();
Request<void> update_group(const wire::SubscriptionGroupConfig& config);
Request<void> delete_group(const std::string& group, bool with_offsets);
Request<wire::ConsumerConnections> consumer_connections(const std::string& group);
Request<wire::ConsumerIdList> consumer_ids(const std::string& group);
Request<wire::KvTable> runtime_info();

// Offsets.
Request<wire::ConsumeStats> consume_stats(const std::string& group, const std::string& topic = {});
/// Empty: nothing was committed. from_zero: where nothing was, and the queue still has its first message, that is 0.
Request<std::optional<std::int64_t>> committed_offset(const std::string& group, const Queue& queue, bool from_zero = true);
/// oneway: nobody waits for it.
Request<void> commit_offset(const std::string& group, const Queue& queue, std::int64_t offset, bool oneway);
Request<std::int64_t> max_offset(const Queue& queue);
Request<std::int64_t> min_offset(const Queue& queue);
/// Of the first message stored at that time or later; behind the last one when there is none.
Request<std::int64_t> offset_at(const Queue& queue, std::int64_t unix_ms);
struct ResetPlan {
  std::string group, topic;
  std::int64_t unix_ms = -1;           // -1: the end
  std::optional<std::int32_t> queue;   // with offset: that queue alone
  std::optional<std::int64_t> offset;  // instead of a time
  bool force = true;                   // also where that is forward
};
Request<wire::ResetOffset> reset_offsets(const ResetPlan& plan);

// Messages.
struct SendRequest {
  std::string group, topic;
  std::int32_t queue_id = -1;
  std::int32_t sys_flag = 0, flag = 0;
  std::int64_t born_time_ms = 0;
  std::string properties;
  std::string body;
  bool batch = false;
  std::string broker_name;
  std::int32_t reconsume_times = 0;
  std::optional<std::int32_t> max_reconsume_times;
  bool oneway = false;
};
struct Sent {
  Queue queue;
  std::int64_t offset = 0;
  std::string offset_id;  // of a batch: one after the other, with commas
  std::string unique_id;  // the property UNIQ_KEY; set by Producer
  std::string transaction_id;
  std::string recall_handle;
  wire::ResponseCode flushed = wire::ResponseCode::success;  // or one of flush_disk_timeout, slave_not_available, flush_slave_timeout
};
Request<Sent> send(const SendRequest& request);

struct PullRequest {
  std::string group;
  Queue queue;
  std::int64_t offset = 0;
  std::int32_t count_max = 32;
  std::optional<std::int64_t> commit;  // stored along with it
  Duration wait{0};                    // for a message, at the broker, when there is none
  std::string expression = "*";
  std::string expression_type = "TAG";  // or SQL92
  std::int64_t version = 0;             // of the subscription
};
struct Pulled {
  enum class Status { found, none, filtered_out, moved } status = Status::none;  // moved: the offset is not there; go on at `next`
  std::int64_t next = 0, min = 0, max = 0;
  std::vector<Received> messages;
};
Request<Pulled> pull(const PullRequest& request);

/// unique: by the id that the producer gave, else by a key. Newest first; empty when there is none.
Request<std::vector<Received>> find_messages(const std::string& topic, const std::string& key, std::int32_t count_max, std::int64_t from_ms,
                                             std::int64_t to_ms, bool unique);
Request<Received> message_at(std::int64_t position, const std::string& topic = {});
/// It comes again later; delay_level 0: the broker's own choice, by how often it came already; negative: put aside as a dead letter.
Request<void> send_back(const std::string& group, const Received& message, std::int32_t delay_level,
                        std::optional<std::int32_t> max_reconsume_times);
Request<std::string> recall(const std::string& group, const std::string& topic, const std::string& handle);

// Transactions.
enum class Outcome { unknown, commit, rollback };
struct TransactionEnd {
  std::string group, topic, unique_id, transaction_id;
  std::int64_t half_offset = 0;    // in its queue
  std::int64_t half_position = 0;  // in the log
  Outcome outcome = Outcome::unknown;
  bool from_check = false;  // the broker had asked
};
/// One-way.
Request<void> end_transaction(const TransactionEnd& end);
/// A half message that was given up is asked about again.
Request<void> resume_check(const std::string& topic, const std::string& message_id);

// Being a client.
Request<void> heartbeat(const wire::HeartbeatData& data);
Request<void> unregister(const std::string& client_id, const std::string& producer_group, const std::string& consumer_group);
/// Those that are ours now.
Request<std::vector<Queue>> lock_queues(const wire::LockBatch& batch);
Request<void> unlock_queues(const wire::LockBatch& batch, bool oneway);

}  // namespace chorus::mqclient
