#include "world/real/core.h"

#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "base/ensure.h"
#include "world/real/stream.h"

namespace chorus::world::real {
namespace {

constexpr std::size_t chunks_kept = 64;

std::uint64_t seed_from_system() {
  std::uint64_t seed = 0;
  ENSURE(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

/// For how long it has had a processor.
Duration time_of_this_thread() {
  timespec time{};
  ENSURE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, errno);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Core::Core(std::string name)
    : name_(std::move(name)),
      receive_buffer_(new char[receive_size]),
      random(seed_from_system()),
      delivery_(context, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  wait_for_delivery();
  // A write to a connection that the other side has closed is an error of that connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

Core::~Core() {
  background_.reset();
  disk_.reset();
  for (DiskJob& job : held_) job.run();
  going_ = true;
  // Callbacks own things that may still want to cancel a timer or drop a connection while they go.
  posted_.clear();
  held_.clear();
  auto timers = std::move(timers_);
  timers_.clear();
  timers.clear();
  unflushed_.clear();
}

void Core::flush_later(std::shared_ptr<Stream> stream) {
  if (going_) return;
  unflushed_.push_back(std::move(stream));
  if (depth_ > 0 || flush_posted_) return;
  flush_posted_ = true;
  asio::post(context, [this] {
    flush_posted_ = false;
    event([] {});
  });
}

void Core::flush() {
  ++depth_;
  if (!std::exchange(job_done_, false)) answered_ += unflushed_.size();
  // Flushing calls handlers (drained, closed), which may write again.
  for (std::size_t i = 0; i < unflushed_.size(); ++i) {
    const auto stream = std::move(unflushed_[i]);
    if (stream != nullptr) stream->flush();  // else others that were let in have flushed it
  }
  unflushed_.clear();
  --depth_;
}

TimerId Core::after(Duration delay, Callback callback) {
  if (going_) return {};
  const Deadline deadline{std::chrono::steady_clock::now() + std::max(delay, Duration::zero()), ++last_timer_};
  timers_.emplace(deadline.id, std::move(callback));
  deadlines_.push_back(deadline);
  std::push_heap(deadlines_.begin(), deadlines_.end());
  if (deadlines_.front().id == deadline.id) arm_timer();
  return TimerId{deadline.id};
}

void Core::cancel(TimerId timer) {
  const auto found = timers_.find(timer.value);
  if (found == timers_.end()) return;
  const Callback gone = std::move(found->second);  // destroyed last: what it owns may come back here
  timers_.erase(found);
  // Timers that are set anew with each request would otherwise pile up until their time has come.
  if (deadlines_.size() > 64 && deadlines_.size() > 4 * timers_.size()) {
    std::erase_if(deadlines_, [this](const Deadline& d) { return !timers_.contains(d.id); });
    std::make_heap(deadlines_.begin(), deadlines_.end());
  }
}

void Core::arm_timer() {
  const Instant when = deadlines_.front().when;
  if (armed_for_ && *armed_for_ <= when) return;  // an early call finds nothing due and sets itself anew
  armed_for_ = when;
  alarm_.expires_at(when);
  alarm_.async_wait([this](ErrorCode ec) {
    if (ec) return;  // set to an earlier time meanwhile
    armed_for_.reset();
    event([this] { run_timers(); });
  });
}

void Core::run_timers() {
  const Instant now = std::chrono::steady_clock::now();
  const std::uint64_t last = last_timer_;  // those set by the callbacks wait for the next round, so that the sockets get their turn
  while (!deadlines_.empty()) {
    const Deadline first = deadlines_.front();
    const auto found = timers_.find(first.id);
    if (found != timers_.end() && (first.when > now || first.id > last)) break;
    std::pop_heap(deadlines_.begin(), deadlines_.end());
    deadlines_.pop_back();
    if (found == timers_.end()) continue;
    Callback callback = std::move(found->second);
    timers_.erase(found);
    callback();
  }
  if (!deadlines_.empty()) arm_timer();
}

void Core::run() {
  while (!context.stopped()) {
    if (polling_.is_job_under_way()) poll();
    context.run_one();
  }
}

void Core::poll() {
  const Instant begin = std::chrono::steady_clock::now();
  if (!polling_.is_worth_it(begin)) return;
  const Duration ran_before = time_of_this_thread();
  bool some = set_awake(true);
  while (polling_.is_job_under_way() && !context.stopped()) {
    if (some) event([this] { run_posted(); });
    if (context.poll() == 0 && std::chrono::steady_clock::now() >= begin + polling_.limit()) break;
    some = set_awake(true);
  }
  if (set_awake(false)) event([this] { run_posted(); });
  const Instant now = std::chrono::steady_clock::now();
  polling_.looked(now - begin, time_of_this_thread() - ran_before, now);
}

void Core::let_others_in() {
  if (!running_.empty()) return;  // within a posted callback: those behind it wait for it
  constexpr int events_max = 1000;
  // Each is an event of its own, at whose end what was written leaves.
  const int depth = std::exchange(depth_, 0);
  for (int i = 0; i < events_max && context.poll_one() > 0; ++i) {
  }
  depth_ = depth;
}

/// Returns whether callbacks are waiting.
bool Core::set_awake(bool awake) {
  const std::lock_guard lock(posted_mutex_);
  awake_ = awake;
  return !posted_.empty();
}

/// Returns whether the loop must be woken.
bool Core::enqueue(Callback callback) {
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back(std::move(callback));
  return posted_.size() == 1 && !awake_;
}

void Core::post(Callback callback) {
  if (going_) return;
  if (enqueue(std::move(callback))) asio::post(context, [this] { event([this] { run_posted(); }); });
}

void Core::deliver(Callback callback) {
  if (!enqueue(std::move(callback))) return;
  constexpr std::uint64_t one = 1;
  ENSURE(write(delivery_.native_handle(), &one, sizeof one) == sizeof one, errno);
}

void Core::wait_for_delivery() {
  delivery_.async_read_some(asio::buffer(&deliveries_, sizeof deliveries_), [this](ErrorCode ec, std::size_t) {
    if (ec) return;  // the reactor is being destroyed
    event([this] { run_posted(); });
    wait_for_delivery();
  });
}

void Core::run_posted() {
  {
    const std::lock_guard lock(posted_mutex_);
    running_.swap(posted_);
  }
  for (Callback& callback : running_) {
    callback();
    callback = nullptr;
  }
  running_.clear();
}

void Core::on_signals(std::initializer_list<int> signals, std::function<void(int)> callback) {
  on_signal_ = std::move(callback);
  if (signals_) {
    signals_->clear();
  } else {
    signals_.emplace(context);
  }
  for (const int signal : signals) signals_->add(signal);
  wait_for_signal();
}

void Core::wait_for_signal() {
  signals_->async_wait([this](ErrorCode ec, int signal) {
    if (ec) return;
    event([&] { on_signal_(signal); });
    wait_for_signal();
  });
}

DiskThread& Core::started(std::unique_ptr<DiskThread>& thread, const char* suffix) {
  if (!thread) thread = std::make_unique<DiskThread>(name_ + suffix, [this](Callback done) { deliver(std::move(done)); });
  return *thread;
}

void Core::run_on_disk(Callback job, Callback done) {
  if (going_) return;
  if (!held_.empty() || (polling_.is_short() && jobs_on_thread_ == 0)) {
    held_.push_back({std::move(job), std::move(done)});
    // Behind what is ready: the requests that came in the same turn share the work.
    if (held_.size() == 1) asio::post(context, [this] { run_held(); });
    return;
  }
  give_to_thread({std::move(job), std::move(done)});
}

void Core::give_to_thread(DiskJob job) {
  polling_.job_given(std::chrono::steady_clock::now());
  ++jobs_on_thread_;
  started(disk_, "-disk").submit(std::move(job.run), [this, done = std::move(job.done)]() mutable {
    --jobs_on_thread_;
    finish_job(done);
  });
}

void Core::run_held() {
  std::vector<DiskJob> jobs = std::exchange(held_, {});
  // One alone: what is ordered as it ends may go to the thread, which must not overtake a second one here.
  if (jobs.size() > 1 || answered_ != 0 || received_ != 1 || !polling_.is_short()) {
    for (DiskJob& job : jobs) give_to_thread(std::move(job));
    return;
  }
  DiskJob& job = jobs.front();
  polling_.job_given(std::chrono::steady_clock::now());
  job.run();
  job.run = nullptr;
  event([&] { finish_job(job.done); });
}

void Core::finish_job(Callback& done) {
  polling_.job_done(std::chrono::steady_clock::now());
  answered_ = received_ = 0;
  job_done_ = true;
  if (done) done();
}

void Core::run_in_background(Callback job, Callback done) { started(background_, "-bg").submit(std::move(job), std::move(done)); }

char* Core::plain_buffer() {
  if (!plain_buffer_) plain_buffer_.reset(new char[plain_size]);
  return plain_buffer_.get();
}

std::string Core::take_chunk() {
  if (chunks_.empty()) {
    std::string fresh;
    fresh.reserve(chunk_size);
    return fresh;
  }
  std::string chunk = std::move(chunks_.back());
  chunks_.pop_back();
  return chunk;
}

void Core::give_chunk(std::string chunk) {
  if (chunk.capacity() < chunk_size || chunk.capacity() > 2 * chunk_size || chunks_.size() == chunks_kept) return;
  chunk.clear();
  chunks_.push_back(std::move(chunk));
}

}  // namespace chorus::world::real
