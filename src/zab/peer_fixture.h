// For tests: one Peer, with a disk that does at once what it is asked, or when the test says so.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "jute/txns.h"
#include "zab/packet.h"
#include "zab/peer.h"

namespace chorus::zab::test {

inline Txn make_txn(std::int64_t zxid, std::int32_t type = 5, std::string_view rest = "record") {
  std::string octets = jute::encode(jute::TxnHeader{.session_id = 1, .cxid = 1, .zxid = zxid, .time_ms = 1, .type = type});
  return {zxid, std::make_shared<const std::string>(octets.append(rest))};
}
inline Txn make_reconfig(std::int64_t zxid, EnsembleConfig config) {
  config.version = zxid;
  const std::string text = config.to_text();
  return make_txn(zxid, 16, jute::encode(jute::SetDataTxn{.path = "/zookeeper/config", .data = text, .version = -1}));
}
/// voters 1 .. n, then observers.
inline EnsembleConfig make_config(int voters, int observers = 0) {
  EnsembleConfig config;
  for (int id = 1; id <= voters + observers; ++id) {
    const auto port = static_cast<std::uint16_t>(2880 + id);
    config.members[id] = {.quorum_addresses = {{"127.0.0.1", port}},
                          .election_addresses = {{"127.0.0.1", static_cast<std::uint16_t>(port + 1000)}},
                          .is_observer = id > voters,
                          .client_address = std::nullopt};
  }
  return config;
}
inline std::string octets_of(const Packet& packet) {
  std::string out;
  encode(packet, out);
  return out;
}

class PeerDriver {
 public:
  PeerDriver(const PeerOptions& options, const Recovered& recovered)
      : options_(options), config_(recovered.config), peer_(options, recovered, 1) {
    step(Started{});
  }

  template <class T>
  void step(T what) {
    std::vector<Action> actions;
    peer_.step({now_, std::move(what)}, actions);
    for (Action& action : actions) std::visit([this](auto& a) { this->perform(a); }, action);
    while (auto_store && stores_due > 0) {
      --stores_due;
      step(Stored{});
    }
    if (auto_sync) sync();
  }
  void sync() {
    if (!unsynced.empty()) {
      const std::int64_t last = unsynced.back();
      unsynced.clear();
      step(LogSynced{last});
    }
  }
  void sync_through(std::int64_t zxid) {
    while (!unsynced.empty() && unsynced.front() <= zxid) unsynced.pop_front();
    step(LogSynced{zxid});
  }
  void receive(LinkId link, const Packet& packet) { step(PacketReceived{link, packet}); }
  /// Lets time pass up to the next deadline.
  void pass() {
    const auto deadline = peer_.deadline();
    ASSERT_TRUE(deadline);
    now_ = std::max(now_, *deadline);
    step(TimePassed{});
  }
  void pass(world::Duration time) {
    const world::Instant until = now_ + time;
    while (peer_.deadline() && *peer_.deadline() <= until) pass();
    now_ = until;
  }

  /// The other voters' votes make us the leader.
  void win() {
    for (int tries = 0; tries < 5 && peer_.role() == Role::looking; ++tries) {
      for (const auto& [id, member] : config_.members) {
        if (id == options_.self || member.is_observer || notifications.empty()) continue;
        Notification vote = notifications.back().notification;
        vote.state = NotificationState::looking;
        step(NotificationReceived{id, vote});
      }
      if (peer_.role() == Role::looking) pass();
    }
    ASSERT_EQ(peer_.role(), Role::leading);
  }
  /// The others vote for `leader`; we are connected to it by `link`.
  void follow(ServerId leader, LinkId link) {
    ASSERT_FALSE(notifications.empty());
    const std::int64_t round = notifications.back().notification.vote.election_epoch;
    for (const auto& [id, member] : config_.members) {
      if (id == options_.self || member.is_observer || connect_to) continue;
      const Vote vote{.leader = leader, .zxid = 1LL << 60, .election_epoch = round, .peer_epoch = 1 << 30};
      step(NotificationReceived{id, {.vote = vote, .config = config_.to_text()}});
    }
    ASSERT_EQ(connect_to, leader);
    connect_to.reset();
    step(LinkConnected{link});
  }
  /// As leader: `id` comes over `link` and is brought up to date. What was sent to it is forgotten.
  void let_in(ServerId id, LinkId link, std::int64_t accepted, std::int64_t current, std::int64_t last_zxid, bool observer = false) {
    step(LinkAccepted{link});
    receive(link, make_packet(observer ? PacketType::observer_info : PacketType::follower_info, first_zxid_of(accepted),
                              encode(LearnerInfo{.id = id})));
    ASSERT_EQ(next(link), "LEADERINFO");
    std::string epoch;
    base::Writer(epoch).i32(static_cast<std::int32_t>(current));
    receive(link, make_packet(PacketType::ack_epoch, last_zxid, epoch));
    receive(link, make_packet(PacketType::ack, first_zxid_of(peer_.accepted_epoch())));
    ASSERT_FALSE(closed.contains(link)) << closed[link];
    sent[link].clear();
  }
  /// The kind of the oldest packet sent over `link`, which is taken; "snapshot", or "" when there is none.
  std::string next(LinkId link) {
    if (sent[link].empty()) return "";
    const Packet packet = std::move(sent[link].front());
    sent[link].pop_front();
    return packet.type == 0 ? "snapshot" : std::string(name_of(static_cast<PacketType>(packet.type)));
  }
  /// All that was sent over `link`, as words; taken.
  std::string all(LinkId link) {
    std::string words;
    for (const Packet& packet : std::exchange(sent[link], {})) {
      words += (words.empty() ? "" : ", ") + (packet.type == 0 ? "snapshot" : describe(packet));
    }
    return words;
  }

  const Peer& peer() const { return peer_; }
  world::Instant now() const { return now_; }

  bool auto_store = true;
  bool auto_sync = true;
  int stores_due = 0;
  std::map<LinkId, std::deque<Packet>> sent;  // type 0: the stream of a snapshot
  std::map<LinkId, std::string> closed;
  std::deque<std::int64_t> unsynced;
  std::vector<Txn> appended, committed;
  std::vector<SendNotification> notifications;
  std::optional<ServerId> connect_to;
  std::optional<StartServing> serving;
  std::vector<Packet> delivered;
  std::vector<ReadHistory> reads;
  std::optional<ExpectSnapshot> expected_snapshot;
  std::vector<std::string> trace;  // of what concerns the disk, the service and the role
  bool resigned = false;

 private:
  void perform(SendNotification& a) { notifications.push_back(a); }
  void perform(Connect& a) { connect_to = a.to; }
  void perform(SendPacket& a) { sent[a.link].push_back(a.packet); }
  void perform(SendSnapshot& a) { sent[a.link].push_back(Packet{}); }
  void perform(ExpectSnapshot& a) { expected_snapshot = a; }
  void perform(CloseLink& a) { closed[a.link] = a.why; }
  void perform(ReadHistory& a) { reads.push_back(a); }
  void perform(StoreAcceptedEpoch& a) { store(fmt::format("accept {}", a.epoch)); }
  void perform(StoreCurrentEpoch& a) { store(fmt::format("epoch {}", a.epoch)); }
  void perform(Truncate& a) { store(fmt::format("truncate {:#x}", a.zxid)); }
  void perform(StoreSnapshot& a) { store(fmt::format("snapshot {:#x}", a.zxid)); }
  void perform(Append& a) {
    unsynced.push_back(a.txn.zxid);
    appended.push_back(a.txn);
    trace.push_back(fmt::format("append {:#x}", a.txn.zxid));
  }
  void perform(Commit& a) {
    committed.push_back(a.txn);
    trace.push_back(fmt::format("commit {:#x}", a.txn.zxid));
  }
  void perform(ConfigProposed& a) { trace.push_back(fmt::format("config {:#x} proposed", a.config.version)); }
  void perform(ConfigActivated& a) {
    config_ = a.config;
    trace.push_back(fmt::format("config {:#x}", a.config.version));
  }
  void perform(StartServing& a) {
    serving = a;
    trace.push_back(fmt::format("serve epoch {} from {:#x}", a.epoch, a.zxid));
  }
  void perform(StopServing&) {
    serving.reset();
    trace.push_back("stop");
  }
  void perform(Deliver& a) { delivered.push_back(a.packet); }
  void perform(LearnersChanged&) {}
  void perform(Resigned&) { resigned = true; }
  void perform(RoleChanged& a) {
    trace.push_back(a.role == Role::looking     ? "looking"
                    : a.role == Role::leading   ? "leading"
                    : a.role == Role::following ? fmt::format("following {}", *a.leader)
                                                : fmt::format("observing {}", *a.leader));
  }
  void perform(Remark&) {}
  void store(std::string what) {
    trace.push_back(std::move(what));
    ++stores_due;
  }

  PeerOptions options_;
  EnsembleConfig config_;
  world::Instant now_{};
  Peer peer_;
};

}  // namespace chorus::zab::test
