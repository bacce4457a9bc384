#include "mq/filter/sql_lexer.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace chorus::mq::sql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Where the exponent at `at` ends; `at` when there is none.
std::size_t skip_exponent(std::string_view text, std::size_t at) {
  if (at >= text.size() || (text[at] | 0x20) != 'e') return at;
  std::size_t digits = at + 1;
  if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
  const std::size_t end = skip_digits(text, digits);
  return end == digits ? at : end;
}

// White space and comments; a comment that is not closed is none.
std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++at;
    } else if (text.substr(at, 2) == "--") {
      const std::size_t end = text.find_first_of("\r\n", at);
      if (end == std::string_view::npos) return at;
      at = end + 1;
    } else if (text.substr(at, 2) == "/*") {
      const std::size_t end = text.find("*/", at + 2);
      if (end == std::string_view::npos) return at;
      at = end + 2;
    } else {
      break;
    }
  }
  return at;
}

Word keyword(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Word>, 12> keywords{{{"not", Word::kw_not},
                                                                               {"and", Word::kw_and},
                                                                               {"or", Word::kw_or},
                                                                               {"between", Word::kw_between},
                                                                               {"in", Word::kw_in},
                                                                               {"true", Word::kw_true},
                                                                               {"false", Word::kw_false},
                                                                               {"null", Word::kw_null},
                                                                               {"is", Word::kw_is},
                                                                               {"contains", Word::kw_contains},
                                                                               {"startswith", Word::kw_startswith},
                                                                               {"endswith", Word::kw_endswith}}};
  if (name.size() > 10) return Word::name;
  const std::string lower = base::lower(name);
  for (const auto& [text, word] : keywords)
    if (text == lower) return word;
  return Word::name;
}

std::pair<Word, std::size_t> number(std::string_view text, std::size_t at) {
  const std::size_t digits = skip_digits(text, at);
  if (digits < text.size() && text[digits] == '.') {
    const std::size_t fraction = skip_digits(text, digits + 1);
    return {Word::floating, skip_exponent(text, fraction)};
  }
  if (const std::size_t exponent = skip_exponent(text, digits); exponent != digits) return {Word::floating, exponent};
  if (text[at] == '0') return {Word::decimal, at + 1};  // what follows is another number
  return {Word::decimal, digits < text.size() && (text[digits] | 0x20) == 'l' ? digits + 1 : digits};
}

std::pair<Word, std::size_t> word_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (begins_name(c)) {
    std::size_t end = at;
    while (end < text.size() && (begins_name(text[end]) || is_digit(text[end]))) ++end;
    return {keyword(text.substr(at, end - at)), end};
  }
  if (is_digit(c)) return number(text, at);
  switch (c) {
    case '.':
      if (const std::size_t end = skip_digits(text, at + 1); end != at + 1) return {Word::floating, skip_exponent(text, end)};
      return {Word::bad, at + 1};
    case '\'':
      for (std::size_t end = at + 1; end < text.size(); ++end) {
        if (text[end] != '\'') continue;
        if (end + 1 < text.size() && text[end + 1] == '\'')
          ++end;
        else
          return {Word::string, end + 1};
      }
      return {Word::bad, text.size()};
    case '=':
      return {Word::equal, at + 1};
    case '<':
      if (text.substr(at, 2) == "<>") return {Word::not_equal, at + 2};
      if (text.substr(at, 2) == "<=") return {Word::less_equal, at + 2};
      return {Word::less, at + 1};
    case '>':
      if (text.substr(at, 2) == ">=") return {Word::greater_equal, at + 2};
      return {Word::greater, at + 1};
    case '(':
      return {Word::open, at + 1};
    case ')':
      return {Word::close, at + 1};
    case ',':
      return {Word::comma, at + 1};
    case '+':
      return {Word::plus, at + 1};
    case '-':
      return {Word::minus, at + 1};
    default:
      return {Word::bad, at + 1};
  }
}

}  // namespace

Token next_token(std::string_view expression, std::size_t at) {
  at = skip_space(expression, at);
  if (at == expression.size()) return {Word::end, {}, at};
  const auto [word, end] = word_at(expression, at);
  return {word, expression.substr(at, end - at), at};
}

std::string string_value(std::string_view literal) {
  std::string value;
  for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
    if (literal[i] == '\'') ++i;
    value.push_back(literal[i]);
  }
  return value;
}

}  // namespace chorus::mq::sql
