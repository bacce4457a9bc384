// The handlers of channels, one a command.
#pragma once

namespace chorus::cache {

class Call;
void subscribe(Call& call);
void unsubscribe(Call& call);
void psubscribe(Call& call);
void punsubscribe(Call& call);
void ssubscribe(Call& call);
void sunsubscribe(Call& call);
void publish(Call& call);
void spublish(Call& call);
void pubsub_channels(Call& call);
void pubsub_numsub(Call& call);
void pubsub_numpat(Call& call);
void pubsub_shardchannels(Call& call);
void pubsub_shardnumsub(Call& call);
void pubsub_help(Call& call);

}  // namespace chorus::cache
