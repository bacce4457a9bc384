// `chorus ring`: compares algorithms of consistent hashing, and says where they place keys.
#pragma once

namespace chorus::app::ringtool {

/// argv[0] is "ring", the rest the command and its arguments. Returns the exit code (docs/consistent-hashing.md).
int ring_main(int argc, const char* const* argv);

}  // namespace chorus::app::ringtool
