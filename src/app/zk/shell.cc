#include "app/zk/shell.h"

#include <editline/readline.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "base/text.h"

namespace chorus::app::zk {
namespace {

enum class Next : std::uint8_t { go_on, leave };

/// Carries out one line; `code` is what came of it.
Next execute(Tool& tool, const std::string& line, Exit& code) {
  code = Exit::ok;
  const auto words = split_words(line);
  if (!words) {
    fmt::print(stderr, "chorus zk: a quote is not closed\n");
    code = Exit::usage;
    return Next::go_on;
  }
  if (words->empty() || words->front().starts_with('#')) return Next::go_on;
  const auto parsed = parse_line(*words);
  if (const auto* leave = std::get_if<Leave>(&parsed)) {
    code = leave->code;
    return Next::go_on;
  }
  const Command& command = std::get<Command>(parsed);
  if (command.name == "quit" || command.name == "close") return Next::leave;
  if (command.name == "help") {
    fmt::print("{}", help_text(command.path == "/" ? "" : command.path));
    return Next::go_on;
  }
  code = tool.run(command);
  return client::is_final(tool.client().state()) ? Next::leave : Next::go_on;
}

/// libedit calls plain functions, so what they need is kept here while a prompt is up.
struct Prompt {
  Tool* tool = nullptr;
  std::vector<std::string> candidates;
  std::size_t next = 0;
};
Prompt prompt;

void find_candidates(const std::string& word, bool is_command) {
  prompt.candidates.clear();
  prompt.next = 0;
  if (is_command) {
    for (const std::string_view name : command_names()) {
      if (base::lower(name).starts_with(base::lower(word))) prompt.candidates.emplace_back(name);
    }
    return;
  }
  if (!word.starts_with('/')) return;
  const std::size_t slash = word.rfind('/');
  const std::string parent = slash == 0 ? "/" : word.substr(0, slash);
  const auto children = prompt.tool->client().children(parent);
  if (!children) return;  // no completion is all that a wrong path means here
  for (const std::string& name : children->names) {
    std::string path = word.substr(0, slash + 1) + name;
    if (path.starts_with(word)) prompt.candidates.push_back(std::move(path));
  }
  std::ranges::sort(prompt.candidates);
}

char* next_candidate(const char*, int) {
  return prompt.next < prompt.candidates.size() ? strdup(prompt.candidates[prompt.next++].c_str()) : nullptr;
}

char** complete(const char* text, int start, int) {
  find_candidates(text, start == 0);
  rl_attempted_completion_over = 1;
  return prompt.candidates.empty() ? nullptr : rl_completion_matches(text, next_candidate);
}

/// libedit calls this again and again while nobody types.
int on_idle() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, 50) > 0) return 0;
  if (prompt.tool->print_events()) rl_forced_update_display();
  return 0;
}

std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.chorus_history";
}

}  // namespace

Exit interactive_shell(Tool& tool) {
  prompt.tool = &tool;
  char name[] = "chorus";
  char separators[] = " \t\n\"'";
  rl_readline_name = name;
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = separators;
  rl_event_hook = on_idle;
  using_history();
  stifle_history(1000);
  const std::string history = history_file();
  if (!history.empty()) read_history(history.c_str());
  fmt::print("Connected to {}. \"help\" lists the commands.\n", world::to_string(tool.client().server()));

  Exit code = Exit::ok;
  while (true) {
    tool.print_events();
    const std::string words = fmt::format("zk {}> ", world::to_string(tool.client().server()));
    char* line = readline(words.c_str());
    if (line == nullptr) {
      fmt::print("\n");
      break;
    }
    const std::string text(line);
    std::free(line);
    if (base::trim(text).empty()) continue;
    // Passwords are not for the disk.
    if (!base::lower(base::trim(text)).starts_with("addauth")) {
      add_history(text.c_str());
      if (!history.empty()) write_history(history.c_str());
    }
    if (execute(tool, text, code) == Next::leave) break;
  }
  if (tool.client().state() == client::State::expired) {
    fmt::print(stderr, "chorus zk: the session has expired: start again\n");
    return Exit::session_ended;
  }
  return Exit::ok;
}

Exit scripted_shell(Tool& tool) {
  std::string line;
  Exit code = Exit::ok;
  while (std::getline(std::cin, line)) {
    const Next next = execute(tool, line, code);
    tool.print_events();
    if (next == Next::leave || code != Exit::ok) break;
  }
  return code;
}

}  // namespace chorus::app::zk
