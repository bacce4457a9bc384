#include "client.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "jute/codec.h"
#include "jute/records.h"
#include "registers.h"

namespace chorus::coord_sim {

using jute::ErrorCode;
using jute::OpCode;
using namespace std::chrono_literals;

Client::Client(world::World& world, std::string name, Clock clock, std::uint32_t number, History& history, Workload& workload,
               base::Random random, const ClientOptions& options)
    : world_(world),
      name_(std::move(name)),
      clock_(std::move(clock)),
      number_(number),
      history_(history),
      workload_(workload),
      random_(random),
      options_(options) {}

Client::~Client() = default;

void Client::start() {
  connect();
  watch_over();
}

void Client::ask(std::vector<Op> ops) {
  for (Op& op : ops) asked_.push_back(std::move(op));
  if (connected_) {
    pump();
  } else if (connection_ == nullptr) {
    connect();
  }
}

void Client::connect() {
  if (connecting_ || connection_ != nullptr) return;
  connecting_ = true;
  const world::Address server = options_.servers[static_cast<std::size_t>(random_.below(options_.servers.size()))];
  world_.connect(server, {.timeout = options_.connect_timeout, .tls = std::nullopt},
                 [this, attempt = ++attempt_](world::NetResult<std::unique_ptr<world::Connection>> result) {
                   if (attempt != attempt_) return;
                   connecting_ = false;
                   if (!result) return connect_later();
                   connection_ = std::move(*result);
                   connection_->start(*this);
                   input_.clear();
                   heard_ns_ = sent_ns_ = now_ns();
                   record_ = history_.connections.size();
                   history_.connections.push_back({.client = name_, .session = session_, .requests = {}, .frames = {}});
                   std::string out;
                   base::Writer writer(out);
                   writer.u32(0);
                   const std::string no_password(16, '\0');
                   jute::encode(jute::ConnectRequest{0, last_zxid_, options_.timeout_ms, session_, session_ == 0 ? no_password : password_},
                                out);
                   writer.u8(0);  // not read-only
                   writer.patch_u32(0, static_cast<std::uint32_t>(out.size() - 4));
                   connection_->write(std::move(out));
                 });
}

void Client::connect_later() {
  world_.after(std::chrono::milliseconds(random_.between(1, 80)), [this] { connect(); });
}

void Client::on_data(std::string_view octets) {
  input_ += octets;
  std::size_t at = 0;
  while (connection_ != nullptr && input_.size() - at >= 4) {
    base::Reader in(std::string_view(input_).substr(at));
    const std::uint32_t length = in.u32();
    if (length > (4U << 20)) {
      history_.faults.push_back(fmt::format("{} received a frame of {} octets", name_, length));
      return drop_connection();
    }
    if (in.remaining() < length) break;
    take_frame(in.octets(length));
    at += 4 + length;
  }
  input_.erase(0, std::min(at, input_.size()));
}

void Client::take_frame(std::string_view frame) {
  heard_ns_ = now_ns();
  if (!connected_) return take_connect_response(frame);
  base::Reader in(frame);
  const auto header = jute::decode<jute::ReplyHeader>(in);
  if (!header) {
    history_.faults.push_back(fmt::format("{} received a frame without a reply header", name_));
    return drop_connection();
  }
  ConnectionHistory& record = history_.connections[record_];
  Frame out{.zxid = header->zxid, .err = header->err};
  last_zxid_ = std::max(last_zxid_, header->zxid);
  if (header->xid == jute::xid::notification) {
    take_event(in.rest(), out);
    record.frames.push_back(std::move(out));
    return;
  }
  if (header->xid == jute::xid::auth) {
    if (header->err != 0) history_.faults.push_back(fmt::format("{} was refused its credentials", name_));
    return;
  }
  // Replies come in order; a ping may be answered out of it.
  auto answered = outstanding_.begin();
  if (header->xid == jute::xid::ping) {
    while (answered != outstanding_.end() && history_.requests[*answered].xid != jute::xid::ping) ++answered;
  } else {
    while (answered != outstanding_.end() && history_.requests[*answered].xid == jute::xid::ping) ++answered;
  }
  if (answered == outstanding_.end() || history_.requests[*answered].xid != header->xid) {
    history_.faults.push_back(fmt::format("session {:#x} received a reply with xid {}, {} was due", session_, header->xid,
                                          answered == outstanding_.end() ? 0 : history_.requests[*answered].xid));
    return drop_connection();
  }
  out.request = *answered;
  outstanding_.erase(answered);
  out.body = std::string(in.rest());
  record.frames.push_back(std::move(out));
  take_reply(record.frames.back());
}

void Client::take_connect_response(std::string_view frame) {
  const auto response = jute::decode<jute::ConnectResponse>(frame);
  if (!response) {
    history_.faults.push_back(fmt::format("{} received a connect response that cannot be read", name_));
    return drop_connection();
  }
  if (response->timeout_ms == 0) return expire();
  connected_ = true;
  if (session_ != 0 && response->session_id != session_) {
    history_.faults.push_back(fmt::format("session {:#x} was taken up as {:#x}", session_, response->session_id));
  }
  session_ = response->session_id;
  password_ = std::string(response->password.value_or(""));
  granted_timeout_ms_ = response->timeout_ms;
  history_.connections[record_].session = session_;
  SessionHistory& session = history_.sessions[session_];
  session.timeout_ms = granted_timeout_ms_;
  session.heard(sent_ns_);  // of the connect request
  std::string out;
  authenticate(out);
  arm_watches(out);
  if (!out.empty()) connection_->write(std::move(out));
  pump();
}

void Client::expire() {
  SessionHistory& session = history_.sessions[session_];
  if (session_ != 0 && session.refused_ns < 0) {
    session.refused_ns = now_ns();
  }
  if (session_ == 0) {
    history_.sessions.erase(0);
    history_.faults.push_back(fmt::format("{} was refused a new session", name_));
  }
  forget_session();
  drop_connection();
}

void Client::forget_session() {
  session_ = 0;
  password_.clear();
  last_zxid_ = 0;
  last_xid_ = 0;
  closing_ = false;
  data_watches_.clear();
  exist_watches_.clear();
  child_watches_.clear();
  persistent_watches_.clear();
  recursive_watches_.clear();
}

void Client::abandon() {
  if (session_ != 0) history_.sessions[session_].abandoned = true;
  forget_session();
  drop_connection();
}

void Client::drop_connection() {
  ++attempt_;
  connecting_ = false;
  connected_ = false;
  closing_ = false;
  outstanding_.clear();  // their fate is unknown
  if (connection_ != nullptr) {
    // Not destroyed here: this may be one of its own calls.
    std::shared_ptr<world::Connection> old = std::move(connection_);
    old->abort();
    world_.post([old] {});
  }
  if (!quiet_ || !asked_.empty() || session_ != 0) connect_later();
}

void Client::on_closed(const world::NetError&) {
  if (connection_ == nullptr) return;  // of one that was dropped
  drop_connection();
}

void Client::take_event(std::string_view frame, Frame& out) {
  base::Reader in(frame);
  const auto event = jute::decode<jute::WatcherEvent>(in);
  if (!event) {
    history_.faults.push_back(fmt::format("session {:#x} received an event that cannot be read", session_));
    return;
  }
  out.event_type = event->type;
  out.event_path = std::string(event->path);
  switch (static_cast<jute::EventType>(event->type)) {
    case jute::EventType::node_deleted:
      child_watches_.erase(out.event_path);
      [[fallthrough]];
    case jute::EventType::node_created:
    case jute::EventType::node_data_changed:
      data_watches_.erase(out.event_path);
      exist_watches_.erase(out.event_path);
      break;
    case jute::EventType::node_children_changed:
      child_watches_.erase(out.event_path);
      break;
    default:
      break;
  }
}

void Client::take_reply(Frame& frame) {
  Request& request = history_.requests[frame.request];
  request.answered_ns = now_ns();
  SessionHistory& session = history_.sessions[session_];
  // A session that is ending may still be answered: with its expiry, or a ping.
  if (frame.err != static_cast<std::int32_t>(ErrorCode::session_expired) && request.op.code != OpCode::ping) {
    session.heard(request.sent_ns);
  }
  track_watches(request, frame);
  if (frame.err == 0 && (request.op.code == OpCode::create || request.op.code == OpCode::create2)) {
    if (const auto path = jute::decode<jute::PathRecord>(frame.body)) workload_.learn(std::string(path->path));
  }
  if (is_register(request.op.path)) {
    if (const auto version = version_told(request.op, frame)) workload_.learn_version(request.op.path, *version);
  }
  const OpCode code = request.op.code;
  if (on_reply) on_reply(Request(request), Frame(frame));  // copies: it may ask for more
  if (code == OpCode::close_session) {
    forget_session();
    drop_connection();
    return;
  }
  if (!thinking_) think();
}

void Client::track_watches(const Request& request, const Frame& reply) {
  const Op& op = request.op;
  switch (op.code) {
    case OpCode::get_data:
      if (op.watch && reply.err == 0) data_watches_.insert(op.path);
      break;
    case OpCode::exists:
      if (op.watch) (reply.err == 0 ? data_watches_ : exist_watches_).insert(op.path);
      break;
    case OpCode::get_children:
    case OpCode::get_children2:
      if (op.watch && reply.err == 0) child_watches_.insert(op.path);
      break;
    case OpCode::add_watch:
      (op.flags == 0 ? persistent_watches_ : recursive_watches_).insert(op.path);
      break;
    case OpCode::remove_watches:
      if (reply.err != 0) break;
      if (op.flags != 1) {
        data_watches_.erase(op.path);
        exist_watches_.erase(op.path);
      }
      if (op.flags != 2) child_watches_.erase(op.path);
      if (op.flags == 3) {
        persistent_watches_.erase(op.path);
        recursive_watches_.erase(op.path);
      }
      break;
    default:
      break;
  }
}

void Client::authenticate(std::string& out) const {
  if (options_.credentials.empty()) return;
  const std::size_t start = out.size();
  base::Writer writer(out);
  writer.u32(0);
  jute::encode(jute::RequestHeader{jute::xid::auth, static_cast<std::int32_t>(OpCode::auth)}, out);
  jute::encode(jute::AuthRequest{0, "digest", options_.credentials}, out);
  writer.patch_u32(start, static_cast<std::uint32_t>(out.size() - start - 4));
}

void Client::arm_watches(std::string& out) {
  if (data_watches_.empty() && exist_watches_.empty() && child_watches_.empty() && persistent_watches_.empty() &&
      recursive_watches_.empty())
    return;
  Op op{.code = OpCode::set_watches2};
  op.relative_zxid = last_zxid_;
  op.data_watches.assign(data_watches_.begin(), data_watches_.end());
  op.exist_watches.assign(exist_watches_.begin(), exist_watches_.end());
  op.child_watches.assign(child_watches_.begin(), child_watches_.end());
  op.persistent_watches.assign(persistent_watches_.begin(), persistent_watches_.end());
  op.recursive_watches.assign(recursive_watches_.begin(), recursive_watches_.end());
  send(std::move(op), out);
}

void Client::send(Op op, std::string& out) {
  std::int32_t xid = 0;
  switch (op.code) {
    case OpCode::ping:
      xid = jute::xid::ping;
      break;
    case OpCode::set_watches2:
      xid = jute::xid::set_watches;
      break;
    default:
      xid = ++last_xid_;
      break;
  }
  encode(op, xid, out);
  sent_ns_ = now_ns();
  const std::size_t index = history_.requests.size();
  if (op.code == OpCode::close_session) closing_ = true;
  const bool ping = op.code == OpCode::ping;
  history_.requests.push_back({.op = std::move(op), .session = session_, .xid = xid, .connection = record_, .sent_ns = sent_ns_});
  if (!ping) history_.connections[record_].requests.push_back(index);
  outstanding_.push_back(index);
}

void Client::think() {
  thinking_ = true;
  const world::Duration time(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.think_max.count()) + 1)));
  world_.after(time, [this] {
    thinking_ = false;
    pump();
  });
}

void Client::pump() {
  if (!connected_ || closing_) return;
  std::string out;
  const std::size_t room = options_.outstanding_max - std::min(options_.outstanding_max, outstanding_.size());
  std::size_t count = quiet_ ? 0 : static_cast<std::size_t>(random_.below(room + 1));
  for (; !asked_.empty() && outstanding_.size() < 512; asked_.pop_front()) send(std::move(asked_.front()), out);
  for (; count > 0 && !closing_; --count) {
    if (random_.chance(options_.abandon_chance)) {
      if (!out.empty()) connection_->write(std::move(out));
      return abandon();
    }
    if (random_.chance(options_.move_chance)) {
      if (!out.empty()) connection_->write(std::move(out));
      return drop_connection();
    }
    send(random_.chance(options_.close_chance) ? Op{.code = OpCode::close_session} : workload_.next(number_, options_.write_chance), out);
  }
  if (!out.empty()) connection_->write(std::move(out));
  if (!quiet_ && !thinking_) think();
}

void Client::watch_over() {
  const std::int64_t timeout_ms = granted_timeout_ms_ == 0 ? options_.timeout_ms : granted_timeout_ms_;
  world_.after(std::chrono::milliseconds(timeout_ms / 6 + 1), [this, timeout_ms] {
    if (connection_ != nullptr) {
      const std::int64_t silence_ms = (now_ns() - heard_ns_) / 1'000'000;
      if (silence_ms > timeout_ms * 2 / 3) {
        drop_connection();
      } else if (connected_ && !closing_ && now_ns() - sent_ns_ > timeout_ms * 1'000'000 / 3) {
        std::string out;
        send({.code = OpCode::ping}, out);
        connection_->write(std::move(out));
      }
    }
    watch_over();
  });
}

std::string Client::describe() const {
  return fmt::format("{}: session {:#x}, {}, {} outstanding, {} to ask", name_, session_,
                     connected_               ? "connected"
                     : connection_ != nullptr ? "waiting for its session"
                                              : "not connected",
                     outstanding_.size(), asked_.size());
}

}  // namespace chorus::coord_sim
