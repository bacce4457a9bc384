// Subscriptions by SQL92: a condition over a message's properties, with the meaning that RocketMQ gives it.
//
//   or          = and { OR and }
//   and         = equality { AND equality }
//   equality    = comparison { "=" comparison | "<>" comparison | IS [NOT] NULL }
//   comparison  = unary { (">" | ">=" | "<" | "<=") unary | [NOT] BETWEEN unary AND unary | [NOT] IN "(" string { "," string } ")"
//                       | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) string }
//   unary       = ("+" | "-" | NOT) unary | primary
//   primary     = number | string | TRUE | FALSE | NULL | property | "(" or ")"
//
// Known from its sources (filter/parser/SelectorParser.jj, filter/expression/) and kept, since consumers rely on what their broker did:
// - NOT binds tighter than any comparison: `NOT a = 1` compares `NOT a` with 1. There is no `!=`.
// - Properties are strings; a comparison with a number reads them as one, and where they are none the message is not wanted, whatever else
//   the condition says. Two strings are compared by < as numbers, or not at all.
// - A missing property is NULL, and what is made of it unknown, but for: `a = b` is true when both are missing and false when only b is,
//   CONTAINS and its like are false, negated or not.
// - What follows a whole condition is not looked at, beyond its first word.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mq/message/properties.h"

namespace chorus::mq {

class SqlFilter {
 public:
  static constexpr std::size_t expression_octets_max = 64 << 10;
  static constexpr int depth_max = 128;

  /// The error says what is wrong, and where.
  static base::Result<SqlFilter, std::string> compile(std::string_view expression);

  /// Whether the condition is true; unknown and impossible comparisons are not. Does not allocate.
  bool matches(Properties properties) const;

  const std::string& expression() const;

 private:
  struct Program;
  explicit SqlFilter(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  friend class SqlParser;
  std::shared_ptr<const Program> program_;  // never changed: copies of the filter share it
};

}  // namespace chorus::mq
