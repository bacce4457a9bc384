// The file of users (aclfile): read, written, and waited for.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "cache/acl/acl.h"
#include "cache/acl/texts.h"
#include "cache/call.h"

namespace chorus::cache {
namespace acl {
namespace {

using Users = std::map<std::string, std::shared_ptr<User>, std::less<>>;

constexpr std::string_view white = " \t\r\n";

/// Appends to `errors` what is wrong with line `number`, each with a space behind it.
void read_line(std::string_view line, std::string_view path, std::size_t number, bool all_channels, Users& users, std::string& errors) {
  const std::vector<std::string_view> words = base::split(line, ' ');
  if (words.front() != "user" || words.size() < 2) {
    errors += fmt::format("{}:{} should start with user keyword followed by the username. ", path, number);
    return;
  }
  const std::string_view name = words[1];
  if (name.empty() || name.find_first_of(std::string_view(" \t\v\f\0", 5)) != std::string_view::npos) {
    errors += fmt::format("'{}:{}: username '{}' contains invalid characters. ", path, number, name);
    return;
  }
  auto user = std::make_shared<User>();
  user->name = name;
  user->root.set_all_channels(all_channels);
  if (!users.emplace(std::string(name), user).second) {
    errors += fmt::format("WARNING: Duplicate user '{}' found on line {}. ", name, number);
    return;
  }
  const auto rules = merge_selectors(std::span(words).subspan(2));
  if (!rules) {
    errors += fmt::format("{}:{}: Unmatched parenthesis in selector definition. ", path, number);
    return;
  }
  bool has_failed = false;
  for (const std::string& rule : *rules) {
    if (rule.empty()) continue;
    const std::string_view why = user->apply(rule, all_channels);
    if (why == wrong::unknown) {
      errors += fmt::format("{}:{}: Error in applying operation '{}': {}. ", path, number, rule, why);
    } else if (!why.empty() && !std::exchange(has_failed, true)) {
      errors += fmt::format("{}:{}: {}. ", path, number, why);  // the rule may be a password
    }
  }
}

}  // namespace

std::string Acl::file_text() const {
  std::string text;
  for (const auto& [name, user] : users_) text += user->describe() + "\n";
  return text;
}

base::Result<void, std::string> Acl::load(std::string_view text, std::string_view path, bool all_channels) {
  Users users;
  std::string errors;
  std::size_t number = 0;
  for (std::string_view line : base::split(text, '\n')) {
    ++number;
    line.remove_prefix(std::min(line.find_first_not_of(white), line.size()));
    line.remove_suffix(line.size() - (line.find_last_not_of(white) + 1));
    if (!line.empty()) read_line(line, path, number, all_channels, users, errors);
  }
  if (!errors.empty()) {
    return std::unexpected(errors + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  }
  if (!users.contains("default")) users.emplace("default", Acl({}).users_.find("default")->second);
  for (auto& [name, user] : users) {
    const auto there = users_.find(name);
    if (there == users_.end()) continue;
    *there->second = std::move(*user);
    user = there->second;
  }
  users_ = std::move(users);
  return {};
}

}  // namespace acl

base::Result<void, std::string> Server::load_users(std::string_view text) {
  auto loaded = acl_->load(text, options_.acl_file, options_.acl_all_channels);
  if (!loaded) return loaded;
  for (Client* client : all_clients()) {
    if (acl_->find(client->user) == nullptr) end(*client);
  }
  for (const auto& [name, user] : acl_->users()) check_listeners(name);
  return {};
}

void Server::begin_acl_file_task(Client& client, const Command& command, bool saves) {
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->db = client.db;
  block(client, std::move(blocked));
  acl_file_tasks_.push_back({.client = client.id, .saves = saves, .text = saves ? acl_->file_text() : std::string()});
}

std::optional<Server::AclFileTask> Server::take_acl_file_task() {
  if (acl_file_tasks_.empty() || is_acl_file_in_use_) return {};
  is_acl_file_in_use_ = true;
  return acl_file_tasks_.front();
}

void Server::end_acl_file_task(const base::Result<std::string, std::string>& outcome, Now now) {
  now_ = now;
  is_acl_file_in_use_ = false;
  const AclFileTask task = std::move(acl_file_tasks_.front());
  acl_file_tasks_.pop_front();
  std::string error;
  if (task.saves) {
    if (!outcome) error = "ERR There was an error trying to save the ACLs. Please check the server logs for more information";
  } else if (!outcome) {
    error = fmt::format("ERR Error loading ACLs, opening file '{}': {}", options_.acl_file, outcome.error());
  } else if (const auto loaded = load_users(*outcome); !loaded) {
    error = "ERR " + loaded.error();
  }
  answer_wait(task.client, task.saves ? "acl|save" : "acl|load", error);
}

}  // namespace chorus::cache
