// A coordination server at work: binds the pure Server to a World, its directories and its listeners.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coord/member.h"
#include "coord/server.h"
#include "coord/storage.h"
#include "world/world.h"

namespace chorus::coord {

/// What the machine says of the process, for four-letter words and metrics.
/// What a node measures beside its Servers, from the start of the process, in milliseconds.
struct NodeStatistics {
  base::Summary database_init, snapshot_load, txns_load, txns_loaded;  // once, at the start
  std::int64_t closed_without_service = 0;                             // connections, since nobody served them
  // Of turns of the loop. What several requests of one turn took together is shared out among them.
  base::QuantileSummary read_time;           // of a request that is answered from the tree
  base::Summary prepare_time;                // of one that becomes a transaction
  base::QuantileSummary close_prepare_time;  // of the end of a session among these
  base::Summary commit_time;                 // of what was committed at a time
  base::QuantileSummary apply_time;          // of each transaction of that, with its events and its answer
};

struct ProcessFacts {
  std::int64_t open_files = -1, open_files_max = -1;
  std::int64_t data_dir_octets = 0, log_dir_octets = 0;
  milliseconds uptime{0};
  NodeStatistics statistics{};
  disk::LogStatistics log{};
  world::Handshakes handshakes{};  // of clients
};

/// Lives on one reactor, and must be destroyed before it.
class Node final : private MemberHost {
 public:
  /// Recovers and serves, alone or, when options.ensemble says so, as a member of an ensemble. Blocks while it reads the directories.
  /// `logger` outlives the node.
  static base::Result<std::unique_ptr<Node>, NodeError> start(world::World& world, const Options& options, spdlog::logger& logger);
  ~Node() override;

  /// Accepts no more, lets what is being written reach the disk, ends every connection, then calls `done`. Once.
  void stop(world::Callback done);
  /// Called when the node cannot go on serving, such as after a failed disk: nothing more is acknowledged. The words say why.
  void on_failure(std::function<void(const std::string&)> callback) { on_failure_ = std::move(callback); }

  /// A member serves nobody while it looks for a leader, or, when it may, reads only.
  bool is_serving() const { return server_ != nullptr; }
  bool is_read_only() const { return server_ && server_->role() == Serve::Role::read_only; }
  /// While serving.
  Server& server() { return *server_; }
  /// Empty: alone.
  const Member* member() const { return member_.get(); }
  /// With the ports that the system picked; empty when not listening there.
  std::optional<world::Address> client_address() const;
  std::optional<world::Address> secure_client_address() const;
  ProcessFacts facts();
  /// Writes a snapshot soon; false when one is being written.
  bool take_snapshot();

 private:
  class Client;

  Node(world::World& world, const Options& options, spdlog::logger& logger);
  Storage::Callbacks storage_callbacks();
  void begin_term(const Serve& how, std::unique_ptr<Database> database) override;
  std::unique_ptr<Database> end_term() override;
  void to_server(decltype(Event::what) what) override { step(std::move(what)); }
  void member_failed(std::string why) override { fail(std::move(why)); }
  base::Result<void, NodeError> listen();
  void accept(std::unique_ptr<world::Connection> connection);
  /// There is a Server, and it is not that of a leader who keeps to leading.
  bool takes_clients() const;
  void introduce(Client& client);
  void received(Client& client, std::string_view octets);
  void received_idle(Client& client, std::string_view octets);
  void step(decltype(Event::what) what);
  void run(decltype(Event::what) what);
  struct Tally;
  Tally tally() const;
  void measure(const Tally& before, bool commits, world::Instant began);
  void perform(Action& action);
  void perform_on(Send& action);
  void perform_on(Close& action);
  void perform_on(AnswerWord& action);
  void perform_on(Pause& action);
  void perform_on(Resume& action);
  void perform_on(Persist& action);
  void perform_on(SnapshotBegin& action);
  void perform_on(SnapshotChunk& action);
  void perform_on(Propose& action) { member_->send(std::move(action)); }
  void perform_on(ToLeader& action) { member_->send(std::move(action)); }
  void perform_on(ToLearner& action) { member_->send(std::move(action)); }
  void perform_on(RefusedLink& action);
  void perform_on(CannotApply& action);
  void perform_on(SessionOpened& action);
  void perform_on(SessionEnded& action);
  void perform_on(Refused& action);
  void snapshot_done(std::uint64_t term, const disk::SnapshotResult<std::string>& result, bool end);
  void tick();
  void purge();
  void fail(std::string why);
  void finish_stop();
  Client* find(ConnectionId id);

  world::World& world_;
  spdlog::logger& log_;
  const Options options_;
  std::unique_ptr<Server> server_;  // of a member: while it serves
  std::uint64_t term_ = 0;          // counts Servers
  Statistics past_;                 // of the Servers before this one
  NodeStatistics statistics_;
  std::unique_ptr<Member> member_;  // empty: alone
  bool member_stopped_ = false;
  std::unique_ptr<Storage> storage_;  // borrows from a tree, so it goes first
  const world::Instant started_;
  std::vector<Action> actions_;
  bool stepping_ = false;
  bool flush_posted_ = false;
  std::vector<ConnectionId> congested_;

  std::unique_ptr<world::Listener> listener_;
  std::unique_ptr<world::Listener> secure_listener_;
  std::map<ConnectionId, std::unique_ptr<Client>> clients_;
  std::uint64_t last_connection_ = 0;
  world::TimerId tick_timer_;
  world::TimerId purge_timer_;
  bool failed_ = false;
  world::Callback stopped_;
  std::function<void(const std::string&)> on_failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // completions look here before they touch the node
};

}  // namespace chorus::coord
