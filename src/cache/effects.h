// What was changed, as commands that do the same again: for the append log, replicas and whoever follows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/notify.h"

namespace chorus::cache {

/// Where in a shard's history. epoch: of the owner of the shard; sequence: units since the shard began, from 1.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One write: deterministic, with absolute times and without dice.
struct Effect {
  unsigned db = 0;
  std::vector<std::string> arguments;
};

/// Follows a shard. Called once a unit, in order: what one command, transaction, script or expiry did together, to be applied together.
class EffectSink {
 public:
  virtual ~EffectSink() = default;
  /// `unit` is borrowed until the return and has at least one.
  virtual void on_unit(Position at, std::span<const Effect> unit) = 0;
  /// What happened to a key, at once and in the words of keyspace notifications; also what changes nothing ("keymiss").
  virtual void on_event(unsigned /*db*/, Notify /*what*/, std::string_view /*event*/, std::string_view /*key*/) {}
};

/// Collects the effects of the unit under way. Costs next to nothing while nobody follows.
class Effects {
 public:
  void follow(EffectSink& sink) { sinks_.push_back(&sink); }
  void leave(EffectSink& sink) { std::erase(sinks_, &sink); }
  bool is_followed() const { return !sinks_.empty(); }
  Position position() const { return position_; }
  /// A new owner begins a new epoch; sequences go on.
  void begin_epoch(std::uint64_t epoch) { position_.epoch = epoch; }

  template <class Words>
  void add(unsigned db, const Words& words) {
    any_ = true;
    if (sinks_.empty()) return;
    Effect& effect = unit_.emplace_back();
    effect.db = db;
    for (const auto& word : words) effect.arguments.emplace_back(word);
  }
  void event(unsigned db, Notify what, std::string_view event, std::string_view key) {
    for (EffectSink* sink : sinks_) sink->on_event(db, what, event, key);
  }
  /// Nothing happens when nothing was added since the last.
  void end_unit() {
    if (!any_) return;
    any_ = false;
    ++position_.sequence;
    for (EffectSink* sink : sinks_) sink->on_unit(position_, unit_);
    unit_.clear();
  }

 private:
  Position position_;
  std::vector<EffectSink*> sinks_;
  std::vector<Effect> unit_;
  bool any_ = false;
};

}  // namespace chorus::cache
