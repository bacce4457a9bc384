#include "cache/acl/acl.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cache/resp/quote.h"

namespace chorus::cache::acl {
namespace {

constexpr std::int64_t grouped_ms = 60'000;
constexpr std::ptrdiff_t compared_max = 10;

}  // namespace

base::Result<std::vector<std::string>, std::string> merge_selectors(std::span<const std::string_view> words) {
  std::vector<std::string> out;
  std::string open;
  std::string_view first;
  for (const std::string_view word : words) {
    if (open.empty() && !(word.starts_with('(') && !word.ends_with(')'))) {
      out.emplace_back(word);
      continue;
    }
    if (open.empty()) first = word;
    open += (open.empty() ? "" : " ") + std::string(word);
    if (!word.ends_with(')')) continue;
    out.push_back(std::move(open));
    open.clear();
  }
  if (!open.empty()) return std::unexpected(std::string(first));
  return out;
}

Acl::Acl(std::string_view password) {
  auto user = std::make_shared<User>();
  user->name = "default";
  for (const char* rule : {"on", "nopass", "~*", "&*", "+@all"}) user->apply(rule, true);
  users_.emplace("default", std::move(user));
  set_default_password(password);
}

void Acl::set_default_password(std::string_view password) {
  User& user = *users_.find("default")->second;
  user.apply("resetpass", true);
  user.apply(password.empty() ? "nopass" : ">" + std::string(password), true);
}

std::shared_ptr<const User> Acl::find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

base::Result<void, std::string> Acl::set(std::string_view name, std::span<const std::string_view> rules, bool all_channels) {
  if (name.find_first_of(std::string_view(" \0", 2)) != std::string_view::npos) {
    return std::unexpected("ERR Usernames can't contain spaces or null characters");
  }
  const auto words = merge_selectors(rules);
  if (!words) return std::unexpected(fmt::format("ERR Unmatched parenthesis in acl selector starting at '{}'.", shown(words.error())));
  const auto found = users_.find(name);
  User changed;
  if (found != users_.end()) {
    changed = *found->second;
  } else {
    changed.name = name;
    changed.root.set_all_channels(all_channels);
  }
  for (const std::string& rule : *words) {
    if (const auto why = changed.apply(rule, all_channels); !why.empty()) {
      return std::unexpected(fmt::format("ERR Error in ACL SETUSER modifier '{}': {}", shown(rule, std::string_view::npos), why));
    }
  }
  if (found != users_.end()) {
    *found->second = std::move(changed);
  } else {
    users_.emplace(std::string(name), std::make_shared<User>(std::move(changed)));
  }
  return {};
}

bool Acl::remove(std::string_view name) {
  const auto found = users_.find(name);
  if (found == users_.end()) return false;
  users_.erase(found);
  return true;
}

void Acl::log(LogEntry entry, std::size_t entries_max) {
  ++denied_[static_cast<std::size_t>(entry.reason)];
  const auto end = log_.begin() + std::min<std::ptrdiff_t>(compared_max, std::ssize(log_));
  const auto like = std::find_if(log_.begin(), end, [&](const LogEntry& each) {
    return each.reason == entry.reason && each.context == entry.context && each.object == entry.object && each.user == entry.user &&
           entry.updated_ms - each.updated_ms <= grouped_ms;
  });
  if (like != end) {
    entry.id = like->id;
    entry.count = like->count + 1;
    entry.created_ms = like->created_ms;
    log_.erase(like);
  } else {
    entry.id = next_entry_++;
  }
  log_.push_front(std::move(entry));
  while (log_.size() > entries_max) log_.pop_back();
}

}  // namespace chorus::cache::acl
