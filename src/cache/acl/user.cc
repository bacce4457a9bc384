#include "cache/acl/user.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/ensure.h"
#include "base/text.h"

namespace chorus::cache::acl {
namespace {

constexpr std::size_t digest_digits = 64;

bool is_digest(std::string_view text) {
  return text.size() == digest_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Takes as long wherever the two begin to differ.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i]) ^ static_cast<unsigned>(b[i]);
  return difference == 0;
}

}  // namespace

std::string digest_of(std::string_view password) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ENSURE(EVP_Digest(password.data(), password.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return base::hex(std::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string_view User::apply(std::string_view rule, bool all_channels) {
  if (rule.empty()) return {};
  const std::string word = base::lower(rule);
  if (word == "on" || word == "off") {
    is_on = word == "on";
  } else if (word == "sanitize-payload" || word == "skip-sanitize-payload") {
    skips_sanitizing = word != "sanitize-payload";
  } else if (word == "nopass" || word == "resetpass") {
    no_password = word == "nopass";
    passwords.clear();
  } else if (word == "clearselectors") {
    selectors.clear();
  } else if (word == "reset") {
    *this = User{.name = name};
    root.set_all_channels(all_channels);
  } else if (rule.starts_with('>') || rule.starts_with('#')) {
    if (rule[0] == '#' && !is_digest(rule.substr(1))) return wrong::not_a_hash;
    const std::string digest = rule[0] == '#' ? std::string(rule.substr(1)) : digest_of(rule.substr(1));
    if (std::find(passwords.begin(), passwords.end(), digest) == passwords.end()) passwords.push_back(digest);
    no_password = false;
  } else if (rule.starts_with('<') || rule.starts_with('!')) {
    if (rule[0] == '!' && !is_digest(rule.substr(1))) return wrong::not_a_hash;
    const std::string digest = rule[0] == '!' ? std::string(rule.substr(1)) : digest_of(rule.substr(1));
    if (std::erase(passwords, digest) == 0) return wrong::no_such_password;
  } else if (rule.starts_with('(') && rule.ends_with(')')) {
    Selector selector;
    selector.set_all_channels(all_channels);
    for (const std::string_view each : base::split(rule.substr(1, rule.size() - 2), ' ')) {
      if (each.empty()) continue;
      if (const auto why = selector.apply(each); !why.empty()) return why;
    }
    selectors.push_back(std::move(selector));
  } else {
    return root.apply(rule);
  }
  return {};
}

Verdict User::check(const Command& command, Arguments arguments) const {
  Verdict worst = root.check(command, arguments);
  for (const Selector& selector : selectors) {
    if (worst.denied == Denied::no) return worst;
    const Verdict verdict = selector.check(command, arguments);
    if (verdict.denied == Denied::no) return verdict;
    if (verdict.denied > worst.denied || (verdict.denied == worst.denied && verdict.at > worst.at)) worst = verdict;
  }
  return worst;
}

bool User::may_listen(std::string_view channel, bool is_pattern) const {
  return root.may_listen(channel, is_pattern) ||
         std::any_of(selectors.begin(), selectors.end(), [&](const Selector& each) { return each.may_listen(channel, is_pattern); });
}

bool User::accepts(std::string_view password) const {
  if (no_password) return true;
  const std::string digest = digest_of(password);
  return std::any_of(passwords.begin(), passwords.end(), [&](const std::string& each) { return equal_in_constant_time(each, digest); });
}

std::vector<std::string_view> User::flags() const {
  std::vector<std::string_view> out{is_on ? "on" : "off"};
  if (no_password) out.push_back("nopass");
  out.push_back(skips_sanitizing ? "skip-sanitize-payload" : "sanitize-payload");
  return out;
}

std::string User::describe() const {
  std::string out = "user " + name;
  for (const std::string_view flag : flags()) out += " " + std::string(flag);
  for (const std::string& password : passwords) out += " #" + password;
  out += " " + root.describe();
  for (const Selector& selector : selectors) out += " (" + selector.describe() + ")";
  return out;
}

}  // namespace chorus::cache::acl
