// Messaging beside coordination in one process: on a reactor and a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/metrics.h"
#include "base/result.h"
#include "mq/node.h"

namespace chorus::app {

/// Made, asked and ended by one thread, which is not its reactor's.
class MqRole {
 public:
  /// failed: called on the role's thread when it cannot go on.
  static base::Result<std::unique_ptr<MqRole>, std::string> start(mq::Options options, std::function<void(const std::string&)> failed);
  ~MqRole();

  /// Ends it in good order; `done` comes on the role's thread.
  void stop(std::function<void()> done);
  /// As of 200 ms ago at most.
  mq::Facts facts() const;
  /// As of 5 s ago at most.
  std::shared_ptr<const mq::Samples> samples() const;

 private:
  class Impl;
  explicit MqRole(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

void collect_mq(const mq::Facts& facts, const mq::Samples& samples, admin::MetricWriter& out);

}  // namespace chorus::app
