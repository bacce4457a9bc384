// Transactions and nodes as ordered fields, for text and JSON alike.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "coord/disk/snapshot.h"

namespace chorus::coord::disk {

using Fields = nlohmann::ordered_json;

/// "2026-11-22T23:21:24.689Z"
std::string time_text(std::int64_t time_ms);
std::string hex_text(std::int64_t number);

/// zxid, time, session, cxid, type, then what its type has: path, sizes, ACL, versions; with `data` the octets too. A field "fault" says
/// why a part could not be read.
Fields describe_txn(std::string_view txn, bool data);
/// Path of the node that the transaction changes, empty when there is none.
std::string path_of_txn(const Fields& txn);
Fields describe_node(const SnapshotNode& node, bool data);
Fields describe_acl(const std::vector<jute::Acl>& acl);

/// One line: "key value, key value".
std::string to_line(const Fields& fields);
/// JSON on one line; octets that are not UTF-8 are replaced.
std::string to_json_line(const Fields& fields);

}  // namespace chorus::coord::disk
