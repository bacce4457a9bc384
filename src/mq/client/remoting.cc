#include "mq/client/remoting.h"

#include <algorithm>

namespace chorus::mqclient {

/// One server: a Channel bound to a connection. Everything goes through the inbox, so that no completion comes from within a call.
class Remoting::Link final : public world::ConnectionHandler, public std::enable_shared_from_this<Link> {
 public:
  Link(Remoting& owner, world::Address address)
      : owner_(owner),
        world_(owner.world_),
        address_(std::move(address)),
        channel_(world::to_string(address_), {.credentials = owner.options_.credentials, .waiting_max = owner.options_.waiting_max}) {}

  void call(wire::Outgoing request, Duration limit, Completion<Incoming> done) {
    done_.emplace(++last_id_, std::move(done));
    submit(event::Call{last_id_, std::move(request), world_.now() + limit});
  }
  void submit(ChannelEvent event) {
    inbox_.push_back(std::move(event));
    if (pumping_ || pump_posted_) return;
    pump_posted_ = true;
    world_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->pump_posted_ = false;
        self->pump();
      }
    });
  }
  /// No callback from now on.
  void stop() {
    stopped_ = true;
    world_.cancel(timer_);
    connection_.reset();
  }

  void on_data(std::string_view octets) override {
    inbox_.emplace_back(event::Received{octets});
    pump();
  }
  void on_closed(const world::NetError& why) override {
    const auto gone = std::move(connection_);
    inbox_.emplace_back(event::Lost{why.message});
    pump();
  }

 private:
  void pump() {
    if (stopped_ || pumping_) return;
    const auto keep_alive = shared_from_this();
    pumping_ = true;
    while (!inbox_.empty() && !stopped_) {
      std::vector<ChannelEvent> batch = std::exchange(inbox_, {});
      for (ChannelEvent& each : batch) {
        std::vector<ChannelAction> actions;
        channel_.step(world_.now(), std::move(each), actions);
        for (ChannelAction& action : actions) {
          if (stopped_) break;
          std::visit([this](auto& what) { perform(what); }, action);
        }
      }
    }
    pumping_ = false;
    if (stopped_) return;
    flush();
    arm();
  }

  void perform(action::Connect&) {
    world_.connect(address_, {.timeout = owner_.options_.connect_timeout, .tls = owner_.options_.tls},
                   [weak = weak_from_this(), dial = ++dial_](world::NetResult<std::unique_ptr<world::Connection>> result) {
                     const auto self = weak.lock();
                     if (!self || self->stopped_ || self->dial_ != dial) return;
                     if (result) {
                       self->connection_ = std::move(*result);
                       self->connection_->start(*self);
                       self->inbox_.emplace_back(event::Connected{});
                     } else {
                       self->inbox_.emplace_back(event::Lost{result.error().message});
                     }
                     self->pump();
                     if (result && !self->stopped_ && self->owner_.connected_) self->owner_.connected_(self->address_);
                   });
  }
  void perform(action::Disconnect&) {
    ++dial_;
    outbox_.clear();
    connection_.reset();
  }
  void perform(action::Send& send) { outbox_ += send.octets; }
  void perform(action::Complete& complete) {
    auto done = done_.extract(complete.id);
    if (!done.empty() && done.mapped()) done.mapped()(std::move(complete.result));
  }
  void perform(action::Asked& asked) {
    if (owner_.asked_) owner_.asked_(address_, asked.request);
  }

  void flush() {
    if (outbox_.empty()) return;
    if (connection_) connection_->write(std::move(outbox_));
    outbox_.clear();
  }
  void arm() {
    const auto at = channel_.wake_at();
    if (!at || (timer_.value != 0 && timer_at_ <= *at)) return;
    world_.cancel(timer_);
    timer_at_ = *at;
    timer_ = world_.after(std::max(Duration{0}, *at - world_.now()), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      self->timer_ = {};
      self->inbox_.emplace_back(event::Tick{});
      self->pump();
    });
  }

  Remoting& owner_;
  world::World& world_;
  const world::Address address_;
  Channel channel_;
  std::vector<ChannelEvent> inbox_;
  bool pumping_ = false, pump_posted_ = false, stopped_ = false;
  std::unique_ptr<world::Connection> connection_;
  std::uint64_t dial_ = 0;  // the latest; answers to earlier ones are dropped
  std::string outbox_;      // one write for all requests of a turn of the loop
  world::TimerId timer_;
  Instant timer_at_{};
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Completion<Incoming>> done_;
};

Remoting::Remoting(world::World& world, RemotingOptions options) : world_(world), options_(std::move(options)) {}

Remoting::~Remoting() {
  for (const auto& [address, link] : links_) link->stop();
}

Remoting::Link& Remoting::link(const world::Address& to) {
  auto& link = links_[to];
  if (link == nullptr) {
    link = std::make_shared<Link>(*this, to);
    if (closed_) link->submit(event::Close{});
  }
  return *link;
}

void Remoting::call(const world::Address& to, wire::Outgoing request, Duration limit, Completion<Incoming> done) {
  link(to).call(std::move(request), limit, std::move(done));
}

void Remoting::on_asked(std::function<void(const world::Address&, const Incoming&)> listener) { asked_ = std::move(listener); }
void Remoting::on_connected(std::function<void(const world::Address&)> listener) { connected_ = std::move(listener); }

void Remoting::reply(const world::Address& to, wire::Outgoing answer) { link(to).submit(event::Reply{std::move(answer)}); }

void Remoting::close() {
  closed_ = true;
  for (const auto& [address, link] : links_) link->submit(event::Close{});
}

}  // namespace chorus::mqclient
