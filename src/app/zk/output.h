// How `chorus zk` prints: for people, or as JSON, one value a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/types.h"
#include "client/watch.h"

namespace chorus::app::zk {

/// A node as export writes and import reads it.
struct ExportedNode {
  std::string path;
  std::optional<std::string> data;  // none: null
  std::vector<client::Acl> acl;     // empty: open to everybody
};

std::string stat_text(const client::Stat& stat);
std::string event_text(const client::WatchEvent& event);
/// "2026-01-31T12:00:00.123Z"
std::string time_text(std::int64_t ms);

// One line of JSON each, with its end. Data that is not UTF-8 is given as "data_base64"; null data as "data": null.
std::string path_json(std::string_view path, const std::optional<client::Stat>& stat);
std::string data_json(std::string_view path, const client::Data& data);
std::string children_json(std::string_view path, const std::vector<std::string>& names, const std::optional<client::Stat>& stat);
std::string paths_json(const std::vector<std::string>& paths);
std::string acl_json(std::string_view path, const client::AclOf& acl);
std::string event_json(const client::WatchEvent& event);
std::string error_json(const client::Error& error);
std::string number_json(std::string_view path, std::int64_t number);
std::string identities_json(const std::vector<client::Identity>& identities);
std::string multi_json(const client::MultiResult& result);
std::string node_json(const ExportedNode& node);
/// The reverse of node_json. On failure: what is wrong.
base::Result<ExportedNode, std::string> parse_node(std::string_view line);

std::string base64(std::string_view octets);
std::optional<std::string> unbase64(std::string_view text);

}  // namespace chorus::app::zk
