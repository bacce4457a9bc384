// The syntax of java.util.Properties, in which zoo.cfg and the configurations of ensembles are written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::base {

struct JavaProperty {
  std::string key;
  std::string value;               // white space at its end is cut, as ZooKeeper does
  int line = 0;                    // where it begins, from 1
  std::size_t begin = 0, end = 0;  // its octets in the text, with the end of its last line
};

/// Octets are Latin-1; the result is UTF-8. Comments (# and !), '=', ':' or white space after the key, escapes and continued lines are
/// as java.util.Properties.load reads them; a malformed \u escape stands for itself.
std::vector<JavaProperty> parse_java_properties(std::string_view text);

}  // namespace chorus::base
