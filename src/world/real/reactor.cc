#include "world/real/reactor.h"

#include "world/real/core.h"
#include "world/real/dial.h"

namespace chorus::world::real {

Reactor::Reactor(std::string name) : core_(std::make_unique<Core>(std::move(name))) {}
Reactor::~Reactor() = default;

void Reactor::run() {
  core_->run();
  core_->context.restart();
}

void Reactor::poll_disk(Duration limit) { core_->poll_disk(limit); }

void Reactor::stop() { core_->context.stop(); }

bool Reactor::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = now() + limit;
  while (!done()) {
    if (core_->context.run_one_until(end) == 0) return done();
  }
  return true;
}

void Reactor::on_signals(std::initializer_list<int> signals, std::function<void(int)> callback) {
  core_->on_signals(signals, std::move(callback));
}

Instant Reactor::now() { return std::chrono::steady_clock::now(); }
WallTime Reactor::wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }
base::Random& Reactor::random() { return core_->random; }
TimerId Reactor::after(Duration delay, Callback callback) { return core_->after(delay, std::move(callback)); }
void Reactor::cancel(TimerId timer) { core_->cancel(timer); }
void Reactor::post(Callback callback) { core_->post(std::move(callback)); }
void Reactor::let_others_in() { core_->let_others_in(); }
NetResult<std::unique_ptr<Listener>> Reactor::listen(const Address& address, const ListenOptions& options, OnAccept on_accept) {
  return real::listen(*core_, address, options, std::move(on_accept));
}
void Reactor::connect(const Address& address, const ConnectOptions& options, OnConnect on_connect) {
  real::connect(*core_, address, options, std::move(on_connect));
}
Files& Reactor::files() { return core_->files; }
void Reactor::run_on_disk(Callback job, Callback done) { core_->run_on_disk(std::move(job), std::move(done)); }
void Reactor::run_in_background(Callback job, Callback done) { core_->run_in_background(std::move(job), std::move(done)); }

}  // namespace chorus::world::real
