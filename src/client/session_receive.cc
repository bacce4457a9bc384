// The half of the session machine that takes what the server says.
#include <fmt/format.h>

#include "client/session.h"

namespace chorus::client {

using namespace std::chrono_literals;

void Session::on(event::Received received, Out& out) {
  if (phase_ != Phase::handshaking && phase_ != Phase::up) return;
  last_received_ = now_;
  in_.erase(0, taken_);
  taken_ = 0;
  in_.append(received.octets);
  if (!take_frames(out) && phase_ != Phase::over) {
    lose("the server sent what is not ZooKeeper's protocol (is the address that of the client port, and is TLS on or off on both sides?)",
         true, out);
  }
}

bool Session::take_frames(Out& out) {
  while (phase_ == Phase::handshaking || phase_ == Phase::up) {
    base::Reader reader(std::string_view(in_).substr(taken_));
    if (reader.remaining() < 4) return true;
    const std::int32_t length = reader.i32();
    if (length < 0 || static_cast<std::size_t>(length) > options_.reply_octets_max) return false;
    if (reader.remaining() < static_cast<std::size_t>(length)) return true;
    taken_ += 4 + static_cast<std::size_t>(length);
    if (!take_frame(reader.octets(static_cast<std::size_t>(length)), out)) return false;
  }
  return true;
}

bool Session::take_frame(std::string_view frame, Out& out) {
  if (phase_ == Phase::handshaking) return finish_handshake(frame, out);
  base::Reader reader(frame);
  const auto header = jute::decode<jute::ReplyHeader>(reader);
  if (!header) return false;
  switch (header->xid) {
    case jute::xid::ping:
    case jute::xid::set_watches:
      return true;
    case jute::xid::auth: {
      if (header->err != 0) {
        out.push_back(action::Disconnect{});
        finish(State::auth_failed, fmt::format("{} refused the authentication", world::to_string(server())), out);
        return true;
      }
      if (auths_in_flight_.empty()) return false;
      Auth& auth = auths_[auths_in_flight_.front()];
      auths_in_flight_.pop_front();
      if (auth.id != 0) out.push_back(action::Complete{std::exchange(auth.id, 0), Code::ok, 0, {}});
      return true;
    }
    case jute::xid::notification: {
      const auto event = jute::decode<jute::WatcherEvent>(reader);
      if (!event) return false;
      take_event(*event, out);
      return true;
    }
    default:
      return take_reply(*header, reader.rest(), out);
  }
}

bool Session::finish_handshake(std::string_view frame, Out& out) {
  base::Reader reader(frame);
  const auto response = jute::decode<jute::ConnectResponse>(reader);
  if (!response) return false;
  const bool read_only = reader.remaining() > 0 && reader.u8() != 0;  // servers before 3.4 do not say
  if (response->timeout_ms <= 0) {
    out.push_back(action::Disconnect{});
    finish(State::expired, fmt::format("{} no longer knows the session: it has expired", world::to_string(server())), out);
    return true;
  }
  timeout_ = std::chrono::milliseconds(response->timeout_ms);
  id_ = SessionId{response->session_id, std::string(response->password.value_or(std::string_view()))};
  was_writable_ = was_writable_ || !read_only;
  attempts_ = 0;
  phase_ = Phase::up;
  last_sent_ = now_;
  for (std::size_t i = 0; i < auths_.size(); ++i) {
    transmit_auth(auths_[i], out);
    auths_in_flight_.push_back(i);
  }
  const auto rearm = watches_.rearm(last_zxid_);
  for (const jute::SetWatches2Request& request : rearm.requests) {
    std::string body(Request::header_octets, '\0');
    if (rearm.op == jute::OpCode::set_watches2) {
      jute::encode(request, body);
    } else {
      jute::encode(jute::SetWatchesRequest{request.relative_zxid, request.data, request.exist, request.child}, body);
    }
    transmit_special(jute::xid::set_watches, rearm.op, std::move(body), out);
  }
  if (read_only) {
    probe_delay_ = 100ms;
    probe_at_ = now_ + probe_delay_;
    probe_next_ = (server_ + 1) % options_.servers.size();
  }
  become(read_only ? State::connected_read_only : State::connected, world::to_string(server()), out);
  while (!queued_.empty()) {
    transmit(std::move(queued_.front()), out);
    queued_.pop_front();
  }
  return true;
}

bool Session::take_reply(const jute::ReplyHeader& header, std::string_view body, Out& out) {
  // A session is answered in the order of its requests.
  if (in_flight_.empty() || in_flight_.front().xid != header.xid) return false;
  Request request = std::move(in_flight_.front().request);
  in_flight_.pop_front();
  // Not taken from watch events: one multi fires several with the same zxid, and a connection may break between them.
  if (header.zxid > 0) last_zxid_ = header.zxid;
  const Code code{header.err};
  if (request.op == jute::OpCode::close_session) {
    out.push_back(action::Disconnect{});
    finish(State::closed, "closed", out);
    return true;
  }
  apply_watch_changes(request, code, out);
  if (code == Code::session_expired) {
    if (request.id != 0) out.push_back(action::Complete{request.id, code, header.zxid, {}});
    out.push_back(action::Disconnect{});
    finish(State::expired, fmt::format("{} has ended the session", world::to_string(server())), out);
    return true;
  }
  if (request.id != 0) out.push_back(action::Complete{request.id, code, header.zxid, body});
  return true;
}

void Session::apply_watch_changes(Request& request, Code code, Out& out) {
  if (request.watcher) {
    using Watch = Request::Watch;
    const bool ok = code == Code::ok;
    switch (request.watch) {
      case Watch::data:
        if (ok) watches_.add(WatchKind::data, request.path, request.watcher);
        break;
      case Watch::exist_or_data:
        if (ok) watches_.add(WatchKind::data, request.path, request.watcher);
        if (code == Code::no_node) watches_.add(WatchKind::exist, request.path, request.watcher);
        break;
      case Watch::child:
        if (ok) watches_.add(WatchKind::child, request.path, request.watcher);
        break;
      case Watch::persistent:
        if (ok) watches_.add(WatchKind::persistent, request.path, request.watcher);
        break;
      case Watch::persistent_recursive:
        if (ok) watches_.add(WatchKind::persistent_recursive, request.path, request.watcher);
        break;
    }
  }
  if (request.unwatch && (code == Code::ok || request.unwatch->local)) {
    for (FiredWatch& fired : watches_.remove(request.path, request.unwatch->type, request.unwatch->watcher)) {
      out.push_back(action::Fire{std::move(fired)});
    }
  }
}

void Session::take_event(const jute::WatcherEvent& event, Out& out) {
  WatchEvent told{static_cast<EventType>(event.type), static_cast<KeeperState>(event.state), std::string(event.path)};
  auto watchers = watches_.take(told.type, told.path);
  // None left: the watch was removed while the event was on its way.
  if (!watchers.empty()) out.push_back(action::Fire{{std::move(told), std::move(watchers)}});
}

}  // namespace chorus::client
