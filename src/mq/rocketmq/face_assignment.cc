// Which queues a consumer of a group is given, where it leaves that to the broker. source: broker/processor/QueryAssignmentProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

/// The queues of the `index`-th of `consumers`, as clients divide them themselves.
/// source: AllocateMessageQueueAveragely.java, AllocateMessageQueueAveragelyByCircle.java
std::vector<std::int32_t> share(std::int32_t queues, std::int32_t consumers, std::int32_t index, bool by_circle) {
  std::vector<std::int32_t> mine;
  if (by_circle) {
    for (std::int32_t queue = index; queue < queues; queue += consumers) mine.push_back(queue);
    return mine;
  }
  const std::int32_t more = queues % consumers;
  const std::int32_t size = queues / consumers + (index < more ? 1 : 0);
  const std::int32_t begin = index * (queues / consumers) + std::min(index, more);
  for (std::int32_t queue = begin; queue < begin + size; ++queue) mine.push_back(queue);
  return mine;
}

/// The queues of one who pops: any of them, or where the group shares a few, its own and those of as many behind it.
/// source: QueryAssignmentProcessor.allocate4Pop
std::vector<std::int32_t> share_to_pop(std::int32_t queues, std::int32_t consumers, std::int32_t index, bool by_circle,
                                       std::int32_t shared) {
  if (shared <= 0 || shared >= consumers - 1) return {-1};
  if (consumers > queues) return {index % queues};
  std::set<std::int32_t> mine;
  for (std::int32_t i = 0; i <= shared; ++i) {
    for (const std::int32_t queue : share(queues, consumers, (index + i) % consumers, by_circle)) mine.insert(queue);
  }
  return {mine.begin(), mine.end()};
}

}  // namespace

void BrokerFace::assignment(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto request = decode_body<QueryAssignment>(command.body);
  if (!request) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
  QueryAssignmentAnswer said;
  const auto mode = broker_.state().pops().mode(request->topic, request->consumer_group);
  const bool pops = mode && mode->pop;
  const mq::TopicConfig* topic = broker_.topics().find(request->topic);
  const auto ids = broker_.clients().consumer_ids(request->consumer_group);
  if (topic != nullptr) {
    std::vector<std::int32_t> mine;
    const auto at = std::ranges::find(ids, request->client_id);
    if (request->message_model == MessageModel::broadcasting) {
      mine = share(topic->read_queues, 1, 0, false);
    } else if (at != ids.end()) {
      const bool by_circle = request->strategy_name == "AVG_BY_CIRCLE";
      if (!by_circle && !request->strategy_name.empty() && request->strategy_name != "AVG") {
        return refuse(asker, ResponseCode::system_error, fmt::format("QueryLoad: unsupported strategy [{}]", request->strategy_name));
      }
      const auto consumers = static_cast<std::int32_t>(ids.size());
      const auto index = static_cast<std::int32_t>(at - ids.begin());
      if (pops && topic->read_queues > 0) {
        mine = share_to_pop(topic->read_queues, consumers, index, by_circle, mode->share_queues);
      } else {
        mine = share(topic->read_queues, consumers, index, by_circle);
      }
    }
    for (const std::int32_t queue : mine) {
      said.assignments.push_back({.attachments = {},
                                  .queue = shown_queue({.topic = request->topic, .queue = queue}),
                                  .mode = pops ? rocketmq::RequestMode::pop : rocketmq::RequestMode::pull});
    }
  }
  answer_body(asker, said);
}

void BrokerFace::set_request_mode(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const auto request = decode_body<SetRequestMode>(command.body);
  if (!request) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
  if (topic::is_retry(request->topic)) return refuse(asker, ResponseCode::no_permission, "retry topic is not allowed to set mode");
  if (broker_.topics().find(request->topic) == nullptr) {
    return refuse(asker, ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", request->topic));
  }
  if (const auto group = broker_.reader_group(request->consumer_group); !group) return refuse(asker, group.error());
  broker_.set_request_mode(request->topic, request->consumer_group,
                           {.pop = request->mode == rocketmq::RequestMode::pop, .share_queues = request->pop_share_queues},
                           answer_when_done(asker));
}

void BrokerFace::request_modes(ConnectionId from, const Command& command) {
  RequestModes said;
  for (const auto& [key, mode] : broker_.state().pops().modes()) {
    const auto& [topic, group] = key;
    said.modes[topic][group] = {.consumer_group = group,
                                .mode = mode.pop ? rocketmq::RequestMode::pop : rocketmq::RequestMode::pull,
                                .pop_share_queues = mode.share_queues,
                                .topic = topic};
  }
  answer_body(asker_of(from, command), said);
}

void BrokerFace::consumer_status(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const std::string topic(header.required_text("topic")), group(header.required_text("group"));
  const std::string only(header.optional_text("clientAddr", ""));
  if (refuse_bad_header(asker, header)) return;
  const ConsumerGroup* consumers = broker_.clients().consumers(group);
  if (consumers == nullptr) {
    return refuse(asker, ResponseCode::system_error, fmt::format("No Any Consumer online in the consumer group: [{}]", group));
  }
  struct Gathering {
    ConsumerStatus said;
    std::size_t left = 1;
  };
  auto gathering = std::make_shared<Gathering>();
  const auto one = [this, asker, gathering] {
    if (--gathering->left == 0) answer_body(asker, gathering->said);
  };
  for (const auto& [connection, client] : consumers->members) {
    if (!only.empty() && only != client.address) continue;
    ++gathering->left;
    Outgoing request = Outgoing::request(RequestCode::get_consumer_status_from_client, 0);
    request.field("topic", topic).field("group", group);
    ask(connection, std::move(request), std::chrono::seconds(5), [gathering, one, id = client.client_id](const Command* answer) {
      if (answer && answer->code == 0) {
        if (const auto body = decode_body<ConsumerStatus>(answer->body)) gathering->said.by_client[id] = body->offsets;
      }
      one();
    });
  }
  // Always after the call: `answer` may come from within no other.
  world_.post([one, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) one();
  });
}

}  // namespace chorus::mq::rocketmq
