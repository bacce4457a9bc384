// What is asked of the tree and what it answers, in owned strings.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "jute/constants.h"
#include "jute/records.h"

namespace chorus::client {

using jute::AddWatchMode;
using jute::CreateMode;
using jute::Stat;

struct Acl {
  std::int32_t perms = 0;  // jute::perms
  std::string scheme, id;
  friend bool operator==(const Acl&, const Acl&) = default;
};
/// Everybody may do everything, or read.
std::vector<Acl> open_acl();
std::vector<Acl> read_only_acl();
/// Everybody who has authenticated like this client may do everything.
std::vector<Acl> creator_acl();

inline bool is_sequential(CreateMode mode) {
  return mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential ||
         mode == CreateMode::persistent_sequential_with_ttl;
}

struct CreateOptions {
  CreateMode mode = CreateMode::persistent;
  std::vector<Acl> acl = open_acl();
  std::chrono::milliseconds ttl{0};  // for the modes with ttl
};
struct Created {
  std::string path;  // with the number of a sequential node
  Stat stat;
};
struct Data {
  std::string data;
  bool is_null = false;  // ZooKeeper tells "no data" from empty data
  Stat stat;
};
struct Children {
  std::vector<std::string> names;  // in no order
  Stat stat;                       // of the parent
};
struct AclOf {
  std::vector<Acl> acl;
  Stat stat;
};
struct Identity {
  std::string scheme, user;
};

/// One part of a multi or multiRead.
struct Op {
  jute::OpCode op = jute::OpCode::check;
  std::string path;
  std::optional<std::string> data;
  std::int32_t version = -1;
  CreateOptions options;

  static Op create(std::string path, std::optional<std::string> data, CreateOptions options = {});
  static Op remove(std::string path, std::int32_t version = -1);
  static Op set(std::string path, std::optional<std::string> data, std::int32_t version = -1);
  static Op check(std::string path, std::int32_t version = -1);
  static Op get(std::string path);       // multiRead only
  static Op children(std::string path);  // multiRead only
};
struct OpResult {
  Code code = Code::ok;  // of a multi that failed: ok before the guilty part, runtime_inconsistency after it; nothing was done
  std::string path;      // create
  Data data;             // get; data.stat also of create and set
  std::vector<std::string> children;
};
struct MultiResult {
  std::vector<OpResult> results;
  /// The first part that failed; empty when none did.
  std::optional<std::size_t> failed() const;
};

struct ReconfigRequest {
  std::optional<std::string> joining, leaving;  // "server.5=host:2888:3888;2181,..." and "3,4"
  std::optional<std::string> new_members;       // instead: the whole new list
  std::int64_t from_config = -1;                // fail unless this is the version of the present configuration
};

}  // namespace chorus::client
