// Paths of znodes.
#pragma once

#include <string_view>

namespace chorus::coord {

/// Whether a node may be created under this path. source: PathUtils.validatePath
bool is_valid_path(std::string_view path);
/// "/a/b" of "/a/b/c", "/" of "/a". The argument has a '/'.
std::string_view parent_path(std::string_view path);
/// "c" of "/a/b/c".
std::string_view last_component(std::string_view path);
/// Nodes that nobody may delete: the root and ZooKeeper's own.
bool is_system_path(std::string_view path);

}  // namespace chorus::coord
