#include "app/zk/tool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

#include "app/zk/output.h"
#include "base/ensure.h"

namespace chorus::app::zk {

void EventQueue::push(client::WatchEvent event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  arrived_.notify_one();
}

std::optional<client::WatchEvent> EventQueue::pop(std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  const auto has_some = [&] { return !events_.empty(); };
  if (!deadline) {
    arrived_.wait(lock, has_some);
  } else if (!arrived_.wait_until(lock, *deadline, has_some)) {
    return std::nullopt;
  }
  client::WatchEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<client::WatchEvent> EventQueue::try_pop() { return pop(std::chrono::steady_clock::time_point::min()); }

Tool::Tool(client::BlockingClient& client, bool in_shell, bool json)
    : client_(client),
      in_shell_(in_shell),
      json_by_default_(json),
      watcher_(client::make_watcher([events = events_](const client::WatchEvent& event) { events->push(event); })) {}

Tool::Handler Tool::handler_for(std::string_view name) {
  static constexpr std::pair<std::string_view, Handler> handlers[] = {
      {"ls", &Tool::ls},
      {"get", &Tool::get},
      {"set", &Tool::set},
      {"create", &Tool::create},
      {"delete", &Tool::remove},
      {"deleteall", &Tool::remove_all},
      {"stat", &Tool::stat},
      {"getAcl", &Tool::get_acl},
      {"setAcl", &Tool::set_acl},
      {"multi", &Tool::multi},
      {"sync", &Tool::sync},
      {"getAllChildrenNumber", &Tool::count},
      {"getEphemerals", &Tool::ephemerals},
      {"whoami", &Tool::whoami},
      {"watch", &Tool::watch},
      {"export", &Tool::export_tree},
      {"import", &Tool::import_tree},
      {"config", &Tool::config},
      {"reconfig", &Tool::reconfig},
      {"addauth", &Tool::add_auth},
      {"addWatch", &Tool::add_watch},
      {"removewatches", &Tool::remove_watches},
  };
  for (const auto& [each, handler] : handlers) {
    if (each == name) return handler;
  }
  return nullptr;
}

Exit Tool::run(const Command& command) {
  json_ = json_by_default_ || command.json;
  const Handler handler = handler_for(command.name);
  ENSURE(handler != nullptr, command.name);
  const Exit code = (this->*handler)(command);
  if (std::fflush(stdout) != 0) return fail(Exit::failed, "standard output could not be written");
  return code;
}

void Tool::print(std::string_view text) {
  if (text.empty()) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  in_line_ = text.back() != '\n';
}
void Tool::print(const client::WatchEvent& event) {
  if (in_line_) print("\n");  // after data that ends without one
  print(json_ ? event_json(event) : event_text(event));
  std::fflush(stdout);
}
void Tool::print_data(std::string_view data) {
  print(data);
  if (in_shell_ || isatty(STDOUT_FILENO) != 0) print("\n");
}

bool Tool::print_events() {
  bool any = false;
  json_ = json_by_default_;
  while (auto event = events_->try_pop()) {
    print(*event);
    any = true;
  }
  return any;
}

Exit Tool::fail(const client::Error& error, std::string_view hint) {
  std::fflush(stdout);
  if (json_) {
    fmt::print(stderr, "{}", error_json(error));
  } else {
    fmt::print(stderr, "chorus zk: {}{}{}\n", error.message, hint.empty() ? "" : ". ", hint);
  }
  return exit_for(error.code);
}

Exit Tool::fail(Exit code, std::string_view words) {
  std::fflush(stdout);
  fmt::print(stderr, "chorus zk: {}\n", words);
  return code;
}

client::Watcher Tool::watcher_if(bool wanted) { return wanted ? watcher_ : nullptr; }

Exit Tool::wait_if(bool wanted) {
  if (!wanted || in_shell_) return Exit::ok;
  std::fflush(stdout);
  const auto event = events_->pop({});
  print(*event);
  return event->type == client::EventType::none ? Exit::session_ended : Exit::ok;
}

base::Result<std::string, std::string> read_input(const std::string& name) {
  std::ostringstream out;
  if (name.empty() || name == "-") {
    out << std::cin.rdbuf();
    return out.str();
  }
  std::ifstream in(name, std::ios::binary);
  if (in && in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  if (!in.good() && !in.eof()) return std::unexpected(fmt::format("the file {} cannot be read", name));
  return out.str();
}

base::Result<std::optional<std::string>, std::string> resolve_data(const std::optional<std::string>& argument) {
  if (!argument || !argument->starts_with('@')) return argument;
  if (argument->starts_with("@@")) return argument->substr(1);
  auto octets = read_input(argument->substr(1));
  if (!octets) return std::unexpected(fmt::format("{} (data that begins with @ is written @@...)", octets.error()));
  return std::move(*octets);
}

}  // namespace chorus::app::zk
