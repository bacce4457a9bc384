// `chorus cache`: shows a cluster of caches and moves its slots.
#pragma once

namespace chorus::app::cachetool {

/// argv[0] is "cache", the rest the command and its arguments. Returns the exit code (docs/cache-cluster.md).
int cache_main(int argc, const char* const* argv);

}  // namespace chorus::app::cachetool
