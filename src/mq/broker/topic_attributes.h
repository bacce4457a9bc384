// What RocketMQ lets a topic have beside queues and permissions. source: common/TopicAttributes.java, common/attribute/AttributeUtil.java
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace chorus::mq {

using TopicAttributes = std::map<std::string, std::string>;

/// The attributes after a change: "+name=value,-name". is_new: the topic is made with them. The words of the error are RocketMQ's: a name
/// or a value that nobody knows, one that cannot be changed later, or cannot be read.
base::Result<TopicAttributes, std::string> altered_attributes(TopicAttributes current, std::string_view changes, bool is_new);

}  // namespace chorus::mq
