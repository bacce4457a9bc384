// Everything outside of the program, as one reactor sees it: time, chance, network and disk.
// `real/` is this machine, `sim/` a deterministic stand-in for a whole cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/random.h"
#include "base/strong.h"
#include "world/files.h"
#include "world/net.h"

namespace chorus::world {

using Duration = std::chrono::nanoseconds;
/// A point on the monotonic clock: never steps, says nothing about the date.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// The date, which may step either way.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using TimerId = base::Strong<std::uint64_t, struct TimerIdTag>;
using Callback = std::move_only_function<void()>;

/// One reactor: a single-threaded event loop and what it reaches. Every callback runs on it, never from within the call that ordered it.
/// Only post() may be called from another thread.
class World {
 public:
  virtual ~World() = default;

  virtual Instant now() = 0;
  virtual WallTime wall_now() = 0;
  virtual base::Random& random() = 0;

  /// Runs `callback` once, not before `delay` has passed. Ids start at 1.
  virtual TimerId after(Duration delay, Callback callback) = 0;
  /// Fine for a timer that ran or was cancelled.
  virtual void cancel(TimerId timer) = 0;
  /// Runs `callback` soon, after what was posted earlier.
  virtual void post(Callback callback) = 0;

  virtual NetResult<std::unique_ptr<Listener>> listen(const Address& address, const ListenOptions& options, OnAccept on_accept) = 0;
  virtual void connect(const Address& address, const ConnectOptions& options, OnConnect on_connect) = 0;

  virtual Files& files() = 0;
  /// Runs `job` on the disk thread, jobs one after another in order of submission, then `done` here. `job` may use files and what it owns
  /// or exclusively borrows until `done`; nothing else of the reactor. A short one that nobody but its asker waits for may run on the
  /// reactor's own thread, between two events.
  virtual void run_on_disk(Callback job, Callback done) = 0;
  /// The same on a second thread, for long work that must not hold up the first: writing snapshots, removing old files.
  virtual void run_in_background(Callback job, Callback done) = 0;
};

}  // namespace chorus::world
