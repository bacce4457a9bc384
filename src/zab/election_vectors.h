// For tests: testdata/election.txt.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "zab/notification.h"

namespace chorus::zab {

struct RecordedMessage {
  std::string scenario;
  int at_ms = 0;
  ServerId from = 0;
  ServerId to = 0;
  std::string octets;  // a frame with its length
  // What an independent decoder made of it.
  bool is_initial = false;
  std::int64_t protocol = 0;  // of an initial message, with its sender
  ServerId sender = 0;
  std::string addresses;
  Notification notification;
};

struct ElectionVectors {
  std::map<std::string, std::string> configs;
  std::vector<RecordedMessage> messages;
};

inline ElectionVectors read_election_vectors() {
  ElectionVectors out;
  std::ifstream in(std::string(CHORUS_SOURCE_DIR) + "/src/zab/testdata/election.txt");
  std::string scenario;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string first, second;
    words >> first >> second;
    if (first == "config") {
      std::string text, part;
      while (words >> part) text += (text.empty() ? "" : "\n") + part;
      out.configs[second] = text;
      continue;
    }
    if (first == "scenario") {
      scenario = second;
      continue;
    }
    RecordedMessage message;
    message.scenario = scenario;
    const std::size_t arrow = second.find('>');
    message.at_ms = static_cast<int>(base::parse_int(first).value());
    message.from = base::parse_int(second.substr(0, arrow)).value();
    message.to = base::parse_int(second.substr(arrow + 1)).value();
    std::string kind, hex, config;
    words >> kind;
    if (kind == "initial") {
      message.is_initial = true;
      words >> message.protocol >> message.sender >> message.addresses >> hex;
    } else {
      const std::map<std::string, NotificationState> states{{"LOOKING", NotificationState::looking},
                                                            {"FOLLOWING", NotificationState::following},
                                                            {"LEADING", NotificationState::leading},
                                                            {"OBSERVING", NotificationState::observing}};
      Notification& n = message.notification;
      n.state = states.at(kind);
      words >> n.vote.leader >> n.vote.zxid >> n.vote.election_epoch >> n.vote.peer_epoch >> n.version >> hex >> config;
      n.config = out.configs.at(config);
    }
    EXPECT_TRUE(words) << line;
    message.octets = base::unhex(hex).value() + message.notification.config;
    out.messages.push_back(std::move(message));
  }
  return out;
}

}  // namespace chorus::zab
