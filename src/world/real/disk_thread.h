// The thread that does a reactor's blocking file work.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "world/world.h"

namespace chorus::world::real {

/// Jobs one after another in the order of submission. Each `done` is handed, with its job destroyed by it, to `deliver`.
class DiskThread {
 public:
  DiskThread(const std::string& name, std::function<void(Callback)> deliver);
  /// Waits for the jobs submitted.
  ~DiskThread();
  void submit(Callback job, Callback done);

 private:
  struct Job {
    Callback run;
    Callback done;
  };
  void work();

  const std::function<void(Callback)> deliver_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace chorus::world::real
