// A node's part in an ensemble: binds a zab::Node to what the node keeps on its disks and to the Server of the present term.
#pragma once

#include <spdlog/logger.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "coord/quorum_facts.h"
#include "coord/server.h"
#include "coord/storage.h"
#include "zab/node.h"

namespace chorus::coord {

/// What a member asks of its node. Each may be called from within a step of zab, never from within a step of the Server.
class MemberHost {
 public:
  virtual ~MemberHost() = default;
  /// Clients are served by a Server of this role until end_term(), which cuts them off and gives the database back.
  virtual void begin_term(const Serve& how, std::unique_ptr<Database> database) = 0;
  virtual std::unique_ptr<Database> end_term() = 0;
  /// For the Server of the term.
  virtual void to_server(decltype(Event::what) what) = 0;
  /// The node cannot go on.
  virtual void member_failed(std::string why) = 0;
};

/// Lives on one reactor.
class Member final : public zab::Application {
 public:
  static base::Result<std::unique_ptr<Member>, NodeError> start(world::World& world, const Options& options, Storage& storage,
                                                                Storage::Loaded loaded, MemberHost& host, spdlog::logger& logger);
  ~Member() override;

  /// Of the storage.
  void on_durable(const disk::LogGroup& group) {
    recorder_.durable(group.last_zxid, world_.now());
    zab_->log_synced(group.last_zxid);
  }
  /// Of the Server, in the order in which it asked; they reach zab soon, not at once.
  void send(Propose propose) { later(std::move(propose)); }
  void send(ToLeader packet) { later(std::move(packet)); }
  void send(ToLearner packet) { later(std::move(packet)); }

  void refuse(RefusedLink link) { later(std::move(link)); }

  /// Leaves in good order, so that a leader's followers elect another at once.
  void stop(world::Callback done);

  const zab::Peer& peer() const { return zab_->peer(); }
  /// Wherever it is.
  const Database& database() const { return *tree_; }
  QuorumFacts facts() const;

 private:
  class Source;
  class Sink;
  using Outgoing = std::variant<Propose, ToLeader, ToLearner, RefusedLink>;

  Member(world::World& world, const Options& options, Storage& storage, MemberHost& host, spdlog::logger& logger);
  base::Result<zab::Recovered, NodeError> recover(Storage::Loaded loaded);
  std::optional<zab::EnsembleConfig> pending_config() const;
  void later(Outgoing what);
  void send_outgoing();
  void stored(const disk::RecoverResult<void>& result);
  void serve_reads_after(milliseconds delay);
  void stop_serving_reads();
  void flush_group();
  milliseconds age_of(const zab::Txn& txn) const;
  using Keep = world::FileResult<void> (*)(world::Files&, const EnsembleOptions&, const zab::EnsembleConfig&, zab::ServerId);
  void keep(const zab::EnsembleConfig& config, Keep how);

  void store_accepted_epoch(std::int64_t epoch) override;
  void store_current_epoch(std::int64_t epoch) override;
  void truncate(std::int64_t zxid) override;
  void store_snapshot(std::int64_t zxid) override;
  void append(const zab::Txn& txn) override;
  void commit(const zab::Txn& txn) override;
  void read_history(zab::LinkId link, std::int64_t after, std::int64_t until) override;
  std::unique_ptr<zab::SnapshotSource> send_snapshot() override;
  std::unique_ptr<zab::SnapshotSink> receive_snapshot(std::int64_t zxid) override;
  void role_changed(const zab::RoleChanged& change) override;
  void config_proposed(const zab::EnsembleConfig& config) override;
  void config_activated(const zab::EnsembleConfig& config) override;
  void start_serving(const zab::StartServing& how) override;
  void stop_serving() override;
  void deliver(zab::LinkId link, zab::Packet packet) override;
  void learners_changed() override;

  world::World& world_;
  const Options& options_;
  Storage& storage_;
  MemberHost& host_;
  spdlog::logger& log_;
  std::unique_ptr<Database> database_;  // while no Server has it
  Database* tree_ = nullptr;            // wherever it is
  bool serves_reads_only_ = false;      // while there is no leader
  world::TimerId reads_timer_;          // until it does
  QuorumRecorder recorder_;
  zab::ServerId leader_ = 0;  // while serving
  disk::LogGroup group_;      // appended in this turn of the loop
  std::deque<Outgoing> outgoing_;
  bool sending_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<zab::Node> zab_;
};

}  // namespace chorus::coord
