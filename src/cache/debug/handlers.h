// Handlers of DEBUG's subcommands that look at data; see admin/debug.cc.
#pragma once

namespace chorus::cache {

class Call;

void debug_digest(Call& call);
void debug_digest_value(Call& call);
void debug_htstats(Call& call);
void debug_htstats_key(Call& call);
void debug_listpack(Call& call);
void debug_object(Call& call);
void debug_quicklist(Call& call);
void debug_reload(Call& call);

}  // namespace chorus::cache
