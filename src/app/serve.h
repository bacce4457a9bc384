// `chorus serve`: runs a node until it is told to end.
#pragma once

#include "app/config/load.h"

namespace chorus::app {

/// Returns the exit code: 0 after SIGTERM or SIGINT and an orderly end, 1 when it could not start or go on (logged). Throws ConfigError.
int serve(const Sources& sources);

}  // namespace chorus::app
