// MIGRATE, and the server while keys are in transit.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/call.h"
#include "cache/cluster/handlers.h"
#include "cache/cluster/migrator.h"
#include "cache/cluster/names.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

constexpr std::size_t options_at = 6;
constexpr std::int64_t timeout_ms_default = 1000, timeout_ms_max = std::int64_t{1} << 40;

bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

/// False: the error is replied. `first`, `count`: of the keys among the arguments.
bool read_options(Call& call, cluster::Migration& wish, std::size_t& first, std::size_t& count) {
  first = 3;
  count = 1;
  for (std::size_t i = options_at; i < call.size(); ++i) {
    const std::size_t behind = call.size() - 1 - i;
    if (call.is_word(i, "COPY")) {
      wish.copies = true;
    } else if (call.is_word(i, "REPLACE")) {
      wish.replaces = true;
    } else if (call.is_word(i, "AUTH") && behind >= 1) {
      call.hide(++i);
      wish.password = std::string(call[i]);
      wish.user.reset();
    } else if (call.is_word(i, "AUTH2") && behind >= 2) {
      call.hide(i + 1);
      call.hide(i + 2);
      wish.user = std::string(call[i + 1]);
      wish.password = std::string(call[i + 2]);
      i += 2;
    } else if (call.is_word(i, "KEYS")) {
      if (!call[3].empty()) {
        call.error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string");
        return false;
      }
      first = i + 1;
      count = behind;
      return true;
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  return true;
}

}  // namespace

bool find_migrated_keys(Arguments arguments, std::vector<std::size_t>& at) {
  for (std::size_t i = options_at; i < arguments.size(); ++i) {
    if (is_word(arguments[i], "AUTH")) {
      ++i;
    } else if (is_word(arguments[i], "AUTH2")) {
      i += 2;
    } else if (is_word(arguments[i], "KEYS")) {
      if (!arguments[3].empty()) return false;
      for (std::size_t key = i + 1; key < arguments.size(); ++key) at.push_back(key);
      return true;
    }
  }
  at.push_back(3);
  return true;
}

/// source: Redis 7.2, MIGRATE
void migrate(Call& call) {
  cluster::Migration wish;
  std::size_t first = 0, count = 0;
  if (!read_options(call, wish, first, count)) return;
  const auto timeout_ms = call.integer(5);
  if (!timeout_ms) return;
  const auto to_db = call.integer(4);
  if (!to_db) return;
  for (std::size_t i = first; i < first + count; ++i) {
    if (call.peek(call[i]) != nullptr) wish.keys.emplace_back(call[i]);
  }
  if (wish.keys.empty()) return call.reply.simple("NOKEY");
  if (call.client().transaction || call.client().is_script) {
    return call.error("ERR MIGRATE waits for another server, which a transaction or a script cannot");
  }
  const auto port = parse_integer(call[2]);
  if (!port || *port <= 0 || *port > std::numeric_limits<std::uint16_t>::max()) {
    return call.error("IOERR error or timeout connecting to the client");
  }
  wish.host = std::string(call[1]);
  wish.port = static_cast<std::uint16_t>(*port);
  if (const cluster::Membership* own = call.server().cluster(); own != nullptr && !wish.copies) {
    // Clients would look for it here, and not find it.
    const std::uint16_t slot = slot_of(wish.keys.front());
    const cluster::NodeId* to = cluster::member_at(own->map(), wish.host, wish.port);
    const cluster::Open* open = own->map().open(slot);
    if (own->is_mine(slot) && to != nullptr && (open == nullptr || open->migrating_to != *to || !open->importing.contains(*to))) {
      return call.error(
          fmt::format("ERR Slot {} is not on its way to node {}: set it IMPORTING there and MIGRATING here first", slot, *to));
    }
  }
  wish.db = call.db();
  wish.to_db = static_cast<unsigned>(std::clamp<std::int64_t>(*to_db, 0, std::numeric_limits<unsigned>::max()));
  wish.timeout_us = (*timeout_ms <= 0 ? timeout_ms_default : std::min(*timeout_ms, timeout_ms_max)) * 1000;
  call.server().migrate(call.client(), call.command(), std::move(wish));
}

void Server::migrate(Client& client, const Command& command, cluster::Migration migration) {
  const std::uint64_t number = wait_for_change(client, command, false);
  migrator_->begin(number, std::move(migration));
}

void Server::migrated(std::uint64_t number, std::string_view line) {
  finish_change({.number = number, .replies = {std::string(line)}, .is_done = true});
}

void Server::remove_migrated(unsigned db, std::string_view name) {
  const std::string key(name);
  Entry* entry = databases_[db]->find(key);
  if (entry == nullptr) return;
  erase(db, entry);
  ++save_.changes;
  effects_.add(db, std::initializer_list<std::string_view>{"DEL", key});
  key_changed(db, key);
  notify(db, Notify::generic, "del", key);
}

bool Server::waits_for_transit(const Client& client, const Command& command, Arguments arguments) const {
  std::vector<std::size_t> at;
  const auto touches = [&](const Command& each, Arguments words) {
    return find_keys(each, words, at) &&
           std::any_of(at.begin(), at.end(), [&](std::size_t i) { return migrator_->is_in_transit(client.db, words[i]); });
  };
  if (!client.transaction) return touches(command, arguments);
  if (command.name != "exec" || command.container != nullptr) return false;
  return std::any_of(client.transaction->queue.begin(), client.transaction->queue.end(), [&](const QueuedCommand& queued) {
    const std::vector<std::string_view> words(queued.arguments.begin(), queued.arguments.end());
    return touches(*queued.command, words);
  });
}

}  // namespace chorus::cache
