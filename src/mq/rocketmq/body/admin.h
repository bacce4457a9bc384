// What administrators ask a broker for. source: remoting/protocol/body/
#pragma once

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {

/// Answer to 315.
struct BrokerStats {
  struct Item {
    double average_per_call = 0;
    std::int64_t sum = 0;
    double tps = 0;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("avgpt", self.average_per_call);
      member("sum", self.sum);
      member("tps", self.tps);
    }
    friend bool operator==(const Item&, const Item&) = default;
  };
  Item day, hour, minute;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("statsDay", self.day);
    member("statsHour", self.hour);
    member("statsMinute", self.minute);
  }
  friend bool operator==(const BrokerStats&, const BrokerStats&) = default;
};

/// Answer to 907, of a master that no slave follows.
struct HaStatus {
  struct Client {
    std::int64_t last_read_ms = 0, last_write_ms = 0, master_flushed = 0, max_offset = 0, transferred_per_second = 0;
    bool activated = false;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("activateTime", self.activated);
      member("lastReadTimestamp", self.last_read_ms);
      member("lastWriteTimestamp", self.last_write_ms);
      member("masterFlushOffset", self.master_flushed);
      member("maxOffset", self.max_offset);
      member("transferredByteInSecond", self.transferred_per_second);
    }
    friend bool operator==(const Client&, const Client&) = default;
  };
  Client client;
  std::vector<Client> connections;
  std::int32_t in_sync_slaves = 0;
  bool is_master = true;
  std::int64_t master_end = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("haClientRuntimeInfo", self.client);
    member("haConnectionInfo", self.connections);
    member("inSyncSlaveNums", self.in_sync_slaves);
    member("master", self.is_master);
    member("masterCommitLogMaxOffset", self.master_end);
  }
  friend bool operator==(const HaStatus&, const HaStatus&) = default;
};

/// Body of 3001 and 3002, answer to 3004 and, in an array, 3005.
struct UserInfo {
  std::optional<std::string> password;
  std::optional<std::string> status;  // enable, disable
  std::optional<std::string> type;    // Super, Normal
  std::string name;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("password", self.password);
    member("userStatus", self.status);
    member("userType", self.type);
    member("username", self.name);
  }
  friend bool operator==(const UserInfo&, const UserInfo&) = default;
};

/// Body of 3006 and 3007, answer to 3009 and, in an array, 3010.
struct AclInfo {
  struct Entry {
    std::vector<std::string> actions;
    std::optional<std::string> decision;  // Allow, Deny
    std::string resource;
    std::optional<std::vector<std::string>> source_ips;

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("actions", self.actions);
      member("decision", self.decision);
      member("resource", self.resource);
      member("sourceIps", self.source_ips);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  struct Policy {
    std::vector<Entry> entries;
    std::optional<std::string> type;  // Custom, Default

    template <class Self, class F>
    static void describe(Self& self, F&& member) {
      member("entries", self.entries);
      member("policyType", self.type);
    }
    friend bool operator==(const Policy&, const Policy&) = default;
  };
  std::vector<Policy> policies;
  std::optional<std::string> subject;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("policies", self.policies);
    member("subject", self.subject);
  }
  friend bool operator==(const AclInfo&, const AclInfo&) = default;
};

/// A JSON array, as 3005 and 3010 answer.
template <Described T>
std::string encode_array(const std::vector<T>& values) {
  std::string json;
  JsonWriter out(json);
  write(out, values);
  return json;
}
template <Described T>
std::optional<std::vector<T>> decode_array(std::string_view json) {
  JsonReader in(json);
  std::optional<std::vector<T>> values(std::in_place);
  if (!in.array([&] { read(in, values->emplace_back()); }) || !in.at_end()) values.reset();
  return values;
}

using PropertyList = std::vector<std::pair<std::string, std::string>>;
/// `key=value` lines: bodies of 25 and 318, answers to 26 and 319. Read as java.util.Properties, UTF-8.
PropertyList parse_properties_text(std::string_view text);
std::string properties_text(const PropertyList& properties);

}  // namespace chorus::mq::rocketmq
