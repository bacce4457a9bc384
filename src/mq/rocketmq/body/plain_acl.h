// Accounts of RocketMQ 4's access control. source: common/protocol/body/ClusterAclVersionInfo.java, common/PlainAccessConfig.java (4.9.7)
#pragma once

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

/// Answer to 54.
struct PlainAclConfig {
  struct Account {
    std::string access_key;
    bool admin = false;
    std::optional<std::string> default_group_perm, default_topic_perm;
    std::optional<std::vector<std::string>> group_perms;
    std::string secret_key;
    std::optional<std::vector<std::string>> topic_perms;
    std::optional<std::string> white_remote_address;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("accessKey", self.access_key);
      member("admin", self.admin);
      member("defaultGroupPerm", self.default_group_perm);
      member("defaultTopicPerm", self.default_topic_perm);
      member("groupPerms", self.group_perms);
      member("secretKey", self.secret_key);
      member("topicPerms", self.topic_perms);
      member("whiteRemoteAddress", self.white_remote_address);
    }
    friend bool operator==(const Account&, const Account&) = default;
  };
  std::vector<std::string> global_white_addresses;
  std::vector<Account> accounts;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("globalWhiteAddrs", self.global_white_addresses);
    member("plainAccessConfigs", self.accounts);
  }
  friend bool operator==(const PlainAclConfig&, const PlainAclConfig&) = default;
};

}  // namespace chorus::mq::rocketmq
