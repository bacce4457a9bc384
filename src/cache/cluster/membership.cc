#include "cache/cluster/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace chorus::cache::cluster {
namespace {

constexpr std::int64_t second_us = 1'000'000;
/// A node that is started again is away for less.
constexpr std::int64_t failed_after_us = second_us;
constexpr std::int64_t forgotten_for_us = 60 * second_us;
constexpr std::int64_t lease_asked_every_us = second_us / 4;
constexpr std::size_t queue_max = 1024;
constexpr std::size_t meetings_max = 64;

}  // namespace

Membership::Membership(const Options& options, Endpoint self, std::uint64_t seed)
    : options_(&options), self_(std::move(self)), random_(seed) {}

void Membership::step(std::int64_t now_us, const Event& event, std::vector<Action>& out) {
  now_us_ = now_us;
  std::visit([&](const auto& each) { on(each, out); }, event);
}

void Membership::on(const event::Loaded&, Out& out) {
  is_loaded_ = true;
  read_map(out);
}

void Membership::on(const event::Life& life, Out& /*out*/) { life_ = life.number; }

void Membership::read_map(Out& out) { out.push_back(action::ReadMap{++reads_}); }

void Membership::on(const event::MapRead& read, Out& out) {
  if (read.text && has_map_ && read.version < version_) {
    // Older than what is known: an answer that was overtaken. It was sent before what we wait for as well.
    if (read.read != 0 && (read.read == lease_read_ || read.read == awaited_read_)) read_map(out);
    if (read.read == lease_read_) lease_read_ = reads_;
    if (read.read == awaited_read_) awaited_read_ = reads_;
    return;
  }
  auto parsed = read.text ? SlotMap::parse(*read.text) : SlotMap();
  is_readable_ = parsed.has_value();
  has_map_ = true;
  version_ = read.text ? read.version : -1;
  if (parsed) take_map(std::move(*parsed), out);
  if (lease_read_ != 0 && read.read == lease_read_) {
    lease_read_ = 0;
    lease_until_us_ = std::max(lease_until_us_, lease_wanted_us_);
    out.push_back(action::Changed{});
  }
  if (awaited_read_ != 0 && read.read == awaited_read_) {
    awaited_read_ = 0;
    if (ticket_ != 0 && map_.has_ticket(self(), ticket_)) {
      ticket_ = 0;
      finish(true, out);
    }
    ticket_ = 0;
  }
  work(out);
}

void Membership::take_map(SlotMap map, Out& out) {
  for (const auto& [id, member] : map_.members()) {
    if (map.find(id) == nullptr) forgotten_[id] = now_us_ + forgotten_for_us;
  }
  map_ = std::move(map);
  unsettle();
  for (const auto& [id, member] : map_.members()) forgotten_.erase(id);
  map_.mark_slots_of(self(), mine_);
  recompute(out);
  out.push_back(action::Changed{});
  look_at_waiting(out);
  keep_up_own_entry(out);
}

void Membership::recompute(Out& /*out*/) {
  std::erase_if(gone_us_, [&](const auto& each) { return running_.contains(each.first) || map_.find(each.first) == nullptr; });
  failed_.clear();
  members_with_slots_ = slots_failed_ = 0;
  for (const auto& [id, member] : map_.members()) {
    if (!running_.contains(id) && id != self()) {
      const std::int64_t since = gone_us_.try_emplace(id, now_us_).first->second;
      if (now_us_ - since >= failed_after_us) failed_.insert(id);
    }
  }
  for (const auto& [id, count] : map_.slot_counts()) {
    ++members_with_slots_;
    if (has_failed(id)) slots_failed_ += count;
  }
  is_covered_ = map_.assigned() == cache::slots && slots_failed_ == 0;
}

void Membership::on(const event::NodeSeen& seen, Out& out) {
  const auto endpoint = seen.endpoint ? parse_endpoint(*seen.endpoint) : std::nullopt;
  if (endpoint && is_node_id(seen.id)) {
    running_.insert_or_assign(seen.id, *endpoint);
  } else {
    running_.erase(seen.id);
  }
  unsettle();
  recompute(out);
  meet_those_that_run(out);
}

void Membership::on(const event::Renewed& renewed, Out& out) {
  const std::int64_t until = renewed.sent_us + renewed.lease_us;
  if (has_lease(now_us_)) {
    lease_until_us_ = std::max(lease_until_us_, until);
    return;
  }
  // It had ended, and slots may have been given away meanwhile: not before the map has been read once more.
  lease_wanted_us_ = until;
  read_map(out);
  lease_read_ = reads_;
}

void Membership::on(const event::Request& request, Out& out) {
  if (queue_.size() + waiting_.size() >= queue_max) {
    std::vector<std::string> replies(request.changes.size(), "-ERR too many changes of the cluster wait already");
    out.push_back(action::Finished{request.number, std::move(replies)});
    return;
  }
  queue_.push_back({.request = request, .replies = {}, .until = {}});
  if (queue_.size() == 1) work(out);
}

void Membership::work(Out& out) {
  while (!queue_.empty() && !is_writing_ && awaited_read_ == 0 && is_loaded_ && has_map_) {
    Pending& first = queue_.front();
    if (!is_readable_) return refuse("CLUSTERDOWN The slot map in the tree cannot be read", out);
    SlotMap map = map_;
    std::set<NodeId> robbed;
    std::map<NodeId, std::int32_t> lives;
    bool has_changed = false;
    first.replies.clear();
    first.until.clear();
    for (const Change& change : first.request.changes) {
      Outcome outcome = change(map);
      has_changed = has_changed || outcome.has_changed;
      robbed.merge(outcome.robbed);
      lives.merge(outcome.lives);
      first.replies.push_back(std::move(outcome.reply));
      if (outcome.until) first.until.push_back(std::move(outcome.until));
    }
    robbed.erase(self());
    if (!has_changed) {
      finish(true, out);
      continue;
    }
    switch (rob(robbed, out)) {
      case Robbing::allowed:
        break;
      case Robbing::refused:
        continue;
      case Robbing::not_yet:
        return;
    }
    ticket_ = random_.next() | 1;
    map.next_epoch();
    map.set_ticket(self(), ticket_);
    action::WriteMap write{.text = map.format(), .version = version_, .leases = {}, .lives = std::move(lives)};
    for (const NodeId& id : robbed) write.leases.emplace(id, observed_.at(id).version);
    written_ = std::move(map);
    is_writing_ = true;
    out.push_back(std::move(write));
  }
}

Membership::Robbing Membership::rob(const std::set<NodeId>& robbed, Out& out) {
  bool all_over = true;
  const bool may_ask = now_us_ - lease_asked_us_ >= lease_asked_every_us;
  for (const NodeId& id : robbed) {
    if (running_.contains(id)) {
      refuse(fmt::format("ERR Node {} runs and owns slots that this would take from it", id), out);
      return Robbing::refused;
    }
    const auto seen = observed_.find(id);
    if (seen != observed_.end() && now_us_ - seen->second.since_us >= seen->second.lease_us / 4 * 5) continue;
    all_over = false;
    if (may_ask) out.push_back(action::ReadLease{id});
  }
  if (all_over) return Robbing::allowed;
  if (may_ask) lease_asked_us_ = now_us_;
  return Robbing::not_yet;
}

void Membership::on(const event::LeaseRead& lease, Out& out) {
  const auto [seen, is_new] = observed_.try_emplace(lease.id, Observed{lease.version, now_us_, lease.lease_us});
  if (!is_new && seen->second.version != lease.version) seen->second = {lease.version, now_us_, lease.lease_us};
  work(out);
}

void Membership::on(const event::MapWritten& written, Out& out) {
  is_writing_ = false;
  switch (written.how) {
    case event::Written::done:
      version_ = written.version;
      ticket_ = 0;
      // Before the answer: who asks this node next sees what it was told.
      take_map(std::exchange(written_, {}), out);
      finish(true, out);
      return work(out);
    case event::Written::conflict:
      ticket_ = 0;
      observed_.clear();
      read_map(out);
      awaited_read_ = reads_;
      return;
    case event::Written::outlived:
      ticket_ = 0;
      refuse("ERR A node that this depends on was started again", out);
      return work(out);
    case event::Written::unknown:
      read_map(out);
      awaited_read_ = reads_;
      return;
  }
}

void Membership::finish(bool is_done, Out& out) {
  Pending pending = std::move(queue_.front());
  queue_.pop_front();
  if (is_done && !pending.until.empty()) {
    waiting_.push_back(std::move(pending));
    return look_at_waiting(out);
  }
  if (pending.request.number != 0) out.push_back(action::Finished{pending.request.number, std::move(pending.replies), is_done});
}

void Membership::refuse(std::string_view words, Out& out) {
  Pending& first = queue_.front();
  first.replies.assign(first.request.changes.size(), "-" + std::string(words));
  finish(false, out);
}

void Membership::look_at_waiting(Out& out) {
  for (std::size_t i = 0; i < waiting_.size();) {
    Pending& pending = waiting_[i];
    std::optional<std::string> last;
    const bool is_over = std::all_of(pending.until.begin(), pending.until.end(), [&](const auto& until) {
      last = until(map_);
      return last.has_value();
    });
    if (!is_over) {
      ++i;
      continue;
    }
    pending.replies.back() = *last;
    out.push_back(action::Finished{pending.request.number, std::move(pending.replies), true});
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// A node that was started at another address says so.
void Membership::keep_up_own_entry(Out& out) {
  const Member* own = map_.find(self());
  if (own == nullptr || own->endpoint == self_ || !is_loaded_) return;
  if (std::any_of(queue_.begin(), queue_.end(), [](const Pending& each) { return each.request.number == 0; })) return;
  const Change change = [id = self(), endpoint = self_](SlotMap& map) -> Outcome {
    Member* member = map.member(id);
    if (member == nullptr || member->endpoint == endpoint) return {};
    member->endpoint = endpoint;
    return {.has_changed = true};
  };
  on(event::Request{.number = 0, .changes = {change}, .deadline_us = {}}, out);
}

void Membership::on(const event::Meet& meet, Out& out) {
  if (meetings_.size() >= meetings_max) meetings_.erase(meetings_.begin());
  meetings_.push_back({meet, now_us_ + lease_us()});
  meet_those_that_run(out);
}

void Membership::meet_those_that_run(Out& out) {
  for (std::size_t i = 0; i < meetings_.size();) {
    const event::Meet& with = meetings_[i].with;
    const auto found = std::find_if(running_.begin(), running_.end(), [&](const auto& each) {
      return each.second.port == with.port && (each.second.ip == with.ip || each.second.hostname == with.ip);
    });
    if (found == running_.end()) {
      ++i;
      continue;
    }
    const auto [id, endpoint] = *found;
    meetings_.erase(meetings_.begin() + static_cast<std::ptrdiff_t>(i));
    const Change change = [id, endpoint, self = self(), own = self_](SlotMap& map) -> Outcome {
      if (map.find(id) != nullptr && map.find(self) != nullptr) return {};
      if (!map.add_member(self, own) || !map.add_member(id, endpoint)) return Outcome::error("ERR there are too many nodes");
      return {.has_changed = true};
    };
    on(event::Request{.number = 0, .changes = {change}, .deadline_us = {}}, out);
  }
}

void Membership::on(const event::Tick&, Out& out) {
  recompute(out);
  std::erase_if(forgotten_, [&](const auto& each) { return each.second <= now_us_; });
  std::erase_if(meetings_, [&](const auto& each) { return each.deadline_us <= now_us_; });
  const auto is_late = [&](const Pending& each) { return each.request.deadline_us && *each.request.deadline_us <= now_us_; };
  for (std::size_t i = 0; i < waiting_.size();) {
    if (!is_late(waiting_[i])) {
      ++i;
      continue;
    }
    waiting_[i].replies.back() = "-ERR The slot is still being moved: it changes hands once all of it is at its new owner";
    out.push_back(action::Finished{waiting_[i].request.number, std::move(waiting_[i].replies)});
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  // The first may be under way: its outcome is awaited all the same, but its client is told.
  for (std::size_t i = 0; i < queue_.size();) {
    Pending& pending = queue_[i];
    if (!is_late(pending)) {
      ++i;
      continue;
    }
    const bool is_under_way = i == 0 && (is_writing_ || ticket_ != 0);
    const std::string why = is_under_way ? "-CLUSTERDOWN The tree has not answered: the change may or may not have been made"
                                         : "-CLUSTERDOWN The tree does not answer, or a node that loses slots may still serve them";
    std::vector<std::string> replies(pending.request.changes.size(), why);
    if (pending.request.number != 0) out.push_back(action::Finished{std::exchange(pending.request.number, 0), std::move(replies)});
    if (is_under_way) {
      pending.request.deadline_us.reset();
      ++i;
    } else {
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  rebalance(out);
  work(out);
}

}  // namespace chorus::cache::cluster
