#include "relay.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace chorus::chaos {

namespace {

constexpr std::size_t late_max = 1 << 20;  // octets on their way in one direction; beyond that the sender is slowed down

}  // namespace

/// A connection of one side, and the one made for it to the other side.
class Relay::Link : public std::enable_shared_from_this<Relay::Link> {
 public:
  Link(Relay& relay, std::unique_ptr<world::Connection> near, std::unique_ptr<world::Connection> far) : relay_(relay) {
    near_.connection = std::move(near);
    far_.connection = std::move(far);
  }
  void start() {
    near_.connection->start(near_);
    far_.connection->start(far_);
  }

 private:
  struct Piece {
    world::Instant due;
    std::string octets;
  };
  struct Side final : world::ConnectionHandler {
    Side(Link& its_link, Side& the_other) : link(its_link), other(the_other) {}
    void on_data(std::string_view octets) override { link.forward(*this, octets); }
    void on_drained() override { link.flush(*this); }
    void on_closed(const world::NetError&) override { link.end(*this); }

    Link& link;
    Side& other;
    std::unique_ptr<world::Connection> connection;
    std::deque<Piece> late;  // on the way to this side
    std::size_t late_octets = 0;
    world::Instant last_due{};
    bool timer_runs = false;
    bool reading = true;
    bool ended = false;
  };

  void forward(Side& from, std::string_view octets) {
    Side& to = from.other;
    to.last_due = std::max(to.last_due, relay_.world_.now() + relay_.draw_delay());
    to.late.push_back({to.last_due, std::string(octets)});
    to.late_octets += octets.size();
    flush(to);
  }

  void flush(Side& to) {
    if (to.ended) return;
    const world::Instant now = relay_.world_.now();
    for (; !to.late.empty() && to.late.front().due <= now; to.late.pop_front()) {
      to.late_octets -= to.late.front().octets.size();
      to.connection->write(std::move(to.late.front().octets));
    }
    Side& from = to.other;
    if (from.ended) {
      if (to.late.empty()) to.connection->close();
    } else if (from.reading != (to.late_octets < late_max && to.connection->unsent() < world::Connection::high_water)) {
      from.reading = !from.reading;
      if (from.reading) {
        from.connection->resume_reading();
      } else {
        from.connection->pause_reading();
      }
    }
    if (to.late.empty() || std::exchange(to.timer_runs, true)) return;
    relay_.world_.after(to.late.front().due - now, [link = weak_from_this(), &to] {
      const auto alive = link.lock();
      if (!alive) return;
      to.timer_runs = false;
      alive->flush(to);
    });
  }

  void end(Side& side) {
    side.ended = true;
    if (side.other.ended) {
      relay_.world_.post([&relay = relay_, link = this] { relay.links_.erase(link); });
    } else {
      flush(side.other);  // it still receives what is on the way
    }
  }

  Relay& relay_;
  Side near_{*this, far_};
  Side far_{*this, near_};
};

Relay::Relay(world::World& world, base::Random random) : world_(world), random_(random) {}

Relay::~Relay() = default;

world::NetResult<world::Address> Relay::add_route(const world::Address& listen, const world::Address& target) {
  auto listener = world_.listen(listen, {}, [this, target](std::unique_ptr<world::Connection> near) { accept(std::move(near), target); });
  if (!listener) return std::unexpected(listener.error());
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->address();
}

void Relay::accept(std::unique_ptr<world::Connection> near, const world::Address& target) {
  // Read from only once there is somebody to pass it on to; broken off when there is nobody.
  world_.connect(target, {}, [this, near = std::move(near)](world::NetResult<std::unique_ptr<world::Connection>> far) mutable {
    if (!far) return;
    auto link = std::make_shared<Link>(*this, std::move(near), std::move(*far));
    links_.emplace(link.get(), link);
    link->start();
  });
}

void Relay::set_delay(world::Duration least, world::Duration most) {
  least_ = least;
  most_ = std::max(least, most);
}

world::Duration Relay::draw_delay() {
  return most_ == world::Duration::zero() ? world::Duration::zero() : world::Duration(random_.between(least_.count(), most_.count()));
}

}  // namespace chorus::chaos
