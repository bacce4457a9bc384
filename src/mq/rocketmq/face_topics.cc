// What administrators do with topics and groups. source: broker/processor/AdminBrokerProcessor.java
#include <fmt/format.h>

#include <utility>

#include "mq/broker/topic_attributes.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {
namespace {

/// In a list they come by themselves: {"+message.type":"FIFO","-reserve.time":""}.
std::string changes_of(const std::map<std::string, std::string>& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes) {
    text += text.empty() ? "" : ",";
    text += name.starts_with('-') ? name : fmt::format("{}={}", name, value);
  }
  return text;
}

std::optional<TopicAttributeMap> attributes_of(const TopicTable& topics, std::string_view topic) {
  const mq::TopicConfig* config = topics.find(topic);
  return config ? std::optional(config->attributes) : std::nullopt;
}

}  // namespace

void BrokerFace::topics(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  switch (command.request()) {
    case RequestCode::update_and_create_topic: {
      mq::TopicConfig topic{.name = std::string(header.required_text("topic")),
                            .read_queues = header.required_i32("readQueueNums"),
                            .write_queues = header.required_i32("writeQueueNums"),
                            .perm = header.required_i32("perm"),
                            .multi_tags = header.optional_text("topicFilterType", "") == "MULTI_TAG",
                            .sys_flag = header.optional_i32("topicSysFlag"),
                            .order = header.optional_bool("order")};
      const std::string attributes(header.optional_text("attributes", ""));
      if (refuse_bad_header(asker, header)) return;
      if (std::string why = topic::refuse_name(topic.name); !why.empty())
        return refuse(asker, ResponseCode::invalid_parameter, std::move(why));
      if (std::string why = refuse_unsupported(attributes_of(broker_.topics(), topic.name), attributes); !why.empty())
        return refuse(asker, ResponseCode::invalid_parameter, std::move(why));
      return broker_.update_topic(std::move(topic), attributes, answer_when_done(asker));
    }
    case RequestCode::update_and_create_topic_list: {
      const auto list = decode_body<TopicConfigList>(command.body);
      if (!list) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
      if (list->topics.empty()) return answer(asker, {});
      for (const TopicConfig& topic : list->topics) {
        if (std::string why = refuse_unsupported(attributes_of(broker_.topics(), topic.name), changes_of(topic.attributes)); !why.empty())
          return refuse(asker, ResponseCode::invalid_parameter, std::move(why));
      }
      auto left = std::make_shared<std::size_t>(list->topics.size());
      auto failure = std::make_shared<std::optional<BrokerError>>();
      for (const TopicConfig& topic : list->topics) {
        broker_.update_topic(topic_of(topic), changes_of(topic.attributes), [this, asker, left, failure](BrokerResult<void> result) {
          if (!result) *failure = result.error();
          if (--*left > 0) return;
          if (*failure) return refuse(asker, **failure);
          answer(asker, {});
        });
      }
      return;
    }
    case RequestCode::delete_topic_in_broker: {
      const std::string topic(header.required_text("topic"));
      if (refuse_bad_header(asker, header)) return;
      // With what groups have of it. source: AdminBrokerProcessor.deleteTopic
      return broker_.remove_topic(topic, answer_when_done(asker));
    }
    case RequestCode::get_topic_config: {
      const std::string topic(header.required_text("topic"));
      if (refuse_bad_header(asker, header)) return;
      const mq::TopicConfig* config = broker_.topics().find(topic);
      if (config == nullptr) return refuse(asker, ResponseCode::topic_not_exist, fmt::format("No topic in this broker. topic: {}", topic));
      return answer_body(asker, shown(*config));
    }
    case RequestCode::get_all_topic_config: {
      TopicConfigTable table{.version = shown(broker_.topics().version())};
      for (const auto& [name, topic] : broker_.topics().all()) table.topics.emplace(name, shown(topic));
      Outgoing outgoing;
      outgoing.field("totalTopicNum", static_cast<std::int64_t>(table.topics.size()));
      outgoing.body = encode_body(table);
      return answer(asker, std::move(outgoing));
    }
    case RequestCode::get_system_topic_list_from_broker:
      return answer_body(asker, TopicList{.topics = broker_.topics().system_topics(), .broker_address = {}});
    default:
      break;
  }
  refuse(asker, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", command.code));
}

void BrokerFace::groups(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  switch (command.request()) {
    case RequestCode::update_and_create_subscriptiongroup: {
      const auto config = decode_body<SubscriptionGroupConfig>(command.body);
      if (!config) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
      if (std::string why = refuse_group_name(config->name); !why.empty())
        return refuse(asker, ResponseCode::invalid_parameter, std::move(why));
      return broker_.update_group(group_of(*config), answer_when_done(asker));
    }
    case RequestCode::update_and_create_subscriptiongroup_list: {
      const auto list = decode_body<SubscriptionGroupList>(command.body);
      if (!list) return refuse(asker, ResponseCode::system_error, "the body cannot be read");
      if (list->groups.empty()) return answer(asker, {});
      auto left = std::make_shared<std::size_t>(list->groups.size());
      auto failure = std::make_shared<std::optional<BrokerError>>();
      for (const SubscriptionGroupConfig& group : list->groups) {
        broker_.update_group(group_of(group), [this, asker, left, failure](BrokerResult<void> result) {
          if (!result) *failure = result.error();
          if (--*left > 0) return;
          if (*failure) return refuse(asker, **failure);
          answer(asker, {});
        });
      }
      return;
    }
    case RequestCode::get_subscriptiongroup_config: {
      const std::string group(header.required_text("group"));
      if (refuse_bad_header(asker, header)) return;
      const GroupConfig* config = broker_.groups().find(group);
      if (config == nullptr) {
        return refuse(asker, ResponseCode::subscription_group_not_exist, fmt::format("No group in this broker. group: {}", group));
      }
      return answer_body(asker, shown(*config));
    }
    case RequestCode::get_all_subscriptiongroup_config: {
      SubscriptionGroupTable table{.version = shown(broker_.groups().version())};
      for (const auto& [name, group] : broker_.groups().all()) {
        table.groups.emplace(name, shown(group));
        // A bit for each kind of permission, by its place. source: SubscriptionGroupManager.updateForbidden, PermName.INDEX_PERM_READ
        for (const std::string& topic : group.forbidden_topics) table.forbidden[name][topic] = 1 << 2;
      }
      return answer_body(asker, table);
    }
    case RequestCode::delete_subscriptiongroup: {
      const std::string group(header.required_text("groupName"));
      const bool clean = header.optional_bool("cleanOffset");
      if (refuse_bad_header(asker, header)) return;
      return broker_.remove_group(group, clean, answer_when_done(asker));
    }
    case RequestCode::update_and_get_group_forbidden: {
      const std::string group(header.required_text("group")), topic(header.required_text("topic"));
      const auto readable = header.optional_text("readable");
      if (refuse_bad_header(asker, header)) return;
      const auto said = [this, asker, group, topic] {
        answer_body(asker, GroupForbidden{.group = group, .topic = topic, .readable = !broker_.groups().is_forbidden(group, topic)});
      };
      if (!readable) return said();
      return broker_.forbid(group, topic, *readable != "true", [this, asker, said](BrokerResult<void> done) {
        if (!done) return refuse(asker, done.error());
        said();
      });
    }
    case RequestCode::query_topics_by_consumer: {
      const std::string group(header.required_text("group"));
      if (refuse_bad_header(asker, header)) return;
      return answer_body(asker, TopicList{.topics = broker_.offsets().topics_of(group), .broker_address = {}});
    }
    case RequestCode::query_topic_consume_by_who: {
      const std::string topic(header.required_text("topic"));
      if (refuse_bad_header(asker, header)) return;
      // Those that are there now, and those that have consumed.
      std::set<std::string> names;
      for (std::string& group : broker_.clients().groups_subscribed(topic)) names.insert(std::move(group));
      for (std::string& group : broker_.offsets().groups_of(topic)) names.insert(std::move(group));
      return answer_body(asker, GroupList{.groups = {names.begin(), names.end()}});
    }
    case RequestCode::query_subscription_by_consumer: {
      const std::string group(header.required_text("group")), topic(header.optional_text("topic", ""));
      if (refuse_bad_header(asker, header)) return;
      QuerySubscriptionAnswer said{.group = group, .topic = topic};
      if (const Subscription* subscription = broker_.clients().subscription(group, topic)) said.subscription = shown(*subscription);
      return answer_body(asker, said);
    }
    default:
      break;
  }
  refuse(asker, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", command.code));
}

}  // namespace chorus::mq::rocketmq
