// The words of a SQL92 condition. source: filter/parser/SelectorParser.jj, "Tokens"
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chorus::mq::sql {

enum class Word {
  end,
  bad,
  kw_not,
  kw_and,
  kw_or,
  kw_between,
  kw_in,
  kw_true,
  kw_false,
  kw_null,
  kw_is,
  kw_contains,
  kw_startswith,
  kw_endswith,
  decimal,
  floating,
  string,
  name,
  equal,
  not_equal,
  greater,
  greater_equal,
  less,
  less_equal,
  open,
  close,
  comma,
  plus,
  minus,
};

struct Token {
  Word word = Word::end;
  std::string_view text;  // as it is written
  std::size_t at = 0;     // octets before it
};

/// The first word at or after `at`; white space and comments are passed over.
Token next_token(std::string_view expression, std::size_t at);
/// A string's value: without the quotes around, two quotes inside are one.
std::string string_value(std::string_view literal);

}  // namespace chorus::mq::sql
