#include "client/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ensure.h"

namespace chorus::client {

using namespace std::chrono_literals;

namespace {

constexpr Duration probe_delay_max = 60s;
constexpr Duration ping_interval_max = 10s;
constexpr Duration close_patience = 5s;
/// After a server went away, so that not all of its clients come to the next one in the same instant.
constexpr Duration reconnect_jitter = 50ms;

void seal(std::string& frame, std::int32_t xid, jute::OpCode op) {
  base::Writer(frame).patch_u32(0, static_cast<std::uint32_t>(frame.size() - 4));
  base::Writer(frame).patch_u32(4, static_cast<std::uint32_t>(xid));
  base::Writer(frame).patch_u32(8, static_cast<std::uint32_t>(op));
}

std::int32_t milliseconds(Duration duration) {
  return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::connecting:
      return "connecting";
    case State::connected:
      return "connected";
    case State::connected_read_only:
      return "connected, read-only";
    case State::expired:
      return "expired";
    case State::auth_failed:
      return "authentication failed";
    case State::closed:
      return "closed";
  }
  return "unknown";
}

Session::Session(SessionOptions options, std::uint64_t seed) : options_(std::move(options)), random_(seed), timeout_(options_.timeout) {
  ENSURE(!options_.servers.empty());
  for (std::size_t i = options_.servers.size(); i > 1; --i) {
    std::swap(options_.servers[i - 1], options_.servers[random_.below(i)]);
  }
  if (options_.resume) {
    id_ = *options_.resume;
    was_writable_ = true;
  }
}

void Session::step(Instant now, Event event, std::vector<Action>& out) {
  now_ = now;
  std::visit([&](auto& each) { on(std::move(each), out); }, event);
}

std::optional<Instant> Session::wake_at() const {
  std::optional<Instant> at;
  const auto or_at = [&](Instant instant) { at = at ? std::min(*at, instant) : instant; };
  switch (phase_) {
    case Phase::idle:
    case Phase::over:
      return {};
    case Phase::waiting:
      or_at(dial_at_);
      break;
    case Phase::dialing:
    case Phase::handshaking:
      or_at(deadline_);
      break;
    case Phase::up:
      or_at(last_received_ + timeout_ * 2 / 3);
      or_at(last_sent_ + std::min(timeout_ / 3, ping_interval_max));
      if (closing_) or_at(deadline_);
      if (options_.request_timeout.count() > 0 && !in_flight_.empty()) or_at(in_flight_.front().since + options_.request_timeout);
      if (probe_at_) or_at(*probe_at_);
      break;
  }
  if (!queued_.empty()) or_at(queued_.front().since + queue_timeout());
  return at;
}

// ---------------------------------------------------------------------------------------------------------- connections

void Session::on(event::Start, Out& out) {
  if (phase_ != Phase::idle) return;
  dial(out);
}

void Session::dial_later() {
  // The first attempt after a loss comes soon, the others of that round at once, later rounds with a growing pause before each.
  Duration delay{0};
  const std::size_t count = options_.servers.size();
  if (attempts_ == 0) {
    delay = Duration(random_.between(0, reconnect_jitter.count()));
  } else if (attempts_ % count == 0) {
    delay = options_.backoff_min;
    for (std::size_t round = 1; round < attempts_ / count && delay < options_.backoff_max; ++round) delay *= 2;
    delay = std::min(delay, options_.backoff_max);
    delay = Duration(random_.between(delay.count() / 2, delay.count()));
  }
  if (!server_chosen_) server_ = (server_ + 1) % count;
  server_chosen_ = false;
  phase_ = Phase::waiting;
  dial_at_ = now_ + delay;
}

void Session::dial(Out& out) {
  ++attempts_;
  phase_ = Phase::dialing;
  // A server that swallows packets must leave time to try the others before the session expires. source: ClientCnxn.onConnected
  const Duration patience = timeout_ / static_cast<std::int64_t>(options_.servers.size());
  deadline_ = now_ + patience;
  out.push_back(action::Connect{server(), patience});
}

void Session::on(event::Connected, Out& out) {
  if (phase_ != Phase::dialing) return;
  phase_ = Phase::handshaking;
  in_.clear();
  taken_ = 0;
  jute::ConnectRequest request;
  request.last_zxid_seen = last_zxid_;
  request.timeout_ms = milliseconds(options_.timeout);
  request.session_id = was_writable_ ? id_.id : 0;
  const std::string no_password(16, '\0');
  request.password = was_writable_ ? std::string_view(id_.password) : std::string_view(no_password);
  std::string frame(4, '\0');
  jute::encode(request, frame);
  base::Writer(frame).u8(options_.may_be_read_only ? 1 : 0);
  base::Writer(frame).patch_u32(0, static_cast<std::uint32_t>(frame.size() - 4));
  out.push_back(action::Send{std::move(frame)});
}

void Session::on(event::Lost lost, Out& out) {
  if (phase_ != Phase::dialing && phase_ != Phase::handshaking && phase_ != Phase::up) return;
  std::string why = std::move(lost.why.message);
  // A server closes instead of answering when it has seen less than we have, serves nobody, or only reads.
  if (phase_ == Phase::handshaking && lost.why.code == world::NetErrc::end_of_stream) {
    why = "the server closed the connection instead of opening a session (it may be starting, overloaded or behind, or take TLS only)";
  }
  lose(std::move(why), false, out);
}

void Session::lose(std::string why, bool disconnect, Out& out) {
  const std::string address = world::to_string(server());
  last_failure_ = why.find(address) != std::string::npos ? std::move(why) : fmt::format("{}: {}", address, why);
  if (disconnect) out.push_back(action::Disconnect{});
  if (closing_) {
    finish(State::closed, "closed", out);
    return;
  }
  while (!in_flight_.empty()) {
    fail(in_flight_.front(), Code::connection_loss, out);
    in_flight_.pop_front();
  }
  auths_in_flight_.clear();  // sent again on the next connection
  probe_at_.reset();
  dial_later();
  // Told of every failed attempt too, for whoever waits or writes logs.
  state_ = State::connecting;
  out.push_back(action::Became{state_, last_failure_});
}

void Session::become(State state, std::string why, Out& out) {
  if (state == state_) return;
  state_ = state;
  out.push_back(action::Became{state, std::move(why)});
}

void Session::finish(State state, std::string why, Out& out) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  probe_at_.reset();
  const Code code = state == State::auth_failed ? Code::auth_failed
                    : state == State::expired   ? Code::session_expired
                                                : Code::connection_loss;
  fail_all(code, out);
  const KeeperState told = state == State::auth_failed ? KeeperState::auth_failed
                           : state == State::expired   ? KeeperState::expired
                                                       : KeeperState::closed;
  if (auto watchers = watches_.clear(); !watchers.empty()) {
    out.push_back(action::Fire{{{EventType::none, told, {}}, std::move(watchers)}});
  }
  become(state, std::move(why), out);
}

void Session::on(event::Close, Out& out) {
  if (phase_ == Phase::over || closing_) return;
  closing_ = true;
  if (!is_up()) {
    // The server ends the session by itself when its time-out has passed.
    if (phase_ == Phase::dialing || phase_ == Phase::handshaking) out.push_back(action::Disconnect{});
    finish(State::closed, "closed", out);
    return;
  }
  deadline_ = now_ + close_patience;
  Request request;
  request.op = jute::OpCode::close_session;
  request.frame.assign(Request::header_octets, '\0');
  transmit(Pending{std::move(request), 0, now_}, out);
}

void Session::on(event::Tick, Out& out) {
  while (!queued_.empty() && now_ >= queued_.front().since + queue_timeout()) {
    fail(queued_.front(), Code::connection_loss, out);
    queued_.pop_front();
  }
  switch (phase_) {
    case Phase::idle:
    case Phase::over:
      return;
    case Phase::waiting:
      if (now_ >= dial_at_) dial(out);
      return;
    case Phase::dialing:
    case Phase::handshaking:
      if (now_ >= deadline_) {
        lose(fmt::format("no answer within {} ms", milliseconds(timeout_) / static_cast<std::int64_t>(options_.servers.size())), true, out);
      }
      return;
    case Phase::up:
      break;
  }
  if (closing_ && now_ >= deadline_) return lose("no answer to the closing of the session", true, out);
  if (now_ >= last_received_ + timeout_ * 2 / 3) return lose(fmt::format("silent for {} ms", milliseconds(timeout_ * 2 / 3)), true, out);
  if (options_.request_timeout.count() > 0 && !in_flight_.empty() && now_ >= in_flight_.front().since + options_.request_timeout) {
    return lose(fmt::format("a request was not answered within {} ms", milliseconds(options_.request_timeout)), true, out);
  }
  if (now_ >= last_sent_ + std::min(timeout_ / 3, ping_interval_max)) {
    transmit_special(jute::xid::ping, jute::OpCode::ping, std::string(Request::header_octets, '\0'), out);
  }
  if (probe_at_ && now_ >= *probe_at_) {
    out.push_back(action::Probe{options_.servers[probe_next_]});
    probe_next_ = (probe_next_ + 1) % options_.servers.size();
    probe_delay_ = std::min(probe_delay_ * 2, probe_delay_max);
    probe_at_ = now_ + probe_delay_;
  }
}

void Session::on(const event::Probed& probed, Out& out) {
  if (!probed.writable || state_ != State::connected_read_only || closing_) return;
  const auto found = std::ranges::find(options_.servers, probed.server);
  if (found == options_.servers.end()) return;
  server_chosen_ = true;
  const auto chosen = static_cast<std::size_t>(found - options_.servers.begin());
  const std::string why = fmt::format("left for {}, which is not read-only", world::to_string(probed.server));
  lose(why, true, out);
  server_ = chosen;
}

// ------------------------------------------------------------------------------------------------------------- requests

void Session::on(event::Submit submit, Out& out) {
  Pending pending{std::move(submit.request), 0, now_};
  Request& request = pending.request;
  if (phase_ == Phase::over || closing_) {
    return fail(pending, state_ == State::auth_failed ? Code::auth_failed : Code::session_expired, out);
  }
  if (request.frame.size() - 4 > options_.request_octets_max) return fail(pending, Code::bad_arguments, out);
  if (this->pending() >= options_.pending_max) return fail(pending, Code::throttled_op, out);
  if (request.unwatch) {
    const auto& [type, watcher, local] = *request.unwatch;
    if (!watches_.has(request.path, type, watcher)) {
      request.unwatch.reset();
      return fail(pending, Code::no_watcher, out);
    }
    // Other watchers of ours still need the server's watch, so it is only asked whether it has one. source: ZooKeeper.removeWatches
    if (watcher && watches_.has_other(request.path, type, watcher)) request.op = jute::OpCode::check_watches;
  }
  if (is_up()) {
    transmit(std::move(pending), out);
  } else {
    queued_.push_back(std::move(pending));
  }
}

void Session::transmit(Pending pending, Out& out) {
  pending.xid = next_xid_;
  next_xid_ = next_xid_ == INT32_MAX ? 1 : next_xid_ + 1;
  pending.since = now_;
  seal(pending.request.frame, pending.xid, pending.request.op);
  last_sent_ = now_;
  out.push_back(action::Send{std::move(pending.request.frame)});
  in_flight_.push_back(std::move(pending));
}

void Session::transmit_special(std::int32_t xid, jute::OpCode op, std::string frame, Out& out) {
  seal(frame, xid, op);
  last_sent_ = now_;
  out.push_back(action::Send{std::move(frame)});
}

void Session::on(event::AddAuth auth, Out& out) {
  if (phase_ == Phase::over || closing_) {
    out.push_back(action::Complete{auth.id, state_ == State::auth_failed ? Code::auth_failed : Code::session_expired, 0, {}});
    return;
  }
  auths_.push_back({auth.id, std::move(auth.scheme), std::move(auth.auth)});
  if (!is_up()) return;
  transmit_auth(auths_.back(), out);
  auths_in_flight_.push_back(auths_.size() - 1);
}

void Session::transmit_auth(const Auth& auth, Out& out) {
  std::string frame(Request::header_octets, '\0');
  jute::encode(jute::AuthRequest{0, auth.scheme, auth.auth}, frame);
  transmit_special(jute::xid::auth, jute::OpCode::auth, std::move(frame), out);
}

void Session::fail(Pending& pending, Code code, Out& out) {
  Request& request = pending.request;
  if (request.unwatch && request.unwatch->local) {
    apply_watch_changes(request, code, out);
    code = Code::ok;
  }
  if (request.id != 0) out.push_back(action::Complete{request.id, code, 0, {}});
}

void Session::fail_all(Code code, Out& out) {
  for (std::deque<Pending>* each : {&in_flight_, &queued_}) {
    for (Pending& pending : *each) fail(pending, code, out);
    each->clear();
  }
  for (Auth& auth : auths_) {
    if (auth.id != 0) out.push_back(action::Complete{std::exchange(auth.id, 0), code, 0, {}});
  }
  auths_in_flight_.clear();
}

}  // namespace chorus::client
