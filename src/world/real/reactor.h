// The World of this machine.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "world/world.h"

namespace chorus::world::real {

/// One event loop, run by the thread that calls run(). Connections, listeners and everything else made with it live on that thread and must
/// be destroyed before it. What was not yet called when it is destroyed never is; jobs already given to the disk thread are finished first.
class Reactor final : public World {
 public:
  /// name: of its threads as the system lists them, at most 10 letters.
  explicit Reactor(std::string name = "chorus");
  ~Reactor() override;
  /// While its disk thread is at work, run() looks for the end of that for up to `limit` before it sleeps, provided that such work lately
  /// took less: waking a sleeping core costs tens of microseconds, about as much as a sync of a fast disk. Not while others want the
  /// processor (polling.h). Zero, the default: it sleeps at once.
  void poll_disk(Duration limit);
  /// Carries out some of what is due, from within an event that takes long and can say where it is safe. What is written meanwhile leaves
  /// before it returns. Does nothing within what was posted.
  void let_others_in();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Runs callbacks until stop(); may be called again afterwards.
  void run();
  /// From any thread, or a callback. A stop() that comes before run() makes that run() return at once.
  void stop();
  /// Runs callbacks until `done` holds (asked after each) or `limit` has passed; returns whether it held. For tests and command-line tools.
  bool run_until(const std::function<bool()>& done, Duration limit);
  /// Calls `callback` here for each of these signals that the process gets from now on, instead of what they did until now.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> callback);

  Instant now() override;
  WallTime wall_now() override;
  base::Random& random() override;
  TimerId after(Duration delay, Callback callback) override;
  void cancel(TimerId timer) override;
  void post(Callback callback) override;
  /// A host name is looked up before this returns.
  NetResult<std::unique_ptr<Listener>> listen(const Address& address, const ListenOptions& options, OnAccept on_accept) override;
  void connect(const Address& address, const ConnectOptions& options, OnConnect on_connect) override;
  Files& files() override;
  void run_on_disk(Callback job, Callback done) override;
  void run_in_background(Callback job, Callback done) override;

 private:
  std::unique_ptr<class Core> core_;
};

}  // namespace chorus::world::real
