// How an operation that may fail for a reason outside of us says so.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace chorus::base {

template <class T, class E>
using Result = std::expected<T, E>;

/// A module's own code (one enumerator per reaction that a caller may have) and words for a person: what happened, to what, and what to
/// do about it.
template <class Code>
struct Error {
  Code code;
  std::string message;
};

template <class Code>
std::unexpected<Error<Code>> error(Code code, std::string message) {
  return std::unexpected(Error<Code>{code, std::move(message)});
}

}  // namespace chorus::base
