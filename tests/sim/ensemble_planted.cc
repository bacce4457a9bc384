#include "ensemble_planted.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"
#include "jute/codec.h"
#include "jute/constants.h"
#include "jute/txns.h"
#include "zab/packet.h"

namespace chorus::coord_sim {

using zab::Packet;
using zab::PacketType;

namespace {

enum class Bug {
  ack_before_append,
  commit_before_quorum,
  forget_truncation,
  lost_proposal_on_diff,
  lost_proposal,
  snapshot_without_sessions,
  session_not_revalidated,
  reorder_requests,
  repeat_requests,
  sync_answered_at_once,
  touches_lost,
  skip_epoch_check,
  reconfig_without_quorum,
  damaged_log_cut,
};

const std::vector<std::pair<Plant, Bug>> bugs{
    {{"ack-before-append", "a follower acknowledges what it has not yet appended"}, Bug::ack_before_append},
    {{"commit-before-quorum", "a leader sends COMMIT with PROPOSAL"}, Bug::commit_before_quorum},
    {{"forget-truncation", "a learner takes TRUNC for DIFF"}, Bug::forget_truncation},
    {{"lost-proposal-on-diff", "the last proposal of a learner's history is forgotten"}, Bug::lost_proposal_on_diff},
    {{"lost-proposal", "one proposal in a hundred is not sent to a follower, nor committed there"}, Bug::lost_proposal},
    {{"snapshot-without-sessions", "the snapshot for a learner has no sessions"}, Bug::snapshot_without_sessions},
    {{"session-not-revalidated", "a learner takes every session for valid"}, Bug::session_not_revalidated},
    {{"reorder-requests", "two requests forwarded by a learner change places"}, Bug::reorder_requests},
    {{"repeat-requests", "a request is forwarded twice"}, Bug::repeat_requests},
    {{"sync-answered-at-once", "a learner answers sync without asking its leader"}, Bug::sync_answered_at_once},
    {{"touches-lost", "a learner does not tell which sessions it heard from"}, Bug::touches_lost},
    {{"skip-epoch-check", "a leader takes in followers whose history is newer than its own"}, Bug::skip_epoch_check},
    {{"reconfig-without-quorum", "a reconfiguration is committed before anybody else has it"}, Bug::reconfig_without_quorum},
    {{"damaged-log-cut", "a log with a damaged record is cut there, and the rest forgotten"}, Bug::damaged_log_cut},
};

/// One end of a connection between leader and learner, where packets are harmed.
class HarmedConnection final : public world::Connection, world::ConnectionHandler {
 public:
  HarmedConnection(Bug bug, world::World& world, std::unique_ptr<world::Connection> inner, bool is_leader)
      : bug_(bug), world_(world), inner_(std::move(inner)), is_leader_(is_leader) {}
  ~HarmedConnection() override { *alive_ = false; }

  void start(world::ConnectionHandler& handler) override {
    handler_ = &handler;
    inner_->start(*this);
  }
  void write(std::string octets) override {
    std::string out;
    pass(sent_, octets, out, true);
    if (!out.empty()) inner_->write(std::move(out));
  }
  std::size_t unsent() const override { return inner_->unsent(); }
  void pause_reading() override { inner_->pause_reading(); }
  void resume_reading() override { inner_->resume_reading(); }
  void close() override { inner_->close(); }
  void abort() override { inner_->abort(); }
  const world::Address& local() const override { return inner_->local(); }
  const world::Address& peer() const override { return inner_->peer(); }
  std::string peer_subject() const override { return inner_->peer_subject(); }
  bool is_tls() const override { return inner_->is_tls(); }

 private:
  struct Direction {
    std::string rest;
    bool in_snapshot = false;
    bool snapshot_begins = false;
  };

  void on_data(std::string_view octets) override {
    std::string out;
    pass(received_, octets, out, false);
    if (!out.empty()) handler_->on_data(out);
  }
  void on_drained() override { handler_->on_drained(); }
  void on_closed(const world::NetError& why) override { handler_->on_closed(why); }

  void pass(Direction& direction, std::string_view octets, std::string& out, bool sending) {
    direction.rest += octets;
    while (true) {
      if (direction.in_snapshot) {
        if (!pass_snapshot(direction, out, sending)) return;
        continue;
      }
      auto read = zab::decode_packet(direction.rest);
      if (!read || !*read) return;
      const std::string as_it_was = direction.rest.substr(0, (*read)->used);
      direction.rest.erase(0, (*read)->used);
      Packet packet = (*read)->packet;
      if (packet.type == static_cast<std::int32_t>(PacketType::snap)) direction.in_snapshot = direction.snapshot_begins = true;
      harm(packet, as_it_was, sending, out);
    }
  }

  bool pass_snapshot(Direction& direction, std::string& out, bool sending) {
    static const std::string signature("\0\0\0\nBenWasHere", 14);
    const std::size_t end = direction.rest.find(signature);
    if (end == std::string::npos) return false;
    std::string snapshot = direction.rest.substr(0, end + signature.size());
    direction.rest.erase(0, end + signature.size());
    direction.in_snapshot = false;
    if (bug_ == Bug::snapshot_without_sessions && sending) {
      const std::size_t sessions = base::Reader(snapshot).u32();
      snapshot.replace(0, 4 + sessions * 12, 4, '\0');
    }
    out += snapshot;
    return true;
  }

  static bool is_reconfig(const Packet& packet) {
    const auto header = jute::decode<jute::TxnHeader>(zab::data_of(packet));
    return header && header->type == static_cast<std::int32_t>(jute::OpCode::reconfig);
  }
  static bool is(const Packet& packet, PacketType type) { return packet.type == static_cast<std::int32_t>(type); }
  static std::string octets_of(const Packet& packet) {
    std::string out;
    zab::encode(packet, out);
    return out;
  }
  bool one_in(std::uint64_t count) { return world_.random().below(count) == 0; }

  /// As if it had come from the other side.
  void pretend(Packet packet) {
    world_.post([this, alive = alive_, octets = octets_of(packet)] {
      if (*alive && handler_ != nullptr) handler_->on_data(octets);
    });
  }

  void harm(const Packet& packet, const std::string& octets, bool sending, std::string& out) {
    if (is_leader_ && sending) return harm_of_leader(packet, octets, out);
    if (is_leader_) {
      if (bug_ == Bug::skip_epoch_check && is(packet, PacketType::ack_epoch)) {
        out += octets_of(zab::make_packet(PacketType::ack_epoch, packet.zxid, std::string(4, '\0')));
        return;
      }
      out += octets;
      return;
    }
    if (sending) return harm_of_learner(packet, octets, out);
    if (bug_ == Bug::forget_truncation && is(packet, PacketType::trunc)) {
      out += octets_of(zab::make_packet(PacketType::diff, packet.zxid));
    } else if (bug_ == Bug::session_not_revalidated && is(packet, PacketType::revalidate) && packet.data != nullptr) {
      std::string data = *packet.data;
      data.back() = 1;
      out += octets_of(zab::make_packet(PacketType::revalidate, packet.zxid, std::move(data)));
    } else {
      out += octets;
    }
  }

  void harm_of_leader(const Packet& packet, const std::string& octets, std::string& out) {
    if (is(packet, PacketType::up_to_date)) up_to_date_ = true;
    if (is(packet, PacketType::new_leader)) {
      flush_history(bug_ == Bug::lost_proposal_on_diff && history_.size() >= 2 && one_in(2), out);
      had_new_leader_ = true;
    }
    switch (bug_) {
      case Bug::ack_before_append:
        if (is(packet, PacketType::proposal) && up_to_date_) pretend(zab::make_packet(PacketType::ack, packet.zxid));
        break;
      case Bug::commit_before_quorum:
        if (is(packet, PacketType::commit) && up_to_date_) return;
        if (is(packet, PacketType::proposal) && up_to_date_) {
          out += octets + octets_of(zab::make_packet(PacketType::commit, packet.zxid));
          return;
        }
        break;
      case Bug::lost_proposal_on_diff:
        if (!had_new_leader_ && (is(packet, PacketType::proposal) || is(packet, PacketType::commit))) {
          history_.push_back(octets);
          return;
        }
        break;
      case Bug::lost_proposal:
        if (is(packet, PacketType::proposal) && up_to_date_ && one_in(100)) lost_zxid_ = packet.zxid;
        if ((is(packet, PacketType::proposal) || is(packet, PacketType::commit)) && packet.zxid == lost_zxid_) return;
        break;
      case Bug::reconfig_without_quorum:
        if (is(packet, PacketType::proposal) && up_to_date_ && is_reconfig(packet)) {
          pretend(zab::make_packet(PacketType::ack, packet.zxid));
        }
        break;
      default:
        break;
    }
    out += octets;
  }

  void flush_history(bool without_last, std::string& out) {
    if (without_last) history_.resize(history_.size() - 2);
    for (const std::string& one : std::exchange(history_, {})) out += one;
  }

  void harm_of_learner(const Packet& packet, const std::string& octets, std::string& out) {
    if (bug_ == Bug::touches_lost && is(packet, PacketType::ping)) {
      out += octets_of(zab::make_packet(PacketType::ping, packet.zxid, std::string()));
      return;
    }
    if (is(packet, PacketType::request)) {
      if (bug_ == Bug::repeat_requests && one_in(50)) out += octets;
      if (bug_ == Bug::reorder_requests && held_.empty() && one_in(10)) {
        held_ = octets;
        return;
      }
      base::Reader fields(zab::data_of(packet));
      fields.i64();
      fields.i32();
      if (bug_ == Bug::sync_answered_at_once && fields.i32() == static_cast<std::int32_t>(jute::OpCode::sync)) {
        pretend(zab::make_packet(PacketType::sync, 0));
        return;
      }
    }
    out += octets + std::exchange(held_, {});
  }

  const Bug bug_;
  world::World& world_;
  const std::unique_ptr<world::Connection> inner_;
  const bool is_leader_;
  world::ConnectionHandler* handler_ = nullptr;
  Direction sent_, received_;
  bool up_to_date_ = false;
  bool had_new_leader_ = false;
  std::int64_t lost_zxid_ = -1;
  std::vector<std::string> history_;
  std::string held_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Where the first entry that is not whole begins; empty: all are. Format: ZooKeeper's FileTxnLog.
std::optional<std::size_t> damaged_at(std::string_view log) {
  constexpr std::size_t header_octets = 16;
  base::Reader in(log);
  in.octets(header_octets);
  while (in.ok()) {
    const std::size_t begin = in.offset();
    const std::uint64_t checksum = in.u64();
    const std::uint32_t length = in.u32();
    if (!in.ok() || length == 0) return std::nullopt;
    if (length > in.remaining()) return begin;
    const std::string_view entry = in.octets(length);
    if (in.u8() != 'B' || checksum != base::adler32(entry)) return begin;
  }
  return std::nullopt;
}

/// What fails here the member will meet as well.
void cut_damaged_logs(world::Files& files, const std::string& directory) {
  const auto entries = files.list(directory);
  if (!entries) return;
  for (const world::Entry& entry : *entries) {
    if (!entry.name.starts_with("log.")) continue;
    const std::string path = directory + "/" + entry.name;
    const auto octets = world::read_file(files, path);
    const auto end = octets ? damaged_at(*octets) : std::nullopt;
    if (!end) continue;
    const auto file = files.open(path, world::OpenMode::read_write);
    if (file && (*file)->truncate(*end)) (void)(*file)->sync();
  }
}

class HarmedWorld final : public world::World {
 public:
  HarmedWorld(Bug bug, world::World& inner, std::uint16_t port) : bug_(bug), inner_(inner), port_(port) {}

  world::Instant now() override { return inner_.now(); }
  world::WallTime wall_now() override { return inner_.wall_now(); }
  base::Random& random() override { return inner_.random(); }
  world::TimerId after(world::Duration delay, world::Callback callback) override { return inner_.after(delay, std::move(callback)); }
  void cancel(world::TimerId timer) override { inner_.cancel(timer); }
  void post(world::Callback callback) override { inner_.post(std::move(callback)); }
  world::NetResult<std::unique_ptr<world::Listener>> listen(const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept) override {
    if (address.port != port_) return inner_.listen(address, options, std::move(on_accept));
    return inner_.listen(address, options, [this, on_accept = std::move(on_accept)](std::unique_ptr<world::Connection> connection) {
      on_accept(std::make_unique<HarmedConnection>(bug_, inner_, std::move(connection), true));
    });
  }
  void connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) override {
    if (address.port != port_) return inner_.connect(address, options, std::move(on_connect));
    inner_.connect(address, options,
                   [this, on_connect = std::move(on_connect)](world::NetResult<std::unique_ptr<world::Connection>> result) mutable {
                     if (result) result = std::make_unique<HarmedConnection>(bug_, inner_, std::move(*result), false);
                     on_connect(std::move(result));
                   });
  }
  world::Files& files() override { return inner_.files(); }
  void run_on_disk(world::Callback job, world::Callback done) override { inner_.run_on_disk(std::move(job), std::move(done)); }
  void run_in_background(world::Callback job, world::Callback done) override { inner_.run_in_background(std::move(job), std::move(done)); }

 private:
  const Bug bug_;
  world::World& inner_;
  const std::uint16_t port_;
};

constexpr const char* alone_is_quorum = "alone-is-quorum";
constexpr const char* of_disk[] = {"no-sync", "late-sync", "drop-writes"};

}  // namespace

const std::vector<Plant>& ensemble_plants() {
  static const std::vector<Plant> all = [] {
    std::vector<Plant> names;
    for (const auto& [plant, bug] : bugs) names.push_back(plant);
    names.push_back({alone_is_quorum, "each member takes itself for a quorum"});
    for (const Plant& plant : plants()) {
      if (std::any_of(std::begin(of_disk), std::end(of_disk), [&](const char* name) { return plant.name == std::string_view(name); })) {
        names.push_back(plant);
      }
    }
    return names;
  }();
  return all;
}

std::unique_ptr<world::World> plant_in_member(const std::string& name, world::World& inner, const coord::Options& options,
                                              std::uint16_t quorum_port) {
  for (const auto& [plant, bug] : bugs) {
    if (name != plant.name) continue;
    if (bug == Bug::damaged_log_cut) {
      cut_damaged_logs(inner.files(), (options.data_log_dir.empty() ? options.data_dir : options.data_log_dir) + "/version-2");
    }
    return std::make_unique<HarmedWorld>(bug, inner, quorum_port);
  }
  if (name == alone_is_quorum) return nullptr;
  return plant(name, inner);
}

void plant_in_options(const std::string& name, coord::Options& options) {
  if (name != alone_is_quorum) return;
  for (const auto& [id, member] : options.ensemble.members.members) {
    options.ensemble.members.groups[id] = 1;
    options.ensemble.members.weights[id] = id == options.server_id ? 100 : 1;
  }
}

}  // namespace chorus::coord_sim
