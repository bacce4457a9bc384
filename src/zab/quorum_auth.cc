#include "zab/quorum_auth.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/text.h"

namespace chorus::zab {
namespace {

constexpr std::uint64_t magic = 0x5f24'3501'3501'edcc;
enum class Status : std::int32_t { error = -1, in_progress = 0, success = 1 };
constexpr std::size_t token_max = 8192;
constexpr std::string_view realm = "zk-quorum-sasl-md5";
constexpr std::string_view digest_uri = "zookeeper-quorum/zk-quorum-sasl-md5";
constexpr std::string_view nonce_count = "00000001";

// --- QuorumAuthPacket ---

std::string make_packet(Status status, std::string_view token) {
  std::string out;
  base::Writer writer(out);
  writer.u64(magic);
  writer.i32(static_cast<std::int32_t>(status));
  writer.i32(static_cast<std::int32_t>(token.size()));
  writer.octets(token);
  return out;
}

AuthStep failed(AuthStep step, std::string why, bool tell = false) {
  step.state = AuthStep::State::failed;
  step.why = std::move(why);
  if (tell) step.reply = make_packet(Status::error, "");
  return step;
}

struct Received {
  Status status = Status::in_progress;
  std::string_view token;
};
/// Nothing: more is needed, or `step` has failed.
std::optional<Received> read_packet(std::string_view octets, AuthStep& step) {
  if (looks_like_auth(octets) == AuthStart::no) {
    step = failed(std::move(step), "it did not speak SASL");
    return std::nullopt;
  }
  base::Reader in(octets);
  in.u64();
  const std::int32_t status = in.i32();
  const std::int32_t length = in.i32();
  if (!in.ok()) return std::nullopt;
  if (length < -1 || length > static_cast<std::int32_t>(token_max)) {
    step = failed(std::move(step), fmt::format("a SASL token of {} octets", length));
    return std::nullopt;
  }
  const std::string_view token = in.octets(length < 0 ? 0 : static_cast<std::size_t>(length));
  if (!in.ok()) return std::nullopt;
  step.used = in.offset();
  return Received{static_cast<Status>(status), token};
}

// --- RFC 2831 ---

using Directives = std::map<std::string, std::string, std::less<>>;

/// Empty when it is not there.
std::string_view get(const Directives& directives, std::string_view name) {
  const auto found = directives.find(name);
  return found == directives.end() ? std::string_view() : std::string_view(found->second);
}

/// name=value and name="value", separated by commas; the first of each name counts. Nothing: malformed.
std::optional<Directives> read_directives(std::string_view text) {
  Directives out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == ',' || text[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    std::string name = base::lower(base::trim(text.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
        if (at == text.size()) return std::nullopt;
        value += text[at];
      }
      if (at == text.size()) return std::nullopt;
      ++at;
    } else {
      const std::size_t end = std::min(text.find(',', at), text.size());
      value = base::trim(text.substr(at, end - at));
      at = end;
    }
    out.emplace(std::move(name), std::move(value));
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string digest(std::string_view octets, const EVP_MD* how) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> result;
  unsigned size = 0;
  ENSURE(EVP_Digest(octets.data(), octets.size(), result.data(), &size, how, nullptr) == 1);
  return {reinterpret_cast<const char*>(result.data()), size};
}
std::string md5(std::string_view octets) { return digest(octets, EVP_md5()); }

/// ISO 8859-1 where that has all of the characters, as the RFC wants it, else as it is.
std::string latin_1(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out += utf8[i];
    } else if ((c == 0xc2 || c == 0xc3) && i + 1 < utf8.size()) {
      out += static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
    } else {
      return std::string(utf8);
    }
  }
  return out;
}

struct Exchange {
  std::string_view username, password, realm, nonce, client_nonce, authorization;
};
/// `method`: "AUTHENTICATE" for what the learner says, "" for the server's answer.
std::string response(const Exchange& exchange, std::string_view method) {
  std::string first = md5(fmt::format("{}:{}:{}", latin_1(exchange.username), latin_1(exchange.realm), latin_1(exchange.password)));
  first += fmt::format(":{}:{}", exchange.nonce, exchange.client_nonce);
  if (!exchange.authorization.empty()) first += fmt::format(":{}", exchange.authorization);
  const std::string second = fmt::format("{}:{}", method, digest_uri);
  return base::hex(md5(fmt::format("{}:{}:{}:{}:auth:{}", base::hex(md5(first)), exchange.nonce, nonce_count, exchange.client_nonce,
                                   base::hex(md5(second)))));
}

bool same_secret(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

std::string make_auth_nonce(base::Random& random) {
  std::string octets;
  base::Writer writer(octets);
  for (int i = 0; i < 4; ++i) writer.u64(random.next());
  return base::hex(digest(octets, EVP_sha256())).substr(0, 40);
}

AuthStart looks_like_auth(std::string_view octets) {
  std::string begin;
  base::Writer(begin).u64(magic);
  const std::size_t length = std::min(octets.size(), begin.size());
  if (octets.substr(0, length) != std::string_view(begin).substr(0, length)) return AuthStart::no;
  return length == begin.size() ? AuthStart::yes : AuthStart::more_needed;
}

std::string QuorumAuthLearner::begin() { return make_packet(Status::in_progress, ""); }

AuthStep QuorumAuthLearner::receive(std::string_view octets) {
  AuthStep step;
  const auto received = read_packet(octets, step);
  if (!received) return step;
  if (received->status == Status::success) {
    const auto directives = read_directives(received->token);
    if (expected_.empty() || !directives || !same_secret(get(*directives, "rspauth"), expected_))
      return failed(std::move(step), "it did not prove that it knows the password");
    step.state = AuthStep::State::done;
    return step;
  }
  if (received->status != Status::in_progress) return failed(std::move(step), "it refused our name or password");
  if (!expected_.empty()) return failed(std::move(step), "a second challenge");
  return answer(received->token, std::move(step));
}

AuthStep QuorumAuthLearner::answer(std::string_view challenge, AuthStep step) {
  const auto directives = read_directives(challenge);
  if (!directives || get(*directives, "nonce").empty() || get(*directives, "algorithm") != "md5-sess")
    return failed(std::move(step), "a challenge that is none");
  if (const std::string_view qop = get(*directives, "qop"); !qop.empty()) {
    const auto offered = base::split(qop, ',');
    if (std::none_of(offered.begin(), offered.end(), [](std::string_view each) { return base::trim(each) == "auth"; }))
      return failed(std::move(step), "it wants more than authentication");
  }
  const Exchange exchange{username_, password_, get(*directives, "realm"), get(*directives, "nonce"), nonce_, username_};
  expected_ = response(exchange, "");
  std::string token = get(*directives, "charset").empty() ? "" : "charset=utf-8,";
  token += fmt::format("username={},realm={},nonce={},nc={},cnonce={},digest-uri=\"{}\",maxbuf=65536,response={},qop=auth,authzid={}",
                       in_quotes(username_), in_quotes(exchange.realm), in_quotes(exchange.nonce), nonce_count, in_quotes(nonce_),
                       digest_uri, response(exchange, "AUTHENTICATE"), in_quotes(username_));
  step.reply = make_packet(Status::in_progress, token);
  return step;
}

AuthStep QuorumAuthServer::receive(std::string_view octets) {
  AuthStep step;
  const auto received = read_packet(octets, step);
  if (!received) return step;
  if (received->status != Status::in_progress) return failed(std::move(step), "it gave up");
  if (challenged_) return check(received->token, std::move(step));
  if (!received->token.empty()) return failed(std::move(step), "it wants another SASL mechanism than DIGEST-MD5", true);
  challenged_ = true;
  step.reply =
      make_packet(Status::in_progress, fmt::format("realm=\"{}\",nonce={},charset=utf-8,algorithm=md5-sess", realm, in_quotes(nonce_)));
  return step;
}

AuthStep QuorumAuthServer::check(std::string_view answer, AuthStep step) {
  const auto directives = read_directives(answer);
  if (!directives) return failed(std::move(step), "an answer that is none", true);
  const std::string_view name = get(*directives, "username");
  const std::string_view authorization = get(*directives, "authzid");
  if (get(*directives, "nonce") != nonce_ || get(*directives, "nc") != nonce_count || get(*directives, "cnonce").empty() ||
      base::lower(get(*directives, "digest-uri")) != digest_uri || get(*directives, "realm") != realm ||
      (!get(*directives, "qop").empty() && get(*directives, "qop") != "auth"))
    return failed(std::move(step), "an answer to another challenge", true);
  if (!authorization.empty() && authorization != name) return failed(std::move(step), "it wants to be another than who it is", true);
  const auto user = users_.find(std::string(name));
  const Exchange exchange{name,         user == users_.end() ? std::string_view() : user->second, realm, nonce_, get(*directives, "cnonce"),
                          authorization};
  const bool right = same_secret(get(*directives, "response"), response(exchange, "AUTHENTICATE"));
  if (!right || user == users_.end()) return failed(std::move(step), "an unknown name or a wrong password", true);
  username_ = name;
  step.reply = make_packet(Status::success, "rspauth=" + response(exchange, ""));
  step.state = AuthStep::State::done;
  return step;
}

std::unique_ptr<QuorumAuth> QuorumAuth::of(const QuorumAuthOptions& options, bool accepted, base::Random& random) {
  if (accepted) {
    if (!options.required && options.users.empty()) return nullptr;
    return std::make_unique<QuorumAuth>(QuorumAuthServer(options.users, make_auth_nonce(random)), options.required);
  }
  if (!options.learner) return nullptr;
  return std::make_unique<QuorumAuth>(QuorumAuthLearner(options.learner->username, options.learner->password, make_auth_nonce(random)));
}

std::string QuorumAuth::opening() const { return std::holds_alternative<QuorumAuthLearner>(side_) ? QuorumAuthLearner::begin() : ""; }

QuorumAuth::Progress QuorumAuth::receive(std::string_view octets) {
  using State = AuthStep::State;
  input_ += octets;
  Progress progress;
  if (!began_) {
    const AuthStart start = looks_like_auth(input_);
    if (start == AuthStart::more_needed) return progress;
    if (start == AuthStart::no) {
      progress.state = required_ ? State::failed : State::done;
      if (required_) progress.why = "it did not authenticate itself";
      progress.rest = std::exchange(input_, {});
      return progress;
    }
    began_ = true;
  }
  for (;;) {
    AuthStep step = std::visit([this](auto& side) { return side.receive(input_); }, side_);
    progress.reply += step.reply;
    progress.state = step.state;
    progress.why = std::move(step.why);
    if (step.state == State::failed) return progress;
    if (step.used == 0) return progress;
    input_.erase(0, step.used);
    if (step.state == State::going_on) continue;
    progress.rest = std::exchange(input_, {});
    return progress;
  }
}

}  // namespace chorus::zab
