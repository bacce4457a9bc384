// Commands that set and end watches.
#include <fmt/format.h>

#include "app/zk/output.h"
#include "app/zk/tool.h"
#include "base/text.h"

namespace chorus::app::zk {

Exit Tool::watch(const Command& command) {
  if (in_shell_ && command.count == 0 && command.seconds == 0) {
    return fail(Exit::usage, "in the shell \"watch\" needs --count or --for; \"addWatch\" tells of changes while you go on");
  }
  const auto mode = command.recursive ? client::AddWatchMode::persistent_recursive : client::AddWatchMode::persistent;
  // A watcher of its own, so that other watches of the shell are not printed in here.
  auto events = std::make_shared<EventQueue>();
  const auto watcher = client::make_watcher([events](const client::WatchEvent& event) { events->push(event); });
  if (const auto watched = client_.add_watch(command.path, mode, watcher); !watched) {
    return fail(watched.error(),
                watched.error().code == client::Code::unimplemented ? "Persistent watches need ZooKeeper 3.6 or later" : "");
  }
  if (command.local) {
    print(json_ ? fmt::format("{{\"type\":\"Watching\",\"path\":\"{}\"}}\n", command.path) : fmt::format("watching {}\n", command.path));
    std::fflush(stdout);
  }
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (command.seconds > 0) {
    deadline = std::chrono::steady_clock::now() +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(command.seconds));
  }
  std::int64_t seen = 0;
  while (command.count == 0 || seen < command.count) {
    const auto event = events->pop(deadline);
    if (!event) break;
    print(*event);
    if (event->type == client::EventType::none) return fail(Exit::session_ended, "the session has ended, and with it the watch");
    ++seen;
  }
  if (in_shell_) {
    const auto removed = client_.remove_watches(command.path, client::WatcherType::any, watcher, true);
    if (!removed) return fail(removed.error());
  }
  if (seen < command.count)
    return fail(Exit::timed_out, fmt::format("{} of {} changes came in {} s", seen, command.count, command.seconds));
  return Exit::ok;
}

Exit Tool::add_watch(const Command& command) {
  const std::string mode = base::lower(command.mode);
  if (mode != "persistent" && mode != "persistent_recursive" && mode != "fail") {
    return fail(Exit::usage, fmt::format("\"{}\" is no mode: PERSISTENT and PERSISTENT_RECURSIVE are", command.mode));
  }
  const auto done = client_.add_watch(
      command.path, mode == "persistent" ? client::AddWatchMode::persistent : client::AddWatchMode::persistent_recursive, watcher_);
  return done ? Exit::ok : fail(done.error());
}

Exit Tool::remove_watches(const Command& command) {
  const auto type = command.children  ? client::WatcherType::children
                    : command.of_data ? client::WatcherType::data
                                      : client::WatcherType::any;
  const auto done = client_.remove_watches(command.path, type, nullptr, command.local);
  return done ? Exit::ok : fail(done.error());
}

}  // namespace chorus::app::zk
