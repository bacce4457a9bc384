#include "app/zk/output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "app/zk/parse.h"
#include "base/text.h"

namespace chorus::app::zk {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Paths and ids of other servers may hold anything; JSON only takes UTF-8.
std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string hex_text(std::int64_t number) { return fmt::format("0x{:x}", static_cast<std::uint64_t>(number)); }

Json stat_value(const client::Stat& stat) {
  return {{"czxid", hex_text(stat.czxid)},
          {"mzxid", hex_text(stat.mzxid)},
          {"pzxid", hex_text(stat.pzxid)},
          {"ctime", stat.ctime},
          {"mtime", stat.mtime},
          {"version", stat.version},
          {"cversion", stat.cversion},
          {"aversion", stat.aversion},
          {"ephemeralOwner", hex_text(stat.ephemeral_owner)},
          {"dataLength", stat.data_length},
          {"numChildren", stat.num_children}};
}

void put_data(Json& into, const std::optional<std::string>& data) {
  if (!data) {
    into["data"] = nullptr;
  } else if (base::is_utf8(*data)) {
    into["data"] = *data;
  } else {
    into["data_base64"] = base64(*data);
  }
}

std::string_view state_name(client::KeeperState state) {
  switch (state) {
    case client::KeeperState::disconnected:
      return "Disconnected";
    case client::KeeperState::sync_connected:
      return "SyncConnected";
    case client::KeeperState::auth_failed:
      return "AuthFailed";
    case client::KeeperState::connected_read_only:
      return "ConnectedReadOnly";
    case client::KeeperState::sasl_authenticated:
      return "SaslAuthenticated";
    case client::KeeperState::closed:
      return "Closed";
    case client::KeeperState::expired:
      return "Expired";
  }
  return "Unknown";
}

}  // namespace

std::string base64(std::string_view octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, octets.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < have ? static_cast<unsigned char>(octets[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) out += j <= have ? digits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::optional<std::string> unbase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  while (text.ends_with('=') && text.size() % 4 != 2) text.remove_suffix(1);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

std::string time_text(std::int64_t ms) {
  const std::int64_t rest = (ms % 1000 + 1000) % 1000;
  const auto seconds = static_cast<std::time_t>((ms - rest) / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), rest);
}

std::string stat_text(const client::Stat& stat) {
  // The words of ZooKeeper's own shell, which people know and scripts look for; only the times are in a form that sorts.
  return fmt::format(
      "cZxid = {}\nctime = {}\nmZxid = {}\nmtime = {}\npZxid = {}\ncversion = {}\ndataVersion = {}\naclVersion = {}\n"
      "ephemeralOwner = {}\ndataLength = {}\nnumChildren = {}\n",
      hex_text(stat.czxid), time_text(stat.ctime), hex_text(stat.mzxid), time_text(stat.mtime), hex_text(stat.pzxid), stat.cversion,
      stat.version, stat.aversion, hex_text(stat.ephemeral_owner), stat.data_length, stat.num_children);
}

std::string event_text(const client::WatchEvent& event) {
  if (event.type == client::EventType::none) return fmt::format("session {}\n", state_name(event.state));
  return fmt::format("{} {}\n", jute::name_of(event.type), event.path);
}

std::string path_json(std::string_view path, const std::optional<client::Stat>& stat) {
  Json json{{"path", path}};
  if (stat) json["stat"] = stat_value(*stat);
  return line(json);
}

std::string data_json(std::string_view path, const client::Data& data) {
  Json json{{"path", path}};
  put_data(json, data.is_null ? std::nullopt : std::optional(data.data));
  json["stat"] = stat_value(data.stat);
  return line(json);
}

std::string children_json(std::string_view path, const std::vector<std::string>& names, const std::optional<client::Stat>& stat) {
  Json json{{"path", path}, {"children", names}};
  if (stat) json["stat"] = stat_value(*stat);
  return line(json);
}

std::string paths_json(const std::vector<std::string>& paths) { return line(Json(paths)); }

std::string acl_json(std::string_view path, const client::AclOf& acl) {
  Json list = Json::array();
  for (const client::Acl& each : acl.acl) list.push_back({{"scheme", each.scheme}, {"id", each.id}, {"perms", perms_text(each.perms)}});
  return line({{"path", path}, {"acl", list}, {"stat", stat_value(acl.stat)}});
}

std::string event_json(const client::WatchEvent& event) {
  return line({{"type", event.type == client::EventType::none ? "None" : jute::name_of(event.type)},
               {"state", state_name(event.state)},
               {"path", event.path}});
}

std::string error_json(const client::Error& error) {
  return line({{"error", {{"code", static_cast<int>(error.code)}, {"name", jute::name_of(error.code)}, {"message", error.message}}}});
}

std::string number_json(std::string_view path, std::int64_t number) { return line({{"path", path}, {"number", number}}); }

std::string identities_json(const std::vector<client::Identity>& identities) {
  Json list = Json::array();
  for (const auto& each : identities) list.push_back({{"scheme", each.scheme}, {"user", each.user}});
  return line(list);
}

std::string multi_json(const client::MultiResult& result) {
  Json list = Json::array();
  for (const client::OpResult& each : result.results) {
    Json json{{"code", static_cast<int>(each.code)}, {"name", jute::name_of(each.code)}};
    if (!each.path.empty()) json["path"] = each.path;
    list.push_back(std::move(json));
  }
  return line({{"done", !result.failed()}, {"results", list}});
}

std::string node_json(const ExportedNode& node) {
  Json json{{"path", node.path}};
  put_data(json, node.data);
  if (!node.acl.empty()) {
    Json list = Json::array();
    for (const client::Acl& each : node.acl) list.push_back({{"scheme", each.scheme}, {"id", each.id}, {"perms", perms_text(each.perms)}});
    json["acl"] = std::move(list);
  }
  return line(json);
}

base::Result<ExportedNode, std::string> parse_node(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string()) {
    return std::unexpected(std::string("not a JSON object with a \"path\""));
  }
  ExportedNode node{.path = json["path"].get<std::string>(), .data = {}, .acl = {}};
  if (json.contains("data_base64")) {
    if (json["data_base64"].is_string()) node.data = unbase64(json["data_base64"].get<std::string>());
    if (!node.data) return std::unexpected(std::string("\"data_base64\" is not base64"));
  } else if (json.contains("data") && !json["data"].is_null()) {
    if (!json["data"].is_string()) return std::unexpected(std::string("\"data\" is neither text nor null"));
    node.data = json["data"].get<std::string>();
  }
  if (!json.contains("acl")) return node;
  if (!json["acl"].is_array()) return std::unexpected(std::string("\"acl\" is not a list"));
  for (const Json& each : json["acl"]) {
    const auto text_of = [&](const char* key) -> std::string {
      return each.is_object() && each.contains(key) && each[key].is_string() ? each[key].get<std::string>() : std::string();
    };
    const auto parsed = parse_acl(fmt::format("{}:{}:{}", text_of("scheme"), "", text_of("perms")));
    if (!parsed) return std::unexpected("\"acl\": " + parsed.error());
    node.acl.push_back(parsed->front());
    node.acl.back().id = text_of("id");
  }
  return node;
}

}  // namespace chorus::app::zk
