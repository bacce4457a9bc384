#include "world/real/disk_thread.h"

#include <pthread.h>
#include <signal.h>

namespace chorus::world::real {

DiskThread::DiskThread(const std::string& name, std::function<void(Callback)> deliver) : deliver_(std::move(deliver)) {
  // Signals are for the reactor's thread: this one inherits a mask that blocks them all.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

DiskThread::~DiskThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void DiskThread::submit(Callback job, Callback done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(job), std::move(done)});
  }
  arrived_.notify_one();
}

void DiskThread::work() {
  std::vector<Job> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      batch.swap(jobs_);
    }
    for (Job& job : batch) {
      job.run();
      deliver_([run = std::move(job.run), done = std::move(job.done)]() mutable {
        run = nullptr;
        if (done) done();
      });
    }
    batch.clear();
  }
}

}  // namespace chorus::world::real
