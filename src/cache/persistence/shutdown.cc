// SHUTDOWN.
#include "cache/call.h"
#include "cache/persistence/handlers.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {

void shutdown(Call& call) {
  using Save = Shutdown::Save;
  Save save = Save::by_points;
  bool is_now = false, is_forced = false, is_abort = false;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_word(i, "NOSAVE") && save != Save::yes) {
      save = Save::no;
    } else if (call.is_word(i, "SAVE") && save != Save::no) {
      save = Save::yes;
    } else if (call.is_word(i, "NOW")) {
      is_now = true;  // it is said that nobody is to wait for replicas
    } else if (call.is_word(i, "FORCE")) {
      is_forced = true;
    } else if (call.is_word(i, "ABORT")) {
      is_abort = true;
    } else {
      return call.error(errors::syntax);
    }
  }
  if (is_abort && (is_now || is_forced || save != Save::by_points)) return call.error(errors::syntax);
  Server& server = call.server();
  if (is_abort) return server.give_up_shutdown() ? call.reply.ok() : call.error("ERR No shutdown in progress.");
  // What a script did may be half of what it was to do. reference 2.1, step 15
  if (server.scripts().is_busy() && save != Save::no) return call.error(server.scripts().busy_error());
  // There is nothing whole to be saved.
  if (server.save_state().is_loading) save = Save::no;
  server.ask_for_shutdown(call.client(), call.command(), save, is_forced);
}

void Server::ask_for_shutdown(Client& client, const Command& command, Shutdown::Save save, bool is_forced) {
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command;
  blocked->db = client.db;
  block(client, std::move(blocked));
  if (!shutdown_) shutdown_ = Shutdown{.save = save, .is_forced = is_forced, .waiting = {}};
  shutdown_->waiting.push_back(client.id);
}

bool Server::give_up_shutdown() {
  if (!shutdown_) return false;
  for (const ClientId id : std::exchange(shutdown_, {})->waiting) {
    Client* client = find_client(id);
    if (client == nullptr || client->blocked == nullptr || client->blocked->command->name != "shutdown") continue;
    end_wait(*client, "ERR Errors trying to SHUTDOWN. Check logs.");
  }
  return true;
}

}  // namespace chorus::cache
