// Conversions between what a broker keeps and what bodies say.
#pragma once

#include "mq/broker/clients.h"
#include "mq/broker/groups.h"
#include "mq/broker/topics.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/topic_config.h"
#include "mq/rocketmq/command.h"

namespace chorus::mq::rocketmq {

DataVersion shown(const mq::DataVersion& version);
TopicConfig shown(const mq::TopicConfig& topic);
SubscriptionGroupConfig shown(const GroupConfig& group);
SubscriptionData shown(const Subscription& subscription);
Connection shown(const ClientInfo& client);
mq::TopicConfig topic_of(const TopicConfig& body);
GroupConfig group_of(const SubscriptionGroupConfig& body);

}  // namespace chorus::mq::rocketmq
