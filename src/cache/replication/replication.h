// Both sides of replication: one stream, who follows it here, and whom this server follows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/effect_commands.h"
#include "cache/effects.h"
#include "cache/replication/failover.h"
#include "cache/replication/primary.h"
#include "cache/replication/replica.h"
#include "cache/replication/stream.h"

namespace chorus::cache::replication {

/// What a person may want to know, for the shell's log.
struct Note {
  enum class Level : std::uint8_t { info, warning };
  Level level;
  std::string text;
};

/// Effects of a primary become octets of its stream; what a replica gets is passed on to its own as it is, so that all have the same
/// numbers. Lives on the server's reactor.
class Replication final : public EffectSink {
 public:
  Replication(Server& server, std::string id);
  ~Replication() override;
  Replication(const Replication&) = delete;
  Replication& operator=(const Replication&) = delete;

  const Stream& stream() const { return stream_; }
  Primary& primary() { return primary_; }
  const Primary& primary() const { return primary_; }
  /// Null: this server is a primary.
  Replica* replica() { return replica_.get(); }
  const Replica* replica() const { return replica_.get(); }
  Failover& failover() { return failover_; }
  const Failover& failover() const { return failover_; }
  bool is_replica() const { return replica_ != nullptr; }
  bool is_link_up() const { return replica_ != nullptr && replica_->is_link_up(); }

  // --- roles
  void follow(world::Address primary, bool takes_over);
  void stop_following();
  /// From now on what is changed is counted and kept, under a new name.
  void begin_history();
  void end_history();
  void change_id();
  void followers_go() { primary_.let_all_go(); }
  void failover_done() { failover_.done(); }
  void failover_refused() { failover_.refused(); }

  // --- the stream
  /// A command of the primary's own, between two units.
  void say(std::initializer_list<std::string_view> words);
  /// A command of the primary's could not be done here: what is here may be other than what is there.
  void stream_failed(std::string_view command, std::string_view error);
  /// The next unit says its database.
  void forget_database() { commands_.reset(); }
  void on_unit(Position at, std::span<const Effect> unit) override;

  // --- who waits for replicas
  /// All replicas are asked how far they are, once this event is over.
  void ask_for_acknowledgements() { asks_ = true; }
  void wait(ClientId client) { waiting_.insert(client); }
  void stop_waiting(ClientId client) { waiting_.erase(client); }
  void acknowledged();

  // --- events
  void tick();
  /// At the end of each event.
  void finish();
  void disconnected(ClientId id);
  void note(Note::Level level, std::string text);
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 private:
  void listen();

  Server& server_;
  Stream stream_;
  EffectCommands commands_{EffectCommands::For::replicas};
  std::string octets_;  // of a unit
  Primary primary_;
  std::unique_ptr<Replica> replica_;
  Failover failover_;
  bool is_listening_ = false, asks_ = false;
  std::set<ClientId> waiting_;
  std::vector<Note> notes_;
};

/// Where a replica listens, by what it said and where its connection comes from.
world::Address address_of(const Client& client);
/// As an array of bulk strings.
std::string request(std::initializer_list<std::string_view> words);

}  // namespace chorus::cache::replication
