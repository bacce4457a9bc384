#include "app/log/logging.h"

#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

namespace chorus::app {
namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_name(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

class JsonFormatter final : public spdlog::formatter {
 public:
  explicit JsonFormatter(std::string identity) : identity_(std::move(identity)) {}

  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& out) override {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(msg.time.time_since_epoch()).count();
    fmt::format_to(std::back_inserter(out), R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","node":{},{}}})",
                   fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000, spdlog::level::to_string_view(msg.level),
                   json_text(identity_), json_members(std::string_view(msg.payload.data(), msg.payload.size())));
    out.push_back('\n');
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonFormatter>(identity_); }

 private:
  std::string identity_;
};

}  // namespace

std::string json_members(std::string_view line) {
  std::string message;
  std::string members;
  while (!line.empty()) {
    const std::size_t equals = line.find('=');
    const std::size_t space = line.find(' ');
    if (space < equals || equals == std::string_view::npos || !is_name(line.substr(0, equals))) {
      const std::string_view word = line.substr(0, space);
      if (!word.empty()) message += (message.empty() ? "" : " ") + std::string(word);
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
      continue;
    }
    const std::string_view name = line.substr(0, equals);
    line.remove_prefix(equals + 1);
    std::string_view value;
    if (const std::size_t close = line.find('"', 1); line.starts_with('"') && close != std::string_view::npos) {
      value = line.substr(1, close - 1);
      line.remove_prefix(close + 1);
    } else {
      value = line.substr(0, line.find(' '));
      line.remove_prefix(value.size());
    }
    members += fmt::format(R"(,"{}":{})", name, json_text(value));
  }
  return R"("message":)" + json_text(message) + members;
}

void start_logging(const LogSettings& settings, const std::string& identity) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (settings.format == "json") {
    sink->set_formatter(std::make_unique<JsonFormatter>(identity));
  } else {
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %-5l " + identity + " %v"));
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("chorus", std::move(sink)));
  spdlog::flush_on(spdlog::level::trace);
  set_log_level(settings.level);
}

void set_log_level(std::string_view level) { spdlog::set_level(spdlog::level::from_str(std::string(level))); }

}  // namespace chorus::app
