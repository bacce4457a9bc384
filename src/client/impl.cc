#include "client/impl.h"

#include <fmt/format.h>

namespace chorus::client {

/// Asks one server whether it is writable, with the four-letter word isro. source: ClientCnxn.SendThread.pingRwServer
class Client::Impl::Prober final : public world::ConnectionHandler {
 public:
  Prober(Impl& owner, world::Address server, std::unique_ptr<world::Connection> connection)
      : owner_(owner), server_(std::move(server)), connection_(std::move(connection)) {
    connection_->start(*this);
    connection_->write("isro");
  }
  void on_data(std::string_view octets) override { answer_.append(octets.substr(0, 16)); }
  void on_closed(const world::NetError&) override { owner_.submit(event::Probed{server_, answer_.starts_with("rw")}); }

 private:
  Impl& owner_;
  world::Address server_;
  std::unique_ptr<world::Connection> connection_;
  std::string answer_;
};

Client::Impl::Impl(world::World& world, ClientOptions options)
    : world_(world),
      chroot_(std::move(options.chroot)),
      tls_(std::move(options.tls)),
      session_(std::move(options.session), world.random().next()) {}

Client::Impl::~Impl() { stop(); }

void Client::Impl::stop() {
  stopped_ = true;
  world_.cancel(timer_);
  timer_ = {};
  prober_.reset();
  connection_.reset();
}

void Client::Impl::submit(Event event) {
  inbox_.push_back(std::move(event));
  if (pumping_ || pump_posted_) return;
  pump_posted_ = true;
  world_.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->pump_posted_ = false;
      self->pump();
    }
  });
}

std::uint64_t Client::Impl::keep(Done done) {
  done_.push_back(std::move(done));
  return first_id_ + done_.size() - 1;
}

void Client::Impl::submit(Request request, Done done) {
  request.id = keep(std::move(done));
  submit(event::Submit{std::move(request)});
}

void Client::Impl::refuse(Code code, Done done) {
  world_.post([weak = weak_from_this(), code, done = std::move(done)]() mutable {
    if (auto self = weak.lock(); self && !self->stopped_) done(code, {});
  });
}

void Client::Impl::add_auth(std::string scheme, std::string auth, Done done) {
  const std::uint64_t id = keep(std::move(done));
  submit(event::AddAuth{id, std::move(scheme), std::move(auth)});
}

void Client::Impl::close(std::move_only_function<void()> done) {
  if (is_final(session_.state())) {
    if (!done) return;
    world_.post([weak = weak_from_this(), done = std::move(done)]() mutable {
      if (auto self = weak.lock(); self && !self->stopped_) done();
    });
    return;
  }
  if (done) on_closed_.push_back(std::move(done));
  submit(event::Close{});
}

void Client::Impl::pump() {
  if (stopped_ || pumping_) return;
  const auto keep_alive = shared_from_this();
  pumping_ = true;
  while (!inbox_.empty() && !stopped_) {
    std::swap(inbox_, batch_);
    const Instant now = world_.now();
    for (Event& event : batch_) {
      actions_.clear();
      session_.step(now, std::move(event), actions_);
      for (Action& action : actions_) {
        if (stopped_) break;
        std::visit([this](auto& each) { perform(each); }, action);
      }
    }
    batch_.clear();
  }
  pumping_ = false;
  if (stopped_) return;
  flush();
  arm();
}

void Client::Impl::arm() {
  const auto wake_at = session_.wake_at();
  // A timer that rings too early does no harm, so one that is armed is only ever moved forward.
  if (!wake_at || (timer_.value != 0 && timer_at_ <= *wake_at)) return;
  world_.cancel(timer_);
  timer_at_ = *wake_at;
  timer_ = world_.after(std::max(Duration{0}, *wake_at - world_.now()), [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || self->stopped_) return;
    self->timer_ = {};
    self->inbox_.push_back(event::Tick{});
    self->pump();
  });
}

void Client::Impl::on_data(std::string_view octets) {
  inbox_.push_back(event::Received{octets});
  pump();
}

void Client::Impl::on_closed(const world::NetError& why) {
  const auto gone = std::move(connection_);
  inbox_.push_back(event::Lost{why});
  pump();
}

void Client::Impl::flush() {
  if (outbox_.empty()) return;
  if (connection_) connection_->write(std::move(outbox_));
  outbox_.clear();
}

void Client::Impl::drop_connection() {
  ++dial_;
  outbox_.clear();
  connection_.reset();
  prober_.reset();
}

void Client::Impl::perform(action::Connect& connect) {
  drop_connection();
  world_.connect(connect.server, {.timeout = connect.timeout, .tls = tls_},
                 [weak = weak_from_this(), dial = dial_](world::NetResult<std::unique_ptr<world::Connection>> result) {
                   auto self = weak.lock();
                   if (!self || self->stopped_ || self->dial_ != dial) return;
                   if (result) {
                     self->connection_ = std::move(*result);
                     self->connection_->start(*self);
                     self->inbox_.push_back(event::Connected{});
                   } else {
                     self->inbox_.push_back(event::Lost{std::move(result.error())});
                   }
                   self->pump();
                 });
}

void Client::Impl::perform(action::Disconnect&) { drop_connection(); }

void Client::Impl::perform(action::Send& send) {
  if (outbox_.empty()) {
    outbox_ = std::move(send.octets);
  } else {
    outbox_.append(send.octets);
  }
}

void Client::Impl::perform(action::Complete& complete) {
  Done done = std::exchange(done_[complete.id - first_id_], nullptr);
  while (!done_.empty() && !done_.front()) {
    done_.pop_front();
    ++first_id_;
  }
  if (done) done(complete.code, complete.body);
}

void Client::Impl::perform(action::Fire& fire) {
  WatchEvent& event = fire.watch.event;
  if (!chroot_.empty() && event.path.starts_with(chroot_)) {
    event.path.erase(0, chroot_.size());
    if (event.path.empty()) event.path = "/";
  }
  for (const Watcher& watcher : fire.watch.watchers) {
    if (stopped_) return;
    (*watcher)(event);
  }
}

void Client::Impl::perform(action::Became& became) {
  const auto listeners = listeners_;  // one may add another
  for (const StateListener& listener : listeners) {
    if (stopped_) return;
    listener(became.state, became.why);
  }
  if (!is_final(became.state)) return;
  auto waiting = std::move(on_closed_);
  on_closed_.clear();
  for (auto& done : waiting) {
    if (stopped_) return;
    done();
  }
}

void Client::Impl::perform(action::Probe& probe) {
  prober_.reset();
  world_.connect(probe.server, {.timeout = std::chrono::seconds(1), .tls = tls_},
                 [weak = weak_from_this(), server = probe.server](world::NetResult<std::unique_ptr<world::Connection>> result) {
                   auto self = weak.lock();
                   if (!self || self->stopped_ || !result || self->session_.state() != State::connected_read_only) return;
                   self->prober_ = std::make_unique<Prober>(*self, server, std::move(*result));
                 });
}

}  // namespace chorus::client
