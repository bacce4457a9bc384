// A snapshot on its way to replicas that need all keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache/client.h"
#include "cache/persistence/snapshot.h"

namespace chorus::cache {
class Server;
}

namespace chorus::cache::replication {

/// What is wanted of the shell for a snapshot that goes through a file, since its size has to be known first. One file at a time.
struct FileAction {
  enum class What : std::uint8_t { create, write, read, remove };
  What what;
  std::uint64_t transfer = 0;  // told back with what came of it
  std::string octets = {};     // write: behind what was written
  bool is_last = false;        // write: nothing comes behind it
};

/// Several replicas share it: what is made is sent to all, as fast as the slowest takes it. With a mark, `$EOF:<mark>`, the snapshot, the
/// mark; by a file, `$<size>` and the snapshot. Lives on the server's reactor.
class Transfer {
 public:
  /// The moment of the snapshot is now; `end`: the number of the stream's last octet that is in it. mark: of 40 octets; empty: by a file.
  Transfer(Server& server, std::unique_ptr<Snapshot> snapshot, std::int64_t end, std::string mark, std::vector<ClientId> to);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  std::int64_t end() const { return end_; }
  const std::vector<ClientId>& to() const { return to_; }
  bool is_by_file() const { return mark_.empty(); }
  /// Nothing was sent yet, and for a while nothing will be: keep-alives are fine.
  bool is_silent() const { return !has_begun_; }
  void remove(ClientId client) { std::erase(to_, client); }
  /// All is handed over: the stream may follow.
  bool is_complete() const { return is_complete_; }
  /// Why it cannot be completed; empty: it can.
  const std::string& failure() const { return failure_; }
  const Snapshot* snapshot() const { return snapshot_.get(); }

  /// Goes on, a millisecond or two. True: there is more to do at once; false: something has to be taken first, or it is at its end.
  bool step();
  /// What the shell did: it takes more to write; those octets were read (empty: the file ended); it failed.
  void file_written();
  void file_read(std::string octets);
  void file_failed(std::string why);
  std::vector<FileAction> take_file_actions() { return std::exchange(actions_, {}); }

 private:
  bool have_room();
  void send(std::string_view octets);
  void begin_with(const std::string& line);

  Server& server_;
  std::unique_ptr<Snapshot> snapshot_;  // null: all of it is made
  const std::int64_t end_;
  const std::string mark_;
  std::vector<ClientId> to_;
  bool has_begun_ = false, is_complete_ = false;
  std::string failure_;
  std::vector<FileAction> actions_;
  unsigned unanswered_ = 0;  // of the file's actions
  std::uint64_t size_ = 0, sent_ = 0;
};

}  // namespace chorus::cache::replication
