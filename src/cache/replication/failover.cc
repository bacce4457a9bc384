#include "cache/replication/failover.h"

#include <fmt/format.h>

#include <utility>

#include "cache/replication/replication.h"
#include "cache/server.h"

namespace chorus::cache::replication {

std::string_view name_of(Failover::State state) {
  switch (state) {
    case Failover::State::none:
      return "no-failover";
    case Failover::State::waiting:
      return "waiting-for-sync";
    case Failover::State::taking_over:
      return "failover-in-progress";
  }
  return {};
}

void Failover::begin(std::optional<world::Address> to, std::int64_t timeout_ms, bool forces) {
  state_ = State::waiting;
  is_refused_ = false;
  to_ = std::move(to);
  forces_ = forces;
  deadline_us_.reset();
  if (timeout_ms > 0) deadline_us_ = server_.now().monotonic_us + timeout_ms * 1000;
  server_.pause_for_failover(true);
}

void Failover::end() {
  state_ = State::none;
  to_.reset();
  deadline_us_.reset();
  server_.pause_for_failover(false);
}

void Failover::abort(std::string_view why) {
  if (state_ == State::none) return;
  server_.replication().note(Note::Level::warning, fmt::format("failover given up why=\"{}\"", why));
  const bool was_taking_over = state_ == State::taking_over;
  end();
  if (was_taking_over) server_.replication().stop_following();
}

void Failover::done() {
  if (state_ != State::taking_over) return;
  server_.replication().note(Note::Level::info, fmt::format("failed over address={}", to_string(*to_)));
  end();
}

void Failover::tick() {
  if (std::exchange(is_refused_, false) && state_ == State::taking_over) return abort("the replica does not take over");
  if (state_ != State::waiting) return;
  const Stream& stream = server_.replication().stream();
  for (const auto& [id, follower] : server_.replication().primary().followers()) {
    const Client* client = server_.find_client(id);
    if (client == nullptr || follower.state != Follower::State::online || follower.acknowledged != stream.end()) continue;
    const world::Address at = address_of(*client);
    if (to_ && at != *to_) continue;
    to_ = at;
    return take_over();
  }
  if (!deadline_us_ || server_.now().monotonic_us < *deadline_us_) return;
  if (forces_ && to_) return take_over();
  abort("Replica never caught up before timeout");
}

void Failover::take_over() {
  state_ = State::taking_over;
  server_.replication().follow(*to_, true);
}

}  // namespace chorus::cache::replication
