// A server for tests, event by event: the test is its clients, its disk and its clock.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coord/server.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::EventType;
using jute::OpCode;
using std::chrono::seconds;

inline const std::vector<jute::Acl> open_acl = {{jute::perms::all, {"world", "anyone"}}};

struct Reply {
  std::int32_t xid;
  std::int64_t zxid;
  ErrorCode error;
  std::string body;
};

// What clients say, and how to read what they are told.
class ClientTest : public testing::Test {
 protected:
  static std::string frame(const std::string& body) {
    std::string out;
    base::Writer writer(out);
    writer.u32(static_cast<std::uint32_t>(body.size()));
    return out + body;
  }
  template <jute::Record Record>
  static std::string request(std::int32_t xid, OpCode type, const Record& record) {
    return frame(jute::encode(jute::RequestHeader{xid, static_cast<std::int32_t>(type)}) + jute::encode(record));
  }
  static std::string request(std::int32_t xid, OpCode type) {
    return frame(jute::encode(jute::RequestHeader{xid, static_cast<std::int32_t>(type)}));
  }
  static std::string create(std::int32_t xid, std::string_view path, std::int32_t flags = 0) {
    return request(xid, OpCode::create, jute::CreateRequest{path, "x", open_acl, flags});
  }
  static std::string exists(std::int32_t xid, std::string_view path, bool watch = false) {
    return request(xid, OpCode::exists, jute::PathWatchRequest{path, watch});
  }
  static std::string connect_frame(std::int64_t session = 0, std::string password = std::string(16, '\0'), std::int32_t timeout_ms = 10'000,
                                   std::int64_t seen = 0) {
    return frame(jute::encode(jute::ConnectRequest{0, seen, timeout_ms, session, password}) + '\0');
  }
  // Takes the answer to a connect request off the front.
  static jute::ConnectResponse cut_connect(std::string& sent, std::string& password) {
    base::Reader in(sent);
    const std::uint32_t length = in.u32();
    auto response = jute::decode<jute::ConnectResponse>(in).value_or(jute::ConnectResponse{.session_id = -1});
    password = std::string(response.password.value_or(""));
    response.password.reset();
    sent.erase(0, length + 4);
    return response;
  }
  static std::vector<Reply> cut_replies(std::string& sent) {
    std::vector<Reply> replies;
    base::Reader in(sent);
    while (in.remaining() > 0) {
      base::Reader one(in.octets(in.u32()));
      const auto header = *jute::decode<jute::ReplyHeader>(one);
      replies.push_back({header.xid, header.zxid, static_cast<ErrorCode>(header.err), std::string(one.rest())});
    }
    sent.clear();
    return replies;
  }
  static std::string show(const std::vector<Reply>& replies) {
    std::string text;
    for (const Reply& reply : replies) {
      if (!text.empty()) text += ' ';
      if (reply.xid == -1) {
        const auto event = *jute::decode<jute::WatcherEvent>(reply.body);
        text += fmt::format("{}({})@{}", jute::name_of(static_cast<EventType>(event.type)), event.path, reply.zxid);
      } else {
        text += fmt::format("{}:{}@{}", reply.xid, jute::name_of(reply.error), reply.zxid);
      }
    }
    return text;
  }
};

class ServerTest : public ClientTest {
 protected:
  explicit ServerTest(const Options& options = {}, std::unique_ptr<Database> database = std::make_unique<Database>(true),
                      const Serve& serve = {})
      : server_(options, std::move(database), now_, 1, serve) {}

  void step(decltype(Event::what) what) {
    std::vector<Action> actions;
    server_.step({now_, wall_, std::move(what)}, actions);
    for (Action& action : actions) {
      if (auto* send = std::get_if<Send>(&action)) {
        sent_[send->connection] += send->octets;
      } else if (auto* close = std::get_if<Close>(&action)) {
        closed_.insert(close->connection);
      } else if (auto* persist = std::get_if<Persist>(&action)) {
        disk_.push_back(std::move(*persist));
      } else if (auto* pause = std::get_if<Pause>(&action)) {
        paused_.insert(pause->connection);
      } else if (auto* resume = std::get_if<Resume>(&action)) {
        paused_.erase(resume->connection);
      } else if (auto* word = std::get_if<AnswerWord>(&action)) {
        words_.push_back(word->word);
      }
    }
  }
  // The disk has done what it was given, and what came of that.
  void sync() {
    while (!disk_.empty()) sync_one();
  }
  void sync_one() {
    Persist group = std::move(disk_.front());
    disk_.pop_front();
    step(Persisted{std::move(group.group)});
  }
  ConnectionId accept(const std::string& host = "127.0.0.1") {
    const ConnectionId id(++last_);
    step(Accepted{id, {host, 40000}, false, {}});
    return id;
  }
  // Connects and takes the answer off.
  ConnectionId open(std::int64_t session = 0, const std::string& password = std::string(16, '\0')) {
    const ConnectionId id = accept();
    step(Received{id, connect_frame(session, password)});
    sync();
    const auto response = take_connect(id);
    session_ = response.session_id;
    return id;
  }
  jute::ConnectResponse take_connect(ConnectionId id) { return cut_connect(sent_[id], password_); }
  std::vector<Reply> take(ConnectionId id) { return cut_replies(sent_[id]); }
  void pass(world::Duration time) {
    for (world::Duration done{0}; done < time; done += milliseconds(500)) {
      now_ += milliseconds(500);
      wall_ += milliseconds(500);
      step(Tick{});
      sync();
    }
  }

  world::Instant now_{seconds(1000)};
  world::WallTime wall_{milliseconds(1'700'000'000'000)};
  Server server_;
  std::uint64_t last_ = 0;
  std::map<ConnectionId, std::string> sent_;
  std::set<ConnectionId> closed_, paused_;
  std::vector<std::string> words_;
  std::deque<Persist> disk_;  // on their way
  std::int64_t session_ = 0;
  std::string password_;
};

}  // namespace chorus::coord
