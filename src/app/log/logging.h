// Where log lines go and what they look like. Everybody logs through spdlog's default logger.
#pragma once

#include <string>
#include <string_view>

#include "app/config/settings.h"

namespace chorus::app {

/// Sets the default logger: standard error, `identity` in every line. Once, before anything logs.
void start_logging(const LogSettings& settings, const std::string& identity);
/// At any time, from any thread. level: one of the choices of log.level.
void set_log_level(std::string_view level);

/// {"message": the words before the first key=value, then each key and value as text}; the rest of a line of ours as JSON members.
/// A value may be in double quotes; "a=b c d" without them ends at the space, so that "c d" goes to the message.
std::string json_members(std::string_view line);

}  // namespace chorus::app
