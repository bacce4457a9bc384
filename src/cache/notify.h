// Which changes of keys become messages (notify-keyspace-events).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache {

/// The classes of keyspace notifications, by the letter that turns each on.
enum class Notify : char {
  generic = 'g',
  string = '$',
  list = 'l',
  set = 's',
  hash = 'h',
  zset = 'z',
  expired = 'x',
  evicted = 'e',
  stream = 't',
  missed = 'm',
  fresh = 'n',
};

struct NotifySettings {
  bool keyspace = false, keyevent = false;
  std::string classes;  // letters

  bool any() const { return (keyspace || keyevent) && !classes.empty(); }
  bool has(Notify what) const { return classes.find(static_cast<char>(what)) != std::string::npos; }
  /// Letters in any order; A stands for "g$lshzxetd". Empty: one of them is none.
  static std::optional<NotifySettings> parse(std::string_view letters);
  /// In Redis' order, with A where all of it is there.
  std::string letters() const;
};

}  // namespace chorus::cache
