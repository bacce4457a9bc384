#include "app/command/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/config/property.h"
#include "app/config/zoo_keys.h"

namespace chorus::app {
namespace {

/// As it would stand in chorus.toml.
std::string toml_value(const Property& property, const std::string& text) {
  switch (property.kind) {
    case Kind::integer:
    case Kind::boolean:
      return text;
    case Kind::list: {
      std::string out;
      std::string_view rest = text;
      while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", rest.substr(0, comma));
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
      }
      return "[" + out + "]";
    }
    default:
      return "\"" + text + "\"";
  }
}

std::string bounds(const Property& property) {
  if (property.kind == Kind::integer) return fmt::format("{} to {}", property.min, property.max);
  if (property.choices.empty()) return "";
  std::string out;
  for (const char c : property.choices) out += c == '|' ? ", " : std::string(1, c);
  return "one of " + (out.starts_with(',') ? "empty" + out : out);
}

/// '|' would end the cell of a table.
std::string in_cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string zoo_names(const Property& property) {
  std::string out;
  for (const ZooKey& key : zoo_keys()) {
    if (key.target == property.key) out += (out.empty() ? "" : ", ") + std::string(key.name);
  }
  return out;
}

std::string table_of(std::string_view key) { return std::string(key.substr(0, key.find('.'))); }

std::string names_with(ZooEffect effect) {
  std::string out;
  for (const ZooKey& key : zoo_keys()) {
    if (key.effect == effect) out += fmt::format("{}`{}{}`", out.empty() ? "" : ", ", key.name, is_zoo_family(key.name) ? "*" : "");
  }
  return out;
}

}  // namespace

std::string effective_config(const Loaded& loaded, bool json) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  std::string out;
  std::string open;
  for (const Property& property : properties()) {
    const Entry& entry = loaded.values.find(property.key)->second;
    const std::string text = property.get(loaded.settings);
    const std::string shown = property.secret && !text.empty() ? "(hidden)" : text;
    if (json) {
      all[std::string(property.key)] = {{"value", shown}, {"from", entry.place}};
      continue;
    }
    if (const std::string table = table_of(property.key); table != open) {
      out += fmt::format("{}[{}]\n", open.empty() ? "" : "\n", table);
      open = table;
    }
    out += fmt::format("{:<60}  # {}\n", fmt::format("{} = {}", property.key.substr(open.size() + 1), toml_value(property, shown)),
                       entry.place);
  }
  return json ? all.dump(2) + "\n" : out;
}

std::string key_help() {
  const Settings fallback;
  std::string out;
  for (const Property& property : properties()) {
    const std::string limits = bounds(property);
    out += fmt::format("{} = {}\n    {}{}\n", property.key, toml_value(property, property.get(fallback)), property.help,
                       limits.empty() ? "" : fmt::format(" ({})", limits));
  }
  return out;
}

std::string key_reference() {
  const Settings fallback;
  std::string out =
      "# Configuration reference\n\n"
      "<!-- Written by `chorus config --reference`; a test checks that it is current. -->\n\n"
      "Every key can stand in `chorus.toml` under its table, be given as `--set table.key=value`, or as the environment variable\n"
      "`CHORUS_TABLE_KEY`. The command line wins over the environment, the environment over the file, the file over the default.\n"
      "An unknown key is an error that names the nearest known one; all problems are reported at once. `chorus config` prints what\n"
      "is in force and where each value came from.\n\n"
      "`chorus serve --config FILE` reads a file whose name does not end in `.toml` as ZooKeeper's `zoo.cfg`, as it is. The keys that\n"
      "take effect are in the last column of the tables.\n";
  std::string open;
  for (const Property& property : properties()) {
    if (const std::string table = table_of(property.key); table != open) {
      out += fmt::format("\n## [{}]\n\n| key | default | values | meaning | in zoo.cfg |\n| --- | --- | --- | --- | --- |\n", table);
      open = table;
    }
    const std::string zoo = zoo_names(property);
    out += fmt::format("| `{}` | `{}` | {} | {}{} | {} |\n", property.key.substr(open.size() + 1),
                       toml_value(property, property.get(fallback)), bounds(property), in_cell(property.help),
                       property.live ? " SIGHUP applies a change." : "", zoo);
  }
  out += fmt::format(
      "\n## zoo.cfg\n\n"
      "ZooKeeper's defaults hold where they differ from those above: no listener but what the file names (`clientPort` without an\n"
      "address is `0.0.0.0`, as ZooKeeper binds every interface), `tickTime` is 3000, `extendedTypesEnabled` is false, the words are "
      "`srvr`,\n"
      "and there is no admin address unless `admin.serverPort`, `admin.serverAddress` or `admin.enableServer` is in the file.\n"
      "ZooKeeper's other settings are Java system properties there; here they are keys as above, in the environment too.\n"
      "`zookeeper.` before a key is allowed. TLS stores have to be PEM files.\n\n"
      "`server.N`, `group.N` and `weight.N`, or the file that `dynamicConfigFile` names, become `members`, `groups` and `weights`; "
      "the\n"
      "number of this server is read from `dataDir/myid`, in `chorus.toml` too. As in ZooKeeper `initLimit` and `syncLimit` must be set\n"
      "then, and one server alone runs standalone unless `standaloneEnabled=false`. With `reconfigEnabled` this file is rewritten to\n"
      "point to the newest members, its comments and order kept; `chorus.toml` never is: the newest members are kept in\n"
      "`data_dir/ensemble.dynamic.*` and count for more than `members`.\n\n"
      "Refused when true, since a guard of the data would silently be missing: {}.\n\n"
      "Without effect, said in the log at start-up, because they tune parts that only the Java server has: {}; because this version has\n"
      "nothing like it: {}.\n",
      names_with(ZooEffect::refused), names_with(ZooEffect::tuning), names_with(ZooEffect::absent));
  return out;
}

}  // namespace chorus::app
