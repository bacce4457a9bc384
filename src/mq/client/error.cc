#include "mq/client/error.h"

namespace chorus::mqclient {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::no_connection:
      return "no_connection";
    case Code::timed_out:
      return "timed_out";
    case Code::unknown_topic:
      return "unknown_topic";
    case Code::refused:
      return "refused";
    case Code::malformed:
      return "malformed";
    case Code::invalid:
      return "invalid";
    case Code::busy:
      return "busy";
    case Code::closed:
      return "closed";
  }
  return "";
}

}  // namespace chorus::mqclient
