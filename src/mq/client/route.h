// Where the queues of a topic are, and which of them a member of a group is to take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mq/client/message.h"
#include "mq/rocketmq/body/route.h"
#include "world/net.h"

namespace chorus::mqclient {

/// Queues to send to, in order: of brokers whose master is there, and which may be written.
std::vector<Queue> writable_queues(const std::string& topic, const wire::TopicRoute& route);
/// Queues to read from.
std::vector<Queue> readable_queues(const std::string& topic, const wire::TopicRoute& route);
/// The master; without one, whoever has the least number. Empty: the route names no such broker.
std::optional<world::Address> address_of(const wire::TopicRoute& route, const std::string& broker_name);
/// One address of each broker, masters first.
std::vector<world::Address> addresses_of(const wire::TopicRoute& route);

/// The queues of `self` when all share `queues` evenly and in blocks: RocketMQ's AllocateMessageQueueAveragely. Every member must see the
/// same lists; both are sorted here. Nothing when `self` is none of the members.
std::vector<Queue> allocate_evenly(std::vector<Queue> queues, std::vector<std::string> members, const std::string& self);

}  // namespace chorus::mqclient
