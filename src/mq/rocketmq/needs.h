// What a request is about, and what one has to be allowed to do to it. source: auth/authorization/builder/
// DefaultAuthorizationContextBuilder.java and the annotations of remoting/protocol/header/ (5), acl/plain/PlainAccessValidator.java (4.9.7)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mq/acl/plain.h"
#include "mq/acl/policy.h"
#include "mq/rocketmq/command.h"

namespace chorus::mq::rocketmq {

/// One of the actions is enough.
struct Need {
  acl::Resource resource;
  std::vector<acl::Action> one_of;
};
/// All of these are needed; none: whoever is known may. Where RocketMQ looks at nothing though something is changed or read (a list of
/// topics, groups, a broker's settings, LITE_PULL_MESSAGE, BATCH_ACK_MESSAGE), the same is needed as for its like.
std::vector<Need> needs_of(const Command& command, std::string_view cluster);

/// The same for RocketMQ 4's accounts.
acl::PlainNeeds plain_needs_of(const Command& command);
bool plain_needs_admin(RequestCode code);

/// Of a name server: not only looked at.
bool changes_name_server(RequestCode code);

}  // namespace chorus::mq::rocketmq
