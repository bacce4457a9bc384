// The cache beside the other services in one process: on a reactor and a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/metrics.h"
#include "base/result.h"
#include "cache/node.h"

namespace chorus::app {

/// Made, asked and ended by one thread, which is not its reactor's.
class CacheRole {
 public:
  /// failed: called on its thread with what it cannot mend, in words for a person; nothing is served from then on. ends: called there when
  /// a client asked for the end of the process.
  static base::Result<std::unique_ptr<CacheRole>, std::string> start(cache::Options options, std::function<void(const std::string&)> failed,
                                                                     std::function<void()> ends);
  ~CacheRole();

  /// Ends it in good order; `done` comes on the role's thread.
  void stop(std::function<void()> done);
  /// As of 200 ms ago at most.
  cache::Facts facts() const;

 private:
  class Impl;
  explicit CacheRole(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

void collect_cache(const cache::Facts& facts, admin::MetricWriter& out);

}  // namespace chorus::app
