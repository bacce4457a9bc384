#include "zab/quorum_auth.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/ensure.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace zab;

// Those of the exchange that the corpus has.
constexpr const char *username = "learner", *password = "test pass";
constexpr const char *server_nonce = "VKZ17ly/oLpe0KBmm2GLOzqbuV7HX7+ZTMYkn/S5", *client_nonce = "11N8kbiDgTv3+zVbgW3gklxpNwvW8gYoZw3weKue";
const std::map<std::string, std::string> users{{username, password}};

// What we said, how it ended, and what was left for others.
std::string read(std::string_view input, std::size_t piece, bool accepted, bool required) {
  QuorumAuth auth = accepted ? QuorumAuth(QuorumAuthServer(users, server_nonce), required)
                             : QuorumAuth(QuorumAuthLearner(username, password, client_nonce));
  std::string said = auth.opening();
  for (std::size_t at = 0; at < input.size(); at += piece) {
    const std::string borrowed(input.substr(at, piece));  // of its own, so that a read beyond it is seen
    const QuorumAuth::Progress progress = auth.receive(borrowed);
    said += progress.reply;
    ENSURE(said.size() < 64 << 10);
    if (progress.state == AuthStep::State::going_on) continue;
    if (progress.state == AuthStep::State::done) {
      ENSURE(auth.has_begun() || !required);
      return said + "done" + progress.rest + std::string(input.substr(std::min(at + piece, input.size())));
    }
    ENSURE(!progress.why.empty() && progress.why.find(password) == std::string::npos);
    return said + "failed" + progress.why;
  }
  return said;
}

}  // namespace

void fuzz_quorum_auth(std::string_view input) {
  if (input.size() < 2) return;
  const bool accepted = input[0] & 1, required = input[0] & 2;
  const std::size_t piece = 1 + static_cast<unsigned char>(input[1]);
  input.remove_prefix(2);
  // How the octets arrive makes no difference.
  ENSURE(read(input, piece, accepted, required) == read(input, input.size() + 1, accepted, required));
}

}  // namespace chorus::fuzz
