// The server at both ends of a move of slots.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/call.h"
#include "cache/cluster/handlers.h"
#include "cache/cluster/handover.h"
#include "cache/cluster/migrator.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t again_after_us = 500'000;
/// Keys of slots that were given away go a little at a time.
constexpr std::size_t purged_at_a_time = 2000;

}  // namespace

void Server::want(cluster::LinkAction action) { link_actions_.push_back(std::move(action)); }
std::vector<cluster::LinkAction> Server::take_link_actions() { return std::exchange(link_actions_, {}); }

void Server::on_link(LinkEvent event, Now now) {
  const memory::Scope scope(account_);
  link_events_.push_back(std::move(event));
  if (scripts_->running() != nullptr) return;  // with the next tick
  now_ = now;
  begun_us_ = elapsed_us();
  take_link_events();
  finish_tracking();
}

void Server::take_link_events() {
  using What = LinkEvent::What;
  for (const LinkEvent& event : std::exchange(link_events_, {})) {
    if (handover_ != nullptr && handover_->link() == event.link) {
      if (event.what == What::up) handover_->up();
      if (event.what == What::data) handover_->received(event.octets);
      if (event.what == What::down) handover_->down(event.octets);
      handover_step();
    } else if (migrator_->has_link(event.link)) {
      if (event.what == What::up) migrator_->up(event.link);
      if (event.what == What::data) migrator_->received(event.link, event.octets);
      if (event.what == What::down) migrator_->down(event.link);
      end_unit();
      release_held_back();
    }
  }
}

void Server::link_up(std::uint64_t link, Now now) { on_link({.what = LinkEvent::What::up, .link = link, .octets = {}}, now); }
void Server::link_data(std::uint64_t link, std::string_view octets, Now now) {
  on_link({.what = LinkEvent::What::data, .link = link, .octets = std::string(octets)}, now);
}
void Server::link_down(std::uint64_t link, std::string_view why, Now now) {
  on_link({.what = LinkEvent::What::down, .link = link, .octets = std::string(why)}, now);
}

void Server::handover_step() {
  if (!cluster_) return;
  if (handover_ && !handover_->is_over() && handover_->may_be_ended()) {
    const auto& moves = cluster_->map().moves();
    const auto found = moves.find(handover_->number());
    if (found == moves.end() || found->second != handover_->move()) {
      handover_->end("the move was taken out of the map, or changed");
    } else if (!cluster_->has_lease(now_.monotonic_us)) {
      handover_->end("the lease has ended");
    }
  }
  if (handover_ && handover_->is_over()) {
    const bool is_done = handover_->state() == cluster::Handover::State::done;
    cluster::HandoverStatistics& all = handover_statistics_;
    ++(is_done ? all.done : all.failed);
    all.keys += handover_->keys_sent();
    all.octets += handover_->octets_sent();
    all.pause_us_last = handover_->pause_us();
    all.pause_us_max = std::max(all.pause_us_max, all.pause_us_last);
    if (!is_done) {
      last_handover_failure_ = handover_->failure();
      handover_not_before_us_ = now_.monotonic_us + again_after_us;
    }
    handover_.reset();
  }
  release_held_back();
  // What is loaded is not all there yet.
  if (handover_ || save_.is_loading || now_.monotonic_us < handover_not_before_us_ || !cluster_->has_lease(now_.monotonic_us)) return;
  for (const auto& [number, move] : cluster_->map().moves()) {
    if (move.from != cluster_->self() || cluster_->map().find(move.to) == nullptr || !cluster_->running().contains(move.to)) continue;
    handover_ = std::make_unique<cluster::Handover>(*this, next_link(), number, move);
    return;
  }
}

void Server::hold_back(const cluster::Slots& slots, bool on) {
  if (on) {
    held_slots_.insert(slots.begin(), slots.end());
  } else {
    held_slots_.clear();
    has_released_ = true;
  }
}

void Server::hold_back(Client& client, Arguments arguments) {
  client.held_back = std::make_unique<std::vector<std::string>>(arguments.begin(), arguments.end());
  ++held_clients_;
}

void Server::release_held_back() {
  // Without a lease nothing is served, so nobody needs to wait.
  const bool is_down = held_clients_ > 0 && cluster_ && !cluster_->is_ok(now_.monotonic_us);
  if ((!std::exchange(has_released_, false) && !is_down) || held_clients_ == 0) return;
  for (Client* client : all_clients()) {
    if (client->held_back == nullptr) continue;
    const auto words = std::move(client->held_back);
    --held_clients_;
    if (client->closes) continue;
    dispatch(*client, std::vector<std::string_view>(words->begin(), words->end()));
    client->is_waiting = true;
    list(*client);
  }
}

void Server::flip(cluster::Handover& handover) {
  const cluster::Change change = [number = handover.number(), move = handover.move(), life = handover.taker_life()](cluster::SlotMap& map) {
    const auto found = map.moves().find(number);
    if (found == map.moves().end() || found->second != move) return cluster::Outcome::error("ERR the move was taken out of the map");
    for (const std::uint16_t slot : move.slots) map.set_owner(slot, &move.to);
    map.member(move.to)->epoch = map.next_epoch();
    return cluster::Outcome{.has_changed = true, .lives = {{move.to, life}}};
  };
  flip_ = ++changes_submitted_;
  cluster_step(cluster::event::Request{.number = flip_, .changes = {change}, .deadline_us = {}});
}

void Server::purge_some() {
  std::size_t left = purged_at_a_time;
  while (left > 0 && !purging_.empty()) {
    if (purge_slot(*purging_.begin(), left)) purging_.erase(purging_.begin());
  }
  end_unit();
}

/// A slot that comes back must not show what was in it before.
void Server::purge_before_use() {
  for (auto at = purging_.begin(); at != purging_.end();) {
    const cluster::Open* open = cluster_->map().open(*at);
    const bool is_used = cluster_->is_mine(*at) || (open != nullptr && open->importing.contains(cluster_->self()));
    std::size_t all = std::numeric_limits<std::size_t>::max();
    if (is_used) purge_slot(*at, all);
    at = is_used ? purging_.erase(at) : std::next(at);
  }
}

bool Server::purge_slot(std::uint16_t slot, std::size_t& most) {
  std::vector<std::string> keys;
  std::uint64_t cursor = 0;
  do {
    cursor = databases_[0]->scan_slot(slot, cursor, [&](const Entry* entry) { keys.emplace_back(entry->key()); });
  } while (cursor != 0 && keys.size() < most);
  for (const std::string& key : keys) {
    Entry* entry = databases_[0]->find(key);
    if (entry == nullptr) continue;
    erase(0, entry);
    effects_.add(0, std::initializer_list<std::string_view>{"UNLINK", key});
    key_changed(0, key);
  }
  most -= std::min(most, keys.size());
  return cursor == 0;
}

bool Server::takes_over(const Client& client, std::uint16_t slot) const {
  if (client.takes_move == 0 || cluster_->is_mine(slot)) return false;
  return cluster_->map().move_of(slot) == client.takes_move;
}

/// The taking side. What was left of an attempt before goes, but not what clients have moved key by key.
void Server::begin_to_take(Client& client, std::uint64_t number) {
  // What of that attempt is still on its way must not come behind what this one brings.
  for (Client* other : all_clients()) {
    if (other->takes_move == number) other->takes_move = 0;
  }
  client.takes_move = number;
  client.failed_effects = 0;
  drop_open_keys(number);
  for (const std::uint16_t slot : cluster_->map().moves().at(number).slots) {
    const cluster::Open* open = cluster_->map().open(slot);
    if (open != nullptr && open->importing.contains(cluster_->self())) continue;
    std::size_t all = std::numeric_limits<std::size_t>::max();
    purge_slot(slot, all);
    purging_.erase(slot);
    taking_.insert(slot);
  }
}

void Server::note_origin(Client& client, std::string_view node, bool fences) {
  client.comes_from = std::make_unique<std::string>(node);
  if (!fences) return;
  for (Client* other : all_clients()) {
    if (other != &client && other->comes_from != nullptr && *other->comes_from == node) end(*other);
  }
}

void Server::drop_open_keys(std::uint64_t move) {
  const auto found = open_keys_.find(move);
  if (found == open_keys_.end()) return;
  for (const std::string& key : found->second) {
    Entry* entry = cluster_->is_mine(slot_of(key)) ? nullptr : databases_[0]->find(key);
    if (entry == nullptr) continue;
    erase(0, entry);
    effects_.add(0, std::initializer_list<std::string_view>{"UNLINK", key});
    key_changed(0, key);
  }
  open_keys_.erase(found);
  end_unit();
}

/// Once: keys of a snapshot or log whose slots others own by now are nobody's. Nothing served them, and nothing will.
void Server::purge_what_is_others() {
  if (has_checked_slots_ || save_.is_loading || !cluster_->knows_map() || !cluster_->is_member()) return;
  has_checked_slots_ = true;
  for (std::size_t i = 0; i < slots; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    if (databases_[0]->slot_size(slot) == 0 || taking_.contains(slot)) continue;
    const cluster::NodeId* owner = cluster_->map().owner(slot);
    const cluster::Open* open = cluster_->map().open(slot);
    const bool is_imported = open != nullptr && open->importing.contains(cluster_->self());
    if (owner != nullptr && *owner != cluster_->self() && !is_imported) purging_.insert(slot);
  }
}

/// Of moves that were ended: what came by them is nobody's.
void Server::drop_what_was_not_taken() {
  std::vector<std::uint64_t> over;
  for (const auto& [number, keys] : open_keys_) {
    if (!cluster_->map().moves().contains(number)) over.push_back(number);
  }
  for (const std::uint64_t number : over) drop_open_keys(number);
  for (auto at = taking_.begin(); at != taking_.end();) {
    const std::uint64_t number = cluster_->map().move_of(*at);
    const bool is_coming = number != 0 && cluster_->map().moves().at(number).to == cluster_->self();
    if (!is_coming && !cluster_->is_mine(*at)) purging_.insert(*at);
    at = is_coming ? std::next(at) : taking_.erase(at);
  }
}

void cluster_handover(Call& call) {
  Server& server = call.server();
  const cluster::Membership* own = server.cluster();
  if (own == nullptr) return call.error("ERR This instance has cluster support disabled");
  Client& client = call.client();
  if (call.is_word(2, "MARK") && call.size() == 3) return call.reply.ok();
  if (call.size() == 4 && (call.is_word(2, "FROM") || call.is_word(2, "FENCE"))) {
    if (!cluster::is_node_id(call[3])) return call.error(errors::syntax);
    server.note_origin(client, call[3], call.is_word(2, "FENCE"));
    return call.reply.ok();
  }
  const auto number = call.size() == 4 ? call.integer(3) : std::nullopt;
  if (!number || *number <= 0) return call.size() == 4 && !number ? void() : call.error(errors::syntax);
  const auto wanted = static_cast<std::uint64_t>(*number);
  const auto found = own->map().moves().find(wanted);
  const bool is_ours = found != own->map().moves().end() && found->second.to == own->self();
  if (call.is_word(2, "BEGIN")) {
    if (!is_ours || !own->life()) return call.error("ERR This node does not know of that move");
    server.begin_to_take(client, wanted);
    // So that the map is changed only while what comes now is there.
    return call.reply.simple(fmt::format("LIFE {}", *own->life()));
  }
  if (client.takes_move != wanted) return call.error("ERR That move was not begun here");
  if (call.is_word(2, "END")) {
    if (!is_ours) return call.error("ERR That move was ended");
    if (client.failed_effects > 0) return call.error(fmt::format("ERR {} commands of the move failed", client.failed_effects));
    return call.reply.ok();
  }
  if (!call.is_word(2, "DONE")) return call.error(errors::syntax);
  client.takes_move = 0;
  // The other node holds back requests until this one's view has the change as well.
  if (!is_ours) return call.reply.ok();
  const cluster::Change wait = [wanted](cluster::SlotMap&) {
    cluster::Outcome outcome;
    outcome.until = [wanted](const cluster::SlotMap& now) -> std::optional<std::string> {
      return now.moves().contains(wanted) ? std::nullopt : std::optional<std::string>("+OK");
    };
    return outcome;
  };
  server.submit(client, call.command(), {wait}, false);
}

}  // namespace chorus::cache
