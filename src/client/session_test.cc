// The session machine event by event: what goes in and what comes out, as text.
#include "client/session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace chorus::client {
namespace {

using namespace std::chrono_literals;
using jute::OpCode;

std::string framed(std::string_view body) {
  std::string out;
  base::Writer writer(out);
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.octets(body);
  return out;
}
std::string reply(std::int32_t xid, std::int64_t zxid, Code code = Code::ok, std::string_view body = {}) {
  return framed(jute::encode(jute::ReplyHeader{xid, zxid, static_cast<std::int32_t>(code)}) + std::string(body));
}
std::string fires(EventType type, std::string_view path, std::int64_t zxid = -1) {
  return reply(jute::xid::notification, zxid, Code::ok, jute::encode(jute::WatcherEvent{static_cast<std::int32_t>(type), 3, path}));
}
std::string accepts(std::int64_t session = 0x77, std::int32_t timeout_ms = 9000, bool read_only = false) {
  std::string body = jute::encode(jute::ConnectResponse{0, timeout_ms, session, std::string_view("0123456789abcdef")});
  body.push_back(read_only ? 1 : 0);
  return framed(body);
}

/// A session, its clock and a reader of its decisions.
struct Subject {
  explicit Subject(SessionOptions options) : session(std::move(options), 1) {}
  static Subject with(std::size_t servers, Duration timeout = 9s) {
    SessionOptions options;
    for (std::size_t i = 0; i < servers; ++i) options.servers.push_back({"s", static_cast<std::uint16_t>(i + 1)});
    options.timeout = timeout;
    return Subject(std::move(options));
  }

  std::string step(Event event) {
    std::vector<Action> actions;
    if (std::holds_alternative<event::Connected>(event)) handshake = true;
    session.step(now, std::move(event), actions);
    std::string out;
    for (const Action& action : actions) out += (out.empty() ? "" : "; ") + show(action);
    return out;
  }
  std::string receive(std::string_view octets) { return step(event::Received{octets}); }
  std::string lose(std::string_view why = "gone") { return step(event::Lost{{world::NetErrc::reset, std::string(why)}}); }
  /// Goes to the next moment at which the machine wants to be woken.
  std::string wake() {
    const auto at = session.wake_at();
    if (!at) return "sleeps";
    now = std::max(now, *at);
    return step(event::Tick{});
  }
  /// Until a connection is asked for.
  std::string redial() {
    std::string last = wake();
    for (int i = 0; i < 20 && last.find("connect s:") == std::string::npos; ++i) last = wake();
    return last;
  }
  std::string submit(std::uint64_t id, OpCode op, std::string_view path, Watcher watcher = {}, Request::Watch kind = Request::Watch::data) {
    Request request;
    request.id = id;
    request.op = op;
    request.frame.assign(Request::header_octets, '\0');
    jute::encode(jute::PathWatchRequest{path, watcher != nullptr}, request.frame);
    request.path = path;
    request.watcher = std::move(watcher);
    request.watch = kind;
    return step(event::Submit{std::move(request)});
  }
  std::string unwatch(std::uint64_t id, std::string_view path, WatcherType type, Watcher watcher, bool local) {
    Request request;
    request.id = id;
    request.op = OpCode::remove_watches;
    request.frame.assign(Request::header_octets, '\0');
    request.path = path;
    request.unwatch = Request::Unwatch{type, std::move(watcher), local};
    return step(event::Submit{std::move(request)});
  }
  /// Started, and its session open with id 0x77.
  void open(bool read_only = false) {
    step(event::Start{});
    step(event::Connected{});
    receive(accepts(0x77, 9000, read_only));
  }

  std::string show(const Action& action) {
    if (const auto* connect = std::get_if<action::Connect>(&action)) return "connect " + world::to_string(connect->server);
    if (std::get_if<action::Disconnect>(&action)) return "disconnect";
    if (const auto* became = std::get_if<action::Became>(&action)) return fmt::format("became {}", name_of(became->state));
    if (const auto* probe = std::get_if<action::Probe>(&action)) return "probe " + world::to_string(probe->server);
    if (const auto* fire = std::get_if<action::Fire>(&action)) {
      return fmt::format("fire {} {} to {}", static_cast<int>(fire->watch.event.type), fire->watch.event.path, fire->watch.watchers.size());
    }
    if (const auto* complete = std::get_if<action::Complete>(&action)) {
      ++completions[complete->id];
      codes[complete->id] = complete->code;
      return fmt::format("complete {} {}{}", complete->id, jute::name_of(complete->code),
                         complete->body.empty() ? "" : " " + base::hex(complete->body));
    }
    base::Reader in(std::get<action::Send>(action).octets);
    EXPECT_EQ(in.i32(), static_cast<std::int32_t>(in.remaining()));
    if (std::exchange(handshake, false)) {
      const auto request = jute::decode<jute::ConnectRequest>(in);
      return fmt::format("send hello session={:x} zxid={} timeout={} ro={} password={}", request->session_id, request->last_zxid_seen,
                         request->timeout_ms, in.u8(), request->password->front() == 0 ? "none" : *request->password);
    }
    const auto header = jute::decode<jute::RequestHeader>(in);
    std::string body;
    const auto list = [&](const char* what, const std::vector<std::string_view>& paths) {
      for (const auto path : paths) body += fmt::format(" {}:{}", what, path);
    };
    if (OpCode{header->type} == OpCode::set_watches2) {
      const auto watches = jute::decode<jute::SetWatches2Request>(in);
      body = fmt::format(" since {}", watches->relative_zxid);
      list("data", watches->data), list("exist", watches->exist), list("child", watches->child);
      list("persistent", watches->persistent), list("recursive", watches->persistent_recursive);
    } else if (OpCode{header->type} == OpCode::set_watches) {
      const auto watches = jute::decode<jute::SetWatchesRequest>(in);
      body = fmt::format(" since {}", watches->relative_zxid);
      list("data", watches->data), list("exist", watches->exist), list("child", watches->child);
    } else if (OpCode{header->type} == OpCode::auth) {
      const auto auth = jute::decode<jute::AuthRequest>(in);
      body = fmt::format(" {}:{}", auth->scheme, *auth->auth);
    }
    return fmt::format("send {} {}{}", header->xid, jute::name_of(OpCode{header->type}), body);
  }

  Session session;
  Instant now{1h};
  bool handshake = false;
  std::map<std::uint64_t, int> completions;
  std::map<std::uint64_t, Code> codes;
};

const Watcher some_watcher = make_watcher([](const WatchEvent&) {});

TEST(Session, OpensPipelinesAndCloses) {
  auto s = Subject::with(1);
  EXPECT_EQ(s.submit(1, OpCode::get_data, "/early"), "");
  EXPECT_EQ(s.step(event::Start{}), "connect s:1");
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=0 zxid=0 timeout=9000 ro=0 password=none");
  EXPECT_EQ(s.receive(accepts()), "became connected; send 1 getData");
  EXPECT_EQ(s.session.id().id, 0x77);
  EXPECT_EQ(s.session.id().password, "0123456789abcdef");
  EXPECT_EQ(s.submit(2, OpCode::exists, "/a"), "send 2 exists");
  EXPECT_EQ(s.submit(3, OpCode::sync, "/a"), "send 3 sync");
  EXPECT_EQ(s.receive(reply(1, 5, Code::ok, "\x01\x02") + reply(2, 6, Code::no_node)), "complete 1 OK 0102; complete 2 NONODE");
  EXPECT_EQ(s.session.last_zxid(), 6);
  EXPECT_EQ(s.step(event::Close{}), "send 4 closeSession");
  EXPECT_EQ(s.submit(4, OpCode::exists, "/a"), "complete 4 SESSIONEXPIRED");
  EXPECT_EQ(s.receive(reply(3, 7)), "complete 3 OK");
  EXPECT_EQ(s.receive(reply(4, 8)), "disconnect; became closed");
  EXPECT_EQ(s.wake(), "sleeps");
  EXPECT_EQ(s.submit(5, OpCode::exists, "/a"), "complete 5 SESSIONEXPIRED");
}

TEST(Session, TakesOctetsInAnyPieces) {
  const std::string octets = accepts() + reply(1, 5, Code::ok, "xyz") + fires(EventType::node_deleted, "/a") + reply(2, 6);
  for (std::size_t piece = 1; piece < octets.size(); ++piece) {
    auto s = Subject::with(1);
    s.submit(1, OpCode::get_data, "/a", some_watcher);
    s.submit(2, OpCode::get_data, "/b");
    s.step(event::Start{});
    s.step(event::Connected{});
    std::string all;
    for (std::size_t at = 0; at < octets.size(); at += piece) {
      const std::string some = s.receive(std::string_view(octets).substr(at, piece));
      if (!some.empty()) all += (all.empty() ? "" : "; ") + some;
    }
    EXPECT_EQ(all, "became connected; send 1 getData; send 2 getData; complete 1 OK 78797a; fire 2 /a to 1; complete 2 OK") << piece;
  }
}

TEST(Session, WhatWasSentFailsAndTheRestWaits) {
  auto s = Subject::with(2);
  s.open();
  s.submit(1, OpCode::set_data, "/a");
  s.receive(reply(1, 40));
  s.submit(2, OpCode::set_data, "/a");
  s.submit(3, OpCode::set_data, "/a");
  EXPECT_EQ(s.lose(), "complete 2 CONNECTIONLOSS; complete 3 CONNECTIONLOSS; became connecting");
  EXPECT_EQ(s.session.last_failure().substr(3), ": gone");
  EXPECT_EQ(s.submit(4, OpCode::set_data, "/a"), "");
  EXPECT_EQ(s.redial(), "connect " + world::to_string(s.session.server()));
  EXPECT_LE(s.now, Instant{1h} + 50ms);
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=77 zxid=40 timeout=9000 ro=0 password=0123456789abcdef");
  EXPECT_EQ(s.receive(accepts()), "became connected; send 4 setData");
}

TEST(Session, WatchesAndAuthenticationAreSetAgain) {
  auto s = Subject::with(1);
  s.open();
  EXPECT_EQ(s.step(event::AddAuth{9, "digest", "u:p"}), "send -4 auth digest:u:p");
  EXPECT_EQ(s.receive(reply(jute::xid::auth, 0)), "complete 9 OK");
  s.submit(1, OpCode::get_data, "/d", some_watcher);
  s.submit(2, OpCode::exists, "/e", some_watcher, Request::Watch::exist_or_data);
  s.submit(3, OpCode::get_children2, "/c", some_watcher, Request::Watch::child);
  s.submit(4, OpCode::get_data, "/none", some_watcher);
  s.receive(reply(1, 3) + reply(2, 4, Code::no_node) + reply(3, 5) + reply(4, 6, Code::no_node));
  s.lose();
  s.redial();
  s.step(event::Connected{});
  EXPECT_EQ(s.receive(accepts()), "send -4 auth digest:u:p; send -8 setWatches since 6 data:/d exist:/e child:/c; became connected");
  EXPECT_EQ(s.receive(reply(jute::xid::auth, 0) + fires(EventType::node_created, "/e") + reply(jute::xid::set_watches, 9)),
            "fire 1 /e to 1");
  s.submit(5, OpCode::add_watch, "/p", some_watcher, Request::Watch::persistent);
  s.submit(6, OpCode::add_watch, "/r", some_watcher, Request::Watch::persistent_recursive);
  s.receive(reply(5, 9) + reply(6, 9));
  EXPECT_EQ(s.receive(fires(EventType::node_data_changed, "/r/x/y")), "fire 3 /r/x/y to 1");
  EXPECT_EQ(s.receive(fires(EventType::node_children_changed, "/p")), "fire 4 /p to 1");
  s.lose();
  s.redial();
  s.step(event::Connected{});
  EXPECT_EQ(s.receive(accepts()),
            "send -4 auth digest:u:p; send -8 setWatches2 since 9 data:/d child:/c persistent:/p recursive:/r; became connected");
}

TEST(Session, AuthWaitsForAnAnswerOverConnections) {
  auto s = Subject::with(1);
  s.open();
  s.step(event::AddAuth{9, "digest", "u:p"});
  EXPECT_EQ(s.lose(), "became connecting");
  s.redial();
  s.step(event::Connected{});
  EXPECT_EQ(s.receive(accepts()), "send -4 auth digest:u:p; became connected");
  s.submit(1, OpCode::sync, "/");
  EXPECT_EQ(s.receive(reply(jute::xid::auth, 0, Code::auth_failed)),
            "disconnect; complete 1 AUTHFAILED; complete 9 AUTHFAILED; became authentication failed");
  EXPECT_EQ(s.submit(2, OpCode::sync, "/"), "complete 2 AUTHFAILED");
}

TEST(Session, ExpiryEndsEverything) {
  auto s = Subject::with(1);
  s.open();
  s.submit(1, OpCode::get_data, "/d", some_watcher);
  s.receive(reply(1, 3));
  s.lose();
  s.submit(2, OpCode::sync, "/");
  s.redial();
  s.step(event::Connected{});
  EXPECT_EQ(s.receive(accepts(0, 0)), "disconnect; complete 2 SESSIONEXPIRED; fire -1  to 1; became expired");
  EXPECT_EQ(s.wake(), "sleeps");
}

TEST(Session, PingsAfterAThirdAndGivesUpAfterTwo) {
  auto s = Subject::with(1);
  s.open();
  EXPECT_EQ(s.wake(), "send -2 ping");
  EXPECT_EQ(s.now, Instant{1h} + 3s);
  EXPECT_EQ(s.wake(), "disconnect; became connecting");
  EXPECT_EQ(s.now, Instant{1h} + 6s);
}

TEST(Session, ServersAreTriedInTurnWithPausesBetweenRounds) {
  auto s = Subject::with(3);
  std::string order = s.step(event::Start{});
  std::vector<Duration> pauses;
  for (int i = 0; i < 11; ++i) {
    s.lose("refused");
    const Instant before = s.now;
    order += " " + s.redial();
    pauses.push_back(s.now - before);
  }
  const std::string round = order.substr(0, 36 - 1);
  EXPECT_EQ(order, round + " " + round + " " + round + " " + round);
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    const bool new_round = (i + 1) % 3 == 0;
    const Duration most = new_round ? std::min<Duration>(1s, 100ms * (1 << ((i + 1) / 3 - 1))) : 0ms;
    EXPECT_LE(pauses[i], most) << i;
    EXPECT_GE(pauses[i], most / 2) << i;
  }
  EXPECT_EQ(s.session.failed_attempts(), 11u);
  EXPECT_EQ(s.session.state(), State::connecting);
}

TEST(Session, AServerThatSwallowsEverythingIsLeft) {
  auto s = Subject::with(3);
  s.step(event::Start{});
  EXPECT_EQ(s.wake(), "disconnect; became connecting");  // a third of the time-out
  EXPECT_EQ(s.now, Instant{1h} + 3s);
  s.redial();
  s.step(event::Connected{});
  EXPECT_EQ(s.wake(), "disconnect; became connecting");
  EXPECT_EQ(s.now, Instant{1h} + 6s);
}

TEST(Session, AWaitingRequestFailsAfterTheTimeOut) {
  auto s = Subject::with(1);
  s.submit(1, OpCode::sync, "/");
  s.step(event::Start{});
  while (s.completions.empty() && s.now < Instant{2h}) {
    if (s.wake().find("connect s") != std::string::npos) s.lose();
  }
  EXPECT_EQ(s.codes[1], Code::connection_loss);
  EXPECT_EQ(s.now, Instant{1h} + 9s);
}

TEST(Session, ASlowAnswerCanBeALostConnection) {
  SessionOptions options;
  options.servers = {{"s", 1}};
  options.timeout = 9s;
  options.request_timeout = 1s;
  Subject s(std::move(options));
  s.open();
  s.submit(1, OpCode::sync, "/");
  EXPECT_EQ(s.wake(), "disconnect; complete 1 CONNECTIONLOSS; became connecting");
  EXPECT_EQ(s.now, Instant{1h} + 1s);
}

TEST(Session, ReadOnlyServersAreLeftForAWritableOne) {
  SessionOptions options;
  options.servers = {{"s", 1}, {"s", 2}};
  options.timeout = 9s;
  options.may_be_read_only = true;
  Subject s(std::move(options));
  s.step(event::Start{});
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=0 zxid=0 timeout=9000 ro=1 password=none");
  EXPECT_EQ(s.receive(accepts(0x55, 9000, true)), "became connected, read-only");
  const world::Address here = s.session.server();
  const world::Address other{"s", static_cast<std::uint16_t>(3 - here.port)};
  EXPECT_EQ(s.wake(), "probe " + world::to_string(other));
  EXPECT_EQ(s.now, Instant{1h} + 100ms);
  EXPECT_EQ(s.step(event::Probed{other, false}), "");
  EXPECT_EQ(s.wake(), "probe " + world::to_string(here));
  EXPECT_EQ(s.step(event::Probed{other, true}), "disconnect; became connecting");
  EXPECT_EQ(s.redial(), "connect " + world::to_string(other));
  // What a read-only server has made up is of no worth elsewhere.
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=0 zxid=0 timeout=9000 ro=1 password=none");
  EXPECT_EQ(s.receive(accepts(0x77, 9000, false)), "became connected");
  s.lose();
  s.redial();
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=77 zxid=0 timeout=9000 ro=1 password=0123456789abcdef");
}

TEST(Session, CarriesOnAnEarlierSession) {
  SessionOptions options;
  options.servers = {{"s", 1}};
  options.resume = SessionId{0x99, "pppppppppppppppp"};
  Subject s(std::move(options));
  s.step(event::Start{});
  EXPECT_EQ(s.step(event::Connected{}), "send hello session=99 zxid=0 timeout=10000 ro=0 password=pppppppppppppppp");
}

TEST(Session, RemovesWatches) {
  auto s = Subject::with(1);
  s.open();
  const Watcher other = make_watcher([](const WatchEvent&) {});
  s.submit(1, OpCode::get_data, "/a", some_watcher);
  s.submit(2, OpCode::get_data, "/a", other);
  s.receive(reply(1, 1) + reply(2, 1));
  EXPECT_EQ(s.unwatch(3, "/b", WatcherType::any, nullptr, true), "complete 3 NOWATCHER");
  EXPECT_EQ(s.unwatch(3, "/a", WatcherType::children, nullptr, false), "complete 3 NOWATCHER");
  EXPECT_EQ(s.unwatch(4, "/a", WatcherType::data, other, false), "send 3 checkWatches");  // some_watcher needs the server's
  EXPECT_EQ(s.receive(reply(3, 1)), "fire 5 /a to 1; complete 4 OK");
  EXPECT_EQ(s.unwatch(5, "/a", WatcherType::any, some_watcher, false), "send 4 removeWatches");
  EXPECT_EQ(s.receive(reply(4, 1, Code::no_watcher)), "complete 5 NOWATCHER");
  EXPECT_EQ(s.unwatch(6, "/a", WatcherType::any, nullptr, true), "send 5 removeWatches");
  EXPECT_EQ(s.lose(), "fire 5 /a to 1; complete 6 OK; became connecting");
  EXPECT_TRUE(s.session.watches().empty());
}

TEST(Session, RefusesWhatCannotGoThrough) {
  SessionOptions options;
  options.servers = {{"s", 1}};
  options.pending_max = 2;
  options.request_octets_max = 100;
  Subject s(std::move(options));
  s.open();
  EXPECT_EQ(s.submit(1, OpCode::get_data, std::string(100, 'x')), "complete 1 BADARGUMENTS");
  s.submit(2, OpCode::sync, "/");
  s.submit(3, OpCode::sync, "/");
  EXPECT_EQ(s.submit(4, OpCode::sync, "/"), "complete 4 THROTTLEDOP");
}

TEST(Session, StrangersAreHungUpOn) {
  const struct {
    const char* name;
    std::string octets;
  } cases[] = {
      {"text", "HTTP/1.1 400 Bad Request\r\n"},
      {"negative length", std::string("\xff\xff\xff\xff", 4)},
      {"short reply", framed("abc")},
      {"an answer that nothing asked for", reply(7, 1)},
      {"answers out of order", reply(2, 1)},
      {"short event", reply(jute::xid::notification, 1, Code::ok, "ab")},
      {"authentication that nothing asked for", reply(jute::xid::auth, 0)},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto s = Subject::with(1);
    s.open();
    s.submit(1, OpCode::sync, "/");
    s.submit(2, OpCode::sync, "/");
    EXPECT_EQ(s.receive(c.octets), "disconnect; complete 1 CONNECTIONLOSS; complete 2 CONNECTIONLOSS; became connecting");
  }
  auto s = Subject::with(1);
  s.step(event::Start{});
  s.step(event::Connected{});
  EXPECT_EQ(s.receive(framed("short")), "disconnect; became connecting");
}

TEST(Session, ClosesWithoutAServer) {
  for (int stage = 0; stage < 4; ++stage) {
    SCOPED_TRACE(stage);
    auto s = Subject::with(1);
    s.submit(1, OpCode::sync, "/");
    if (stage >= 1) s.step(event::Start{});
    if (stage == 2) s.step(event::Connected{});
    if (stage == 3) s.lose();
    EXPECT_EQ(s.step(event::Close{}),
              std::string(stage == 1 || stage == 2 ? "disconnect; " : "") + "complete 1 CONNECTIONLOSS; became closed");
    EXPECT_EQ(s.wake(), "sleeps");
  }
  auto s = Subject::with(1);
  s.open();
  s.step(event::Close{});
  EXPECT_EQ(s.lose(), "became closed");
}

// One exchange, its server's octets cut off after every single one: each request is answered once, with success exactly when its whole
// answer came, and the next connection begins where this one ended.
TEST(Session, AnyCutLeavesEveryRequestAnsweredOnce) {
  const std::string answers = accepts() + reply(jute::xid::auth, 0) + reply(1, 10) + fires(EventType::node_data_changed, "/w") +
                              reply(2, 11, Code::no_node) + reply(3, 12, Code::ok, "abc");
  std::size_t full[] = {0, 0, 0};
  full[2] = answers.size();
  full[1] = full[2] - reply(3, 12, Code::ok, "abc").size();
  full[0] = full[1] - reply(2, 11, Code::no_node).size() - fires(EventType::node_data_changed, "/w").size();
  for (std::size_t cut = 0; cut <= answers.size(); ++cut) {
    SCOPED_TRACE(cut);
    auto s = Subject::with(2);
    s.step(event::AddAuth{100, "digest", "u:p"});
    s.submit(1, OpCode::get_data, "/w", some_watcher);
    s.submit(2, OpCode::exists, "/e", some_watcher, Request::Watch::exist_or_data);
    s.submit(3, OpCode::get_children2, "/c", some_watcher, Request::Watch::child);
    s.step(event::Start{});
    s.step(event::Connected{});
    s.receive(std::string_view(answers).substr(0, cut));
    s.lose();
    const bool opened = cut >= accepts().size();
    for (std::uint64_t id = 1; id <= 3; ++id) {
      EXPECT_EQ(s.completions[id], opened ? 1 : 0) << id;
      if (opened) EXPECT_EQ(s.codes[id] == Code::connection_loss, cut < full[id - 1]) << id;
    }
    EXPECT_EQ(s.session.last_zxid(), cut >= full[2] ? 12 : cut >= full[1] ? 11 : cut >= full[0] ? 10 : 0);
    s.redial();
    s.step(event::Connected{});
    const std::string again = s.receive(accepts());
    EXPECT_TRUE(again.starts_with("send -4 auth digest:u:p; ")) << again;
    EXPECT_EQ(again.find("exist:/e") != std::string::npos, cut >= full[1]) << again;
    EXPECT_EQ(again.find("child:/c") != std::string::npos, cut >= full[2]) << again;
    s.step(event::Close{});
    s.lose();
    for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_EQ(s.completions[id], 1) << id;
    EXPECT_EQ(s.completions[100], 1);
  }
}

}  // namespace
}  // namespace chorus::client
