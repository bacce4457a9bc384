#include "cache/command/docs/docs.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "base/ensure.h"
#include "base/text.h"

namespace chorus::cache::docs {
namespace {

struct Deprecated {
  std::string_view command, since, replaced_by;
};
constexpr Deprecated deprecated[] = {
    {"brpoplpush", "6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"},
    {"cluster|slaves", "5.0.0", "`CLUSTER REPLICAS`"},
    {"cluster|slots", "7.0.0", "`CLUSTER SHARDS`"},
    {"georadius", "6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"},
    {"georadius_ro", "6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"},
    {"georadiusbymember", "6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {"georadiusbymember_ro", "6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {"getset", "6.2.0", "`SET` with the `!GET` argument"},
    {"hmset", "4.0.0", "`HSET` with multiple field-value pairs"},
    {"quit", "7.2.0", "just closing the connection"},
    {"rpoplpush", "6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"},
    {"slaveof", "5.0.0", "`REPLICAOF`"},
    {"substr", "2.0.0", "`GETRANGE`"},
    {"zrangebylex", "6.2.0", "`ZRANGE` with the `BYLEX` argument"},
    {"zrangebyscore", "6.2.0", "`ZRANGE` with the `BYSCORE` argument"},
    {"zrevrange", "6.2.0", "`ZRANGE` with the `REV` argument"},
    {"zrevrangebylex", "6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"},
    {"zrevrangebyscore", "6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"},
};
constexpr std::string_view system_commands[] = {"debug", "pfdebug", "pfselftest", "replconf", "restore-asking"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_of_name(char c) { return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// Up to `end`, which is taken; '\0': up to the end of the text.
  std::vector<Argument> list(char separator, char end) {
    std::vector<Argument> out;
    if (end == '\0' && at_ == text_.size()) return out;
    do out.push_back(argument());
    while (takes(separator));
    if (end == '\0') {
      ENSURE(at_ == text_.size(), text_, at_);
    } else {
      expect(end);
    }
    return out;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool takes(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  bool takes(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(char c) { ENSURE(takes(c), text_, at_); }
  std::string_view quoted_rest() {
    const std::size_t end = text_.find('>', at_);
    ENSURE(end != std::string_view::npos, text_);
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }
  template <class Is>
  std::string_view run(Is is) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is(text_[at_])) ++at_;
    ENSURE(at_ > begin, text_, at_);
    return text_.substr(begin, at_ - begin);
  }
  /// Three numbers: the dots of "..." are not part of it.
  std::string_view version() {
    const std::size_t begin = at_;
    run(is_digit);
    for (int i = 0; i < 2; ++i) {
      expect('.');
      run(is_digit);
    }
    return text_.substr(begin, at_ - begin);
  }

  Argument argument() {
    if (takes('[')) {
      Argument inner = argument();
      expect(']');
      inner.is_optional = true;
      return inner;
    }
    Argument out = body();
    if (takes('@')) out.since = version();
    if (takes('!')) out.deprecated_since = version();
    out.repeats_token = takes('+');
    out.is_multiple = takes("...");
    ENSURE(out.is_multiple || !out.repeats_token, text_);
    return out;
  }

  Argument body() {
    const bool is_quoted = takes('<');
    const std::string_view word = is_quoted ? quoted_rest() : run(is_of_name);
    if (takes('/')) {
      Argument out = body();
      out.token = word;
      return out;
    }
    Argument out;
    out.name = word;
    if (takes('=')) {
      out.type = Argument::Type::pure_token;
      out.token = takes('<') ? quoted_rest() : run([](char c) { return std::string_view("|)]} @!").find(c) == std::string_view::npos; });
    } else if (takes('(')) {
      out.type = Argument::Type::one_of;
      out.parts = list('|', ')');
    } else if (takes('{')) {
      out.type = Argument::Type::block;
      out.parts = list(' ', '}');
    } else if (takes(':')) {
      type(out);
    } else if (!is_quoted && std::all_of(word.begin(), word.end(), [](char c) { return is_upper(c) || is_digit(c); }) &&
               std::any_of(word.begin(), word.end(), is_upper)) {
      out.type = Argument::Type::pure_token;
      out.name = base::lower(word);
      out.token = word;
    }
    return out;
  }

  void type(Argument& out) {
    constexpr std::string_view letters = "idkpu";
    constexpr Argument::Type types[] = {Argument::Type::integer, Argument::Type::real, Argument::Type::key, Argument::Type::pattern,
                                        Argument::Type::unix_time};
    const std::size_t which = letters.find(peek());
    ENSURE(which != std::string_view::npos, text_, at_);
    ++at_;
    out.type = types[which];
    if ((out.type == Argument::Type::key || out.type == Argument::Type::pattern) && is_digit(peek())) out.key_spec = text_[at_++] - '0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

using Docs = absl::flat_hash_map<std::string_view, Doc>;
const Docs& all() {
  static const Docs docs = [] {
    Docs made;
    for (const auto& rows : {strings(), collections(), zsets(), streams(), generic(), server(), cluster()}) {
      for (const Row& row : rows) {
        Doc doc{.summary = row.summary, .complexity = row.complexity, .arguments = parse_arguments(row.arguments)};
        doc.is_system = std::find(std::begin(system_commands), std::end(system_commands), row.command) != std::end(system_commands);
        for (const Deprecated& each : deprecated) {
          if (each.command != row.command) continue;
          doc.deprecated_since = each.since;
          doc.replaced_by = each.replaced_by;
        }
        ENSURE(made.emplace(row.command, std::move(doc)).second, row.command);
      }
    }
    return made;
  }();
  return docs;
}

}  // namespace

std::string_view name_of(Argument::Type type) {
  constexpr std::string_view names[] = {"string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"};
  return names[static_cast<std::size_t>(type)];
}

std::vector<Argument> parse_arguments(std::string_view text) { return Reader(text).list(' ', '\0'); }

const Doc* find(std::string_view full_name) {
  const auto found = all().find(full_name);
  return found == all().end() ? nullptr : &found->second;
}

}  // namespace chorus::cache::docs
