// ZooKeeper's four-letter words. source: FourLetterCommands
#pragma once

#include <string_view>

namespace chorus::coord::zk {

/// Whether the first four octets of a connection are a word, listed or not, instead of the length of a frame.
bool is_known_word(std::string_view word);

}  // namespace chorus::coord::zk
