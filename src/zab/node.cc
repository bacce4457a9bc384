#include "zab/node.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "zab/election_port.h"
#include "zab/quorum_port.h"

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;
using world::Address;

// How soon a learner's history is read on, when the learner has not yet taken in what was read before.
constexpr world::Duration history_retry = 5ms;
// Appended transactions are counted in groups of about so many octets.
constexpr std::size_t unsynced_group = 64 << 10;

std::string_view name_of(Role role) {
  switch (role) {
    case Role::looking:
      return "looking";
    case Role::following:
      return "following";
    case Role::leading:
      return "leading";
    case Role::observing:
      return "observing";
  }
  return "";
}

QuorumPortOptions quorum_options(const NodeOptions& options) {
  const milliseconds patience = options.peer.tick * options.peer.init_limit;
  return {.connect_tries = options.connect_tries,
          .connect_retry_delay = options.connect_retry_delay,
          .link = {.first_packet_limit = patience,
                   .snapshot_stall_limit = patience,
                   .unsent_max = options.link_unsent_max,
                   .limits = {},
                   .auth = options.auth},
          .tls = options.tls,
          .plain_too = options.plain_too,
          .connect_tls = options.connect_tls};
}

ElectionPortOptions election_options(const NodeOptions& options) {
  return {.self = options.peer.self,
          .multi_address = options.multi_address,
          .connect_timeout = options.connect_timeout,
          .greeting_limit = options.greeting_limit.value_or(options.peer.tick * options.peer.sync_limit),
          .tls = options.tls,
          .plain_too = options.plain_too,
          .connect_tls = options.connect_tls,
          .auth = options.auth};
}

std::vector<Address> on_all_interfaces(std::vector<Address> addresses) {
  for (Address& address : addresses) address.host = address.host.find(':') == std::string::npos ? "0.0.0.0" : "::";
  return addresses;
}

}  // namespace

class Node::Impl final : public QuorumPort::Handler, public ElectionPort::Handler {
 public:
  Impl(world::World& world, const NodeOptions& options, Recovered recovered, Application& application, spdlog::logger& logger)
      : world_(world),
        options_(options),
        application_(application),
        log_(logger),
        next_config_(recovered.next_config),
        quorum_(world, quorum_options(options), *this),
        election_(world, election_options(options), *this, logger),
        peer_(options.peer, std::move(recovered), world.random().next()) {}
  ~Impl() override {
    *alive_ = false;
    world_.cancel(timer_);
    world_.cancel(history_timer_);
  }

  base::Result<void, std::string> begin();

  using What = decltype(Event::what);
  void step(What what);
  void log_synced(std::int64_t zxid);
  void close_link(std::optional<LinkId> link, std::string why);
  void resign(world::Callback done);
  const Peer& peer() const { return peer_; }
  const LinkQueue* queue_of(LinkId link) const { return quorum_.queue_of(link); }

 private:
  void on_notification(ServerId from, Notification notification) override { step(NotificationReceived{from, std::move(notification)}); }
  void on_down(ServerId member) override { step(ServerDown{member}); }
  void on_accepted(LinkId link, const Address& peer) override;
  void on_connected(LinkId link) override;
  void on_connect_failed(ServerId to, const std::string& why) override;
  void on_packet(LinkId link, Packet packet) override { step(PacketReceived{link, std::move(packet)}); }
  void on_snapshot_taken(LinkId link) override { step(SnapshotLoaded{link}); }
  void on_snapshot_sent(LinkId link) override { step(SnapshotSent{link}); }
  void on_link_closed(LinkId link, const std::string& why) override;

  void run(const Event& event);
  void perform(SendNotification& action) { election_.send(action.to, action.notification); }
  void perform(Connect& action);
  void perform(SendPacket& action) { quorum_.send(action.link, action.packet); }
  void perform(SendSnapshot& action) { quorum_.send_snapshot(action.link, application_.send_snapshot()); }
  void perform(ExpectSnapshot& action) { quorum_.expect_snapshot(action.link, application_.receive_snapshot(action.zxid)); }
  void perform(CloseLink& action);
  void perform(ReadHistory& action);
  void perform(StoreAcceptedEpoch& action) { application_.store_accepted_epoch(action.epoch); }
  void perform(StoreCurrentEpoch& action) { application_.store_current_epoch(action.epoch); }
  void perform(Truncate& action);
  void perform(StoreSnapshot& action);
  void perform(Append& action);
  void perform(Commit& action) { application_.commit(action.txn); }
  void perform(ConfigProposed& action);
  void perform(ConfigActivated& action);
  void perform(StartServing& action) { application_.start_serving(action); }
  void perform(StopServing&) { application_.stop_serving(); }
  void perform(Deliver& action) { application_.deliver(action.link, std::move(action.packet)); }
  void perform(LearnersChanged&) { application_.learners_changed(); }
  void perform(Resigned&) { resigned_ = true; }
  void perform(RoleChanged& action);
  void perform(Remark& action);

  base::Result<void, std::string> listen();
  void name_members();
  void follow_config();
  void end_turn_later();
  void end_turn();
  void arm_timer();
  void on_time();
  void read_held_history();
  void count_unsynced(const Txn& txn);
  void forget_unsynced();
  void resume_reading();

  world::World& world_;
  const NodeOptions options_;
  Application& application_;
  spdlog::logger& log_;
  std::optional<EnsembleConfig> next_config_;  // proposed, and not in force yet
  QuorumPort quorum_;
  ElectionPort election_;
  Peer peer_;

  std::vector<Action> actions_;
  bool stepping_ = false;
  world::Instant now_;        // read once a turn
  std::deque<What> pending_;  // came while the actions of another were carried out
  bool turn_end_posted_ = false;
  bool config_changed_ = false;
  world::TimerId timer_;
  world::Instant timer_due_;
  std::optional<LinkId> leader_link_;  // the last that we connected

  std::vector<ReadHistory> held_history_;  // until their links have taken in more
  world::TimerId history_timer_;

  struct Unsynced {
    std::int64_t last_zxid;
    std::size_t octets;
  };
  std::deque<Unsynced> unsynced_;  // what a learner has appended and not yet on disk
  std::size_t unsynced_octets_ = 0;
  bool reading_paused_ = false;

  world::Callback resign_done_;
  bool resigned_ = false;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what is posted looks here before it touches the node
};

base::Result<void, std::string> Node::Impl::begin() {
  if (auto done = listen(); !done) return done;
  name_members();  // before the first vote, which would go to nobody
  world_.post([this, alive = alive_] {
    if (*alive) step(Started{});
  });
  return {};
}

void Node::Impl::step(What what) {
  if (ended_) return;
  if (!turn_end_posted_) now_ = world_.now();
  if (stepping_) {
    pending_.push_back(std::move(what));
    return;
  }
  stepping_ = true;
  run({now_, std::move(what)});
  while (!pending_.empty()) {
    const Event next{now_, std::move(pending_.front())};
    pending_.pop_front();
    run(next);
  }
  stepping_ = false;
  end_turn_later();
}

void Node::Impl::run(const Event& event) {
  actions_.clear();
  peer_.step(event, actions_);
  for (Action& action : actions_) {
    std::visit([this](auto& a) { perform(a); }, action);
  }
}

// What a turn of the loop brings goes out together: one write a link, one look at the clock's timer.
void Node::Impl::end_turn_later() {
  if (turn_end_posted_) return;
  turn_end_posted_ = true;
  world_.post([this, alive = alive_] {
    if (*alive) end_turn();
  });
}

void Node::Impl::end_turn() {
  turn_end_posted_ = false;
  if (ended_) return;
  if (config_changed_) follow_config();
  quorum_.flush();
  if (!resigned_) return arm_timer();
  ended_ = true;
  world_.cancel(std::exchange(timer_, {}));
  world_.cancel(std::exchange(history_timer_, {}));
  quorum_.shut_down(std::exchange(resign_done_, nullptr));
}

// A deadline that moves away leaves the timer as it is: it comes early, finds nothing due and is set anew.
void Node::Impl::arm_timer() {
  const auto deadline = peer_.deadline();
  if (!deadline) return;
  if (timer_.value != 0) {
    if (timer_due_ <= *deadline) return;
    world_.cancel(timer_);
  }
  timer_due_ = *deadline;
  timer_ = world_.after(*deadline - world_.now(), [this] { on_time(); });
}

void Node::Impl::on_time() {
  timer_ = {};
  now_ = world_.now();
  const auto deadline = peer_.deadline();
  if (deadline && *deadline <= now_) return step(TimePassed{});
  arm_timer();
}

base::Result<void, std::string> Node::Impl::listen() {
  const auto self = peer_.config().members.find(options_.peer.self);
  if (self == peer_.config().members.end()) return {};  // removed from the ensemble, or not yet in it
  const auto here = [&](const std::vector<Address>& addresses) {
    return options_.listen_on_all_interfaces ? on_all_interfaces(addresses) : addresses;
  };
  if (auto done = quorum_.listen(here(self->second.quorum_addresses)); !done) return done;
  return election_.listen(here(self->second.election_addresses));
}

void Node::Impl::name_members() { election_.set_members(peer_.config(), next_config_ ? *next_config_ : peer_.config()); }

void Node::Impl::follow_config() {
  config_changed_ = false;
  name_members();
  if (const auto done = listen(); !done) log_.error("a new address of this server cannot be used reason=\"{}\"", done.error());
}

void Node::Impl::perform(Connect& action) {
  const auto& members = peer_.config().members;
  auto at = members.find(action.to);
  std::vector<Address> addresses;
  if (at != members.end()) {
    addresses = at->second.quorum_addresses;
  } else if (next_config_ && next_config_->members.contains(action.to)) {
    addresses = next_config_->members.at(action.to).quorum_addresses;
  }
  quorum_.connect(action.to, addresses, action.limit);
}

void Node::Impl::perform(CloseLink& action) {
  const auto peer = quorum_.peer(action.link);
  log_.info("link closed link={} peer={} because=\"{}\"", action.link.value, peer ? world::to_string(*peer) : "gone", action.why);
  quorum_.close(action.link);
}

void Node::Impl::close_link(std::optional<LinkId> link, std::string why) {
  if (!link) link = leader_link_;
  if (link) quorum_.end(*link, std::move(why));
}

void Node::Impl::on_accepted(LinkId link, const Address& peer) {
  log_.debug("link accepted link={} peer={}", link.value, world::to_string(peer));
  step(LinkAccepted{link});
}

void Node::Impl::on_connected(LinkId link) {
  leader_link_ = link;
  step(LinkConnected{link});
}

void Node::Impl::on_connect_failed(ServerId to, const std::string& why) {
  log_.info("leader not reached server={} reason=\"{}\"", to, why);
  step(ConnectFailed{to});
}

void Node::Impl::on_link_closed(LinkId link, const std::string& why) {
  log_.info("link ended link={} because=\"{}\"", link.value, why);
  if (leader_link_ == link) leader_link_.reset();
  step(LinkClosed{link});
}

// The log is read no faster than the learner takes it in.
void Node::Impl::perform(ReadHistory& action) {
  if (quorum_.unsent(action.link) < world::Connection::high_water)
    return application_.read_history(action.link, action.after, action.until);
  held_history_.push_back(action);
  if (history_timer_.value == 0) history_timer_ = world_.after(history_retry, [this] { read_held_history(); });
}

void Node::Impl::read_held_history() {
  history_timer_ = {};
  for (ReadHistory& held : std::exchange(held_history_, {})) {
    if (quorum_.peer(held.link)) perform(held);
  }
}

void Node::Impl::perform(Append& action) {
  if (peer_.role() != Role::leading) count_unsynced(action.txn);
  application_.append(action.txn);
}

void Node::Impl::count_unsynced(const Txn& txn) {
  const std::size_t octets = txn.octets ? txn.octets->size() : 0;
  if (unsynced_.empty() || unsynced_.back().octets >= unsynced_group) unsynced_.push_back({});
  unsynced_.back().last_zxid = txn.zxid;
  unsynced_.back().octets += octets;
  unsynced_octets_ += octets;
  if (unsynced_octets_ <= options_.unsynced_max || reading_paused_) return;
  reading_paused_ = true;
  log_.warn("the leader is read no further until the disk has caught up octets={}", unsynced_octets_);
  quorum_.pause_reading();
}

void Node::Impl::log_synced(std::int64_t zxid) {
  while (!unsynced_.empty() && unsynced_.front().last_zxid <= zxid) {
    unsynced_octets_ -= unsynced_.front().octets;
    unsynced_.pop_front();
  }
  if (reading_paused_ && unsynced_octets_ <= options_.unsynced_max / 2) resume_reading();
  step(LogSynced{zxid});
}

void Node::Impl::forget_unsynced() {
  unsynced_.clear();
  unsynced_octets_ = 0;
  resume_reading();
}

void Node::Impl::resume_reading() {
  if (!std::exchange(reading_paused_, false)) return;
  quorum_.resume_reading();
}

void Node::Impl::perform(Truncate& action) {
  forget_unsynced();
  application_.truncate(action.zxid);
}

void Node::Impl::perform(StoreSnapshot& action) {
  forget_unsynced();
  application_.store_snapshot(action.zxid);
}

void Node::Impl::perform(ConfigProposed& action) {
  next_config_ = action.config;
  config_changed_ = true;
  application_.config_proposed(action.config);
}

void Node::Impl::perform(ConfigActivated& action) {
  next_config_.reset();
  config_changed_ = true;
  application_.config_activated(action.config);
}

void Node::Impl::perform(RoleChanged& action) {
  forget_unsynced();
  if (action.leader) {
    log_.info("role changed role={} leader={}", name_of(action.role), *action.leader);
  } else {
    log_.info("role changed role={}", name_of(action.role));
  }
  application_.role_changed(action);
}

void Node::Impl::perform(Remark& action) {
  log_.log(action.level == Remark::Level::warn ? spdlog::level::warn : spdlog::level::info, action.text);
}

void Node::Impl::resign(world::Callback done) {
  ENSURE(!resign_done_ && !ended_);
  resign_done_ = std::move(done);
  step(Resign{});
}

base::Result<std::unique_ptr<Node>, std::string> Node::start(world::World& world, const NodeOptions& options, Recovered recovered,
                                                             Application& application, spdlog::logger& logger) {
  auto impl = std::make_unique<Impl>(world, options, std::move(recovered), application, logger);
  if (auto begun = impl->begin(); !begun) return std::unexpected(std::move(begun.error()));
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

void Node::stored() { impl_->step(Stored{}); }
void Node::log_synced(std::int64_t zxid) { impl_->log_synced(zxid); }
void Node::propose(Txn txn) { impl_->step(Propose{std::move(txn)}); }
void Node::send_to_leader(Packet packet) { impl_->step(SendToLeader{std::move(packet)}); }
void Node::send_to_learner(SendToLearner send) { impl_->step(std::move(send)); }
void Node::history_read(HistoryRead read) { impl_->step(std::move(read)); }
void Node::close_link(std::optional<LinkId> link, std::string why) { impl_->close_link(link, std::move(why)); }
void Node::resign(world::Callback done) { impl_->resign(std::move(done)); }
const Peer& Node::peer() const { return impl_->peer(); }
const LinkQueue* Node::queue_of(LinkId link) const { return impl_->queue_of(link); }

}  // namespace chorus::zab
