// Requests about parts of RocketMQ's broker that this one does not have, or has in another way.
#pragma once

#include <optional>

#include "mq/rocketmq/command.h"

namespace chorus::mq::rocketmq {

/// The answer of RocketMQ 5.5.0 where that part is switched off, or, where it would take for done what is not, code 3 and what there is
/// instead. Empty: the request is about something else.
std::optional<Outgoing> answer_upkeep(const Command& command);

}  // namespace chorus::mq::rocketmq
