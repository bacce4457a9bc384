#include "coord/zk/words.h"

#include <algorithm>
#include <array>

namespace chorus::coord::zk {

bool is_known_word(std::string_view word) {
  // The last one is what telnet sends for an interrupt.
  static constexpr std::array<std::string_view, 19> words = {"conf",
                                                             "cons",
                                                             "crst",
                                                             "dirs",
                                                             "dump",
                                                             "envi",
                                                             "gtmk",
                                                             "hash",
                                                             "isro",
                                                             "mntr",
                                                             "ruok",
                                                             "srst",
                                                             "srvr",
                                                             "stat",
                                                             "stmk",
                                                             "wchc",
                                                             "wchp",
                                                             "wchs",
                                                             "\xff\xf4\xff\xfd"};
  return std::ranges::find(words, word) != words.end();
}

}  // namespace chorus::coord::zk
