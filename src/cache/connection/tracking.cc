// CLIENT TRACKING and what belongs to it.
#include "cache/tracking.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "cache/call.h"
#include "cache/connection/handlers.h"
#include "cache/connection/names.h"
#include "cache/resp/quote.h"

namespace chorus::cache {
namespace {

bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

/// False: replied.
bool are_apart(Call& call, const std::vector<std::string>& prefixes) {
  const auto* mode = call.client().tracking.get();
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    if (mode != nullptr) {
      for (const std::string& old : mode->prefixes) {
        if (!overlap(old, prefixes[i])) continue;
        call.error(fmt::format("ERR Prefix '{}' overlaps with an existing prefix '{}'. Prefixes for a single client must not overlap.",
                               shown(prefixes[i], std::string_view::npos), shown(old, std::string_view::npos)));
        return false;
      }
    }
    for (std::size_t j = i + 1; j < prefixes.size(); ++j) {
      if (!overlap(prefixes[i], prefixes[j])) continue;
      call.error(fmt::format("ERR Prefix '{}' overlaps with another provided prefix '{}'. Prefixes for a single client must not overlap.",
                             shown(prefixes[i], std::string_view::npos), shown(prefixes[j], std::string_view::npos)));
      return false;
    }
  }
  return true;
}

/// What the options, together and beside those that hold, make impossible; empty: nothing.
std::string_view conflict(const TrackingMode& mode, bool has_prefixes, const TrackingMode* before) {
  if (!mode.broadcasts && has_prefixes) return "ERR PREFIX option requires BCAST mode to be enabled";
  if (before != nullptr && before->broadcasts != mode.broadcasts) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different "
           "mode.";
  }
  if (mode.broadcasts && (mode.opt_in || mode.opt_out)) return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  if (mode.opt_in && mode.opt_out) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (before != nullptr && ((mode.opt_in && before->opt_out) || (mode.opt_out && before->opt_in))) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different "
           "mode.";
  }
  return {};
}

}  // namespace

void client_tracking(Call& call) {
  TrackingMode mode;
  std::vector<std::string> prefixes;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const bool has_more = i + 1 < call.size();
    if (call.is_word(i, "REDIRECT") && has_more) {
      if (mode.redirect) return call.error("ERR A client can only redirect to a single other client");
      const auto id = call.integer(++i);
      if (!id) return;
      mode.redirect = ClientId(static_cast<std::uint64_t>(*id));
      if (call.server().find_client(*mode.redirect) == nullptr) {
        return call.error("ERR The client ID you want redirect to does not exist");
      }
    } else if (call.is_word(i, "BCAST")) {
      mode.broadcasts = true;
    } else if (call.is_word(i, "OPTIN")) {
      mode.opt_in = true;
    } else if (call.is_word(i, "OPTOUT")) {
      mode.opt_out = true;
    } else if (call.is_word(i, "NOLOOP")) {
      mode.no_loop = true;
    } else if (call.is_word(i, "PREFIX") && has_more) {
      prefixes.emplace_back(call[++i]);
    } else {
      return call.error(errors::syntax);
    }
  }
  if (call.is_word(2, "OFF")) {
    call.server().stop_tracking(call.client());
    return call.reply.ok();
  }
  if (!call.is_word(2, "ON")) return call.error(errors::syntax);
  const auto wrong = conflict(mode, !prefixes.empty(), call.client().tracking.get());
  if (!wrong.empty()) return call.error(wrong);
  if (mode.broadcasts && !are_apart(call, prefixes)) return;
  mode.prefixes.insert(prefixes.begin(), prefixes.end());
  call.server().track(call.client(), std::move(mode));
  call.reply.ok();
}

void client_caching(Call& call) {
  TrackingMode* mode = call.client().tracking.get();
  if (mode == nullptr) {
    return call.error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  }
  if (call.is_word(2, "YES")) {
    if (!mode->opt_in) return call.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  } else if (call.is_word(2, "NO")) {
    if (!mode->opt_out) return call.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  } else {
    return call.error(errors::syntax);
  }
  mode->caching = true;
  call.reply.ok();
}

std::int64_t redirection_of(const Client& client) {
  if (client.tracking == nullptr) return -1;
  return client.tracking->redirect ? static_cast<std::int64_t>(client.tracking->redirect->value) : 0;
}

void client_getredir(Call& call) { call.reply.integer(redirection_of(call.client())); }

void client_trackinginfo(Call& call) {
  const TrackingMode* mode = call.client().tracking.get();
  std::vector<std::string_view> flags{mode == nullptr ? "off" : "on"};
  if (mode != nullptr) {
    const auto add_if = [&](bool is_so, std::string_view flag) {
      if (is_so) flags.push_back(flag);
    };
    add_if(mode->broadcasts, "bcast");
    add_if(mode->opt_in, "optin");
    add_if(mode->opt_in && mode->caching, "caching-yes");
    add_if(mode->opt_out, "optout");
    add_if(mode->opt_out && mode->caching, "caching-no");
    add_if(mode->no_loop, "noloop");
    add_if(mode->is_redirect_broken, "broken_redirect");
  }
  call.reply.map(3);
  call.reply.bulk("flags");
  call.reply.set(flags.size());
  for (const std::string_view flag : flags) call.reply.bulk(flag);
  call.reply.bulk("redirect");
  call.reply.integer(redirection_of(call.client()));
  call.reply.bulk("prefixes");
  call.reply.array(mode == nullptr ? 0 : mode->prefixes.size());
  if (mode == nullptr) return;
  for (const std::string& prefix : mode->prefixes) call.reply.bulk(prefix);
}

}  // namespace chorus::cache
