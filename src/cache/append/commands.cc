// BGREWRITEAOF, WAITAOF.
#include "cache/call.h"
#include "cache/persistence/handlers.h"
#include "cache/replication/replication.h"

namespace chorus::cache {
namespace {

/// Milliseconds into microseconds; 0: forever. Empty: replied.
std::optional<std::int64_t> timeout_ms_of(Call& call, std::size_t argument) {
  const auto ms = call.integer(argument, "ERR timeout is not an integer or out of range");
  if (!ms) return {};
  std::int64_t us = 0, deadline = 0;
  if (*ms < 0) {
    call.error("ERR timeout is negative");
    return {};
  }
  if (__builtin_mul_overflow(*ms, std::int64_t{1000}, &us) || __builtin_add_overflow(us, call.server().now().monotonic_us, &deadline)) {
    call.error("ERR timeout is out of range");
    return {};
  }
  return us;
}

}  // namespace

void bgrewriteaof(Call& call) {
  Server& server = call.server();
  const AppendState& state = server.append_state();
  const bool has_to_wait = (server.has_snapshot() && !server.is_saving_base()) || call.client().transaction;
  if (state.is_rewriting || (state.is_rewrite_due && !has_to_wait)) {
    return call.error("ERR Background append only file rewriting already in progress");
  }
  server.schedule_rewrite();
  call.reply.simple(has_to_wait ? "Background append only file rewriting scheduled" : "Background append only file rewriting started");
}

void waitaof(Call& call) {
  const auto local = call.integer(1);
  if (!local) return;
  if (*local < 0 || *local > 1) return call.error("ERR value is out of range, value must between 0 and 1");
  const auto replicas = call.integer(2);
  if (!replicas) return;
  if (*replicas < 0) return call.error(errors::not_positive);
  const auto timeout_us = timeout_ms_of(call, 3);
  if (!timeout_us) return;
  Server& server = call.server();
  if (server.is_replica()) {
    return call.error(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not "
        "propagated.");
  }
  if (*local > 0 && !server.append_state().is_on) {
    return call.error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  const auto [here, there] = server.log_acks(call.client());
  if ((here >= *local && there >= *replicas) || call.client().transaction || call.client().is_script) {
    call.reply.array(2);
    call.reply.integer(here);
    call.reply.integer(there);
    return;
  }
  const auto deadline = *timeout_us == 0 ? std::nullopt : std::optional(server.now().monotonic_us + *timeout_us);
  server.wait_for_log(call.client(), call.command(), call.arguments(), deadline);
  if (there < *replicas) server.replication().ask_for_acknowledgements();
}

}  // namespace chorus::cache
