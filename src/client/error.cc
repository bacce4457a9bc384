#include "client/error.h"

#include <fmt/format.h>

#include "client/connect_string.h"

namespace chorus::client {
namespace {

std::string_view words(Code code) {
  switch (code) {
    case Code::no_node:
      return "there is no such node";
    case Code::node_exists:
      return "the node exists already";
    case Code::not_empty:
      return "the node has children: delete them first";
    case Code::bad_version:
      return "the node has another version than the one asked for: read it again";
    case Code::no_auth:
      return "the access list does not permit it: authenticate as somebody whom it names";
    case Code::invalid_acl:
      return "the access list is empty, malformed or names a scheme that the server does not know";
    case Code::auth_failed:
      return "the server refused the authentication";
    case Code::no_children_for_ephemerals:
      return "an ephemeral node cannot have children";
    case Code::bad_arguments:
      return "an argument is not valid: look at the path, the flags and the version";
    case Code::connection_loss:
      return "the connection was lost before the answer came: it may or may not have been carried out";
    case Code::session_expired:
      return "the session is over, and its ephemeral nodes with it: begin a new one";
    case Code::session_moved:
      return "the session has moved to another server";
    case Code::operation_timeout:
    case Code::request_timeout:
      return "no answer came in time: it may or may not have been carried out";
    case Code::not_read_only:
      return "the server has lost its quorum and only answers reads";
    case Code::no_watcher:
      return "there is no such watch";
    case Code::unimplemented:
      return "the server does not offer this (TTL nodes need zookeeper.extendedTypesEnabled=true there)";
    case Code::marshalling_error:
      return "a message could not be understood";
    case Code::reconfig_disabled:
      return "the server has no dynamic reconfiguration (reconfigEnabled=true)";
    case Code::new_config_no_quorum:
      return "no quorum of the new configuration is connected and up to date with the leader";
    case Code::reconfig_in_progress:
      return "another reconfiguration is under way: try again";
    case Code::quota_exceeded:
      return "the quota of this part of the tree is used up";
    case Code::throttled_op:
      return "too many requests wait for their answers: try again later";
    case Code::session_closed_require_sasl_auth:
      return "the server demands authentication first";
    case Code::ephemeral_on_local_session:
      return "a local session cannot own ephemeral nodes";
    default:
      return "the server could not carry it out";
  }
}

}  // namespace

std::string describe(Code code, std::string_view operation, std::string_view path) {
  const std::string_view name = jute::name_of(code);
  if (code == Code::bad_arguments && !path.empty()) {
    if (const std::string problem = path_problem(path); !problem.empty()) {
      return fmt::format("{} {}: the path is not valid: {} ({} {})", operation, path, problem, name, static_cast<int>(code));
    }
  }
  return fmt::format("{}{}{}: {} ({} {})", operation, path.empty() ? "" : " ", path, words(code), name, static_cast<int>(code));
}

Error make_error(Code code, std::string_view operation, std::string_view path) { return Error{code, describe(code, operation, path)}; }

}  // namespace chorus::client
