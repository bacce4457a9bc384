#include "coord/subject.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace chorus::coord {
namespace {

// source: sun.security.x509.AVAKeyword
constexpr std::array<std::string_view, 21> keywords = {
    "cn",  "c",           "l",       "s",   "st",        "o",        "ou",         "t",     "ip",           "street",      "dc",
    "dnq", "dnqualifier", "surname", "uid", "givenname", "initials", "generation", "email", "emailaddress", "serialnumber"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// "2.5.4.3", "OID.2.5.4.3" in any case.
bool is_number(std::string_view lower) {
  if (lower.starts_with("oid.")) lower.remove_prefix(4);
  const auto parts = base::split(lower, '.');
  return parts.size() > 1 &&
         std::ranges::all_of(parts, [](std::string_view part) { return !part.empty() && std::ranges::all_of(part, is_digit); });
}

// source: sun.security.x509.X500Name.parseDN, AVA
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool name() {
    do {
      if (!attribute()) return false;
      skip(" \n");
    } while (take_one_of(",;+"));
    return rest_.empty();
  }

 private:
  bool attribute() {
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string keyword = base::lower(base::trim(rest_.substr(0, equals)));
    if (std::ranges::find(keywords, keyword) == keywords.end() && !is_number(keyword)) return false;
    rest_.remove_prefix(equals + 1);
    skip(" \n");
    if (rest_.starts_with('#')) return hexadecimal();
    return take_one_of("\"") ? quoted() : plain();
  }

  bool hexadecimal() {
    rest_.remove_prefix(1);
    const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(rest_, is_hex) - rest_.begin());
    rest_.remove_prefix(digits);
    return digits > 0 && digits % 2 == 0;
  }

  bool quoted() {
    while (!rest_.empty()) {
      if (take_one_of("\"")) return true;
      if (!character()) return false;
    }
    return false;
  }

  bool plain() {
    while (!rest_.empty() && std::string_view(",;+").find(rest_.front()) == std::string_view::npos) {
      if (std::string_view("<>\"").find(rest_.front()) != std::string_view::npos || !character()) return false;
    }
    return true;
  }

  /// One character, or what a backslash stands before: a special one, or two digits of one octet.
  bool character() {
    if (!take_one_of("\\")) {
      rest_.remove_prefix(1);
      return true;
    }
    if (rest_.size() > 1 && is_hex(rest_[0]) && is_hex(rest_[1])) {
      rest_.remove_prefix(2);
      return true;
    }
    return take_one_of(",=\n+<>#;\\\" ");
  }

  void skip(std::string_view these) { rest_.remove_prefix(std::min(rest_.find_first_not_of(these), rest_.size())); }
  bool take_one_of(std::string_view these) {
    if (rest_.empty() || these.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool is_distinguished_name(std::string_view text) { return Parser(text).name(); }

}  // namespace chorus::coord
