// The syntax of java.util.Properties, in which zoo.cfg is written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chorus::app {

struct JavaProperty {
  std::string key;
  std::string value;  // white space at its end is cut, as ZooKeeper does
  int line = 0;       // where it begins, from 1
};

/// Octets are Latin-1; the result is UTF-8. Comments (# and !), '=', ':' or white space after the key, escapes and continued lines are
/// as java.util.Properties.load reads them; a malformed \u escape stands for itself.
std::vector<JavaProperty> parse_java_properties(std::string_view text);

}  // namespace chorus::app
