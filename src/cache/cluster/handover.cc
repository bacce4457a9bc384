#include "cache/cluster/handover.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "cache/cluster/migrator.h"
#include "cache/cluster/rebuild.h"
#include "cache/command/command.h"
#include "cache/effect_commands.h"
#include "cache/rdb/payload.h"
#include "cache/resp/number.h"
#include "cache/scripts/scripts.h"
#include "cache/server.h"

namespace chorus::cache::cluster {
namespace {

constexpr std::int64_t ms = 1000;
/// The other node has to have the map too.
constexpr std::int64_t answer_max_us = 10'000 * ms;
/// Clients are held back for no longer than that, unless it is not known whether the map was changed.
constexpr std::int64_t frozen_max_us = 1'000 * ms;
constexpr std::int64_t told_max_us = 1'000 * ms;
/// Of the window: how much goes between marks, and how little is under way when requests are held back, so that the rest takes a few
/// milliseconds.
constexpr std::size_t marks_a_window = 16, freezes_at = 2;
/// Changes that the other node does not take in time.
constexpr std::size_t behind_octets_max = 64 << 20;
constexpr std::size_t line_octets_max = 64 << 10;
/// Values that are larger go in pieces.
constexpr std::size_t payload_octets_max = 64 << 10;

}  // namespace

Handover::Handover(Server& server, std::uint64_t link, std::uint64_t number, Move move)
    : server_(server),
      link_(link),
      number_(number),
      move_(std::move(move)),
      since_us_(server.now().monotonic_us),
      slots_(cache::slots, Slot::waiting) {
  const SlotMap& map = server_.cluster()->map();
  order_.assign(move_.slots.begin(), move_.slots.end());
  const auto open = std::partition(order_.begin(), order_.end(), [&](std::uint16_t slot) { return map.open(slot) == nullptr; });
  open_from_ = static_cast<std::size_t>(open - order_.begin());
  server_.effects().follow(*this);
  server_.want({.what = LinkAction::What::dial, .link = link_, .to = map.find(move_.to)->endpoint});
}

Handover::~Handover() {
  server_.effects().leave(*this);
  server_.want({.what = LinkAction::What::close, .link = link_});
}

std::size_t Handover::window() const { return server_.options().cluster.handover_window_octets; }

void Handover::up() {
  if (state_ != State::dialing) return;
  state_ = State::beginning;
  since_us_ = server_.now().monotonic_us;
  if (const std::string& password = server_.options().password; !password.empty()) {
    send({"AUTH", password});
    unanswered_.push_back(0);
  }
  // What MIGRATE gave up on must not come behind it.
  const Member* to = server_.cluster()->map().find(move_.to);
  if (to == nullptr) return fail("it is no member any more");
  const std::string_view greeting = server_.migrator().greeting(to->endpoint.ip, to->endpoint.port);
  send({"CLUSTER", "HANDOVER", greeting, server_.cluster()->self()});
  unanswered_.push_back(0);
  send({"CLUSTER", "HANDOVER", "BEGIN", std::to_string(number_)});
  unanswered_.push_back(0);
  flush();
}

void Handover::down(std::string_view why) {
  if (state_ == State::telling) return finish();
  if (may_be_ended()) fail(why);
}

void Handover::received(std::string_view octets) {
  in_ += octets;
  for (std::size_t end = 0; !is_over() && (end = in_.find("\r\n")) != std::string::npos;) {
    const std::string line = in_.substr(0, end);
    in_.erase(0, end + 2);
    answered(line);
  }
  if (in_.size() > line_octets_max) fail("its answer is too long");
}

void Handover::answered(std::string_view line) {
  if (unanswered_.empty()) return fail("it answers what was not asked");
  unanswered_octets_ -= unanswered_.front();
  unanswered_.pop_front();
  if (state_ == State::beginning && unanswered_.empty() && line.starts_with("+LIFE ")) {
    const auto life = base::parse_int(line.substr(6));
    if (!life || *life < 0 || *life > std::numeric_limits<std::int32_t>::max()) return fail(line);
    taker_life_ = static_cast<std::int32_t>(*life);
    line = "+OK";
  }
  if (line != "+OK") {
    // The map is changed: who tells it is no matter.
    if (state_ == State::telling) return finish();
    if (may_be_ended()) fail(line);
    return;
  }
  if (state_ == State::beginning && unanswered_.empty()) {
    state_ = State::copying;
    since_us_ = server_.now().monotonic_us;
    if (const Member* to = server_.cluster()->map().find(move_.to)) server_.migrator().note_greeted(to->endpoint.ip, to->endpoint.port);
  }
  if (state_ == State::copying) return pump();
  if (state_ == State::ending && unanswered_.empty()) {
    state_ = State::flipping;
    return server_.flip(*this);
  }
  if (state_ == State::telling && unanswered_.empty()) finish();
}

void Handover::pump() {
  // Half of what it does is not told of yet.
  if (server_.scripts().running() != nullptr) return;
  while (next_ < open_from_ && unanswered_octets_ < window()) {
    const std::uint16_t slot = order_[next_];
    slots_[slot] = Slot::copying;
    if (!copy_some(slot)) continue;
    slots_[slot] = Slot::copied;
    ++copied_;
    ++next_;
  }
  // A key that MIGRATE has on its way would be copied, and then go here: after an attempt that fails it would be nowhere.
  if (next_ == open_from_ && unanswered_octets_ < window() / freezes_at && !server_.migrator().has_transit_in(move_.slots)) {
    freeze();
    for (; next_ < order_.size(); ++next_, ++copied_) {
      while (!copy_some(order_[next_])) {
      }
    }
    send({"CLUSTER", "HANDOVER", "END", std::to_string(number_)});
    unanswered_.push_back(std::exchange(unmarked_octets_, 0));
    state_ = State::ending;
    since_us_ = server_.now().monotonic_us;
  }
  flush();
}

bool Handover::copy_some(std::uint16_t slot) {
  const Database& database = server_.database(0);
  if (!is_scanned_) {
    std::vector<Entry*> found;
    cursor_ = database.scan_slot(slot, cursor_, [&](Entry* entry) { found.push_back(entry); });
    for (const Entry* entry : found) send_key(entry->key());
    is_scanned_ = cursor_ == 0;
    if (!is_scanned_) return false;
  }
  while (!dirty_.empty() && unanswered_octets_ < window()) send_key(*dirty_.begin());
  if (!dirty_.empty()) return false;
  is_scanned_ = false;
  return true;
}

void Handover::send_key(std::string_view name) {
  const std::string key(name);
  if (const auto dirty = dirty_.find(key); dirty != dirty_.end()) dirty_.erase(dirty);
  Entry* entry = server_.database(0).find(key);
  if (entry == nullptr || entry->is_expired(server_.now().unix_ms())) return send({"DEL", key});
  ++keys_;
  NumberText scratch;
  const auto expiry = entry->expiry();
  const std::string at = std::to_string(expiry.value_or(0));
  if (entry->type() == Type::string) {
    const std::string_view value = entry->text(scratch);
    return expiry ? send({"SET", key, value, "PXAT", at}) : send({"SET", key, value});
  }
  // As the value is kept: one command, and next to no work at either end. A large one in pieces, so that neither holds all of it twice.
  if (const auto payload = rdb::make_small_payload(*entry, {.version = 11, .compresses = false}, payload_octets_max)) {
    return send({"RESTORE", key, at, *payload, "ABSTTL", "REPLACE"});
  }
  rebuild(server_.options().thresholds, entry, [this](Arguments words) { send(words); });
}

void Handover::on_unit(Position /*at*/, std::span<const Effect> unit) {
  // A client's request is held back from State::ending on: what changes then is a key whose time is over, which the other sees by itself.
  if (state_ != State::copying) return;
  std::vector<std::size_t> at;
  for (const Effect& effect : unit) {
    const std::vector<std::string_view> words(effect.arguments.begin(), effect.arguments.end());
    const Command* command = CommandTable::all().find(words[0]);
    if (command == nullptr || !command->flags.has(Flag::write)) continue;
    if (!find_keys(*command, words, at) || at.empty()) return fail("all keys were changed at once");
    const std::uint16_t slot = slot_of(words[at.front()]);  // of all its keys
    if (!move_.slots.contains(slot) || slots_[slot] == Slot::waiting) continue;
    if (slots_[slot] == Slot::copying) {
      for (const std::size_t i : at) dirty_.emplace(words[i]);
      continue;
    }
    send(words);
  }
  if (unanswered_octets_ > behind_octets_max) return fail("it does not keep up with what changes");
  flush();
}

void Handover::send(std::initializer_list<std::string_view> words) { send(std::span(words.begin(), words.size())); }

void Handover::send(std::span<const std::string_view> words) {
  const std::size_t before = out_.size();
  append_request(out_, words);
  const std::size_t size = out_.size() - before;
  octets_ += size;
  unanswered_octets_ += size;
  unmarked_octets_ += size;
  if (unmarked_octets_ < window() / marks_a_window || state_ != State::copying) return;
  const std::size_t marked = std::exchange(unmarked_octets_, 0);
  append_request(out_, {"CLUSTER", "HANDOVER", "MARK"});
  unanswered_.push_back(marked);
}

void Handover::flush() {
  if (!out_.empty()) server_.want({.what = LinkAction::What::send, .link = link_, .octets = std::exchange(out_, {})});
}

void Handover::freeze() {
  frozen_us_ = server_.now().monotonic_us;
  server_.hold_back(move_.slots, true);
}

void Handover::thaw() {
  if (frozen_us_ < 0) return;
  pause_us_ = server_.now().monotonic_us - std::exchange(frozen_us_, -1);
  server_.hold_back(move_.slots, false);
}

void Handover::flipped(bool is_done, std::string_view reply) {
  if (!is_done || reply != "+OK") return fail(reply);
  state_ = State::telling;
  since_us_ = server_.now().monotonic_us;
  send({"CLUSTER", "HANDOVER", "DONE", std::to_string(number_)});
  unanswered_.push_back(std::exchange(unmarked_octets_, 0));
  flush();
}

void Handover::tick() {
  const std::int64_t passed_us = server_.now().monotonic_us - since_us_;
  if (state_ == State::copying) pump();
  if (state_ == State::telling && passed_us > told_max_us) return finish();
  if (state_ == State::ending && passed_us > frozen_max_us) return fail("it takes too long for what is left");
  if ((state_ == State::dialing || state_ == State::beginning) && passed_us > answer_max_us) return fail("it does not answer");
}

void Handover::finish() {
  state_ = State::done;
  thaw();
}

void Handover::fail(std::string_view why) {
  if (is_over()) return;
  state_ = State::failed;
  failure_ = why;
  thaw();
}

}  // namespace chorus::cache::cluster
