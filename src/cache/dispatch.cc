// From a request to its command: the checks before it, in Redis' order, since that decides which error a client sees.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cache/call.h"
#include "cache/cluster/migrator.h"
#include "cache/replication/replication.h"
#include "cache/resp/quote.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

/// Requests of a client whose replies are not taken wait at this many octets of replies.
constexpr std::size_t out_octets_max = 1U << 20;
constexpr std::size_t shown_octets_max = 128;
constexpr std::string_view no_multi = "ERR EXEC without MULTI";

std::string unknown_command(Arguments arguments) {
  std::string list;
  for (std::size_t i = 1; i < arguments.size() && list.size() < shown_octets_max; ++i) {
    list += fmt::format("'{}' ", shown(arguments[i], shown_octets_max - list.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}", shown(arguments[0]), list);
}

bool is_one_of(const Command& command, std::initializer_list<std::string_view> names) {
  return command.container == nullptr && std::find(names.begin(), names.end(), command.name) != names.end();
}

/// What a primary's stream is made of. SCRIPT was a part of it before Redis 7.
bool is_of_stream(const Command& command) {
  const std::string_view name = command.container == nullptr ? command.name : command.container->name;
  return command.flags.has(Flag::write) || command.flags.has(Flag::may_replicate) || name == "script" ||
         is_one_of(command, {"ping", "select", "multi", "exec", "replconf"});
}

bool allows_debug(ProtectedAccess access, const Client& client) {
  if (access != ProtectedAccess::local) return access == ProtectedAccess::yes;
  return client.address.starts_with("127.") || client.address.starts_with("[::1]:");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

}  // namespace

bool Server::run_requests(Client& client) {
  client.is_waiting = false;
  for (;;) {
    if (client.closes) break;
    if (client.blocked != nullptr || client.held_back != nullptr || client.out.size() > out_octets_max || is_asleep() ||
        append_.is_behind) {
      client.parser.keep();
      // What waits behind a command that waits is bounded as any request is.
      client.closes = client.parser.waiting() > options_.query_octets_max && !client.is_primary;
      statistics_.query_limit_disconnections += client.closes ? 1 : 0;
      client.is_waiting = client.blocked == nullptr && client.held_back == nullptr && client.parser.waiting() > 0;
      break;
    }
    if (!client.held.empty()) {
      if (is_pausing()) {
        client.parser.keep();
        client.closes = client.parser.waiting() > options_.query_octets_max && !client.is_primary;
        break;
      }
      const std::vector<std::string> held = std::exchange(client.held, {});
      const std::vector<std::string_view> words(held.begin(), held.end());
      dispatch(client, words);
      if (client.is_primary && replication_->is_replica()) replication_->replica()->applied(client);
      continue;
    }
    std::vector<std::string_view> arguments = std::move(arguments_);
    const Parser::Status status = client.parser.next(arguments);
    if (status == Parser::Status::command) dispatch(client, arguments);
    arguments_ = std::move(arguments);
    if (status == Parser::Status::command) {
      if (client.is_primary && replication_->is_replica()) replication_->replica()->applied(client);
      continue;
    }
    if (status == Parser::Status::protocol_error) {
      Reply(client.out, client.protocol).error("ERR " + std::string(client.parser.error()));
    }
    client.closes = status != Parser::Status::more;
    statistics_.query_limit_disconnections += status == Parser::Status::ends ? 1 : 0;
    break;
  }
  if (!client.out.empty() || client.closes) list(client);
  return client.is_waiting;
}

bool Server::refuse(Client& client, const Command* command, std::string_view error) {
  if (client.transaction) client.transaction->is_dirty = true;
  if (command != nullptr) ++by_command_[command].rejected;
  if (command != nullptr && is_one_of(*command, {"exec"}) && !error.starts_with("EXECABORT") && error != no_multi) {
    // An EXEC that is refused ends its transaction.
    client.transaction.reset();
    unwatch(client);
    const std::string_view why = error.starts_with("ERR ") ? error.substr(4) : error;
    return refuse(client, nullptr, fmt::format("EXECABORT Transaction discarded because of: {}", why));
  }
  ++statistics_.errors;
  ++errors_[std::string(error.substr(0, error.find(' ')))];
  Reply(client.out, client.protocol).error(error);
  if (client.is_primary) note_stream_error(command == nullptr ? "unknown" : command->name, error);
  return false;
}

void Server::note_stream_error(std::string_view command, std::string_view error) {
  ++statistics_.stream_errors;
  replication_->stream_failed(command, error);
}

void Server::dispatch(Client& client, Arguments arguments) {
  const std::size_t before = client.out.size();
  if (client.reply_mode == ReplyMode::skip_next) client.reply_mode = ReplyMode::skip_this;
  client.is_run = true;
  running_ = &client;
  const auto done = [&] {
    // Also of others' writes that it may have seen. source: Redis, which notes the offset after each command
    client.last_write = effects_.position().sequence;
    client.is_run = false;
    running_ = nullptr;
    if (client.takes_move != 0 && (client.last_command == nullptr || client.last_command->group != Group::cluster)) {
      // Only marks are answered; what failed is told at the end.
      if (client.out.size() > before && client.out[before] == '-') ++client.failed_effects;
      client.out.resize(std::min(before, client.out.size()));
    }
    // CLIENT REPLY itself decides when it turns replies on again.
    if (client.reply_mode != ReplyMode::on && client.reply_mode != ReplyMode::skip_next) {
      client.out.resize(std::min(before, client.out.size()));  // it is shorter where the client was cut off
      if (client.blocked != nullptr) client.blocked->is_silent = true;
    }
    if (client.reply_mode == ReplyMode::skip_this) client.reply_mode = ReplyMode::on;
    if (client.is_primary) {
      // Nobody there waits for an answer.
      client.out.resize(std::min(before, client.out.size()));
      client.pushes.clear();
    }
    if (!client.pushes.empty()) client.out += std::exchange(client.pushes, {});
    client.written = replication_->stream().end();
    // It is for the next command, or the next transaction.
    if (!client.transaction && client.last_command != nullptr && client.last_command->name != "asking") client.is_asking = false;
  };
  const CommandTable& table = CommandTable::all();
  const Command* command = table.find(arguments[0]);
  if (command == nullptr) {
    refuse(client, nullptr, unknown_command(arguments));
    return done();
  }
  if (!command->subcommands.empty() && arguments.size() > 1) {
    const Command* sub = table.find_subcommand(*command, arguments[1]);
    if (sub == nullptr) {
      refuse(client, nullptr, fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", shown(arguments[1]), upper(command->name)));
      return done();
    }
    if (sub != nullptr) command = sub;
  }
  if (client.is_primary && !is_of_stream(*command)) {
    refuse(client, command, fmt::format("ERR '{}' is not for replicas", command->full_name()));
    return done();
  }
  if (!command->takes(arguments.size())) {
    refuse(client, command, fmt::format("ERR wrong number of arguments for '{}' command", command->full_name()));
    return done();
  }
  if (is_one_of(*command, {"debug"}) && !allows_debug(options_.debug_access, client)) {
    refuse(client, command,
           "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, "
           "otherwise you need to set this option in the configuration file, and then restart the server.");
    return done();
  }
  if (!client.is_authenticated && !command->flags.has(Flag::no_auth)) {
    refuse(client, command, "NOAUTH Authentication required.");
    return done();
  }
  if (client.transaction && command->flags.has(Flag::no_multi)) {
    refuse(client, command, "ERR Command not allowed inside a transaction");
    return done();
  }
  if (const std::string why = client.is_primary ? std::string() : denial(client, *command, arguments, false); !why.empty()) {
    refuse(client, command, why);
    return done();
  }
  if (scripts_->is_busy() && !command->flags.has(Flag::allow_busy)) {
    refuse(client, command, scripts_->busy_error());
    return done();
  }
  if (migrator_->has_keys_in_transit() && waits_for_transit(client, *command, arguments)) {
    client.is_run = false;
    running_ = nullptr;
    return hold_back(client, arguments);
  }
  if (cluster_ && !client.is_primary) {
    std::string error;
    switch (route(client, *command, arguments, error)) {
      case Route::here:
        break;
      case Route::refused:
        client.last_command = command;
        redirect(client, *command, error);
        return done();
      case Route::held_back:
        client.is_run = false;
        running_ = nullptr;
        return hold_back(client, arguments);
    }
  }
  const Room room = options_.memory.octets_max > 0 && !save_.is_loading ? make_room() : Room::enough;
  // Who waits at a key that has gone learns it, also where this command is refused.
  if (!ready_.empty()) end_unit();
  if (room == Room::none && !client.is_primary) {
    // What a transaction queues takes memory, too. EXEC is refused when something within it would be.
    const bool ends_transaction = is_one_of(*command, {"exec", "discard", "quit", "reset"});
    const bool denied = command->flags.has(Flag::denyoom) || (client.transaction && !ends_transaction) ||
                        (client.transaction && is_one_of(*command, {"exec"}) &&
                         (client.transaction->flags & static_cast<std::uint32_t>(Flag::denyoom)) != 0);
    if (denied) {
      refuse(client, command, "OOM command not allowed when used memory > 'maxmemory'.");
      return done();
    }
  }
  const bool ends_writes =
      client.transaction && is_one_of(*command, {"exec"}) && (client.transaction->flags & static_cast<std::uint32_t>(Flag::write)) != 0;
  if (!client.is_primary && (command->flags.has(Flag::write) || ends_writes || is_one_of(*command, {"ping"}))) {
    if (const std::string why = disk_error(); !why.empty()) {
      refuse(client, command, why);
      return done();
    }
  }
  // EXEC is what it has queued.
  const bool runs_queue = client.transaction && is_one_of(*command, {"exec"});
  const std::string_view by_role =
      refusal_by_role(scripts_->flags_of(*command, arguments) | (runs_queue ? client.transaction->flags : 0), client);
  if (!by_role.empty()) {
    refuse(client, command, by_role);
    return done();
  }
  if (client.protocol < 3 && client.is_subscribed() &&
      !is_one_of(*command,
                 {"subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset"})) {
    refuse(client, command,
           fmt::format("ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                       command->full_name()));
    return done();
  }
  if ((client.is_monitor || client.is_replica) &&
      (command->flags.has(Flag::readonly) || command->flags.has(Flag::write) || command->flags.has(Flag::may_replicate))) {
    refuse(client, command, "ERR Replica can't interact with the keyspace");
    return done();
  }
  if (!command->flags.has(Flag::stale) && !client.is_primary && is_stale()) {
    refuse(client, command, "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");
    return done();
  }
  if (save_.is_loading && !command->flags.has(Flag::loading)) {
    refuse(client, command, "LOADING Redis is loading the dataset in memory");
    return done();
  }
  if (is_held(client, *command, arguments)) {
    client.held.assign(arguments.begin(), arguments.end());
    return done();
  }
  client.last_command = command;
  ++client.commands;
  if (is_one_of(*command, {"exec", "discard", "watch", "unwatch"}) ||
      (client.transaction && is_one_of(*command, {"multi", "quit", "reset"}))) {
    if (command->name == "exec") {
      const auto fail = [&](std::string_view error) {
        refuse(client, nullptr, error);
        ++by_command_[command].failed;
        note_run(client, *command, arguments, {});
      };
      if (!client.transaction) {
        fail(no_multi);
      } else if (client.transaction->is_dirty) {
        client.transaction.reset();
        unwatch(client);
        fail("EXECABORT Transaction discarded because of previous errors.");
      } else if (submit_transaction(client, *command)) {
        ++by_command_[command].calls;
      } else {
        const std::int64_t begun = elapsed_us();
        execute_transaction(client);
        begun_us_ = begun;  // its time is that of all it ran
        note_run(client, *command, arguments, {});
        end_unit();
      }
      return done();
    }
    if (command->name == "discard") {
      if (!client.transaction) {
        refuse(client, command, "ERR DISCARD without MULTI");
      } else {
        client.transaction.reset();
        unwatch(client);
        Reply(client.out, client.protocol).ok();
        note_run(client, *command, arguments, {});
      }
      return done();
    }
    if (command->name == "watch" || (command->name == "unwatch" && !client.transaction)) {
      if (command->name == "watch") {
        for (const std::string_view key : arguments.subspan(1)) watch(client, key);
      } else {
        unwatch(client);
      }
      Reply(client.out, client.protocol).ok();
      note_run(client, *command, arguments, {});
      return done();
    }
  }
  if (client.transaction && !is_one_of(*command, {"quit", "reset"})) {
    QueuedCommand queued{.command = command, .arguments = {}};
    client.transaction->octets += sizeof queued;
    client.transaction->flags |= scripts_->flags_of(*command, arguments);
    for (const std::string_view argument : arguments) {
      queued.arguments.emplace_back(argument);
      client.transaction->octets += sizeof(std::string) + argument.size();
    }
    // As much as a query may take, so that a transaction does not hold more.
    if (client.transaction->octets > options_.query_octets_max && !client.is_primary) {
      client.closes = true;
      return done();
    }
    client.transaction->queue.push_back(std::move(queued));
    Reply(client.out, client.protocol).simple("QUEUED");
    return done();
  }
  execute(client, *command, arguments);
  if (is_one_of(*command, {"reset"})) {
    unwatch(client);
    subscriptions_.remove_all(client);
  }
  end_unit();
  done();
}

void Server::execute(Client& client, const Command& command, Arguments arguments) {
  // UNWATCH in a transaction comes after EXEC has let go of all keys.
  if (command.run == nullptr) return Reply(client.out, client.protocol).ok();
  Call call(*this, client, command, arguments, client.db);
  begun_us_ = elapsed_us();  // what was done before is not its time
  // What a script does comes behind it.
  if (!monitors_.empty() && command.group == Group::scripting && command.flags.has(Flag::skip_monitor)) feed_monitors(client, arguments);
  const std::size_t began = client.out.size();
  command.run(call);
  call.finish();
  arguments = call.arguments();
  note_run(client, command, arguments, call.hidden());
  if (client.tracking != nullptr) {
    if (!call.has_failed()) remember_keys(client, command, arguments);
    // CLIENT CACHING is for the next command, or transaction.
    if (!client.transaction && (command.container == nullptr || command.container->name != "client")) client.tracking->caching = false;
  }
  if (call.has_failed()) ++by_command_[&command].failed;
  if (call.has_failed() && client.is_primary) note_stream_error(command.name, std::string_view(client.out).substr(began + 1));
  // What a command did stays done, and the rest of a transaction is; but so long a reply nobody gets.
  if (call.is_too_long()) cut_off(client);
}

void Server::end_unit() {
  if (scripts_->running() != nullptr) return;  // a client was let in while a script runs: its unit is not over
  effects_.end_unit();
  if (!ready_.empty()) serve_blocked();
}

}  // namespace chorus::cache
