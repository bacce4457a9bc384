// DEBUG RELOAD: a snapshot is kept and read again, as if the server had been restarted, and the clients stay.
#include <utility>

#include "cache/call.h"
#include "cache/debug/handlers.h"
#include "cache/persistence/loader.h"

namespace chorus::cache {

void Server::begin_reload(Client& client, const Command& command, const Reload& how) {
  if (how.saves) begin_save();
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->db = client.db;
  block(client, std::move(blocked));
  reload_ = how;
  reload_->client = client.id;
}

void Server::end_reload(std::string_view error, Now now) {
  const memory::Scope scope(account_);
  now_ = now;
  const Reload reload = *std::exchange(reload_, std::nullopt);
  const bool was_loading = loader_ != nullptr;
  loader_.reset();
  save_.is_loading = false;
  answer_wait(reload.client, "debug", error.empty() ? "" : was_loading ? "ERR Error trying to load the RDB dump" : "ERR");
  // Who asked for something meanwhile has waited.
  asleep_until_us_ = 1;
  run_waiting();
  finish_tracking();
}

void debug_reload(Call& call) {
  Server::Reload how{.client = call.client().id};
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is_word(i, "MERGE")) {
      how.merges = true;
    } else if (call.is_word(i, "NOFLUSH")) {
      how.flushes = false;
    } else if (call.is_word(i, "NOSAVE")) {
      how.saves = false;
    } else {
      return call.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  if (call.client().transaction || call.client().is_script)
    return call.error("ERR DEBUG RELOAD is not possible inside a transaction or script: it takes its time");
  if (call.server().is_saving()) return call.error("ERR Background save already in progress");
  call.server().begin_reload(call.client(), call.command(), how);
}

}  // namespace chorus::cache
