// What the server keeps of a connection.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strong.h"
#include "cache/command/command.h"
#include "cache/replication/introduction.h"
#include "cache/resp/parser.h"
#include "cache/tracking.h"

namespace chorus::cache {

namespace acl {
struct User;
}

struct QueuedCommand {
  const Command* command;
  std::vector<std::string> arguments;
};

/// Between MULTI and EXEC.
struct Transaction {
  std::vector<QueuedCommand> queue;
  bool is_dirty = false;  // a command was refused: EXEC will be
  std::size_t octets = 0;
  std::uint32_t flags = 0;  // of all that is queued
};

/// By database and key: whether it was expired when it was watched; that it goes now is no change then.
using WatchedKeys = absl::flat_hash_map<std::pair<unsigned, std::string>, bool>;

/// What WAIT waits for: so many replicas that have the stream up to there.
struct Acknowledgement {
  std::int64_t offset = 0;
  std::int64_t replicas = 0;
};

/// A command that waits for a key.
struct BlockedCommand {
  const Command* command;
  std::vector<std::string> arguments;
  unsigned db;
  std::vector<std::string> keys;
  std::optional<std::int64_t> deadline_us;              // monotonic; none: forever
  std::string_view ready_key = {};                      // the one for which it is run once more; good as long as it is
  bool without_key = false;                             // runs also when a key of its has gone, to say so
  std::uint64_t change = 0;                             // of the cluster's map, or a MIGRATE, which is waited for, in place of a key
  std::optional<Acknowledgement> acknowledgement = {};  // which is waited for, in place of a key
  bool is_silent = false;                               // CLIENT REPLY was off when it came: its reply is, too
};

enum class Listening : std::uint8_t { channel, pattern, shard };

enum class ReplyMode : std::uint8_t { on, off, skip_next, skip_this };

struct Client {
  explicit Client(ClientId id) : id(id) {}

  ClientId id;
  std::string address, local_address;
  std::int64_t created_us = 0, active_us = 0;  // monotonic
  Parser parser;
  std::string out;             // replies not handed over yet
  std::string pushes;          // messages that its own command led to: they come behind the reply
  bool is_script = false;      // runs what a script calls, and is connected to nobody
  bool skips_effects = false;  // of a script that said so: what it changes is nobody's to follow
  bool is_run = false;         // a command of its is under way
  bool is_listed = false;      // among those with something to hand over
  bool closes = false;         // once `out` is handed over
  bool is_cut = false;         // more than it may have: nothing is handed over any more
  bool is_monitor = false;
  bool is_replica = false;  // it was sent a stream, or waits for one
  bool is_primary = false;  // the connection to whom this server follows: what comes is done, and nothing is replied
  bool is_evicted = false;  // to be broken off, for its memory
  bool is_waiting = false;  // has requests that were not looked at: `out` was full, or it was blocked
  int protocol = 2;
  unsigned db = 0;
  bool is_authenticated = false;
  bool no_touch = false, no_evict = false;
  std::uint64_t takes_move = 0;      // the connection of a node that hands slots over by this move; 0: of somebody else
  std::uint64_t failed_effects = 0;  // of what it sent
  /// The node whose keys it brings; null: it is of somebody else.
  std::unique_ptr<std::string> comes_from;
  /// A request for a slot that changes hands at the moment: run when that is over.
  std::unique_ptr<std::vector<std::string>> held_back;
  bool is_asking = false;  // the next command may be for a slot that is imported here
  ReplyMode reply_mode = ReplyMode::on;
  std::size_t unsent = 0;                               // octets that its connection has not taken
  std::optional<std::int64_t> over_soft_since_us = {};  // monotonic: more than its soft limit of output is not taken
  std::uint64_t last_write = 0;                         // sequence of the last unit that its commands led to
  std::size_t counted = 0;                              // of its memory, in the sum over all clients
  std::string name, library_name, library_version, user = "default";
  std::shared_ptr<const acl::User> permissions;
  const Command* last_command = nullptr;
  std::uint64_t commands = 0, octets_in = 0, octets_out = 0;
  std::optional<Transaction> transaction;
  std::int64_t written = 0;                                 // the stream's end when its last command was done
  std::unique_ptr<replication::Introduction> introduction;  // of a replica
  WatchedKeys watched;
  bool watch_broken = false;
  // Of keys watched and names listened to: here, and where they are looked up.
  std::size_t watched_octets = 0, listening_octets = 0;
  std::unique_ptr<BlockedCommand> blocked;
  std::unique_ptr<TrackingMode> tracking;  // null: off
  std::vector<std::string> held;           // a command that waits until a pause is over; empty: none
  std::set<std::string, std::less<>> listening[3];

  /// Octets that it takes, its queries and replies among them.
  std::size_t memory() const;
  std::set<std::string, std::less<>>& listens(Listening how) { return listening[static_cast<std::size_t>(how)]; }
  bool is_subscribed() const { return !listening[0].empty() || !listening[1].empty() || !listening[2].empty(); }
};

}  // namespace chorus::cache
