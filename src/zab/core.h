// What the roles of a Peer share: the promises and the log of this server, and where to put actions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ensure.h"
#include "zab/ledger.h"
#include "zab/packet.h"
#include "zab/peer.h"

namespace chorus::zab {

struct Core {
  PeerOptions options;
  EnsembleConfig config;
  std::optional<EnsembleConfig> next_config;  // proposed: counts beside `config` until it takes its place
  std::int64_t accepted_epoch = 0;
  std::int64_t current_epoch = 0;
  std::int64_t epoch_of_others = 0;    // the newest that a member said it accepted, where that ended our term
  Standing standing = Standing::full;  // see Recovered
  bool has_voted = true;               // for the leader of the term, with what the standing allows
  Ledger ledger;
  /// While a tree that came by SNAP is not stored: what the disk has.
  std::optional<Ledger> ledger_on_disk = std::nullopt;
  /// What was asked for and has not ended with Stored.
  std::variant<std::monostate, StoreAcceptedEpoch, StoreCurrentEpoch, Truncate, StoreSnapshot> storing{};
  bool is_config_changed = false;  // since whoever asks has reset it
  SyncCounts syncs{};              // of all terms as leader
  // Of the step under way.
  world::Instant now{};
  std::vector<Action>* out = nullptr;

  bool has(Fault fault) const { return options.planted == fault; }
  const EnsembleConfig& last_seen() const { return next_config ? *next_config : config; }
  world::Duration init_time() const { return options.tick * options.init_limit; }
  world::Duration connect_time() const { return options.connect_limit > 0 ? options.tick * options.connect_limit : init_time(); }
  world::Duration sync_time() const { return options.tick * options.sync_limit; }

  template <class T>
  void emit(T action) {
    out->emplace_back(std::move(action));
  }
  /// Something that ends with Stored; one at a time.
  template <class T>
  void store(T action) {
    ENSURE(!is_storing());
    storing = action;
    emit(action);
  }
  bool is_storing() const { return storing.index() != 0; }
  /// Takes over what is on disk now.
  void stored();
  void send(LinkId link, Packet packet) { emit(SendPacket{link, std::move(packet)}); }
  void remark(Remark::Level level, std::string text) { emit(Remark{level, std::move(text)}); }
  void propose_config(EnsembleConfig config);
  void activate_next_config();
  /// What proposed it is not part of the history.
  void withdraw_next_config();
};

/// Whether this is a quorum of the configuration in force and of the one that is to follow it.
template <class Has>
bool is_quorum_of_both(const Core& core, const Has& has) {
  return core.config.is_quorum(has) && (!core.next_config || core.next_config->is_quorum(has));
}

/// The type in the header of a transaction; empty when this is none, or not the one with that zxid.
std::optional<std::int32_t> txn_type(const Txn& txn);
/// Of a transaction that changes the configuration. The words of the error say why it is none.
base::Result<EnsembleConfig, std::string> read_reconfig(const Txn& txn);
inline constexpr std::int32_t reconfig_type = 16;

}  // namespace chorus::zab
