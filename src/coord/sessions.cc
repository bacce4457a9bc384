#include "coord/sessions.h"

#include <algorithm>

namespace chorus::coord {

using std::chrono::duration_cast;

std::string session_password(std::int64_t id) {
  // java.util.Random(id ^ 0xB3415C00).nextBytes(16)
  constexpr std::uint64_t mask = (std::uint64_t{1} << 48) - 1;
  std::uint64_t seed = ((static_cast<std::uint64_t>(id) ^ 0xB3415C00) ^ 0x5DEECE66D) & mask;
  std::string password;
  for (int word = 0; word < 4; ++word) {
    seed = (seed * 0x5DEECE66D + 0xB) & mask;
    const auto value = static_cast<std::uint32_t>(seed >> 16);
    for (int octet = 0; octet < 4; ++octet) password.push_back(static_cast<char>(value >> (8 * octet)));
  }
  return password;
}

SessionTracker::SessionTracker(milliseconds tick, std::int64_t server_id, world::Instant now) : tick_(tick) {
  const auto clock_ms = static_cast<std::uint64_t>(duration_cast<milliseconds>(now.time_since_epoch()).count());
  next_id_ = static_cast<std::int64_t>(((clock_ms << 24) >> 8) | (static_cast<std::uint64_t>(server_id) << 56));
  if (next_id_ == INT64_MIN) ++next_id_;  // that value means a container node
}

std::int64_t SessionTracker::next_id() {
  while (sessions_.contains(next_id_)) ++next_id_;  // after a restart the clock may have begun anew
  return next_id_++;
}

std::int64_t SessionTracker::bucket_of(world::Instant deadline) const {
  return duration_cast<milliseconds>(deadline.time_since_epoch()) / tick_ + 1;
}

void SessionTracker::place(std::int64_t id, Session& session, world::Instant now) {
  const std::int64_t bucket = bucket_of(now + session.timeout);
  if (bucket == session.bucket) return;
  if (const auto old = buckets_.find(session.bucket); old != buckets_.end()) {
    old->second.erase(id);
    if (old->second.empty()) buckets_.erase(old);
  }
  buckets_[bucket].insert(id);
  session.bucket = bucket;
}

void SessionTracker::add(std::int64_t id, milliseconds timeout, world::Instant now) {
  const auto [at, is_new] = sessions_.try_emplace(id, Session{.timeout = timeout, .bucket = -1});
  at->second.timeout = timeout;
  if (!at->second.closing) place(id, at->second, now);
}

bool SessionTracker::touch(std::int64_t id, world::Instant now) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end() || at->second.closing) return false;
  place(id, at->second, now);
  return true;
}

void SessionTracker::set_timeout(std::int64_t id, milliseconds timeout, world::Instant now) {
  if (const auto at = sessions_.find(id); at != sessions_.end() && !at->second.closing) {
    at->second.timeout = timeout;
    place(id, at->second, now);
  }
}

void SessionTracker::set_closing(std::int64_t id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end() || at->second.closing) return;
  at->second.closing = true;
  if (const auto bucket = buckets_.find(at->second.bucket); bucket != buckets_.end()) {
    bucket->second.erase(id);
    if (bucket->second.empty()) buckets_.erase(bucket);
  }
  at->second.bucket = -1;
}

bool SessionTracker::is_alive(std::int64_t id) const {
  const auto at = sessions_.find(id);
  return at != sessions_.end() && !at->second.closing;
}

jute::ErrorCode SessionTracker::check(std::int64_t id, const SessionOwner& from) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end() || at->second.closing) return jute::ErrorCode::session_expired;
  SessionOwner& owner = at->second.owner;
  if (owner.kind == SessionOwner::Kind::nobody) owner = from;
  return owner == from ? jute::ErrorCode::ok : jute::ErrorCode::session_moved;
}

void SessionTracker::set_owner(std::int64_t id, const SessionOwner& owner) {
  if (const auto at = sessions_.find(id); at != sessions_.end()) at->second.owner = owner;
}

void SessionTracker::remove(std::int64_t id) {
  set_closing(id);
  sessions_.erase(id);
}

std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> SessionTracker::by_expiry() const {
  std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> result;
  for (const auto& [bucket, ids] : buckets_) {
    auto& entry = result.emplace_back(bucket * tick_.count(), std::vector(ids.begin(), ids.end()));
    std::ranges::sort(entry.second);
  }
  return result;
}

std::vector<std::int64_t> SessionTracker::expire(world::Instant now) {
  const std::int64_t current = duration_cast<milliseconds>(now.time_since_epoch()) / tick_;
  std::vector<std::int64_t> expired;
  while (!buckets_.empty() && buckets_.begin()->first <= current) {
    const auto ids = std::move(buckets_.begin()->second);
    buckets_.erase(buckets_.begin());
    for (const std::int64_t id : ids) {
      sessions_[id].closing = true;
      sessions_[id].bucket = -1;
      expired.push_back(id);
    }
  }
  std::ranges::sort(expired);
  return expired;
}

}  // namespace chorus::coord
