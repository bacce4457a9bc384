#include "app/mq/exit.h"

namespace chorus::app::mqtool {

Exit exit_for(const mqclient::Error& error) {
  using mqclient::Code;
  using mqclient::wire::ResponseCode;
  switch (error.code) {
    case Code::no_connection:
    case Code::timed_out:
    case Code::closed:
      return Exit::no_connection;
    case Code::unknown_topic:
      return Exit::not_found;
    case Code::invalid:
      return Exit::usage;
    case Code::refused:
      switch (error.response) {
        case ResponseCode::subscription_group_not_exist:
        case ResponseCode::query_not_found:
          return Exit::not_found;
        case ResponseCode::subscription_parse_failed:
          return Exit::usage;
        case ResponseCode::no_permission:
          return Exit::not_allowed;
        default:
          return Exit::failed;
      }
    case Code::malformed:
    case Code::busy:
      break;
  }
  return Exit::failed;
}

}  // namespace chorus::app::mqtool
