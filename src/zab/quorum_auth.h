// Quorum SASL: how servers prove to one another that they belong to the ensemble, by DIGEST-MD5 (RFC 2831), before anything else is said.
// Who connects is called the learner here, who accepts the server, on both ports. No I/O. source: SaslQuorumAuthLearner,
// SaslQuorumAuthServer, QuorumAuth
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/random.h"
#include "zab/quorum_auth_options.h"

namespace chorus::zab {

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

/// The exchange on one connection, whichever side we are on, up to its end or until it turns out that there is none.
class QuorumAuth {
 public:
  /// Null: such a connection has none. `options` outlive it. accepted: the other side has connected.
  static std::unique_ptr<QuorumAuth> of(const QuorumAuthOptions& options, bool accepted, base::Random& random);
  explicit QuorumAuth(QuorumAuthLearner learner) : side_(std::move(learner)), began_(true) {}
  QuorumAuth(QuorumAuthServer server, bool required) : side_(std::move(server)), required_(required) {}

  /// What is sent first; empty where the other side begins.
  std::string opening() const;
  /// Where the other side begins: whether anything has come, be it not enough to tell.
  bool has_begun() const { return began_ || !input_.empty(); }
  /// Who begins may leave it out.
  bool is_required() const { return required_; }

  struct Progress {
    AuthStep::State state = AuthStep::State::going_on;
    std::string reply;  // octets to send, also of what has failed
    std::string rest;   // of what is done: octets that are for others
    std::string why;    // of failed, for people: never a secret
  };
  /// With what came, each octet once.
  Progress receive(std::string_view octets);

 private:
  std::variant<QuorumAuthLearner, QuorumAuthServer> side_;
  bool required_ = true;
  bool began_ = false;
  std::string input_;  // at most one packet, and what came with its end
};

}  // namespace chorus::zab
