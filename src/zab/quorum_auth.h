// Quorum SASL: how servers prove to one another that they belong to the ensemble, by DIGEST-MD5 (RFC 2831), before anything else is said.
// Who connects is called the learner here, who accepts the server, on both ports. No I/O. source: SaslQuorumAuthLearner,
// SaslQuorumAuthServer, QuorumAuth
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace chorus::zab {

struct QuorumAuthOptions {
  struct Credentials {
    std::string username, password;
  };
  std::optional<Credentials> learner;        // shown where we connect. JAAS section QuorumLearner; quorum.auth.learnerRequireSasl
  std::map<std::string, std::string> users;  // passwords by name of those who may connect to us; JAAS section QuorumServer
  bool required = false;                     // who shows nothing is refused. quorum.auth.serverRequireSasl
};

struct AuthStep {
  enum class State {
    going_on,
    done,    // it is who it says; what follows `used` is for others
    failed,  // send `reply`, if any, then end the connection
  } state = State::going_on;
  std::size_t used = 0;  // octets taken; 0: more are needed
  std::string reply;     // octets to send
  std::string why;       // of failed, for people: never a secret
};

/// Of one connection that we make.
class QuorumAuthLearner {
 public:
  /// nonce: unpredictable, printable, anew each time; without '"'.
  QuorumAuthLearner(std::string username, std::string password, std::string nonce)
      : username_(std::move(username)), password_(std::move(password)), nonce_(std::move(nonce)) {}

  /// What is sent first.
  static std::string begin();
  /// With all octets that came and were not taken yet, as long as it goes on and takes some.
  AuthStep receive(std::string_view octets);

 private:
  AuthStep answer(std::string_view challenge, AuthStep step);

  const std::string username_, password_, nonce_;
  std::string expected_;  // what only a server that knows the password can say
};

/// Of one connection that we accept.
class QuorumAuthServer {
 public:
  /// users: passwords by name; outlives this. nonce: as above.
  QuorumAuthServer(const std::map<std::string, std::string>& users, std::string nonce) : users_(users), nonce_(std::move(nonce)) {}

  AuthStep receive(std::string_view octets);
  const std::string& username() const { return username_; }  // once done

 private:
  AuthStep check(std::string_view response, AuthStep step);

  const std::map<std::string, std::string>& users_;
  const std::string nonce_;
  bool challenged_ = false;
  std::string username_;
};

/// For one connection. The generator's numbers cannot be told from it.
std::string make_auth_nonce(base::Random& random);

/// Whether a connection begins with such an exchange, or at once with what it is for.
enum class AuthStart { yes, no, more_needed };
AuthStart looks_like_auth(std::string_view octets);

}  // namespace chorus::zab
