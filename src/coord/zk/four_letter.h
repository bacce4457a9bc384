// Answers to four-letter words, in ZooKeeper's form. source: FourLetterCommands, the *Command classes
#pragma once

#include <string>
#include <string_view>

#include "coord/node.h"
#include "coord/quorum_facts.h"

namespace chorus::coord::zk {

/// The whole answer, line ends as ZooKeeper has them. A known word that is not in Options::four_letter_words gets the text that says so.
/// `quorum`: null when the node serves alone.
std::string answer(std::string_view word, Server& server, const ProcessFacts& facts, const QuorumFacts* quorum = nullptr);
/// The same of a member that serves nobody, since it looks for a leader or brings itself into line with one.
std::string answer_while_not_serving(std::string_view word, const Options& options);

/// "3.9.5-chorus-<version>, built on <date>": clients read the number to know what the server can do.
std::string version_text(const Options& options);

}  // namespace chorus::coord::zk
