// From command line, environment and file to Settings.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/settings.h"

namespace chorus::app {

/// One value as somebody wrote it. key is one of ours, also when the file was ZooKeeper's.
struct Entry {
  std::string key;
  std::string text;
  std::string place;  // "chorus.toml:3", "zoo.cfg:3 (tickTime)", "environment CHORUS_LOG_LEVEL", "--set", "default"
};

/// What a reader of one source found; problems are whole sentences with their place.
struct Entries {
  std::vector<Entry> entries;
  std::vector<std::string> problems;
  std::vector<std::string> notes;  // accepted without effect: worth a line in the log
};

/// All that is wrong, one problem a line.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(std::vector<std::string> problems);
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

struct Sources {
  std::string file;               // empty: none; not ending in ".toml": ZooKeeper's zoo.cfg
  std::vector<std::string> sets;  // "table.key=value"
  std::vector<std::pair<std::string, std::string>> environment;
};

struct Loaded {
  Settings settings;
  std::map<std::string, Entry, std::less<>> values;  // every key, with where its value came from
  std::vector<std::string> notes;
};

/// Command line > environment > file > default. Throws ConfigError.
Loaded load(const Sources& sources);
/// This process's variables.
std::vector<std::pair<std::string, std::string>> process_environment();

/// chorus.toml. `name` is for messages.
Entries read_toml(std::string_view text, const std::string& name);
/// ZooKeeper's zoo.cfg, translated to our keys; ZooKeeper's defaults where they differ from ours.
Entries read_zoo_cfg(std::string_view text, const std::string& name);

}  // namespace chorus::app
