#include "cache/cluster/migrator.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/cluster/names.h"
#include "cache/effect_commands.h"
#include "cache/rdb/payload.h"
#include "cache/server.h"

namespace chorus::cache::cluster {
namespace {

constexpr std::size_t window_octets = 1 << 20;
constexpr std::size_t line_octets_max = 64 << 10;
constexpr std::int64_t idle_us_max = 10'000'000;
constexpr std::string_view not_connected = "-IOERR error or timeout connecting to the client";
constexpr std::string_view not_answered = "-IOERR error or timeout reading to target instance";

}  // namespace

std::uint64_t Migrator::dial(std::string host, std::uint16_t port, std::int64_t timeout_us) {
  const std::uint64_t number = server_.next_link();
  server_.want({.what = LinkAction::What::dial,
                .link = number,
                .to = {.ip = host, .port = port, .bus_port = 0, .hostname = {}},
                .timeout_us = timeout_us});
  links_.emplace(number, Link{.host = std::move(host), .port = port});
  return number;
}

void Migrator::begin(std::uint64_t number, Migration migration) {
  auto found = std::find_if(links_.begin(), links_.end(), [&](const auto& each) {
    return each.second.job == nullptr && each.second.is_up && each.second.host == migration.host && each.second.port == migration.port;
  });
  if (found == links_.end()) found = links_.find(dial(migration.host, migration.port, migration.timeout_us));
  Link& link = found->second;
  link.job = std::make_unique<Job>(Job{.number = number, .wish = std::move(migration), .progress_us = server_.now().monotonic_us});
  if (link.is_up) start(found->first, link);
}

void Migrator::up(std::uint64_t number) {
  Link& link = links_.at(number);
  link.is_up = true;
  if (link.job == nullptr) return;
  link.job->progress_us = server_.now().monotonic_us;
  start(number, link);
}

void Migrator::start(std::uint64_t number, Link& link) {
  const Migration& wish = link.job->wish;
  if (wish.password && wish.user) {
    send(link, {.what = Asked::auth, .key = {}}, {"AUTH", *wish.user, *wish.password});
  } else if (wish.password) {
    send(link, {.what = Asked::auth, .key = {}}, {"AUTH", *wish.password});
  }
  if (!std::exchange(link.is_used, true) && is_member(link)) {
    send(link, {.what = Asked::greeting, .key = {}}, {"CLUSTER", "HANDOVER", greeting(link.host, link.port), server_.cluster()->self()});
  }
  if (link.db != wish.to_db) {
    send(link, {.what = Asked::select, .key = {}}, {"SELECT", std::to_string(wish.to_db)});
  }
  pump(link);
  flush(number, link);
  finish_if_done(number, link);
}

void Migrator::pump(Link& link) {
  Job& job = *link.job;
  while (!job.is_refused && job.next < job.wish.keys.size() && job.octets < window_octets) {
    const std::string& key = job.wish.keys[job.next];
    if (const Membership* own = server_.cluster(); own != nullptr && own->map().move_of(slot_of(key)) != 0) {
      // It goes with its slot, where that goes.
      if (job.error.empty()) job.error = "-TRYAGAIN The slot is being moved to another node";
      job.next = job.wish.keys.size();
      return;
    }
    if (is_in_transit(job.wish.db, key)) return;  // by another's MIGRATE: it is seen when that is over
    ++job.next;
    send_key(link, key, job.wish.replaces);
  }
}

void Migrator::send(Link& link, Request request, std::initializer_list<std::string_view> words) {
  const std::size_t before = link.out.size();
  append_request(link.out, words);
  request.octets = link.out.size() - before;
  link.job->octets += request.octets;
  link.job->unanswered.push_back(std::move(request));
}

bool Migrator::send_key(Link& link, const std::string& key, bool replaces) {
  const Job& job = *link.job;
  const Entry* entry = server_.database(job.wish.db).find(key);
  const std::int64_t now_ms = server_.now().unix_ms();
  if (entry == nullptr || entry->is_expired(now_ms)) return false;
  const auto expiry = entry->expiry();
  const std::string ttl = std::to_string(expiry ? std::max<std::int64_t>(*expiry - now_ms, 1) : 0);
  const std::string payload = rdb::make_payload(*entry, server_.options().rdb);
  const std::string_view command = server_.cluster() == nullptr ? "RESTORE" : "RESTORE-ASKING";
  if (!job.wish.copies) transit_[Key(job.wish.db, key)] = false;
  if (replaces) {
    send(link, {.what = Asked::restore, .key = key}, {command, key, ttl, payload, "REPLACE"});
  } else {
    send(link, {.what = Asked::restore, .key = key}, {command, key, ttl, payload});
  }
  return true;
}

void Migrator::flush(std::uint64_t number, Link& link) {
  if (!link.out.empty()) server_.want({.what = LinkAction::What::send, .link = number, .octets = std::exchange(link.out, {})});
}

void Migrator::received(std::uint64_t number, std::string_view octets) {
  Link& link = links_.at(number);
  link.in += octets;
  std::size_t used = 0;
  for (std::size_t end = 0; (end = link.in.find("\r\n", used)) != std::string::npos; used = end + 2) {
    // Nothing was asked: whatever it is, it is no server of Redis' kind.
    if (link.job == nullptr || link.job->unanswered.empty()) return give_up(number, not_answered);
    answered(link, std::string_view(link.in).substr(used, end - used));
  }
  link.in.erase(0, used);
  if (link.in.size() > line_octets_max) return give_up(number, not_answered);
  if (link.job == nullptr) return;
  pump(link);
  flush(number, link);
  finish_if_done(number, link);
}

void Migrator::answered(Link& link, std::string_view line) {
  Job& job = *link.job;
  const Request request = std::move(job.unanswered.front());
  job.unanswered.pop_front();
  job.octets -= request.octets;
  job.progress_us = server_.now().monotonic_us;
  job.has_answer = true;
  const bool is_error = line.starts_with('-');
  if (request.what == Asked::greeting) {
    // Who may not say that may bring keys all the same.
    if (!is_error) note_greeted(link.host, link.port);
    return;
  }
  if (is_error && job.error.empty()) {
    job.error = fmt::format("-ERR Target instance replied with error: {}", line.substr(1));
    link.db.reset();
  }
  switch (request.what) {
    case Asked::auth:
    case Asked::select:
      job.is_refused = job.is_refused || is_error;
      if (request.what == Asked::select && !is_error) link.db = job.wish.to_db;
      return;
    case Asked::greeting:
    case Asked::asking:
      return;
    case Asked::restore:
      if (job.wish.copies) return;
      // Where it may be is not known when another database was written to: it stays here.
      if (is_error || job.is_refused) return land(job, request.key);
      return restored(link, request.key);
    case Asked::remove:
      return land(job, request.key);
  }
}

void Migrator::restored(Link& link, const std::string& key) {
  const Job& job = *link.job;
  const auto transit = transit_.find(Key(job.wish.db, key));
  if (transit == transit_.end()) return;
  if (!transit->second) {
    land(job, key);
    return server_.remove_migrated(job.wish.db, key);
  }
  if (send_key(link, key, true)) return;
  // It was changed and has gone since: so it has to go there.
  if (server_.cluster() != nullptr) send(link, {.what = Asked::asking, .key = {}}, {"ASKING"});
  send(link, {.what = Asked::remove, .key = key}, {"DEL", key});
  transit->second = false;
}

void Migrator::land(const Job& job, const std::string& key) {
  if (transit_.erase(Key(job.wish.db, key)) > 0) server_.release_soon();
}

void Migrator::finish_if_done(std::uint64_t number, Link& link) {
  const Job* job = link.job.get();
  if (job == nullptr || !job->unanswered.empty() || (job->next < job->wish.keys.size() && !job->is_refused)) return;
  const auto done = std::move(link.job);
  if (done->error.empty()) link.db = done->wish.to_db;
  link.idle_since_us = server_.now().monotonic_us;
  if (idle_links() > idle_links_max) {
    links_.erase(number);
    server_.want({.what = LinkAction::What::close, .link = number});
  }
  server_.migrated(done->number, done->error.empty() ? "+OK" : done->error);
}

bool Migrator::is_member(const Link& link) const {
  const Membership* own = server_.cluster();
  return own != nullptr && member_at(own->map(), link.host, link.port) != nullptr;
}

/// They are this server's still, whatever the other has of them.
void Migrator::forget_transit(const Link& link, const Job& job) {
  if (!job.unanswered.empty()) greeted_.erase({link.host, link.port});
  if (job.wish.copies) return;
  for (const Request& request : job.unanswered) {
    if (request.what == Asked::restore || request.what == Asked::remove) land(job, request.key);
  }
}

void Migrator::give_up(std::uint64_t number, std::string_view why) {
  const auto found = links_.find(number);
  const auto job = std::move(found->second.job);
  if (job != nullptr) forget_transit(found->second, *job);
  links_.erase(found);
  server_.want({.what = LinkAction::What::close, .link = number});
  if (job == nullptr) return;
  server_.migrated(job->number, job->error.empty() ? why : std::string_view(job->error));
}

void Migrator::down(std::uint64_t number) {
  const auto found = links_.find(number);
  Link& link = found->second;
  Job* job = link.job.get();
  // The other server may have let go of a connection that was kept: once more. source: Redis' MIGRATE
  if (job == nullptr || !link.is_up || job->has_answer || std::exchange(job->is_retried, true)) {
    return give_up(number, link.is_up ? not_answered : not_connected);
  }
  auto again = std::move(link.job);
  forget_transit(link, *again);
  links_.erase(found);
  again->unanswered.clear();
  again->octets = again->next = 0;
  again->progress_us = server_.now().monotonic_us;
  const std::uint64_t next = dial(again->wish.host, again->wish.port, again->wish.timeout_us);
  links_.at(next).job = std::move(again);
}

void Migrator::tick() {
  const std::int64_t now_us = server_.now().monotonic_us;
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, link] : links_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    Link& link = links_.at(number);
    if (link.job == nullptr) {
      if (now_us - link.idle_since_us >= idle_us_max) give_up(number, not_answered);
    } else if (now_us - link.job->progress_us >= link.job->wish.timeout_us) {
      give_up(number, link.is_up ? not_answered : not_connected);
    } else if (link.is_up) {
      // It may have waited for a key that another's MIGRATE had in transit.
      pump(link);
      flush(number, link);
      finish_if_done(number, link);
    }
  }
}

bool Migrator::is_in_transit(unsigned db, std::string_view key) const { return transit_.contains(Key(db, key)); }

bool Migrator::has_transit_in(const Slots& slots) const {
  return std::any_of(transit_.begin(), transit_.end(), [&](const auto& each) { return slots.contains(slot_of(each.first.second)); });
}

void Migrator::key_changed(unsigned db, std::string_view key) {
  if (transit_.empty()) return;
  if (const auto found = transit_.find(Key(db, key)); found != transit_.end()) found->second = true;
}

void Migrator::database_changed(unsigned db) {
  for (auto& [key, is_changed] : transit_) is_changed = is_changed || key.first == db;
}

std::size_t Migrator::idle_links() const {
  return static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), [](const auto& each) { return each.second.job == nullptr; }));
}

}  // namespace chorus::cache::cluster
