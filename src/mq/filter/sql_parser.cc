#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "mq/filter/sql_filter.h"
#include "mq/filter/sql_lexer.h"
#include "mq/filter/sql_program.h"

namespace chorus::mq {

using sql::Node;
using sql::Op;
using sql::Token;
using sql::Value;
using sql::Word;

/// Recursive descent after the grammar in sql_filter.h. After the first error every function returns at once, with any node.
class SqlParser {
 public:
  explicit SqlParser(std::string_view expression) : program_(std::make_shared<SqlFilter::Program>()) {
    program_->expression = expression;
    token_ = sql::next_token(text(), 0);
  }

  base::Result<SqlFilter, std::string> parse() {
    program_->root = as_boolean(parse_or());
    look();
    if (!error_.empty()) return std::unexpected(std::move(error_));
    return SqlFilter(std::move(program_));
  }

 private:
  using Index = std::uint32_t;

  std::string_view text() const { return program_->expression; }
  const Node& node(Index i) const { return program_->nodes[i]; }
  bool failed() const { return !error_.empty(); }

  Index fail(std::string message, std::optional<std::size_t> at = std::nullopt) {
    if (!failed()) error_ = fmt::format("{} at character {}", std::move(message), at.value_or(token_.at) + 1);
    if (program_->nodes.empty()) program_->nodes.emplace_back();
    return 0;
  }

  // A word that is none is an error as soon as it is looked at.
  Word look() {
    if (token_.word == Word::bad) {
      if (token_.text.starts_with("'"))
        fail("a string without its closing quote");
      else if (token_.text == "!")
        fail("'!' is no operator (not equal is <>)");
      else
        fail(fmt::format("unexpected character '{}'", token_.text));
    }
    return failed() ? Word::end : token_.word;
  }
  Word look_second() const { return failed() ? Word::end : sql::next_token(text(), token_.at + token_.text.size()).word; }
  Token take() {
    look();
    const Token taken = token_;
    if (!failed()) token_ = sql::next_token(text(), token_.at + token_.text.size());
    return taken;
  }
  void expect(Word word, std::string_view what) {
    if (look() != word) fail(found(what));
    take();
  }
  std::string found(std::string_view wanted) const {
    return token_.word == Word::end ? fmt::format("expected {} but the expression ends", wanted)
                                    : fmt::format("expected {} but found '{}'", wanted, token_.text);
  }

  Index add(Node made) {
    for (const Index part : made.parts) made.depth = std::max(made.depth, node(part).depth + 1);
    if (made.depth > SqlFilter::depth_max) return fail(fmt::format("nested deeper than {}", SqlFilter::depth_max));
    program_->nodes.push_back(std::move(made));
    return static_cast<Index>(program_->nodes.size() - 1);
  }
  Index add(Op op, std::vector<Index> parts, std::string argument = {}) {
    return failed() ? 0 : add({.op = op, .text = std::move(argument), .parts = std::move(parts)});
  }
  Index constant(Value value, std::string argument = {}) {
    return failed() ? 0 : add({.op = Op::constant, .value = value, .text = std::move(argument)});
  }

  // Of RocketMQ's classes: a boolean expression is anything but a property, a number, a string and what negates one.
  bool is_boolean(Index i) const {
    const Node& n = node(i);
    if (n.op == Op::constant) return n.value.kind == Value::Kind::boolean || n.value.kind == Value::Kind::null;
    return n.op != Op::property && n.op != Op::negate;
  }
  Index as_boolean(Index i) {
    if (failed() || is_boolean(i)) return i;
    if (node(i).op == Op::property) return add(Op::boolean_cast, {i});
    return fail("a condition is needed where there is a value");
  }
  std::string show(Index i) const {
    const Node& n = node(i);
    if (n.op == Op::property) return n.text;
    if (n.op != Op::constant) return "a condition";
    switch (n.value.kind) {
      case Value::Kind::null:
        return "NULL";
      case Value::Kind::boolean:
        return n.value.boolean ? "TRUE" : "FALSE";
      case Value::Kind::string:
        return "'" + n.text + "'";
      case Value::Kind::float64:
        return fmt::format("{}", n.value.number);
      default:
        return fmt::format("{}", n.value.integer);
    }
  }

  Index parse_or() {
    return parse_chain(Word::kw_or, Op::or_, [this] { return parse_and(); });
  }
  Index parse_and() {
    return parse_chain(Word::kw_and, Op::and_, [this] { return parse_equality(); });
  }
  // Parts in their order, in one node: the same as nesting to the left.
  template <class Part>
  Index parse_chain(Word word, Op op, Part&& part) {
    const Index first = part();
    if (look() != word) return first;
    std::vector<Index> parts{as_boolean(first)};
    while (look() == word) {
      take();
      parts.push_back(as_boolean(part()));
    }
    return add(op, std::move(parts));
  }

  Index parse_equality() {
    Index left = parse_comparison();
    while (!failed()) {
      const std::size_t at = token_.at;
      switch (look()) {
        case Word::equal:
          take();
          left = equal(left, parse_comparison(), at);
          break;
        case Word::not_equal:
          take();
          left = add(Op::not_, {equal(left, parse_comparison(), at)});
          break;
        case Word::kw_is: {
          take();
          const bool is_not = look() == Word::kw_not;
          if (is_not) take();
          expect(Word::kw_null, is_not ? "NULL" : "NULL or NOT NULL");
          left = add(Op::equal, {left, constant({})});
          if (is_not) left = add(Op::not_, {left});
          break;
        }
        default:
          return left;
      }
    }
    return left;
  }

  Index equal(Index left, Index right, std::size_t at) {
    if (failed()) return 0;
    for (const Index side : {left, right})
      if (node(side).op == Op::constant && node(side).value.kind == Value::Kind::null)
        return fail("NULL cannot be compared (write IS NULL)", at);
    if (node(left).op == Op::constant && node(right).op == Op::constant && is_boolean(left) && !is_boolean(right))
      return fail(fmt::format("{} cannot be compared with {}", show(left), show(right)), at);
    return add(Op::equal, {left, right});
  }

  Index parse_comparison() {
    Index left = parse_unary();
    while (!failed()) {
      const std::size_t at = token_.at;
      Word word = look();
      const bool negated = word == Word::kw_not;
      if (negated) {
        word = look_second();
        if (word != Word::kw_contains && word != Word::kw_startswith && word != Word::kw_endswith && word != Word::kw_between &&
            word != Word::kw_in)
          return fail("NOT here needs IN, BETWEEN, CONTAINS, STARTSWITH or ENDSWITH");
        take();
      }
      switch (word) {
        case Word::greater:
          left = order(Op::greater, left, at);
          break;
        case Word::greater_equal:
          left = order(Op::greater_equal, left, at);
          break;
        case Word::less:
          left = order(Op::less, left, at);
          break;
        case Word::less_equal:
          left = order(Op::less_equal, left, at);
          break;
        case Word::kw_contains:
          left = search(negated ? Op::not_contains : Op::contains, left);
          break;
        case Word::kw_startswith:
          left = search(negated ? Op::not_starts_with : Op::starts_with, left);
          break;
        case Word::kw_endswith:
          left = search(negated ? Op::not_ends_with : Op::ends_with, left);
          break;
        case Word::kw_between:
          left = between(left, negated, at);
          break;
        case Word::kw_in:
          left = in_list(left, negated, at);
          break;
        default:
          return left;
      }
    }
    return left;
  }

  bool can_be_ordered(Index i, std::size_t at) {
    if (failed()) return false;
    const bool good = node(i).op == Op::constant ? node(i).value.is_number() : !is_boolean(i);
    if (!good) fail(fmt::format("{} cannot be compared by order", show(i)), at);
    return good;
  }
  Index ordered(Op op, Index left, Index right, std::size_t at) {
    return can_be_ordered(left, at) && can_be_ordered(right, at) ? add(op, {left, right}) : 0;
  }
  Index order(Op op, Index left, std::size_t at) {
    take();
    return ordered(op, left, parse_unary(), at);
  }
  Index search(Op op, Index left) {
    take();
    return add(op, {left}, string_argument());
  }
  std::string string_argument() {
    if (look() != Word::string) {
      fail(found("a string"));
      return {};
    }
    return sql::string_value(take().text);
  }

  Index between(Index left, bool negated, std::size_t at) {
    take();
    const Index low = parse_unary();
    expect(Word::kw_and, "AND");
    const Index high = parse_unary();
    if (failed()) return 0;
    if (!negated && node(low).op == Op::constant && node(high).op == Op::constant) {
      const Value &from = node(low).value, &to = node(high).value;
      const auto number = [](const Value& v) { return v.kind == Value::Kind::float64 ? v.number : static_cast<double>(v.integer); };
      if (from.is_number() && to.is_number() && number(to) < number(from))
        return fail(fmt::format("BETWEEN {} AND {} is empty", show(low), show(high)), at);
    }
    const Index above = ordered(negated ? Op::less : Op::greater_equal, left, low, at);
    const Index below = ordered(negated ? Op::greater : Op::less_equal, left, high, at);
    return add(negated ? Op::or_ : Op::and_, {above, below});
  }

  Index in_list(Index left, bool negated, std::size_t at) {
    take();
    expect(Word::open, "(");
    std::vector<std::string> list{string_argument()};
    while (look() == Word::comma) {
      take();
      list.push_back(string_argument());
    }
    expect(Word::close, ", or )");
    if (failed()) return 0;
    if (node(left).op != Op::property) return fail(fmt::format("IN needs a property to its left, not {}", show(left)), at);
    std::ranges::sort(list);
    return add({.op = negated ? Op::not_in : Op::in, .parts = {left}, .list = std::move(list)});
  }

  Index parse_unary() {
    if (failed()) return 0;
    if (++nesting_ > SqlFilter::depth_max) return fail(fmt::format("nested deeper than {}", SqlFilter::depth_max));
    Index made = 0;
    switch (look()) {
      case Word::plus:
        take();
        made = parse_unary();
        break;
      case Word::minus:
        take();
        made = add(Op::negate, {parse_unary()});
        break;
      case Word::kw_not:
        take();
        made = add(Op::not_, {as_boolean(parse_unary())});
        break;
      default:
        made = parse_primary();
    }
    --nesting_;
    return made;
  }

  Index parse_primary() {
    using Kind = Value::Kind;
    switch (look()) {
      case Word::string:
        return constant({.kind = Kind::string}, sql::string_value(take().text));
      case Word::decimal:
        return decimal();
      case Word::floating:
        return floating();
      case Word::kw_true:
        take();
        return constant({.kind = Kind::boolean, .boolean = true});
      case Word::kw_false:
        take();
        return constant({.kind = Kind::boolean, .boolean = false});
      case Word::kw_null:
        take();
        return constant({});
      case Word::name:
        return add(Op::property, {}, std::string(take().text));
      case Word::open: {
        take();
        const Index inner = parse_or();
        expect(Word::close, ")");
        return inner;
      }
      default:
        return fail(found("a value or a property"));
    }
  }

  Index decimal() {
    const Token token = take();
    std::string_view digits = token.text;
    if ((digits.back() | 0x20) == 'l') digits.remove_suffix(1);
    const auto number = base::parse_int(digits);
    if (!number) return fail(fmt::format("{} is too large", token.text), token.at);
    const bool fits = *number <= std::numeric_limits<std::int32_t>::max();
    return constant({.kind = fits ? Value::Kind::int32 : Value::Kind::int64, .integer = *number});
  }

  Index floating() {
    const Token token = take();
    double number = 0;
    const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
    // RocketMQ refuses zero, too, being less than the least number above it.
    if (error != std::errc{} || !std::isfinite(number) || number <= 0) return fail(fmt::format("{} is out of range", token.text), token.at);
    return constant({.kind = Value::Kind::float64, .number = number});
  }

  std::shared_ptr<SqlFilter::Program> program_;
  Token token_;
  std::string error_;
  int nesting_ = 0;
};

base::Result<SqlFilter, std::string> SqlFilter::compile(std::string_view expression) {
  if (expression.size() > expression_octets_max) return std::unexpected(fmt::format("longer than {} octets", expression_octets_max));
  if (base::trim(expression).empty()) return std::unexpected("an empty expression");
  return SqlParser(expression).parse();
}

}  // namespace chorus::mq
