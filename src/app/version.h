// What `chorus --version` says.
#pragma once

namespace chorus::app {

/// Of the project, "0.1.0".
extern const char* const version;
/// Abbreviated hash of the commit that was built, "+" after it when files differed from it; "unknown" outside of a git work tree.
extern const char* const version_commit;
/// When that commit was made, "2026-11-23 00:00 UTC".
extern const char* const version_date;

}  // namespace chorus::app
