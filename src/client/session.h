// The client's side of a ZooKeeper session as a machine without I/O: events in, decisions out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "client/error.h"
#include "client/watch.h"
#include "jute/records.h"
#include "world/world.h"

namespace chorus::client {

using world::Duration;
using world::Instant;

enum class State {
  connecting,           // no server answers at present; the session may live on
  connected,            //
  connected_read_only,  // to a server without quorum: reads only, and a writable one is looked for
  expired,              // the server has ended the session: for good, like the two below
  auth_failed,          // the server refused what addAuth sent
  closed,               // by us
};
std::string_view name_of(State state);
inline bool is_final(State state) { return state == State::expired || state == State::auth_failed || state == State::closed; }

/// What a session needs to be carried on by another process.
struct SessionId {
  std::int64_t id = 0;
  std::string password;
};

struct SessionOptions {
  std::vector<world::Address> servers;          // tried in shuffled order
  Duration timeout = std::chrono::seconds(10);  // asked for; the server may change it
  bool may_be_read_only = false;                // accept servers without quorum
  Duration request_timeout{0};                  // an answer that takes longer is a lost connection; 0: only silence for 2/3 of `timeout` is
  Duration queue_timeout{0};                    // a request waits no longer than this for a connection; 0: the session's time-out
  Duration backoff_min = std::chrono::milliseconds(100);  // after all servers failed once; doubles, with jitter
  Duration backoff_max = std::chrono::seconds(1);
  std::size_t request_octets_max = 0xfffff;  // jute.maxbuffer of the server: it breaks the connection beyond
  std::size_t reply_octets_max = 64 << 20;
  std::size_t pending_max = 100'000;  // requests without answer; more are refused with throttled_op
  std::optional<SessionId> resume;    // carry this session on
};

/// A request: `frame` holds `header_octets` unused octets, then the body.
struct Request {
  static constexpr std::size_t header_octets = 12;  // length, xid, type

  std::uint64_t id = 0;  // given back with the answer; 0: nobody wants it
  jute::OpCode op = jute::OpCode::ping;
  std::string frame;

  /// The watch that a positive answer (for `exist_or_data`, "no node" too) establishes, on the server's path. None without watcher.
  enum class Watch : std::uint8_t { data, exist_or_data, child, persistent, persistent_recursive };
  Watch watch = Watch::data;
  Watcher watcher;
  std::string path;

  /// The watches that a positive answer (any answer or its lack, when `local`) ends, on `path`.
  struct Unwatch {
    WatcherType type;
    Watcher watcher;  // null: all
    bool local;
  };
  std::optional<Unwatch> unwatch;
};

namespace event {
struct Start {};
struct Connected {};  // what the last Connect asked for
struct Lost {
  world::NetError why;
};  // it could not be had, or has broken
struct Received {
  std::string_view octets;
};  // borrowed until the actions have been carried out
struct Tick {};  // wake_at() is reached
struct Submit {
  Request request;
};
struct AddAuth {
  std::uint64_t id;
  std::string scheme, auth;
};
struct Close {};
struct Probed {
  world::Address server;
  bool writable;
};
}  // namespace event
using Event = std::variant<event::Start, event::Connected, event::Lost, event::Received, event::Tick, event::Submit, event::AddAuth,
                           event::Close, event::Probed>;

namespace action {
struct Connect {
  world::Address server;
  Duration timeout;
};  // replaces any earlier connection; answered by Connected or Lost
struct Disconnect {};  // drop it; no Lost follows
struct Send {
  std::string octets;
};
struct Complete {
  std::uint64_t id;
  Code code;
  std::int64_t zxid;
  std::string_view body;
};  // body: borrowed until the next step
struct Fire {
  FiredWatch watch;
};
struct Became {
  State state;
  std::string why;
};
struct Probe {
  world::Address server;
};  // ask it `isro`; answered by Probed unless it fails
}  // namespace action
using Action =
    std::variant<action::Connect, action::Disconnect, action::Send, action::Complete, action::Fire, action::Became, action::Probe>;

/// source: ClientCnxn, StaticHostProvider (what we do differently is in README.md)
class Session {
 public:
  Session(SessionOptions options, std::uint64_t seed);

  /// One event in, decisions appended to `out` in the order in which they must be carried out.
  void step(Instant now, Event event, std::vector<Action>& out);
  /// When the next Tick is due; may move either way with every step. Nothing: not before another event.
  std::optional<Instant> wake_at() const;

  State state() const { return state_; }
  const SessionId& id() const { return id_; }
  Duration negotiated_timeout() const { return timeout_; }
  std::int64_t last_zxid() const { return last_zxid_; }
  std::size_t failed_attempts() const { return phase_ == Phase::dialing || phase_ == Phase::handshaking ? attempts_ - 1 : attempts_; }
  /// Why the last connection or attempt ended, with the server's address; empty when none has.
  const std::string& last_failure() const { return last_failure_; }
  /// The server of the present connection, or the one tried last.
  const world::Address& server() const { return options_.servers[server_]; }
  const WatchRegistry& watches() const { return watches_; }
  std::size_t pending() const { return in_flight_.size() + queued_.size(); }

 private:
  enum class Phase { idle, waiting, dialing, handshaking, up, over };
  struct Pending {
    Request request;
    std::int32_t xid = 0;
    Instant since;
  };
  struct Auth {
    std::uint64_t id;  // 0 once answered
    std::string scheme, auth;
  };
  using Out = std::vector<Action>;

  void on(event::Start, Out& out);
  void on(event::Connected, Out& out);
  void on(event::Lost lost, Out& out);
  void on(event::Received received, Out& out);
  void on(event::Tick, Out& out);
  void on(event::Submit submit, Out& out);
  void on(event::AddAuth auth, Out& out);
  void on(event::Close, Out& out);
  void on(const event::Probed& probed, Out& out);

  void dial(Out& out);
  void dial_later();
  void lose(std::string why, bool disconnect, Out& out);
  void finish(State state, std::string why, Out& out);
  void become(State state, std::string why, Out& out);
  bool take_frames(Out& out);
  bool take_frame(std::string_view frame, Out& out);
  bool finish_handshake(std::string_view frame, Out& out);
  bool take_reply(const jute::ReplyHeader& header, std::string_view body, Out& out);
  void take_event(const jute::WatcherEvent& event, Out& out);
  void apply_watch_changes(Request& request, Code code, Out& out);
  void transmit(Pending pending, Out& out);
  void transmit_special(std::int32_t xid, jute::OpCode op, std::string frame, Out& out);
  void transmit_auth(const Auth& auth, Out& out);
  void fail(Pending& pending, Code code, Out& out);
  void fail_all(Code code, Out& out);
  bool is_up() const { return phase_ == Phase::up; }
  Duration queue_timeout() const { return options_.queue_timeout.count() > 0 ? options_.queue_timeout : timeout_; }

  SessionOptions options_;
  base::Random random_;
  Instant now_{};

  State state_ = State::connecting;
  Phase phase_ = Phase::idle;
  SessionId id_;
  Duration timeout_;
  bool was_writable_ = false;  // a session that a read-only server gave is of no worth elsewhere
  std::int64_t last_zxid_ = 0;
  std::string last_failure_;

  std::size_t server_ = 0;
  std::size_t attempts_ = 0;  // since a server last opened the session
  bool server_chosen_ = false;
  Instant dial_at_{};
  Instant deadline_{};  // dialing and handshaking: give this server up; closing: wait no longer
  Instant last_received_{};
  Instant last_sent_{};
  bool closing_ = false;

  std::string in_;         // octets of an incomplete frame
  std::size_t taken_ = 0;  // of in_, by frames whose bodies may still be borrowed
  std::int32_t next_xid_ = 1;
  std::deque<Pending> in_flight_;
  std::deque<Pending> queued_;  // until a connection is there
  std::vector<Auth> auths_;
  std::deque<std::size_t> auths_in_flight_;  // into auths_
  WatchRegistry watches_;

  std::size_t probe_next_ = 0;
  std::optional<Instant> probe_at_;
  Duration probe_delay_{};
};

}  // namespace chorus::client
