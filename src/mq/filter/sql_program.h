// A compiled condition: for the parser, which makes it, and the evaluator.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mq/filter/sql_filter.h"

namespace chorus::mq {

namespace sql {

enum class Op : std::uint8_t {
  constant,
  property,
  negate,
  boolean_cast,
  not_,
  and_,
  or_,  // any number of parts
  equal,
  greater,
  greater_equal,
  less,
  less_equal,
  in,
  not_in,
  contains,
  not_contains,
  starts_with,
  not_starts_with,
  ends_with,
  not_ends_with,
};

/// As Java has them: a number without point is an int if it fits, else a long.
struct Value {
  enum class Kind : std::uint8_t { null, boolean, int32, int64, float64, string };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;

  bool is_number() const { return kind == Kind::int32 || kind == Kind::int64 || kind == Kind::float64; }
};

struct Node {
  Op op = Op::constant;
  int depth = 1;
  Value value;                       // constant; the text of a string is in `text`
  std::string text;                  // of a constant, a property's name, or what is searched for
  std::vector<std::uint32_t> parts;  // nodes before this one
  std::vector<std::string> list;     // IN
};

}  // namespace sql

struct SqlFilter::Program {
  std::string expression;
  std::vector<sql::Node> nodes;
  std::uint32_t root = 0;
};

}  // namespace chorus::mq
