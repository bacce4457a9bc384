// Carries out the commands of `chorus zk` on one session.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "app/zk/parse.h"
#include "client/blocking.h"

namespace chorus::app::zk {

/// Watch events on their way from the reactor's thread to the one that prints.
class EventQueue {
 public:
  void push(client::WatchEvent event);
  /// Empty when none came until `deadline`; without one it waits for as long as it takes.
  std::optional<client::WatchEvent> pop(std::optional<std::chrono::steady_clock::time_point> deadline);
  std::optional<client::WatchEvent> try_pop();

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<client::WatchEvent> events_;
};

class Tool {
 public:
  /// in_shell: data ends with a line end, and events are kept for print_events().
  Tool(client::BlockingClient& client, bool in_shell, bool json);

  Exit run(const Command& command);
  /// Prints the events that have come; whether there were any.
  bool print_events();
  client::BlockingClient& client() { return client_; }

 private:
  using Handler = Exit (Tool::*)(const Command&);
  static Handler handler_for(std::string_view name);

  Exit ls(const Command& command);
  Exit get(const Command& command);
  Exit set(const Command& command);
  Exit create(const Command& command);
  Exit remove(const Command& command);
  Exit remove_all(const Command& command);
  Exit stat(const Command& command);
  Exit get_acl(const Command& command);
  Exit set_acl(const Command& command);
  Exit multi(const Command& command);
  Exit sync(const Command& command);
  Exit count(const Command& command);
  Exit ephemerals(const Command& command);
  Exit whoami(const Command& command);
  Exit watch(const Command& command);
  Exit export_tree(const Command& command);
  Exit import_tree(const Command& command);
  Exit config(const Command& command);
  Exit reconfig(const Command& command);
  Exit add_auth(const Command& command);
  Exit add_watch(const Command& command);
  Exit remove_watches(const Command& command);

  Exit make_parents(std::string_view path);
  /// The node and all below it, parents first. Those that vanish meanwhile are left out.
  client::Result<std::vector<std::string>> walk(const std::string& root);

  void print(std::string_view text);
  void print(const client::WatchEvent& event);
  /// Data as it is; a line end follows where nobody could be disturbed by it.
  void print_data(std::string_view data);
  Exit fail(const client::Error& error, std::string_view hint = {});
  Exit fail(Exit code, std::string_view words);
  client::Watcher watcher_if(bool wanted);
  /// After a command with --watch, outside of the shell.
  Exit wait_if(bool wanted);

  client::BlockingClient& client_;
  const bool in_shell_;
  const bool json_by_default_;
  bool json_ = false;
  bool in_line_ = false;  // the last octet printed was no line end
  std::shared_ptr<EventQueue> events_ = std::make_shared<EventQueue>();
  client::Watcher watcher_;
};

/// What a DATA argument stands for; "@..." is read from there. On failure: what is wrong.
base::Result<std::optional<std::string>, std::string> resolve_data(const std::optional<std::string>& argument);
/// All of a file, or of standard input when the name is "-" or empty.
base::Result<std::string, std::string> read_input(const std::string& name);
/// One part of a multi, as its words. On failure: what is wrong.
base::Result<client::Op, std::string> parse_operation(const std::vector<std::string>& words);

}  // namespace chorus::app::zk
