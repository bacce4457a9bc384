// What a request to a NameServer or broker can come to other than its answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mq/rocketmq/codes.h"

namespace chorus::mqclient {

namespace wire = mq::rocketmq;

/// One enumerator per reaction of a caller.
enum class Code {
  no_connection,  // none to be had, or lost before the answer: whether the request was carried out is not known then
  timed_out,      // no answer in time: likewise
  unknown_topic,  // no NameServer has a route to it
  refused,        // the server said no: `response` says how
  malformed,      // an answer that cannot be understood
  invalid,        // a request that can never work
  busy,           // too much is waiting here already
  closed,         // by us
};
std::string_view name_of(Code code);

struct Error {
  Code code = Code::closed;
  std::string message;  // for a person: what happened, to what
  wire::ResponseCode response = wire::ResponseCode::success;

  bool is(wire::ResponseCode of) const { return code == Code::refused && response == of; }
};

template <class T>
using Result = base::Result<T, Error>;
/// Called once, on the client's reactor, never from within the call that ordered it.
template <class T>
using Completion = std::move_only_function<void(Result<T>)>;

inline std::unexpected<Error> error(Code code, std::string message) { return std::unexpected(Error{code, std::move(message)}); }

}  // namespace chorus::mqclient
