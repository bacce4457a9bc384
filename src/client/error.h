// What an operation on the tree can answer other than its result.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "jute/constants.h"

namespace chorus::client {

/// ZooKeeper's own codes. connection_loss says that the answer is unknown: the request may or may not have been carried out.
using Code = jute::ErrorCode;
using Error = base::Error<Code>;
template <class T>
using Result = base::Result<T, Error>;

/// Words for a person: what happened and, where there is something to do, what. `path` may be empty.
std::string describe(Code code, std::string_view operation, std::string_view path);
/// The error that `describe` puts into words.
Error make_error(Code code, std::string_view operation, std::string_view path);

}  // namespace chorus::client
