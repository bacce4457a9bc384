// The numbers of ZooKeeper's protocol. source: ZooDefs, KeeperException.Code, Watcher.Event, CreateMode
#pragma once

#include <cstdint>
#include <string_view>

namespace chorus::jute {

enum class OpCode : std::int32_t {
  notification = 0,
  create = 1,
  delete_ = 2,
  exists = 3,
  get_data = 4,
  set_data = 5,
  get_acl = 6,
  set_acl = 7,
  get_children = 8,
  sync = 9,
  ping = 11,
  get_children2 = 12,
  check = 13,
  multi = 14,
  create2 = 15,
  reconfig = 16,
  check_watches = 17,
  remove_watches = 18,
  create_container = 19,
  delete_container = 20,
  create_ttl = 21,
  multi_read = 22,
  auth = 100,
  set_watches = 101,
  sasl = 102,
  get_ephemerals = 103,
  get_all_children_number = 104,
  set_watches2 = 105,
  add_watch = 106,
  who_am_i = 107,
  create_session = -10,
  close_session = -11,
  error = -1,
};
/// ZooKeeper's name of it ("getData", "closeSession"); "unknown" for a number that is none.
std::string_view name_of(OpCode op);

enum class ErrorCode : std::int32_t {
  ok = 0,
  system_error = -1,
  runtime_inconsistency = -2,
  data_inconsistency = -3,
  connection_loss = -4,
  marshalling_error = -5,
  unimplemented = -6,
  operation_timeout = -7,
  bad_arguments = -8,
  unknown_session = -12,
  new_config_no_quorum = -13,
  reconfig_in_progress = -14,
  api_error = -100,
  no_node = -101,
  no_auth = -102,
  bad_version = -103,
  no_children_for_ephemerals = -108,
  node_exists = -110,
  not_empty = -111,
  session_expired = -112,
  invalid_callback = -113,
  invalid_acl = -114,
  auth_failed = -115,
  session_moved = -118,
  not_read_only = -119,
  ephemeral_on_local_session = -120,
  no_watcher = -121,
  request_timeout = -122,
  reconfig_disabled = -123,
  session_closed_require_sasl_auth = -124,
  quota_exceeded = -125,
  throttled_op = -127,
};
/// ZooKeeper's name of it ("NONODE"); "UNKNOWN" for a number that is none.
std::string_view name_of(ErrorCode code);

enum class EventType : std::int32_t {
  none = -1,
  node_created = 1,
  node_deleted = 2,
  node_data_changed = 3,
  node_children_changed = 4,
  data_watch_removed = 5,  // 5 to 7 arise in clients only
  child_watch_removed = 6,
  persistent_watch_removed = 7,
};
std::string_view name_of(EventType type);

enum class KeeperState : std::int32_t {
  disconnected = 0,
  sync_connected = 3,
  auth_failed = 4,
  connected_read_only = 5,
  sasl_authenticated = 6,
  closed = 7,
  expired = -112,
};

enum class WatcherType : std::int32_t { children = 1, data = 2, any = 3, persistent = 4, persistent_recursive = 5 };
enum class AddWatchMode : std::int32_t { persistent = 0, persistent_recursive = 1 };

namespace perms {
inline constexpr std::int32_t read = 1, write = 2, create = 4, delete_ = 8, admin = 16, all = 31;
}

enum class CreateMode : std::int32_t {
  persistent = 0,
  ephemeral = 1,
  persistent_sequential = 2,
  ephemeral_sequential = 3,
  container = 4,
  persistent_with_ttl = 5,
  persistent_sequential_with_ttl = 6,
};

namespace xid {
inline constexpr std::int32_t notification = -1, ping = -2, auth = -4, set_watches = -8;
}

}  // namespace chorus::jute
