// The side that follows: from the first word to the primary to the last octet of its stream.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/client.h"
#include "cache/persistence/loader.h"
#include "cache/replication/stream.h"
#include "world/net.h"

namespace chorus::cache {
class Server;
}

namespace chorus::cache::replication {

/// What is wanted of the shell: a connection to the primary. What came of it is told with its number.
struct Dial {
  std::uint64_t number;
  world::Address to;
  std::int64_t timeout_seconds;
  bool with_tls;
};

/// The primary's connection is a client of the server whose octets come here first; those of the stream are run as its commands. All keys
/// are loaded beside those that are there, which are served until the others are whole and take their place. Lives on the server's reactor.
class Replica {
 public:
  enum class State : std::uint8_t {
    idle,       // until it is time to connect
    dialing,    // the connection is being made
    greeting,   // PING was sent
    telling,    // AUTH and REPLCONF were sent
    asking,     // PSYNC or SYNC was sent
    sizing,     // all keys are to come: how many octets
    loading,    // they come
    marking,    // and end with a mark
    following,  // the stream comes
  };

  /// takes_over: the primary, which is followed by this server until now, is to become the primary by that (FAILOVER).
  /// db: of the commands to come, where it goes on with a stream that it has a part of.
  Replica(Server& server, Stream& stream, world::Address primary, unsigned db, bool takes_over);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // --- events
  void tick();
  std::optional<Dial> take_dial() { return std::exchange(dial_, {}); }
  void dial_failed(std::uint64_t number, std::string_view why);
  /// False: nobody wants it any more.
  bool connected(std::uint64_t number, Client& link);
  void received(Client& link, std::string_view octets);
  /// The same, but they are looked at by tick().
  void delay(std::string_view octets);
  /// A command of the stream was run, or queued.
  void applied(Client& link);
  /// As the stream asks for an acknowledgement.
  void acknowledge_soon() { acknowledges_ = stream_.end(); }
  void disconnected(ClientId id);
  /// The connection ends, and another one is made.
  void break_off(std::string_view why);

  // --- facts
  const world::Address& primary() const { return primary_; }
  State state() const { return state_; }
  bool is_link_up() const { return state_ == State::following; }
  bool is_loading() const { return state_ == State::sizing || state_ == State::loading || state_ == State::marking; }
  ClientId link() const { return link_; }
  unsigned db() const { return db_; }
  bool takes_over() const { return takes_over_; }
  std::int64_t heard_us() const { return heard_us_; }
  std::int64_t down_since_us() const { return down_since_us_; }
  /// Octets of the stream that were received, those not run yet among them.
  std::int64_t received_end() const;
  /// Of the snapshot: 0, not known.
  std::uint64_t load_octets() const { return size_.value_or(0); }
  std::uint64_t load_octets_done() const { return load_done_; }
  std::uint64_t stream_octets() const { return stream_octets_; }

 private:
  void say(std::initializer_list<std::string_view> words);
  void take_line(Client& link, std::string line);
  void tell();
  void ask();
  void answered(Client& link, std::string_view line);
  void begin_loading(std::string_view line);
  std::size_t load(Client& link, std::string_view octets);
  void loaded(Client& link);
  void follow(Client& link);
  void run(Client& link, std::string_view octets);
  void acknowledge(std::int64_t end);
  void drop();

  Server& server_;
  Stream& stream_;
  const world::Address primary_;
  bool takes_over_;
  bool has_asked_to_take_over_ = false;
  State state_ = State::idle;
  std::optional<Dial> dial_;
  std::uint64_t dials_ = 0;
  ClientId link_{0};  // 0: none
  std::int64_t dials_at_us_ = 0, heard_us_ = 0, down_since_us_, acknowledged_us_ = 0;
  std::string line_, delayed_;
  std::deque<std::string_view> told_;  // words that are not answered yet
  bool is_old_ = false;                // it knows no PSYNC: it is acknowledged nothing
  std::string new_id_;                 // of the history that is loaded
  std::int64_t new_end_ = 0;
  std::optional<std::uint64_t> size_;
  std::string mark_, mark_seen_;
  std::uint64_t load_done_ = 0;
  std::vector<std::unique_ptr<Database>> databases_;
  SaveState load_state_;
  std::unique_ptr<Loader> loader_;
  std::string pending_;  // octets of the stream that are not passed on, since the commands that they are of are not run
  std::size_t passed_ = 0;
  unsigned db_;  // of the commands to come
  std::optional<std::int64_t> acknowledges_;
  std::uint64_t stream_octets_ = 0;
};

/// "connect", "connecting", "handshake", "sync", "connected"
std::string_view name_of(Replica::State state);

}  // namespace chorus::cache::replication
