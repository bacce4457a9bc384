// What a node tells of itself, and how it ends when a client asks for it.
#include "cache/node.h"
#include "cache/replication/replication.h"

namespace chorus::cache {

/// SHUTDOWN: what is to be saved is saved first, and the end is not to be when that fails.
void Node::look_at_shutdown() {
  using Save = Shutdown::Save;
  const Save save = server_.shutdown()->save;
  ending_ = Ending::saving;
  const auto saved = [this](const std::string& error) {
    ending_ = Ending::no;
    if (!server_.shutdown()) return;  // it was given up
    if (!error.empty() && !server_.shutdown()->is_forced) {
      log_.error("the end that a client asked for was given up why=\"{}\"", error);
      server_.give_up_shutdown();
      return;
    }
    log_.info("ending as a client asked for it");
    ending_ = Ending::saved;
    if (ends_) ends_();
  };
  const bool has_points = server_.options().save.points.find_first_not_of(' ') != std::string::npos;
  if (save == Save::yes || (save == Save::by_points && has_points)) return saver_.save_then(saved);
  saved({});
}

Facts Node::facts() const {
  Facts facts{.serving = listener_ != nullptr,
              .statistics = server_.statistics(),
              .clients = server_.clients(),
              .blocked_clients = server_.blocked_clients(),
              .memory_used = server_.memory_used(),
              .memory_peak = server_.memory_peak(),
              .clients_memory = server_.clients_memory(),
              .keys = server_.keys(),
              .save = server_.save_state(),
              .is_saving = server_.is_saving(),
              .append = server_.append_state()};
  if (const cluster::Membership* own = server_.cluster(); own != nullptr) {
    facts.in_cluster = true;
    facts.cluster_ok = own->is_ok(std::chrono::duration_cast<std::chrono::microseconds>(world_.now().time_since_epoch()).count());
    facts.cluster_slots = own->map().assigned_to(own->self());
    facts.cluster_members = own->map().members().size();
    facts.cluster_members_failed = own->failed().size();
    facts.handovers = server_.handovers();
  }
  const replication::Replication& replication = server_.replication();
  facts.is_replica = replication.is_replica();
  facts.is_primary_up = replication.is_link_up();
  facts.is_primary_loading = facts.is_replica && replication.replica()->is_loading();
  facts.stream_end = replication.stream().end();
  facts.backlog_octets = replication.stream().octets();
  facts.full_syncs = replication.primary().full_syncs();
  facts.partial_syncs = replication.primary().partial_syncs();
  facts.partial_syncs_refused = replication.primary().partial_syncs_refused();
  facts.replicas = replication.primary().followers().size();
  for (const auto& [id, follower] : replication.primary().followers()) {
    if (follower.state != replication::Follower::State::online) continue;
    ++facts.replicas_online;
    facts.replica_lag_octets_max = std::max(facts.replica_lag_octets_max, facts.stream_end - follower.acknowledged);
  }
  for (unsigned db = 0; db < server_.options().databases; ++db) facts.expiring_keys += server_.database(db).expiring();
  return facts;
}

}  // namespace chorus::cache
