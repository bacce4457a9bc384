#include "app/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "app/config/ensemble.h"
#include "app/config/plain_acl.h"
#include "app/config/property.h"
#include "base/text.h"
#include "world/real/files.h"

extern char** environ;

namespace chorus::app {
namespace {

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "\n") + line;
  return out;
}

Entries read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || text.fail()) {
    Entries out;
    out.problems.push_back(fmt::format("{}: cannot be read: {}; --config names the file", path, std::strerror(errno)));
    return out;
  }
  return path.ends_with(".toml") ? read_toml(text.str(), path) : read_zoo_cfg(text.str(), path);
}

Entries read_environment(const std::vector<std::pair<std::string, std::string>>& variables) {
  Entries out;
  std::vector<std::string> names;
  for (const Property& property : properties()) names.push_back(environment_name(property.key));
  const std::vector<std::string_view> views(names.begin(), names.end());
  for (const auto& [name, value] : variables) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) {
      out.entries.push_back({std::string(properties()[static_cast<std::size_t>(at - names.begin())].key), value, "environment " + name});
      continue;
    }
    // Other programs' variables may begin with CHORUS_ too; one that begins like a table of ours is a slip.
    const bool ours = std::any_of(names.begin(), names.end(), [&](const std::string& known) {
      return name.starts_with(known.substr(0, known.find('_', sizeof("CHORUS_") - 1) + 1));
    });
    if (!ours) continue;
    const std::string_view near = base::nearest(name, views);
    out.problems.push_back(fmt::format("environment {}: not known{}", name, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  return out;
}

Entries read_sets(const std::vector<std::string>& sets) {
  Entries out;
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos) {
      out.problems.push_back(fmt::format("--set {}: wants table.key=value", set));
      continue;
    }
    const std::string key(base::trim(std::string_view(set).substr(0, equals)));
    if (find_property(key) == nullptr) {
      out.problems.push_back("--set: " + unknown_key(key));
    } else {
      out.entries.push_back({key, set.substr(equals + 1), "--set"});
    }
  }
  return out;
}

/// What no single key can tell.
void check(const Settings& settings, std::vector<std::string>& problems) {
  if (!settings.node.roles.contains("coord")) return;
  const coord::Options& coord = settings.coord;
  const auto shortest = coord.min_session_timeout.value_or(2 * coord.tick_time);
  const auto longest = coord.max_session_timeout.value_or(20 * coord.tick_time);
  if (shortest > longest) {
    problems.push_back(fmt::format("coord.min_session_timeout_ms ({}) is larger than coord.max_session_timeout_ms ({})", shortest.count(),
                                   longest.count()));
  }
  if (!coord.client_address && !coord.secure_client_address) {
    problems.push_back("no address for clients: set coord.client_address or coord.secure_client_address (zoo.cfg: clientPort)");
  }
  const cache::Options& store = settings.cache;
  if (store.secure_address && (store.tls.certificate_file.empty() || store.tls.key_file.empty())) {
    problems.push_back("cache.secure_address needs a certificate: set cache.tls_certificate_file and cache.tls_key_file");
  }
  if (store.secure_address && store.tls.verify_peer && store.tls.ca_file.empty()) {
    problems.push_back("cache.tls_verify_client needs cache.tls_ca_file, or set it to false");
  }
  const bool wants_tls = coord.secure_client_address || coord.client_port_unification;
  if (wants_tls && !coord.tls) {
    problems.push_back(
        "TLS is asked for without a certificate: set coord.tls_certificate_file and coord.tls_key_file (zoo.cfg: ssl.keyStore.location)");
  }
  if (coord.tls && settings.coord_tls.key_file.empty()) problems.push_back("coord.tls_certificate_file needs coord.tls_key_file beside it");
  if (wants_tls && coord.tls && coord.tls->verify_peer && coord.tls->ca_file.empty()) {
    problems.push_back(
        "coord.tls_verify_client needs coord.tls_ca_file, or set it to false (zoo.cfg: ssl.trustStore.location, ssl.clientAuth)");
  }
}

void read_codes(const std::vector<std::string>& texts, std::string_view key, std::set<std::int32_t>& to,
                std::vector<std::string>& problems) {
  for (const std::string& text : texts) {
    const auto code = base::parse_int(text);
    if (code && *code >= 0 && *code <= std::numeric_limits<std::int32_t>::max()) {
      to.insert(static_cast<std::int32_t>(*code));
    } else {
      problems.push_back(fmt::format("{} wants codes of requests, as \"105,106\", not '{}'", key, text));
    }
  }
}

void form_access(Settings& settings, std::vector<std::string>& problems) {
  const MqSettings& more = settings.mq_more;
  mq::acl::AccessOptions& access = settings.mq.access;
  access.cluster = settings.mq.broker.cluster;
  access.name_server = more.name_server_access == "none"  ? mq::acl::AccessOptions::NameServer::none
                       : more.name_server_access == "all" ? mq::acl::AccessOptions::NameServer::all
                                                          : mq::acl::AccessOptions::NameServer::changes;
  read_codes(more.authentication_whitelist, "mq.authentication_whitelist", access.authentication_whitelist, problems);
  read_codes(more.authorization_whitelist, "mq.authorization_whitelist", access.authorization_whitelist, problems);
  if (access.authorization && !access.authentication) {
    problems.push_back("mq.authorization_enabled needs mq.authentication_enabled: who is not known cannot be told what to do");
  }
  if (access.plain && access.authentication) {
    problems.push_back(
        "mq.acl_enabled (RocketMQ 4's accounts) and mq.authentication_enabled (5's users) exclude each other: a client signs once");
  }
  if (!more.init_user.empty()) {
    access.initial_user = read_initial_user(more.init_user);
    if (!access.initial_user) problems.push_back("mq.init_authentication_user wants name:password");
  }
  if (!settings.mq.tree_credentials.empty() && settings.mq.tree_credentials.find(':') == std::string::npos) {
    problems.push_back("mq.tree_credentials wants name:password");
  }
  if (more.acl_file.empty()) return;
  std::ifstream in(more.acl_file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || text.fail()) {
    problems.push_back(fmt::format("mq.acl_file: {} cannot be read: {}", more.acl_file, std::strerror(errno)));
    return;
  }
  auto read = read_plain_acl(text.str());
  if (!read) {
    problems.push_back(fmt::format("mq.acl_file: {}: {}", more.acl_file, read.error()));
    return;
  }
  access.accounts = std::move(read->accounts);
  access.white_addresses = std::move(read->white_addresses);
}

/// Gives messaging what is said in other places, and in other units.
void form_mq(Settings& settings, std::vector<std::string>& problems) {
  for (const std::string& role : settings.node.roles) {
    if (role != "coord" && role != "mq" && role != "cache") {
      problems.push_back(fmt::format("node.roles: {} is none; there are coord, mq and cache", role));
    }
  }
  if (settings.node.roles.empty()) problems.push_back("node.roles is empty: this node would do nothing");
  if (settings.node.roles.contains("cache") && !settings.cache.address) {
    problems.push_back("the cache has no address: set cache.address, or leave cache out of node.roles");
  }
  if (!cache::parse_save_points(settings.cache.save.points)) {
    problems.push_back(
        fmt::format("cache.save: '{}' is not \"seconds changes\" some times, as in \"3600 1 300 100\"", settings.cache.save.points));
  }
  if (settings.cache.save.file.empty() || settings.cache.save.file.find('/') != std::string::npos) {
    problems.push_back("cache.rdb_file must be a name without a path");
  }
  settings.cache.tree = settings.mq.tree = settings.coord_connect;
  if (settings.mq.tree.empty() && settings.coord.client_address) {
    world::Address address = *settings.coord.client_address;
    if (address.host == "0.0.0.0") address.host = "127.0.0.1";
    if (address.host == "::") address.host = "::1";
    settings.cache.tree = settings.mq.tree = to_string(address);
  }
  if (!settings.node.roles.contains("mq")) return;
  const MqSettings& more = settings.mq_more;
  mq::Options& mq = settings.mq;
  mq.store.directory = more.data_dir;
  mq.store.flush = more.flush == "async" ? mq::Flush::async : mq::Flush::sync;
  mq.store.retain = more.retain;
  mq.store.segment_octets = static_cast<std::uint64_t>(more.segment_mb) << 20;
  mq.store.disk_used_ratio_clean = static_cast<double>(more.disk_used_percent_clean) / 100;
  mq.store.disk_used_ratio_refuse = static_cast<double>(more.disk_used_percent_refuse) / 100;
  if (more.data_dir.empty()) problems.push_back("mq.data_dir must not be empty");
  const auto levels = mq::parse_delay_levels(more.delay_levels);
  if (levels) mq.broker.delay_levels = *levels;
  if (!levels)
    problems.push_back(fmt::format("mq.delay_levels wants numbers with s, m, h or d, as \"1s 5s 1m\", not '{}'", more.delay_levels));
  if (!more.tls.certificate_file.empty()) {
    mq.tls = more.tls;
    mq.tls->verify_peer = more.tls.verify_peer && !more.tls.ca_file.empty();
    if (more.tls.key_file.empty()) problems.push_back("mq.tls_certificate_file needs mq.tls_key_file beside it");
  }
  form_access(settings, problems);
  if ((mq.broker_address || mq.access.any()) && mq.tree.empty()) {
    problems.push_back("messaging has no tree to keep its topics in: set coord.client_address or coord.connect");
  }
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems) : std::runtime_error(join(problems)), problems_(std::move(problems)) {}

Loaded load(const Sources& sources) {
  Loaded loaded;
  std::vector<std::string> problems;
  for (const Property& property : properties()) {
    const std::string key(property.key);
    loaded.values[key] = {key, property.get(loaded.settings), "default"};
  }
  // Lowest first, so that a later one replaces it.
  for (Entries& layer : std::vector<Entries>{sources.file.empty() ? Entries{} : read_file(sources.file),
                                             read_environment(sources.environment), read_sets(sources.sets)}) {
    for (Entry& entry : layer.entries) loaded.values[entry.key] = std::move(entry);
    std::move(layer.problems.begin(), layer.problems.end(), std::back_inserter(problems));
    std::move(layer.notes.begin(), layer.notes.end(), std::back_inserter(loaded.notes));
  }
  for (const Property& property : properties()) {
    const Entry& entry = loaded.values.find(property.key)->second;
    if (const std::string wrong = property.set(loaded.settings, entry.text, property); !wrong.empty()) {
      problems.push_back(fmt::format("{}: {} {}", entry.place, property.key, wrong));
    }
  }
  if (!loaded.settings.coord_tls.certificate_file.empty()) loaded.settings.coord.tls = loaded.settings.coord_tls;
  if (problems.empty()) {
    if (loaded.settings.coord.data_dir.empty()) problems.push_back("coord.data_dir must not be empty");
    world::real::PosixFiles files;
    form_ensemble(files, sources.file, loaded, problems);
  }
  if (problems.empty()) check(loaded.settings, problems);
  if (problems.empty()) form_mq(loaded.settings, problems);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return loaded;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const std::size_t equals = variable.find('=');
    if (equals != std::string_view::npos) out.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return out;
}

}  // namespace chorus::app
