// Brings a message log back: what is missing or damaged beside the log is made again from it.
#pragma once

#include <memory>

#include "mq/log/catalogue.h"
#include "mq/log/index_file.h"
#include "mq/log/store.h"
#include "store/log.h"

namespace chorus::mq::log {

struct Recovered {
  std::shared_ptr<store::Log> log;
  Catalogue catalogue;
  RecoveryReport report;
};

/// Blocks. `state` (may be null) is restored and replayed.
StoreResult<Recovered> recover(world::Files& files, const StoreOptions& options, State* state);

/// A sealed segment, and the bases of its neighbours (-1: none, or not to be trusted), whose index files say where queues stood that have
/// nothing in it. `lost`: offsets that each queue may have lost at its end.
struct RebuildWhat {
  Position base = 0;
  Position end = 0;
  Position before = -1;
  Position after = -1;
  Offset lost = 0;
};
/// Makes the index file of a sealed segment again, from its log file. Returns the holes that it found.
StoreResult<std::vector<RecoveryReport::Damage>> rebuild_index(world::Files& files, const StoreOptions& options, IndexFiles& indexes,
                                                               const RebuildWhat& what);

}  // namespace chorus::mq::log
