#include "app/zk/exit.h"

namespace chorus::app::zk {

Exit exit_for(client::Code code) {
  using client::Code;
  switch (code) {
    case Code::ok:
      return Exit::ok;
    case Code::connection_loss:
    case Code::operation_timeout:
    case Code::request_timeout:
      return Exit::no_connection;
    case Code::no_node:
      return Exit::no_node;
    case Code::node_exists:
      return Exit::node_exists;
    case Code::bad_version:
      return Exit::bad_version;
    case Code::no_auth:
    case Code::auth_failed:
    case Code::invalid_acl:
    case Code::not_read_only:
    case Code::reconfig_disabled:
    case Code::quota_exceeded:
    case Code::session_closed_require_sasl_auth:
      return Exit::not_allowed;
    case Code::not_empty:
      return Exit::not_empty;
    case Code::session_expired:
    case Code::session_moved:
      return Exit::session_ended;
    case Code::bad_arguments:
      return Exit::usage;
    default:
      return Exit::failed;
  }
}

}  // namespace chorus::app::zk
