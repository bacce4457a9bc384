#include "app/mq/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/zk/output.h"
#include "base/text.h"
#include "mq/message/names.h"

namespace chorus::app::mqtool {

std::string time_text(std::int64_t ms) { return ms <= 0 ? "-" : zk::time_text(ms); }

std::string printable(std::string_view text, std::size_t octets) {
  const bool is_utf8 = base::is_utf8(text);
  std::string out;
  for (const char c : text) {
    if (out.size() >= octets) return out + "...";
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f || (octet >= 0x80 && !is_utf8)) {
      out += fmt::format("\\x{:02x}", octet);
    } else {
      out += c;
    }
  }
  return out;
}

namespace {

bool is_number(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789.-") == std::string_view::npos; }
/// Code points: what a terminal shows of names in most scripts.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  std::vector<bool> right(rows_.front().size(), rows_.size() > 1);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
      if (&row != &rows_.front() && !is_number(row[i])) right[i] = false;
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width(row[i]), ' ');
      if (i > 0) line += "  ";
      line += right[i] ? pad + row[i] : row[i] + pad;
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'; }

Json message_json(const mqclient::Received& message) {
  Json out = {{"id", message.id()},
              {"topic", message.topic},
              {"broker", message.broker_name},
              {"queue", message.queue_id},
              {"offset", message.queue_offset},
              {"offset_id", message.offset_id},
              {"born", time_text(message.born_time_ms)},
              {"stored", time_text(message.store_time_ms)},
              {"born_host", message.born_host},
              {"store_host", message.store_host},
              {"reconsume_times", message.reconsume_times},
              {"flag", message.flag},
              {"sys_flag", message.sys_flag}};
  if (message.broker_name.empty()) out.erase("broker");
  if (!message.is_intact) out["damaged"] = true;
  Json& properties = out["properties"] = Json::object();
  for (const auto& [name, value] : message.properties) properties[name] = value;
  if (base::is_utf8(message.body)) {
    out["body"] = message.body;
  } else {
    out["body_base64"] = zk::base64(message.body);
  }
  return out;
}

std::string message_head(const mqclient::Received& message) {
  std::string out = fmt::format("{} queue={}:{} offset={} stored={}", message.id(), message.broker_name, message.queue_id,
                                message.queue_offset, time_text(message.store_time_ms));
  if (const auto tag = message.property(mq::property::tags); !tag.empty()) out += fmt::format(" tag={}", printable(tag));
  if (const auto keys = message.property(mq::property::keys); !keys.empty()) out += fmt::format(" keys={}", printable(keys));
  if (message.reconsume_times > 0) out += fmt::format(" tries={}", message.reconsume_times);
  return out;
}

std::string message_text(const mqclient::Received& message) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) { out += fmt::format("{:<12}{}\n", name, value); };
  add("id", message.id());
  add("topic", message.topic);
  add("queue",
      message.broker_name.empty() ? std::to_string(message.queue_id) : fmt::format("{} of {}", message.queue_id, message.broker_name));
  add("offset", std::to_string(message.queue_offset));
  add("offset id", message.offset_id);
  add("born", fmt::format("{} at {}", time_text(message.born_time_ms), message.born_host));
  add("stored", fmt::format("{} at {}", time_text(message.store_time_ms), message.store_host));
  add("tries", std::to_string(message.reconsume_times));
  if (!message.is_intact) add("damaged", "the body is not the one that its checksum was made of");
  for (const auto& [name, value] : message.properties) add("property", fmt::format("{}={}", name, printable(value, 1000)));
  add("body", fmt::format("{} octets", message.body.size()));
  out += printable(message.body, 10'000) + '\n';
  return out;
}

}  // namespace chorus::app::mqtool
