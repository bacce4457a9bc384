// How a node gives slots to another while clients go on: the giving side of one move.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cluster/slot_map.h"
#include "cache/effects.h"

namespace chorus::cache {
class Server;
}

namespace chorus::cache::cluster {

/// What is wanted of the connection to the other node.
struct LinkAction {
  enum class What : std::uint8_t { dial, send, close };
  What what;
  std::uint64_t link;
  Endpoint to = {};  // dial
  std::int64_t timeout_us = 2'000'000;
  std::string octets = {};  // send
};

struct HandoverStatistics {
  std::uint64_t done = 0, failed = 0;
  std::uint64_t keys = 0, octets = 0;
  std::int64_t pause_us_last = 0, pause_us_max = 0;  // how long requests for the slots were held back
};

/// Slot by slot: its keys are sent as they are; those that change meanwhile are sent again; once a slot's keys are all there, what changes
/// in it is sent as effects. When all slots are that far, requests for them are held back; once the other node has everything, the map is
/// changed. A slot that clients move key by key is sent whole while requests are held back, since its keys are on both sides. Whatever goes
/// wrong before the map is changed ends this attempt, and nothing has happened; a later one begins anew.
class Handover final : public EffectSink {
 public:
  enum class State : std::uint8_t { dialing, beginning, copying, ending, flipping, telling, done, failed };

  Handover(Server& server, std::uint64_t link, std::uint64_t number, Move move);
  ~Handover() override;
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  std::uint64_t link() const { return link_; }
  std::uint64_t number() const { return number_; }
  const Move& move() const { return move_; }
  /// Of the node that takes the slots over: what it was given is gone with it.
  std::int32_t taker_life() const { return taker_life_; }
  State state() const { return state_; }
  bool is_over() const { return state_ == State::done || state_ == State::failed; }
  /// While it is not known whether the map was changed, there is no way back.
  bool may_be_ended() const { return state_ != State::flipping && state_ != State::telling; }
  const std::string& failure() const { return failure_; }
  /// Slots whose keys are all there.
  std::size_t slots_copied() const { return copied_; }
  std::uint64_t keys_sent() const { return keys_; }
  std::uint64_t octets_sent() const { return octets_; }
  std::int64_t pause_us() const { return pause_us_; }

  void up();
  void received(std::string_view octets);
  void down(std::string_view why);
  void tick();
  /// What came of the change of the map.
  void flipped(bool is_done, std::string_view reply);
  void end(std::string_view why) { fail(why); }

  void on_unit(Position at, std::span<const Effect> unit) override;

 private:
  enum class Slot : std::uint8_t { waiting, copying, copied };

  std::size_t window() const;
  void answered(std::string_view line);
  void pump();
  /// Some of the slot's keys; true: it has them all now.
  bool copy_some(std::uint16_t slot);
  void send_key(std::string_view key);
  void send(std::initializer_list<std::string_view> words);
  void send(std::span<const std::string_view> words);
  void flush();
  void freeze();
  void thaw();
  void finish();
  void fail(std::string_view why);

  Server& server_;
  const std::uint64_t link_, number_;
  const Move move_;
  State state_ = State::dialing;
  std::string failure_;
  std::int32_t taker_life_ = 0;
  std::int64_t since_us_;  // in this state
  std::string in_, out_;
  std::vector<std::uint16_t> order_;  // those that are open last
  std::size_t open_from_ = 0;         // of order_
  std::vector<Slot> slots_;           // by number
  std::size_t next_ = 0;              // of order_: which is copied
  std::size_t copied_ = 0;
  std::uint64_t cursor_ = 0;
  bool is_scanned_ = false;                   // the slot: what changed meanwhile is left
  std::set<std::string, std::less<>> dirty_;  // keys of the slot that is copied, which have changed
  std::deque<std::size_t> unanswered_;        // octets before each mark that was sent
  std::size_t unanswered_octets_ = 0, unmarked_octets_ = 0;
  std::int64_t frozen_us_ = -1;
  std::int64_t pause_us_ = 0;
  std::uint64_t keys_ = 0, octets_ = 0;
};

}  // namespace chorus::cache::cluster
