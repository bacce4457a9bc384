// The side that is followed: who follows, how far each is, and what each is sent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/client.h"
#include "cache/replication/stream.h"
#include "cache/replication/transfer.h"

namespace chorus::cache {
class Call;
class Server;
}  // namespace chorus::cache

namespace chorus::cache::replication {

/// A connection that has asked for the stream.
struct Follower {
  enum class State : std::uint8_t {
    waiting,    // for a snapshot to begin
    receiving,  // one
    loading,    // it: the stream follows when it says that it is done
    online,
  };
  State state = State::waiting;
  std::int64_t since_us = 0;                  // that it waits
  std::int64_t sent = 0;                      // the number of the last octet of the stream that it was sent
  std::int64_t acknowledged = 0, synced = 0;  // and that it has, in memory and on disk
  std::int64_t heard_us = 0;
  bool is_old = false;  // came by SYNC: it acknowledges nothing
  std::optional<std::int64_t> over_soft_since_us = {};
};

/// Lives on the server's reactor, with its clients.
class Primary {
 public:
  Primary(Server& server, Stream& stream) : server_(server), stream_(stream) {}

  // --- what replicas ask for
  void psync(Call& call);
  void sync(Call& call);
  /// They have the stream up to there.
  void acknowledge(Client& client, std::int64_t offset, std::optional<std::int64_t> synced);
  void disconnected(ClientId id);

  // --- what is sent
  /// The stream has grown, or a replica has taken something: what is there is handed over, as far as each takes it.
  void pump();
  void pump(Client& client, Follower& follower);
  /// Its connection has room again.
  void drained(Client& client);
  /// All of them have to come again: the stream is another one.
  void let_all_go();
  /// It said something, if only that it is there.
  void heard(const Client& client);
  /// From now on nobody may have followed for so long that the backlog can go.
  void begin_alone();
  /// No snapshot is begun any more.
  void close() { is_closing_ = true; }
  void tick();
  /// Goes on with the snapshot for replicas; true: there is more to do, soon.
  bool step();
  bool is_sending_snapshot() const { return transfer_ != nullptr; }
  /// A snapshot is being made for replicas: none can be begun for others.
  bool has_snapshot() const { return transfer_ != nullptr && transfer_->snapshot() != nullptr; }
  void abort_transfer();
  // --- the file that a snapshot may go through
  std::vector<FileAction> take_file_actions();
  void file_written(std::uint64_t transfer);
  void file_read(std::uint64_t transfer, std::string octets);
  void file_failed(std::uint64_t transfer, std::string why);

  // --- facts
  const std::map<ClientId, Follower>& followers() const { return followers_; }
  /// How many have the stream up to that octet (`on_disk`: and on their disk).
  std::size_t count_with(std::int64_t offset, bool on_disk) const;
  /// Those that have been heard of within that many seconds.
  std::size_t count_good(std::int64_t lag_seconds_max) const;
  std::uint64_t full_syncs() const { return full_; }
  std::uint64_t partial_syncs() const { return partial_; }
  std::uint64_t partial_syncs_refused() const { return refused_; }
  void reset_statistics() { full_ = partial_ = refused_ = 0; }
  /// Why the last transfer ended before its end, once; empty: none did.
  std::string take_failure() { return std::exchange(failure_, {}); }

 private:
  bool may_ask(Call& call);
  bool go_on(Call& call);
  void begin_full(Call& call, bool is_old);
  void begin_transfer();
  void finish_transfer();
  void check(Client& client, Follower& follower);
  std::size_t limit(std::size_t octets) const;
  std::size_t behind(const Follower& follower) const;
  std::optional<std::int64_t> needed() const;
  void let_go(ClientId id);

  Server& server_;
  Stream& stream_;
  std::map<ClientId, Follower> followers_;
  std::unique_ptr<Transfer> transfer_;
  std::uint64_t transfers_ = 0;
  std::vector<FileAction> file_actions_;
  std::string failure_;
  std::int64_t second_us_ = 0, pinged_us_ = 0;
  std::optional<std::int64_t> alone_since_us_;
  bool is_closing_ = false;
  std::uint64_t full_ = 0, partial_ = 0, refused_ = 0;
};

}  // namespace chorus::cache::replication
