// The server's side of snapshots: when they begin and end, and what is read at the start.
#include <algorithm>

#include "base/ensure.h"
#include "cache/access.h"
#include "cache/call.h"
#include "cache/connection/names.h"
#include "cache/persistence/loader.h"
#include "cache/persistence/snapshot.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

/// Marks are 1 to this. A snapshot that is given up leaves keys with its mark and with the one before.
constexpr std::uint8_t mark_max = 127;
constexpr unsigned given_up_max = 100;

}  // namespace

void Server::begin_save(SavePurpose purpose) {
  const memory::Scope scope(account_);
  save_purpose_ = purpose;
  if (purpose == SavePurpose::file) {
    save_.begun_us = now_.monotonic_us;
    save_.changes_before = save_.changes;
    save_.is_scheduled = false;
  }
  Snapshot::Options options = snapshot_options();
  for (auto& [name, value] : options.aux) {
    if (name == "aof-base") value = purpose == SavePurpose::base ? "1" : "0";
  }
  snapshot_ = make_snapshot(true, std::move(options));
}

Snapshot::Options Server::snapshot_options() {
  Snapshot::Options options{.write = options_.rdb, .has_checksum = options_.save.has_checksum, .functions = {}};
  for (const auto& [name, library] : scripts_->libraries()) options.functions.push_back(library->source);
  options.aux = {{"redis-ver", std::string(redis_version)},
                 {"redis-bits", "64"},
                 {"ctime", std::to_string(now_.unix_us / 1'000'000)},
                 {"used-mem", std::to_string(account_.used)},
                 {"aof-base", "0"}};
  // Of the moment, as all of it is.
  const MemoryOptions& memory = options_.memory;
  if (is_lfu(memory.policy)) {
    options.use_of = [lfu = memory.lfu, at = now_.unix_us](const Entry& entry) {
      return rdb::KeyUse{.frequency = lfu_frequency(entry.access(), lfu, at)};
    };
  } else if (is_lru(memory.policy)) {
    options.use_of = [at = now_.unix_us](const Entry& entry) {
      return rdb::KeyUse{.idle_s = static_cast<std::uint64_t>(std::max<std::int64_t>(idle_seconds(entry.access(), at), 0))};
    };
  }
  return options;
}

std::unique_ptr<Snapshot> Server::make_snapshot(bool with_keys, Snapshot::Options options) {
  ENSURE(!has_snapshot());
  if (saves_given_up_ >= given_up_max) {
    for (const auto& database : databases_) database->for_each([](Entry* entry) { entry->set_mark(0); });
    saves_given_up_ = 0;
    save_mark_ = 0;
  }
  save_mark_ = static_cast<std::uint8_t>(save_mark_ % mark_max + 1);
  const std::span<const std::unique_ptr<Database>> all(databases_);
  return std::make_unique<Snapshot>(with_keys ? all : all.first(0), reclaimer_, save_mark_, std::move(options));
}

bool Server::step_save(std::size_t octets_max) {
  const memory::Scope scope(account_);
  return snapshot_->step(octets_max);
}

std::string Server::take_save() { return snapshot_->take(); }

void Server::end_save(std::string_view error, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  end_snapshot(std::move(snapshot_));
  if (save_purpose_ == SavePurpose::base) return;
  save_.last_took_us = now_.monotonic_us - save_.begun_us;
  save_.has_failed = !error.empty();
  if (error.empty()) {
    save_.changes -= save_.changes_before;
    save_.last_save_s = now_.unix_us / 1'000'000;
    ++save_.saves;
  }
  if (reload_ && std::exchange(reload_->saves, false) && !error.empty()) end_reload(error, now);
  for (const ClientId id : std::exchange(save_.waiting, {})) answer_wait(id, "save", error.empty() ? "" : "ERR");
}

void Server::wait_for_save(Client& client, const Command& command) {
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->db = client.db;
  block(client, std::move(blocked));
  save_.waiting.push_back(client.id);
}

std::pair<std::uint64_t, std::uint64_t> Server::save_progress() const {
  if (snapshot_ == nullptr) return {};
  return {snapshot_->keys_written(), snapshot_->keys_total()};
}

bool Server::save_is_due() const {
  if (has_snapshot() || save_.is_loading) return false;
  const auto points = parse_save_points(options_.save.points);
  return save_.is_scheduled || (points && save_.is_due(*points, now_.unix_us / 1'000'000, now_.monotonic_us));
}

void Server::begin_loading(std::uint64_t octets, Now now) {
  now_ = now;
  save_.is_loading = true;
  save_.load_begun_s = now.unix_us / 1'000'000;
  save_.load_octets = octets;
  loader_ = std::make_unique<Loader>(databases_, options_.thresholds, options_.memory, save_, reload_ && reload_->merges);
  if (!reload_ || !reload_->flushes) return;
  const memory::Scope scope(account_);
  for (const auto& database : databases_) database->clear();
  evictor_.forget();
  scripts_->remove_all();
}

base::Result<bool, std::string> Server::load(std::string_view octets, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  auto ended = loader_->feed(octets, now.unix_us);
  if (!ended || !*ended) return ended;
  for (const std::string& code : loader_->functions) {
    if (auto loaded = scripts_->load(code, !reload_ || reload_->merges); !loaded)
      return std::unexpected("a library of functions: " + loaded.error());
  }
  loader_.reset();
  save_.is_loading = false;
  save_.changes = 0;
  if (reload_) end_reload({}, now);
  return true;
}

}  // namespace chorus::cache
