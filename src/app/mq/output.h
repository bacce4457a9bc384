// How `chorus mq` prints: for people, or as JSON, one object a line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mq/client/message.h"

namespace chorus::app::mqtool {

using Json = nlohmann::ordered_json;

/// "2026-01-31T12:00:00.123Z"; "-" for a time that is not known.
std::string time_text(std::int64_t ms);
/// Text for a terminal: what could disturb it is written as \xHH; at most `octets` of it.
std::string printable(std::string_view text, std::size_t octets = 200);

/// Columns as wide as they need to be, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// A body that is not UTF-8 is given as "body_base64".
Json message_json(const mqclient::Received& message);
/// One line: id, where, when, tag and keys.
std::string message_head(const mqclient::Received& message);
/// All that is known, one thing a line.
std::string message_text(const mqclient::Received& message);
/// Its line, with its end.
std::string line(const Json& json);

}  // namespace chorus::app::mqtool
