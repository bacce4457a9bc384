// SAVE, BGSAVE, LASTSAVE.
#include "cache/call.h"
#include "cache/persistence/handlers.h"

namespace chorus::cache {
namespace {

constexpr std::string_view in_progress = "ERR Background save already in progress";
constexpr std::string_view other_in_progress =
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever "
    "possible.";

}  // namespace

void save(Call& call) {
  if (call.server().has_snapshot() && !call.server().is_saving_base()) return call.error(in_progress);
  if (call.server().is_saving_base()) {
    call.server().schedule_save();
    return call.server().wait_for_save(call.client(), call.command());
  }
  // Others are served meanwhile. The moment is that of the command, as it is in Redis, which serves nobody.
  call.server().begin_save();
  call.server().wait_for_save(call.client(), call.command());
}

void bgsave(Call& call) {
  const bool is_scheduled = call.size() == 2 && call.is_word(1, "SCHEDULE");
  if (call.size() > 1 && !is_scheduled) return call.error(errors::syntax);
  if (call.server().has_snapshot() && !call.server().is_saving_base()) return call.error(in_progress);
  if (call.server().is_saving_base()) {
    if (!is_scheduled) return call.error(other_in_progress);
    call.server().schedule_save();
    return call.reply.simple("Background saving scheduled");
  }
  call.server().begin_save();
  call.reply.simple("Background saving started");
}

void lastsave(Call& call) { call.reply.integer(call.server().save_state().last_save_s); }

}  // namespace chorus::cache
