#include "jute/constants.h"

namespace chorus::jute {

std::string_view name_of(OpCode op) {
  switch (op) {
    case OpCode::notification:
      return "notification";
    case OpCode::create:
      return "create";
    case OpCode::delete_:
      return "delete";
    case OpCode::exists:
      return "exists";
    case OpCode::get_data:
      return "getData";
    case OpCode::set_data:
      return "setData";
    case OpCode::get_acl:
      return "getACL";
    case OpCode::set_acl:
      return "setACL";
    case OpCode::get_children:
      return "getChildren";
    case OpCode::sync:
      return "sync";
    case OpCode::ping:
      return "ping";
    case OpCode::get_children2:
      return "getChildren2";
    case OpCode::check:
      return "check";
    case OpCode::multi:
      return "multi";
    case OpCode::create2:
      return "create2";
    case OpCode::reconfig:
      return "reconfig";
    case OpCode::check_watches:
      return "checkWatches";
    case OpCode::remove_watches:
      return "removeWatches";
    case OpCode::create_container:
      return "createContainer";
    case OpCode::delete_container:
      return "deleteContainer";
    case OpCode::create_ttl:
      return "createTTL";
    case OpCode::multi_read:
      return "multiRead";
    case OpCode::auth:
      return "auth";
    case OpCode::set_watches:
      return "setWatches";
    case OpCode::sasl:
      return "sasl";
    case OpCode::get_ephemerals:
      return "getEphemerals";
    case OpCode::get_all_children_number:
      return "getAllChildrenNumber";
    case OpCode::set_watches2:
      return "setWatches2";
    case OpCode::add_watch:
      return "addWatch";
    case OpCode::who_am_i:
      return "whoAmI";
    case OpCode::create_session:
      return "createSession";
    case OpCode::close_session:
      return "closeSession";
    case OpCode::error:
      return "error";
  }
  return "unknown";
}

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::ok:
      return "OK";
    case ErrorCode::system_error:
      return "SYSTEMERROR";
    case ErrorCode::runtime_inconsistency:
      return "RUNTIMEINCONSISTENCY";
    case ErrorCode::data_inconsistency:
      return "DATAINCONSISTENCY";
    case ErrorCode::connection_loss:
      return "CONNECTIONLOSS";
    case ErrorCode::marshalling_error:
      return "MARSHALLINGERROR";
    case ErrorCode::unimplemented:
      return "UNIMPLEMENTED";
    case ErrorCode::operation_timeout:
      return "OPERATIONTIMEOUT";
    case ErrorCode::bad_arguments:
      return "BADARGUMENTS";
    case ErrorCode::unknown_session:
      return "UNKNOWNSESSION";
    case ErrorCode::new_config_no_quorum:
      return "NEWCONFIGNOQUORUM";
    case ErrorCode::reconfig_in_progress:
      return "RECONFIGINPROGRESS";
    case ErrorCode::api_error:
      return "APIERROR";
    case ErrorCode::no_node:
      return "NONODE";
    case ErrorCode::no_auth:
      return "NOAUTH";
    case ErrorCode::bad_version:
      return "BADVERSION";
    case ErrorCode::no_children_for_ephemerals:
      return "NOCHILDRENFOREPHEMERALS";
    case ErrorCode::node_exists:
      return "NODEEXISTS";
    case ErrorCode::not_empty:
      return "NOTEMPTY";
    case ErrorCode::session_expired:
      return "SESSIONEXPIRED";
    case ErrorCode::invalid_callback:
      return "INVALIDCALLBACK";
    case ErrorCode::invalid_acl:
      return "INVALIDACL";
    case ErrorCode::auth_failed:
      return "AUTHFAILED";
    case ErrorCode::session_moved:
      return "SESSIONMOVED";
    case ErrorCode::not_read_only:
      return "NOTREADONLY";
    case ErrorCode::ephemeral_on_local_session:
      return "EPHEMERALONLOCALSESSION";
    case ErrorCode::no_watcher:
      return "NOWATCHER";
    case ErrorCode::request_timeout:
      return "REQUESTTIMEOUT";
    case ErrorCode::reconfig_disabled:
      return "RECONFIGDISABLED";
    case ErrorCode::session_closed_require_sasl_auth:
      return "SESSIONCLOSEDREQUIRESASLAUTH";
    case ErrorCode::quota_exceeded:
      return "QUOTAEXCEEDED";
    case ErrorCode::throttled_op:
      return "THROTTLEDOP";
  }
  return "UNKNOWN";
}

std::string_view name_of(EventType type) {
  switch (type) {
    case EventType::none:
      return "None";
    case EventType::node_created:
      return "NodeCreated";
    case EventType::node_deleted:
      return "NodeDeleted";
    case EventType::node_data_changed:
      return "NodeDataChanged";
    case EventType::node_children_changed:
      return "NodeChildrenChanged";
    case EventType::data_watch_removed:
      return "DataWatchRemoved";
    case EventType::child_watch_removed:
      return "ChildWatchRemoved";
    case EventType::persistent_watch_removed:
      return "PersistentWatchRemoved";
  }
  return "unknown";
}

}  // namespace chorus::jute
