#include "mq/filter/sql_filter.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "mq/filter/sql_program.h"

namespace chorus::mq {
namespace {

using sql::Node;
using sql::Op;
using sql::Value;
using Kind = Value::Kind;

Value boolean(bool value) { return {.kind = Kind::boolean, .boolean = value}; }
Value text(std::string_view value) { return {.kind = Kind::string, .text = value}; }

// Java's Double.compareTo: -0 before 0, NaN last and equal to itself.
int compare_doubles(double a, double b) {
  if (a < b) return -1;
  if (a > b) return 1;
  const auto bits = [](double d) { return std::isnan(d) ? std::int64_t{0x7ff8000000000000} : std::bit_cast<std::int64_t>(d); };
  return bits(a) == bits(b) ? 0 : bits(a) < bits(b) ? -1 : 1;
}

// Java's Double.valueOf.
std::optional<double> parse_double(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const double sign = negative ? -1 : 1;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return sign * std::numeric_limits<double>::infinity();
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  if (hexadecimal) {
    text.remove_prefix(2);
    if (text.find_first_of("pP") == std::string_view::npos) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  if (const char last = static_cast<char>(text.back() | 0x20); last == 'd' || last == 'f') text.remove_suffix(1);
  // Neither a second sign nor "inf" and "nan".
  if (text.empty() ||
      !(text[0] == '.' || (text[0] >= '0' && text[0] <= '9') || (hexadecimal && ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'f'))))
    return std::nullopt;
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? std::chars_format::hex : std::chars_format::general);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // Java rounds to zero or infinity
    const std::size_t exponent = text.find_first_of(hexadecimal ? "pP" : "eE");
    const bool tiny =
        exponent != std::string_view::npos ? text.substr(exponent + 1).starts_with('-') : text.starts_with("0.") || text[0] == '.';
    return sign * (tiny ? 0.0 : std::numeric_limits<double>::infinity());
  }
  if (error != std::errc{}) return std::nullopt;
  return sign * number;
}

class Evaluation {
 public:
  Evaluation(const std::vector<Node>& nodes, Properties properties) : nodes_(nodes), properties_(properties) {}

  Value evaluate(std::uint32_t index);
  /// Something was compared that cannot be: for RocketMQ an exception, after which the message is not wanted.
  bool is_impossible() const { return impossible_; }

 private:
  Value impossible() {
    impossible_ = true;
    return {};
  }
  Value all_of(const Node& node, bool all);
  Value equal(const Value& left, const Value& right);
  Value order(Op op, const Value& left, const Value& right);
  std::optional<int> compare(Value left, Value right);
  bool convert(Value& string, Kind kind);

  const std::vector<Node>& nodes_;
  Properties properties_;
  bool impossible_ = false;
};

Value negate(const Value& value) {
  // In 32 bits, Java's negation of the least number is itself.
  switch (value.kind) {
    case Kind::int32:
      return {.kind = Kind::int32, .integer = static_cast<std::int32_t>(-static_cast<std::uint32_t>(value.integer))};
    case Kind::int64:
      return {.kind = Kind::int64, .integer = static_cast<std::int64_t>(-static_cast<std::uint64_t>(value.integer))};
    case Kind::float64:
      return {.kind = Kind::float64, .number = -value.number};
    default:
      return {};
  }
}

Value Evaluation::evaluate(std::uint32_t index) {
  if (impossible_) return {};
  const Node& node = nodes_[index];
  switch (node.op) {
    case Op::constant: {
      Value value = node.value;
      if (value.kind == Kind::string) value.text = node.text;
      return value;
    }
    case Op::property: {
      const auto found = properties_.get(node.text);
      return found ? text(*found) : Value{};
    }
    case Op::negate:
      return negate(evaluate(node.parts[0]));
    case Op::boolean_cast: {
      const Value value = evaluate(node.parts[0]);
      if (value.kind == Kind::null) return {};
      return boolean(value.kind == Kind::boolean && value.boolean);
    }
    case Op::not_: {
      const Value value = evaluate(node.parts[0]);
      return value.kind == Kind::null ? Value{} : boolean(!value.boolean);
    }
    case Op::and_:
      return all_of(node, true);
    case Op::or_:
      return all_of(node, false);
    case Op::equal: {
      const Value left = evaluate(node.parts[0]);
      return equal(left, evaluate(node.parts[1]));
    }
    case Op::greater:
    case Op::greater_equal:
    case Op::less:
    case Op::less_equal: {
      const Value left = evaluate(node.parts[0]);
      return left.kind == Kind::null ? Value{} : order(node.op, left, evaluate(node.parts[1]));
    }
    case Op::in:
    case Op::not_in: {
      const Value value = evaluate(node.parts[0]);
      if (value.kind != Kind::string) return {};
      return boolean(std::ranges::binary_search(node.list, value.text) == (node.op == Op::in));
    }
    default:
      break;
  }
  if (node.text.empty()) return boolean(false);
  const Value value = evaluate(node.parts[0]);
  if (value.kind != Kind::string) return boolean(false);
  switch (node.op) {
    case Op::contains:
      return boolean(value.text.find(node.text) != std::string_view::npos);
    case Op::not_contains:
      return boolean(value.text.find(node.text) == std::string_view::npos);
    case Op::starts_with:
      return boolean(value.text.starts_with(node.text));
    case Op::not_starts_with:
      return boolean(!value.text.starts_with(node.text));
    case Op::ends_with:
      return boolean(value.text.ends_with(node.text));
    default:
      return boolean(!value.text.ends_with(node.text));
  }
}

// AND (`all`): false as soon as a part is, true when all are; OR the other way round. Else unknown.
Value Evaluation::all_of(const Node& node, bool all) {
  bool unknown = false;
  for (const std::uint32_t part : node.parts) {
    const Value value = evaluate(part);
    if (impossible_) return {};
    if (value.kind == Kind::null)
      unknown = true;
    else if (value.boolean != all)
      return boolean(!all);
  }
  return unknown ? Value{} : boolean(all);
}

Value Evaluation::equal(const Value& left, const Value& right) {
  if (impossible_) return {};
  if (left.kind == Kind::null) return right.kind == Kind::null ? boolean(true) : Value{};
  if (right.kind == Kind::null) return boolean(false);
  const auto compared = compare(left, right);
  return compared ? boolean(*compared == 0) : Value{};
}

Value Evaluation::order(Op op, const Value& left, const Value& right) {
  if (impossible_ || right.kind == Kind::null) return {};
  std::optional<int> compared;
  if (left.kind == Kind::string && right.kind == Kind::string) {
    const auto a = parse_double(left.text), b = parse_double(right.text);
    if (!a || !b) return impossible();
    compared = compare_doubles(*a, *b);
  } else {
    compared = compare(left, right);
  }
  if (!compared) return {};
  switch (op) {
    case Op::greater:
      return boolean(*compared > 0);
    case Op::greater_equal:
      return boolean(*compared >= 0);
    case Op::less:
      return boolean(*compared < 0);
    default:
      return boolean(*compared <= 0);
  }
}

// Makes a string what the other side is, as Java's valueOf of that type.
bool Evaluation::convert(Value& string, Kind kind) {
  if (kind == Kind::boolean) {
    constexpr std::string_view word = "true";
    const bool is_true = std::ranges::equal(string.text, word, [](char a, char b) { return (a | 0x20) == b; });
    string = boolean(is_true);
    return true;
  }
  if (kind == Kind::float64) {
    const auto number = parse_double(string.text);
    if (number) string = {.kind = kind, .number = *number};
    return number.has_value();
  }
  const auto number = base::parse_int(string.text);
  if (!number || (kind == Kind::int32 && *number != static_cast<std::int32_t>(*number))) return false;
  string = {.kind = kind, .integer = *number};
  return true;
}

// Nothing: impossible. Types that have nothing in common: less. source: ComparisonExpression.__compare
std::optional<int> Evaluation::compare(Value left, Value right) {
  if (left.kind != right.kind) {
    if (left.kind == Kind::string || right.kind == Kind::string) {
      const bool can = left.kind == Kind::boolean  ? false
                       : left.kind == Kind::string ? convert(left, right.kind)
                                                   : convert(right, left.kind);
      if (!can) {
        impossible();
        return std::nullopt;
      }
    } else if (!left.is_number() || !right.is_number()) {
      return -1;
    }
  }
  if (left.kind == Kind::boolean) return static_cast<int>(left.boolean) - static_cast<int>(right.boolean);
  if (left.kind == Kind::string) return left.text.compare(right.text);
  if (left.kind == Kind::float64 || right.kind == Kind::float64) {
    const auto number = [](const Value& v) { return v.kind == Kind::float64 ? v.number : static_cast<double>(v.integer); };
    return compare_doubles(number(left), number(right));
  }
  return left.integer < right.integer ? -1 : left.integer > right.integer ? 1 : 0;
}

}  // namespace

bool SqlFilter::matches(Properties properties) const {
  Evaluation evaluation(program_->nodes, properties);
  const Value value = evaluation.evaluate(program_->root);
  return !evaluation.is_impossible() && value.kind == Kind::boolean && value.boolean;
}

const std::string& SqlFilter::expression() const { return program_->expression; }

}  // namespace chorus::mq
