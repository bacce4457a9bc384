// What several servers say of themselves, put side by side.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace chorus::app {

/// Answers of one server, Chorus or Java.
struct ServerAnswers {
  std::string address;
  std::string problem;                      // why there is no answer to srvr; empty when there is
  std::map<std::string, std::string> srvr;  // parse_four_letter_reply
  std::map<std::string, std::string> mntr;  // empty where the word is not allowed
};

struct ServerStatus {
  std::string address;
  std::string problem;
  std::string role;  // leader, follower, observer, standalone, read-only
  std::int64_t zxid = 0;
  std::optional<std::int64_t> lag;  // transactions that the leader has applied, or whoever is ahead of all, and this one has not
  std::int64_t connections = 0;
  std::string sync;  // of a learner how far it is, of a leader how many are; empty: not known
};

struct EnsembleStatus {
  std::vector<ServerStatus> servers;
  std::vector<std::string> problems;  // whole sentences; empty: all is well
};
EnsembleStatus compare(const std::vector<ServerAnswers>& answers);

/// A line a server, then the problems.
std::string to_table(const EnsembleStatus& status);
nlohmann::ordered_json json_of(const EnsembleStatus& status, const std::vector<ServerAnswers>& answers);

}  // namespace chorus::app
