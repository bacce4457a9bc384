// A broker's settings under RocketMQ's names, and which of them can be changed while it runs. source: common/BrokerConfig.java,
// store/config/MessageStoreConfig.java
#pragma once

#include <string>
#include <string_view>

#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {

/// All that have a name in RocketMQ.
PropertyList settings_of(const BrokerOptions& broker, const FaceOptions& face);

/// Sets one. The answer says why it cannot be, and is empty when it is set, or was so already.
std::string change_setting(BrokerOptions& broker, FaceOptions& face, std::string_view name, std::string_view value);

}  // namespace chorus::mq::rocketmq
