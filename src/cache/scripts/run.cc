// A script or function runs, and what it calls.
#include <fmt/format.h>

#include <algorithm>
#include <lua.hpp>
#include <utility>

#include "cache/acl/texts.h"
#include "cache/acl/user.h"
#include "cache/call.h"
#include "cache/scripts/convert.h"
#include "cache/scripts/libraries.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

constexpr int instructions_each = 100'000;  // between two looks at the time
constexpr char owner_key[] = "owner";

void look_around_hook(lua_State* state, lua_Debug* /*where*/) {
  lua_getfield(state, LUA_REGISTRYINDEX, owner_key);
  auto& owner = *static_cast<Scripts*>(lua_touserdata(state, -1));
  lua_pop(state, 1);
  if (!owner.look_around()) return;
  // From now on at each line, so that a pcall of the script does not catch it for good.
  lua_sethook(state, look_around_hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
  push_error(state, "Script killed by user with SCRIPT KILL.");
  lua_error(state);
}

void push_words(lua_State* state, std::span<const std::string_view> words) {
  lua_createtable(state, static_cast<int>(words.size()), 0);
  int at = 0;
  for (const std::string_view word : words) {
    lua_pushlstring(state, word.data(), word.size());
    lua_rawseti(state, -2, ++at);
  }
}

/// Commands that scripts of test suites run, and that change nothing of the one who runs them.
bool is_for_tests(const Command& command) {
  constexpr std::string_view names[] = {"debug", "client|id", "client|info", "client|list", "config|get", "config|set"};
  return std::find(std::begin(names), std::end(names), command.full_name()) != std::end(names);
}

struct Prepared {
  Machine* machine;
  const Scripts::Run* run;
};

/// Puts the words where the script looks for them and calls it; within lua_pcall, as there may be no memory for them.
int call_script(lua_State* state) {
  const auto& [machine, run] = *static_cast<Prepared*>(lua_touserdata(state, 1));
  lua_settop(state, 0);
  const bool is_function = run->kind == Scripts::Kind::function;
  if (!is_function) {
    push_words(state, run->keys);
    machine->set_global_from_top("KEYS");
    push_words(state, run->arguments);
    machine->set_global_from_top("ARGV");
  }
  lua_rawgeti(state, LUA_REGISTRYINDEX, run->function);
  if (is_function) {
    push_words(state, run->keys);
    push_words(state, run->arguments);
  }
  lua_call(state, is_function ? 2 : 0, 1);
  return 1;
}

}  // namespace

void Scripts::run(Call& call, const Run& run) {
  const ScriptFlags& flags = run.flags;
  if (!flags.is_plain && !flags.no_writes && run.is_read_only) {
    return call.error("ERR Can not execute a script with write flag using *_ro command.");
  }
  // A script that says what it does is refused before it does anything; others at the command that is.
  if (!flags.is_plain && !call.client().is_primary) {
    if (!flags.allow_stale && server_.is_stale()) {
      return call.error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");
    }
    if (!flags.no_writes && server_.is_replica() && server_.options().replication.is_read_only) {
      return call.error("READONLY You can't write against a read only replica.");
    }
    if (!flags.no_writes && server_.lacks_replicas()) return call.error("NOREPLICAS Not enough good replicas to write.");
  }
  if (flags.no_cluster && !flags.is_plain && server_.cluster() != nullptr) {
    return call.error("ERR Can not run script on cluster, 'no-cluster' flag is set.");
  }
  const bool is_out_of_memory = server_.options().memory.octets_max > 0 && server_.make_room() == Server::Room::none;
  if (is_out_of_memory && !flags.is_plain && !flags.allow_oom && !flags.no_writes) {
    return call.error("OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'");
  }
  Machine& machine = run.kind == Kind::script ? evaluator() : function_machine();
  lua_State* state = machine.state();
  running_.emplace(Running{.kind = run.kind,
                           .name = run.name,
                           .call = &call,
                           .caller = call.client().id,
                           .started_us = server_.now().monotonic_us,
                           .is_read_only = run.is_read_only || flags.no_writes,
                           .denies_oom = is_out_of_memory && !flags.allow_oom,
                           .may_cross_slots = flags.is_plain || flags.allow_cross_slot_keys,
                           .slot = run.keys.empty() ? std::nullopt : std::optional(slot_of(run.keys.front()))});
  client_.db = call.db();
  client_.protocol = 2;
  client_.no_touch = call.client().no_touch;
  client_.user = call.client().user;
  client_.skips_effects = call.client().skips_effects;
  const std::int64_t begun_us = server_.begun_us_;
  lua_pushlightuserdata(state, this);
  lua_setfield(state, LUA_REGISTRYINDEX, owner_key);
  lua_sethook(state, look_around_hook, LUA_MASKCOUNT, instructions_each);
  Prepared prepared{&machine, &run};
  lua_pushcfunction(state, on_error);
  lua_pushcfunction(state, call_script);
  lua_pushlightuserdata(state, &prepared);
  const auto run_limited = [&] {
    const Machine::Limit limit(machine);
    return lua_pcall(state, 1, 1, 1) == 0;
  };
  const bool is_done = run_limited();
  lua_sethook(state, nullptr, 0, 0);
  if (is_done) {
    reply_value(state, call, client_.protocol);
  } else {
    const bool is_counted = is_counted_error(state);
    const std::string text = error_text(state, run.name);
    is_counted ? call.repeat_error(text) : call.error(text);
  }
  lua_settop(state, 0);
  running_.reset();
  server_.begun_us_ = begun_us;  // the script's time holds that of what it called
  machine.collect();
  constexpr std::size_t kept_octets_max = 1U << 20;
  if (client_.out.capacity() > kept_octets_max) client_.out = {};
}

bool Scripts::look_around() {
  if (!running_) return false;
  if (running_->is_killed) return true;
  const std::int64_t threshold_ms = server_.options().busy_reply_threshold_ms;
  if (threshold_ms <= 0) return false;
  server_.look_around(running_->started_us + threshold_ms * 1000, running_->is_busy);
  return running_->is_killed;
}

std::string Scripts::refusal_of(const Command* command, std::span<const std::string_view> words) {
  if (command == nullptr) return "-ERR Unknown Redis command called from script";
  if (!command->takes(words.size())) return "-ERR Wrong number of args calling Redis command from script";
  if (command->flags.has(Flag::noscript) && !(allows_denied_ && is_for_tests(*command)))
    return "-ERR This Redis command is not allowed from script";
  Client* caller = server_.find_client(running_->caller);
  if (server_.is_replaying()) return {};  // it was allowed when it was written
  if (caller == nullptr) return "-ERR ACL failure in script: its caller is gone";
  if (const acl::Verdict verdict = caller->permissions->check(*command, words); verdict.denied != acl::Denied::no) {
    const bool is_command = verdict.denied == acl::Denied::command;
    server_.log_denied(*caller, verdict.denied, "lua", is_command ? command->full_name() : std::string(words[verdict.at]), caller->user);
    return "-ERR ACL failure in script: " + acl::denial(*caller->permissions, *command, verdict, words, false);
  }
  if ((command->flags.has(Flag::write) || command->flags.has(Flag::may_replicate)) && running_->is_read_only)
    return "-ERR Write commands are not allowed from read-only scripts.";
  if (const std::string_view wrong = server_.refusal_by_role(command->flags.bits(), *caller); !wrong.empty())
    return "-" + std::string(wrong);
  if (!command->flags.has(Flag::stale) && !caller->is_primary && server_.is_stale()) {
    return "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
  }
  if (command->flags.has(Flag::write)) {
    if (const std::string why = server_.disk_error(); !why.empty()) return "-" + why;
  }
  if (command->flags.has(Flag::denyoom) && running_->denies_oom) return "-OOM command not allowed when used memory > 'maxmemory'.";
  if (server_.cluster() == nullptr) return {};
  const std::string refusal = server_.refusal_in_script(*caller, *command, words, running_->may_cross_slots, running_->slot);
  return refusal.empty() ? refusal : "-" + refusal;
}

std::string_view Scripts::call(std::span<const std::string_view> words) {
  const CommandTable& table = CommandTable::all();
  const Command* command = table.find(words.front());
  if (command != nullptr && !command->subcommands.empty()) {
    command = words.size() > 1 ? table.find_subcommand(*command, words[1]) : command;
  }
  client_.out.clear();
  client_.pushes.clear();
  if (std::string refusal = refusal_of(command, words); !refusal.empty()) {
    server_.count_error(std::string_view(refusal).substr(1));
    if (command != nullptr) ++server_.by_command_[command].rejected;
    client_.out = std::move(refusal) + "\r\n";
    return client_.out;
  }
  if (command->flags.has(Flag::write)) running_->has_written = true;
  server_.execute(client_, *command, words);
  // What a script reads is what its caller has seen.
  Client* caller = server_.find_client(running_->caller);
  if (caller != nullptr && caller->tracking != nullptr) server_.remember_keys(*caller, *command, words);
  // What is too long to be replied is nothing a script could hold either.
  if (std::exchange(client_.is_cut, false)) client_.out = "-ERR the reply is too long\r\n";
  client_.closes = client_.is_listed = false;
  return client_.out;
}

}  // namespace chorus::cache
