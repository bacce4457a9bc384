#include "coord/disk/dynamic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/java_properties.h"
#include "base/text.h"

namespace chorus::coord::disk {
namespace {

using world::FileErrc;
using zab::EnsembleConfig;

constexpr std::uint64_t config_octets_max = 1 << 20;

std::string next_path(const std::string& path) { return path + ".dynamic.next"; }

std::string joined(const std::vector<std::string_view>& lines) { return fmt::format("{}", fmt::join(lines, "\n")); }

/// The order is that of the lines as text, so that server.10 stands before server.2. source: QuorumPeerConfig.writeDynamicConfig
std::string sorted_lines(const EnsembleConfig& config, bool with_version) {
  const std::string text = config.to_text();
  std::vector<std::string_view> lines = base::split(text, '\n');
  if (!with_version) std::erase_if(lines, [](std::string_view line) { return line.starts_with("version="); });
  std::ranges::sort(lines);
  return joined(lines);
}

bool tells_of_members(std::string_view key) {
  for (const char* prefix : {"server.", "group", "weight", "dynamicConfigFile", "peerType"}) {
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::string dynamic_config_path(const std::string& path, std::int64_t version) { return fmt::format("{}.dynamic.{:x}", path, version); }

std::optional<std::int64_t> dynamic_config_version(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view digits = path.substr(dot + 1);
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || version < 0) return std::nullopt;
  return version;
}

world::FileResult<std::optional<std::string>> newest_dynamic_config(world::Files& files, const std::string& path) {
  const std::string directory = world::parent_directory(path);
  auto entries = files.list(directory);
  if (!entries && entries.error().code == FileErrc::not_found) return std::nullopt;
  if (!entries) return std::unexpected(entries.error());
  const std::string prefix = path.substr(path.rfind('/') + 1) + ".dynamic.";
  std::optional<std::int64_t> newest;
  for (const world::Entry& entry : *entries) {
    if (entry.is_directory || !entry.name.starts_with(prefix)) continue;
    if (entry.name.find('.', prefix.size()) != std::string::npos) continue;  // such as a .tmp that was never renamed
    newest = std::max(newest, dynamic_config_version(entry.name));
  }
  if (!newest) return std::nullopt;
  return dynamic_config_path(path, *newest);
}

ConfigResult<EnsembleConfig> read_dynamic_config(world::Files& files, const std::string& dynamic_path) {
  auto text = world::read_file(files, dynamic_path, config_octets_max);
  if (!text) return std::unexpected(text.error().message);
  for (const base::JavaProperty& property : base::parse_java_properties(*text)) {
    if (property.key == "version") {
      return std::unexpected(fmt::format("{}:{}: the version stands in the file's name, not inside", dynamic_path, property.line));
    }
  }
  auto config = zab::parse_config(*text);
  if (!config) return std::unexpected(fmt::format("{}: {}", dynamic_path, config.error()));
  config->version = dynamic_config_version(dynamic_path).value_or(0);
  return config;
}

ConfigResult<std::optional<EnsembleConfig>> read_last_seen_config(world::Files& files, const std::string& path) {
  auto text = world::read_file(files, next_path(path), config_octets_max);
  if (!text && text.error().code == FileErrc::not_found) return std::nullopt;
  if (!text) return std::unexpected(text.error().message);
  auto config = zab::parse_config(*text);
  if (!config) return std::unexpected(fmt::format("{}: {}", next_path(path), config.error()));
  return std::move(*config);
}

world::FileResult<void> keep_config(world::Files& files, const std::string& path, bool is_zoo_cfg, const EnsembleConfig& config,
                                    zab::ServerId self) {
  const std::string dynamic_path = dynamic_config_path(path, config.version);
  if (auto done = world::write_file(files, dynamic_path, sorted_lines(config, false)); !done || !is_zoo_cfg) return done;
  auto text = world::read_file(files, path, config_octets_max);
  if (!text) return std::unexpected(text.error());
  const auto member = config.members.find(self);
  const bool has_client_address = member != config.members.end() && member->second.client_address;
  const std::string changed = point_zoo_cfg_to(*text, dynamic_path, has_client_address);
  if (changed == *text) return {};
  return world::write_file(files, path, changed);
}

world::FileResult<void> keep_last_seen_config(world::Files& files, const std::string& path, const EnsembleConfig& config) {
  return world::write_file(files, next_path(path), sorted_lines(config, true));
}

world::FileResult<void> forget_last_seen_config(world::Files& files, const std::string& path) {
  auto done = files.remove(next_path(path));
  if (!done && done.error().code == FileErrc::not_found) return {};
  if (!done) return done;
  return files.sync_directory(world::parent_directory(path));
}

world::FileResult<void> back_up_zoo_cfg(world::Files& files, const std::string& path) {
  auto text = world::read_file(files, path, config_octets_max);
  if (!text) return std::unexpected(text.error());
  for (const base::JavaProperty& property : base::parse_java_properties(*text)) {
    if (property.key == "dynamicConfigFile") return {};
  }
  return world::write_file(files, path + ".bak", *text);
}

std::string point_zoo_cfg_to(std::string_view text, const std::string& dynamic_path, bool without_client_address) {
  std::string out;
  std::size_t kept_until = 0;
  for (const base::JavaProperty& property : base::parse_java_properties(text)) {
    const bool goes =
        tells_of_members(property.key) || (without_client_address && (property.key == "clientPort" || property.key == "clientPortAddress"));
    if (!goes) continue;
    out += text.substr(kept_until, property.begin - kept_until);
    kept_until = property.end;
  }
  out += text.substr(kept_until);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  out += "dynamicConfigFile=";
  for (const char c : dynamic_path) out += c == '\\' ? std::string("\\\\") : std::string(1, c);  // an escape in this syntax
  return out + "\n";
}

}  // namespace chorus::coord::disk
