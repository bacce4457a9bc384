// The server's side of the append log: what is done again at the start, who waits for what is durable, and what is refused.
#include <fmt/format.h>

#include "cache/append/replay.h"
#include "cache/call.h"
#include "cache/replication/replication.h"
#include "cache/resp/number.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr std::string_view unsaved =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data "
    "set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails "
    "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

}  // namespace

std::string Server::disk_error() const {
  const bool has_to_save = save_.has_failed && options_.save.stops_writes_on_error;
  if (has_to_save && options_.save.points.find_first_not_of(' ') != std::string::npos) return std::string(unsaved);
  if (!append_.error.empty()) return "MISCONF Errors writing to the AOF file: " + append_.error;
  return {};
}

void Server::begin_log(std::uint64_t octets, Now now) {
  begin_loading(octets, now);
  loader_.reset();
  replay_ = std::make_unique<LogReplay>(*this);
}

void Server::begin_log_file() { replay_->begin_file(); }

base::Result<void, std::string> Server::load_log(std::string_view octets, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  save_.load_octets_done += octets.size();
  return replay_->feed(octets);
}

base::Result<std::uint64_t, std::string> Server::end_log_file() {
  const memory::Scope scope(account_);
  return replay_->end_file();
}

LogReplayed Server::end_log(Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  const LogReplayed replayed{.commands = replay_->commands(), .failures = replay_->failures(), .first_failure = replay_->first_failure()};
  replay_.reset();
  loader_.reset();
  save_.is_loading = false;
  save_.changes = 0;
  end_unit();  // who waits for a key that is there now
  return replayed;
}

void Server::note_log(AppendState state, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  const bool was_behind = append_.is_behind;
  append_ = std::move(state);
  serve_log_waits();
  if (!was_behind || append_.is_behind) return;
  for (Client* client : all_clients()) {
    if (client->blocked == nullptr && client->is_waiting && !is_asleep() && !is_running_script_of(client->id)) run_requests(*client);
  }
}

std::pair<std::int64_t, std::int64_t> Server::log_acks(const Client& client) const {
  const bool is_here = append_.is_on && append_.synced >= client.last_write;
  return {is_here ? 1 : 0, static_cast<std::int64_t>(replication_->primary().count_with(client.written, true))};
}

void Server::reply_log_acks(const Client& client, Reply& reply) const {
  const auto [here, there] = log_acks(client);
  reply.array(2);
  reply.integer(here);
  reply.integer(there);
}

void Server::wait_for_log(Client& client, const Command& command, Arguments arguments, std::optional<std::int64_t> deadline_us) {
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->arguments.assign(arguments.begin(), arguments.end());
  blocked->db = client.db;
  blocked->deadline_us = deadline_us;
  block(client, std::move(blocked));
  log_waits_.push_back(client.id);
}

/// Each that has what it waits for, in the order in which they came.
void Server::serve_log_waits() {
  if (log_waits_.empty()) return;
  std::erase_if(log_waits_, [&](ClientId id) {
    Client* client = find_client(id);
    // Its wait may have ended otherwise, and it may wait for something else by now.
    if (client == nullptr || client->closes || client->blocked == nullptr || client->blocked->command->name != "waitaof") return true;
    const auto [here, there] = log_acks(*client);
    const auto local = parse_integer(client->blocked->arguments[1]), replicas = parse_integer(client->blocked->arguments[2]);
    if (!append_.is_on && local.value_or(0) > 0) {
      end_wait(*client, "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
      return true;
    }
    if (here < local.value_or(0) || there < replicas.value_or(0)) return false;
    end_wait(*client, {});
    return true;
  });
}

void Server::reload_log(Client& client, const Command& command) {
  wait_for_log(client, command, {}, {});
  log_waits_.pop_back();
  append_.reload_wanted_for = client.id.value;
}

void Server::end_reload(std::string_view error) {
  const memory::Scope scope(account_);
  Client* client = find_client(ClientId(append_.reload_wanted_for));
  append_.reload_wanted_for = 0;
  if (client == nullptr || client->closes || client->blocked == nullptr || client->blocked->command->name != "debug") return;
  Reply reply(client->out, client->protocol);
  error.empty() ? reply.ok() : reply.error(error);
  unblock(*client);
  client->is_waiting = true;
  list(*client);
}

void Server::forget_all() {
  const memory::Scope scope(account_);
  if (handover_ && handover_->may_be_ended()) handover_->end("all data is loaded again");
  for (unsigned db = 0; db < databases_.size(); ++db) {
    database_changed(db, nullptr);
    databases_[db]->clear();
  }
  invalidate_all();
  scripts_->remove_all();
}

}  // namespace chorus::cache
