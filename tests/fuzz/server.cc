#include "coord/server.h"

#include <array>

#include "base/bytes.h"
#include "base/ensure.h"
#include "coord/disk/entry.h"
#include "coord/disk/txn_log.h"
#include "store/memory_files.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace coord;

/// A server with four connections and a log in memory.
class Harness {
 public:
  Harness() : server_(options(), std::make_unique<Database>(true), now_, 1) {
    auto log = disk::TxnLog::open(files_, {.directory = "d", .pre_alloc_octets = 0});
    ENSURE(log);
    log_ = std::move(*log);
  }

  static Options options() {
    Options options;
    options.jute_max_buffer = 4096;
    options.connection_buffer_max = 8192;
    return options;
  }

  void step(decltype(Event::what) what) {
    actions_.clear();
    server_.step({now_,
                  world::WallTime(std::chrono::milliseconds(1'700'000'000'000) +
                                  std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch())),
                  std::move(what)},
                 actions_);
    for (Action& action : actions_) {
      if (auto* persist = std::get_if<Persist>(&action)) persisting_.push_back(std::move(*persist));
      if (auto* close = std::get_if<Close>(&action)) closing_.push_back(close->connection);
    }
  }

  /// What the action list asked of the outside is done.
  void settle() {
    while (!persisting_.empty() || !closing_.empty()) {
      if (!closing_.empty()) {
        const ConnectionId id = closing_.back();
        closing_.pop_back();
        disconnect(id);
        continue;
      }
      Persist persist = std::move(persisting_.front());
      persisting_.erase(persisting_.begin());
      ENSURE(log_->append(persist.group, persist.first_zxid, persist.last_zxid));
      ENSURE(log_->sync());
      step(Persisted{std::move(persist.group)});
    }
  }

  void receive(std::size_t slot, std::string_view octets) {
    if (slots_[slot].value == 0) {
      slots_[slot] = ConnectionId(++last_id_);
      step(Accepted{slots_[slot], {"127.0.0.1", 1}, false, ""});
    }
    step(Received{slots_[slot], octets});
  }
  void disconnect_slot(std::size_t slot) {
    if (slots_[slot].value != 0) disconnect(slots_[slot]);
  }
  void pass_time(int seconds) {
    now_ += std::chrono::seconds(seconds);
    step(Tick{});
  }

  /// Whoever replays the log comes to the same tree.
  void check() {
    settle();
    Database again(true);
    disk::Cursor cursor = log_->read_after(0);
    for (auto next = cursor.next();; next = cursor.next()) {
      ENSURE(next);
      if (!*next) break;
      ENSURE(again.apply((*next)->payload, nullptr, true), (*next)->id);
    }
    const Database& database = server_.database();
    ENSURE(again.tree.digest() == database.tree.digest() && again.digest_mismatches == 0, again.first_mismatch_zxid);
    ENSURE(again.tree.size() == database.tree.size() && again.sessions.size() == database.sessions.size());
  }

 private:
  void disconnect(ConnectionId id) {
    for (ConnectionId& slot : slots_) {
      if (slot != id) continue;
      slot = ConnectionId();
      step(Disconnected{id});
    }
  }

  store::MemoryFiles files_;
  std::unique_ptr<disk::TxnLog> log_;
  world::Instant now_{std::chrono::seconds(1000)};
  Server server_;
  std::vector<Action> actions_;
  std::vector<Persist> persisting_;
  std::vector<ConnectionId> closing_;
  std::array<ConnectionId, 4> slots_;
  std::uint64_t last_id_ = 0;
};

std::string framed(std::string_view body) {
  std::string out;
  base::Writer writer(out);
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.octets(body);
  return out;
}

}  // namespace

void fuzz_server(std::string_view input) {
  Harness harness;
  base::Reader in(input);
  for (int events = 0; in.remaining() != 0 && events < 200; ++events) {
    const std::uint8_t what = in.u8();
    const std::size_t slot = what & 3;
    const std::string_view octets = in.octets(std::min<std::size_t>(in.u16(), in.remaining()));
    switch (what >> 2 & 7) {
      case 0: {  // a handshake that is fine
        std::string connect;
        base::Writer writer(connect);
        writer.i32(0);
        writer.i64(0);
        writer.i32(10'000);
        writer.i64(0);
        writer.i32(16);
        connect.append(16, '\0');
        connect.push_back('\0');
        harness.receive(slot, framed(connect));
        break;
      }
      case 1:
        harness.disconnect_slot(slot);
        break;
      case 2:
        harness.pass_time(1 + (what >> 5) * 5);
        break;
      case 3:
        harness.receive(slot, octets);  // cut anywhere
        break;
      default:
        harness.receive(slot, framed(octets));
    }
    if ((what >> 5 & 1) == 0) harness.settle();
  }
  harness.check();
}

}  // namespace chorus::fuzz
