// Whom a server shows itself as to other servers, and whom it takes them for (quorum_auth.h).
#pragma once

#include <map>
#include <optional>
#include <string>

namespace chorus::zab {

struct QuorumAuthOptions {
  struct Credentials {
    std::string username, password;
  };
  std::optional<Credentials> learner;        // shown where we connect. JAAS section QuorumLearner; quorum.auth.learnerRequireSasl
  std::map<std::string, std::string> users;  // passwords by name of those who may connect to us; JAAS section QuorumServer
  bool required = false;                     // who shows nothing is refused. quorum.auth.serverRequireSasl
};

}  // namespace chorus::zab
