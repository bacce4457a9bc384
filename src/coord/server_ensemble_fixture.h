// Three servers for tests, joined by the least that orders transactions: what the leader proposes is committed when the test says so, and
// reaches each learner when the test says so.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "coord/server_fixture.h"
#include "zab/packet.h"

namespace chorus::coord {

class EnsembleTest : public ClientTest {
 protected:
  static constexpr int leader = 3;
  static constexpr std::int64_t epoch_zxid = std::int64_t{1} << 32;

  struct Member {
    std::unique_ptr<Server> server;
    std::deque<decltype(Event::what)> inbox;  // what the link from the leader still carries
    bool held = false;                        // it stays there
    std::map<ConnectionId, std::string> sent;
    std::set<ConnectionId> closed;
    std::vector<SessionEnded> ended;
    std::vector<std::string> refused_links;
    std::vector<CannotApply> cannot_apply;
  };

  explicit EnsembleTest(const EnsembleOptions& ensemble = {}, std::int64_t zxid = epoch_zxid,
                        const std::optional<zab::EnsembleConfig>& config = {}) {
    for (int id : {1, 2, leader}) {
      Options options;
      options.server_id = id;
      options.ensemble = ensemble;
      options.super_digest = digest_of("super:secret");
      const Serve serve{.role = id == leader ? Serve::Role::leader : Serve::Role::learner, .zxid = zxid, .config = config};
      member(id).server = std::make_unique<Server>(options, std::make_unique<Database>(true), now_, 1, serve);
    }
  }

  Member& member(int id) { return members_[static_cast<std::size_t>(id - 1)]; }
  Server& server(int id) { return *member(id).server; }
  static zab::LinkId link_of(int id) { return zab::LinkId(static_cast<std::uint64_t>(id)); }
  static int member_of(zab::LinkId link) { return static_cast<int>(link.value); }

  void step(int id, decltype(Event::what) what) {
    std::vector<Action> actions;
    server(id).step({now_, wall_, std::move(what)}, actions);
    for (Action& action : actions) perform(id, action);
  }
  void perform(int id, Action& action) {
    Member& at = member(id);
    if (auto* send = std::get_if<Send>(&action)) at.sent[send->connection] += send->octets;
    if (auto* close = std::get_if<Close>(&action)) at.closed.insert(close->connection);
    if (auto* ended = std::get_if<SessionEnded>(&action)) at.ended.push_back(*ended);
    if (auto* refused = std::get_if<RefusedLink>(&action)) at.refused_links.push_back(refused->why);
    if (auto* cannot = std::get_if<CannotApply>(&action)) at.cannot_apply.push_back(*cannot);
    if (auto* propose = std::get_if<Propose>(&action)) proposals_.push_back(std::move(propose->txn));
    if (auto* packet = std::get_if<ToLeader>(&action)) to_leader_.push_back({link_of(id), std::move(packet->packet)});
    if (auto* packet = std::get_if<ToLearner>(&action)) {
      if (packet->after > committed_) {
        to_learners_.push_back(std::move(*packet));
      } else {
        member(member_of(packet->link)).inbox.push_back(FromLeader{std::move(packet->packet)});
      }
    }
    EXPECT_FALSE(std::holds_alternative<Persist>(action));
  }

  // A quorum has the oldest proposal.
  void commit_one() {
    const zab::Txn txn = proposals_.front();
    proposals_.pop_front();
    for (int id : {1, 2}) member(id).inbox.push_back(Committed{txn});
    committed_ = txn.zxid;
    for (; !to_learners_.empty() && to_learners_.front().after <= committed_; to_learners_.pop_front()) {
      member(member_of(to_learners_.front().link)).inbox.push_back(FromLeader{std::move(to_learners_.front().packet)});
    }
    step(leader, Committed{txn});
  }
  void hand_requests_over() {
    while (!to_leader_.empty()) {
      FromLearner packet = std::move(to_leader_.front());
      to_leader_.pop_front();
      step(leader, std::move(packet));
    }
  }
  void deliver(int id) {
    while (!member(id).inbox.empty()) {
      auto what = std::move(member(id).inbox.front());
      member(id).inbox.pop_front();
      step(id, std::move(what));
    }
  }
  // Everything that is on its way arrives, but for what is held.
  void settle() {
    for (;;) {
      hand_requests_over();
      while (!proposals_.empty() && !proposals_held_) commit_one();
      for (int id : {1, 2}) {
        if (!member(id).held) deliver(id);
      }
      const bool idle = to_leader_.empty() && (proposals_held_ || proposals_.empty());
      if (idle) return;
    }
  }
  void ping() {
    for (int id : {1, 2}) member(id).inbox.push_back(FromLeader{zab::make_packet(zab::PacketType::ping, epoch_zxid)});
    settle();
  }
  // A PING every second tick, as the leader sends.
  void pass(world::Duration time) {
    for (world::Duration done{0}; done < time; done += milliseconds(500)) {
      now_ += milliseconds(500);
      wall_ += milliseconds(500);
      for (int id : {1, 2, leader}) step(id, Tick{});
      ping();
    }
  }

  ConnectionId accept(int id) {
    const ConnectionId connection(++last_);
    step(id, Accepted{connection, {"127.0.0.1", 40000}, false, {}});
    return connection;
  }
  ConnectionId open(int id, std::int64_t session = 0, const std::string& password = std::string(16, '\0'), std::int64_t seen = 0) {
    const ConnectionId connection = accept(id);
    step(id, Received{connection, connect_frame(session, password, 10'000, seen)});
    settle();
    session_ = cut_connect(member(id).sent[connection], password_).session_id;
    return connection;
  }
  void say(int id, ConnectionId connection, std::string_view octets) {
    step(id, Received{connection, octets});
    settle();
  }
  // Zxids without their epoch.
  std::string told(int id, ConnectionId connection) {
    auto replies = cut_replies(member(id).sent[connection]);
    for (Reply& reply : replies) {
      if (reply.zxid > 0) reply.zxid = zab::counter_of(reply.zxid);
    }
    return show(replies);
  }
  bool is_closed(int id, ConnectionId connection) { return member(id).closed.contains(connection); }
  bool has_node(int id, std::string_view path) { return server(id).database().tree.find(path) != nullptr; }
  // All have the same tree and sessions, with the digests that the leader foretold.
  void expect_agreement() {
    const Database& first = server(leader).database();
    EXPECT_EQ(first.digest_mismatches, 0);
    for (int id : {1, 2}) {
      const Database& other = server(id).database();
      EXPECT_EQ(other.last_zxid, first.last_zxid) << id;
      EXPECT_EQ(other.tree.digest(), first.tree.digest()) << id;
      EXPECT_EQ(other.sessions, first.sessions) << id;
      EXPECT_EQ(other.digest_mismatches, 0) << id;
      EXPECT_EQ(member(id).cannot_apply.size(), 0U) << id;
      EXPECT_EQ(member(id).refused_links.size(), 0U) << id;
    }
    EXPECT_EQ(member(leader).refused_links.size(), 0U);
  }

  world::Instant now_{seconds(1000)};
  world::WallTime wall_{milliseconds(1'700'000'000'000)};
  std::array<Member, 3> members_;
  std::deque<zab::Txn> proposals_;
  bool proposals_held_ = false;
  std::deque<FromLearner> to_leader_;
  std::deque<ToLearner> to_learners_;  // behind commits that are to come
  std::int64_t committed_ = epoch_zxid;
  std::uint64_t last_ = 0;
  std::int64_t session_ = 0;  // of the last open()
  std::string password_;
};

}  // namespace chorus::coord
