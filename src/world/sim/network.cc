#include "world/sim/network.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/ensure.h"
#include "world/sim/life.h"
#include "world/sim/link.h"
#include "world/sim/node.h"

namespace chorus::sim {

using world::Address;
using world::NetErrc;
using world::NetResult;

namespace {

constexpr std::int64_t retry_ns = 1'000'000'000;  // of a connect that got no answer, as TCP does

bool is_loopback(const std::string& host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }
bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::" || host.empty(); }

}  // namespace

class SimListener final : public world::Listener {
 public:
  SimListener(Network& network, std::shared_ptr<ListenerState> state, std::pair<std::string, std::uint16_t> key)
      : network_(network), state_(std::move(state)), key_(std::move(key)) {}
  ~SimListener() override {
    const auto found = network_.listeners_.find(key_);
    if (found != network_.listeners_.end() && found->second == state_) network_.listeners_.erase(found);
  }
  const Address& address() const override { return state_->address; }

 private:
  Network& network_;
  const std::shared_ptr<ListenerState> state_;
  const std::pair<std::string, std::uint16_t> key_;
};

struct Network::Attempt {
  Life* life;
  Address address;
  world::ConnectOptions options;
  world::OnConnect on_connect;
  std::int64_t deadline;
};

Network::Network(Scheduler& scheduler, const NetworkOptions& network_options, base::Random random)
    : options(network_options), scheduler_(scheduler), random_(random) {}

Network::~Network() = default;

void Network::add(Node& node) { nodes_.push_back(&node); }

Node* Network::find(const std::string& host) const {
  for (Node* node : nodes_) {
    if (node->address() == host || node->name() == host) return node;
  }
  return nullptr;
}

void Network::block(const Node& from, const Node& to) {
  blocked_.insert({from.number(), to.number()});
  scheduler_.trace.add(scheduler_.now_ns(), from.number(), Happening::blocked, to.number());
}

void Network::unblock(const Node& from, const Node& to) {
  blocked_.erase({from.number(), to.number()});
  scheduler_.trace.add(scheduler_.now_ns(), from.number(), Happening::healed, to.number());
  retry_held();
}

void Network::partition(const std::vector<Node*>& these, const std::vector<Node*>& those) {
  for (const Node* one : these) {
    for (const Node* other : those) {
      block(*one, *other);
      block(*other, *one);
    }
  }
}

void Network::heal() {
  blocked_.clear();
  scheduler_.trace.add(scheduler_.now_ns(), 0, Happening::healed);
  retry_held();
}

bool Network::blocked(const Node& from, const Node& to) const {
  return !blocked_.empty() && blocked_.contains({from.number(), to.number()});
}

std::int64_t Network::delay(const Node& from, const Node& to) {
  if (&from == &to) return random_.between(5'000, 20'000);
  const std::int64_t usual = random_.between(options.delay_min.count(), options.delay_max.count());
  if (options.slow <= 0 || !random_.chance(options.slow)) return usual;
  return random_.between(usual, std::max(usual, options.slow_max.count()));
}

NetResult<std::unique_ptr<world::Listener>> Network::listen(Life& life, const Address& address, const world::ListenOptions& listen_options,
                                                            world::OnAccept on_accept) {
  if (!life.alive) return base::error(NetErrc::closed_here, "the process has died");
  const Node& node = life.host();
  if (!is_any(address.host) && !is_loopback(address.host) && address.host != node.address() && address.host != node.name()) {
    return base::error(NetErrc::not_permitted, "cannot listen on " + to_string(address) + ": it is not an address of this machine");
  }
  std::pair<std::string, std::uint16_t> key{node.address(), address.port};
  while (address.port == 0 && (key.second == 0 || listeners_.contains(key))) key.second = next_port_++;
  if (listeners_.contains(key)) {
    return base::error(NetErrc::address_in_use, "cannot listen on " + to_string(address) + ": another process does; choose another port");
  }
  auto state = std::make_shared<ListenerState>();
  state->life = &life;
  state->address = {address.host, key.second};
  state->options = listen_options;
  state->on_accept = std::move(on_accept);
  listeners_[key] = state;
  return std::make_unique<SimListener>(*this, state, key);
}

void Network::connect(Life& life, const Address& address, const world::ConnectOptions& connect_options, world::OnConnect on_connect) {
  scheduler_.trace.add_text(scheduler_.now_ns(), life.host().number(), Happening::connect, address.host, address.port);
  auto attempt = std::make_shared<Attempt>(&life, address, connect_options, std::move(on_connect),
                                           scheduler_.now_ns() + connect_options.timeout.count());
  try_connect(std::move(attempt));
}

void Network::try_connect(std::shared_ptr<Attempt> attempt) {
  Life* caller = attempt->life;
  const Node& from = caller->host();
  const bool local = is_loopback(attempt->address.host);
  const Node* to = local ? &from : find(attempt->address.host);
  const std::int64_t arrives = scheduler_.now_ns() + (to == nullptr ? 100'000 : delay(from, *to));
  // The first half of the way; what happens there is decided on arrival.
  scheduler_.schedule(
      arrives,
      [this, attempt = std::move(attempt), to]() mutable {
        Life& life = *attempt->life;
        const std::string name = to_string(attempt->address);
        if (to == nullptr) return fail(*attempt, NetErrc::unreachable, "cannot reach " + name + ": no such host");
        if (random_.chance(options.unreachable)) return fail(*attempt, NetErrc::unreachable, "cannot reach " + name + ": no route to host");
        if (!to->running() || blocked(life.host(), *to) || blocked(*to, life.host())) {
          const std::int64_t again = scheduler_.now_ns() + retry_ns;
          const bool late = again >= attempt->deadline;
          scheduler_.schedule(
              std::min(again, attempt->deadline),
              [this, attempt, late, name]() mutable {
                if (late) return fail(*attempt, NetErrc::timed_out, "cannot connect to " + name + ": no answer in time");
                try_connect(std::move(attempt));
              },
              &life);
          return;
        }
        const auto found = listeners_.find({to->address(), attempt->address.port});
        if (found == listeners_.end() || random_.chance(options.refuse)) {
          return fail(*attempt, NetErrc::refused, "cannot connect to " + name + ": connection refused; is the server running?");
        }
        establish(std::move(attempt), found->second);
      },
      caller);
}

void Network::fail(Attempt& attempt, NetErrc code, const std::string& why) {
  ++counts.connects_failed;
  scheduler_.trace.add(scheduler_.now_ns(), attempt.life->host().number(), Happening::connect_failed, static_cast<std::uint64_t>(code));
  scheduler_.schedule(
      scheduler_.now_ns() + 20'000,
      [on_connect = std::move(attempt.on_connect), code, why]() mutable { on_connect(base::error(code, why)); }, attempt.life);
}

void Network::establish(std::shared_ptr<Attempt> attempt, const std::shared_ptr<ListenerState>& listener) {
  Life& client = *attempt->life;
  Life& server = *listener->life;
  const bool client_tls = attempt->options.tls.has_value();
  const bool server_tls = listener->options.tls.has_value() && (client_tls || !listener->options.plain_too);
  if (client_tls != server_tls) {
    return fail(*attempt, client_tls ? NetErrc::tls : NetErrc::reset,
                "cannot connect to " + to_string(attempt->address) + (client_tls ? ": it does not speak TLS" : ": it wants TLS"));
  }
  if (server_tls && listener->options.tls->verify_peer && attempt->options.tls->certificate_file.empty()) {
    return fail(*attempt, NetErrc::tls, "cannot connect to " + to_string(attempt->address) + ": it demands a client certificate");
  }
  auto link = std::make_shared<Link>();
  const bool local = &client.host() == &server.host();
  const Address client_address{local ? "127.0.0.1" : client.host().address(), next_port_ < 32768 ? next_port_ = 32768 : next_port_++};
  const Address server_address{local ? "127.0.0.1" : server.host().address(), listener->address.port};
  link->ends[0] = {.life = &client, .node = &client.host(), .local = client_address, .peer = server_address};
  link->ends[1] = {.life = &server, .node = &server.host(), .local = server_address, .peer = client_address};
  if (server_tls) {
    link->tls = true;
    link->ends[0].peer_subject = listener->options.tls->certificate_file;
    link->ends[1].peer_subject = attempt->options.tls->certificate_file;
  }
  links_.push_back(link);
  prune();
  ++counts.connections;
  scheduler_.trace.add(scheduler_.now_ns(), server.host().number(), Happening::accepted, client.host().number(), client_address.port);
  auto accept = [this, link, listener] {
    auto connection = std::make_unique<SimConnection>(*this, link, 1);
    listener->on_accept(std::move(connection));
  };
  if (server.paused) {
    scheduler_.schedule(scheduler_.now_ns(), std::move(accept), &server);
  } else {
    accept();
  }
  const std::int64_t back = scheduler_.now_ns() + delay(server.host(), client.host());
  link->ends[1].last_arrival = back;  // nothing overtakes the answer
  scheduler_.schedule(back, [this, link, attempt] { attempt->on_connect(std::make_unique<SimConnection>(*this, link, 0)); }, &client);
}

void Network::post_pump(const std::shared_ptr<Link>& link, int side) {
  End& end = link->ends[side];
  if (end.pump_posted || end.life == nullptr) return;
  end.pump_posted = true;
  scheduler_.schedule(
      scheduler_.now_ns(),
      [this, link, side] {
        link->ends[side].pump_posted = false;
        pump(link, side);
      },
      end.life);
}

void Network::pump(const std::shared_ptr<Link>& link, int side) {
  End& end = link->ends[side];
  if (end.state == End::State::closed) return;
  while (end.unsent() > 0 && end.in_flight < options.window) {
    std::size_t count = std::min(end.unsent(), options.window - end.in_flight);
    if (count > 1 && random_.chance(options.split)) {
      count = 1 + static_cast<std::size_t>(random_.below(random_.below(2) == 0 ? count : std::min<std::size_t>(count, 24)));
    }
    end.in_flight += count;
    send(link, side, end.take(count), Segment::data);
  }
  if (end.unsent() > 0) return;
  if (end.state == End::State::closing) {
    send(link, side, {}, Segment::fin);
    finish(link, side, NetErrc::closed_here, "closed");
    return;
  }
  if (!end.was_high) return;
  end.was_high = false;
  if (end.handler != nullptr && end.handle != nullptr) end.handler->on_drained();
}

void Network::send(const std::shared_ptr<Link>& link, int side, std::string octets, int kind) {
  End& end = link->ends[side];
  const std::int64_t arrival = std::max(end.last_arrival, scheduler_.now_ns() + delay(*end.node, *link->ends[1 - side].node));
  end.last_arrival = arrival;
  end.wire.push_back({arrival, kind, std::move(octets)});
  if (kind == Segment::data && options.reset > 0 && random_.chance(options.reset)) return break_off(link);
  post_arrival(link, side);
}

void Network::post_arrival(const std::shared_ptr<Link>& link, int side) {
  End& end = link->ends[side];
  if (end.arrival_posted || end.wire.empty()) return;
  end.arrival_posted = true;
  scheduler_.schedule(end.wire.front().arrival, [this, link, side] {
    link->ends[side].arrival_posted = false;
    arrive(link, side);
  });
}

void Network::arrive(const std::shared_ptr<Link>& link, int side) {
  End& from = link->ends[side];
  End& to = link->ends[1 - side];
  if (blocked(*from.node, *to.node) || (to.life == nullptr && !to.node->running())) {
    held_.push_back({link, side});
    return;
  }
  while (!from.wire.empty() && from.wire.front().arrival <= scheduler_.now_ns()) {
    Segment segment = std::move(from.wire.front());
    from.wire.pop_front();
    if (to.life == nullptr) {  // that process is gone, its machine says so
      if (segment.kind == Segment::reset) continue;
      to.wire.clear();
      if (from.life != nullptr) send(link, 1 - side, {}, Segment::reset);
      continue;
    }
    if (to.state == End::State::closed) continue;
    switch (segment.kind) {
      case Segment::data:
        ++counts.segments;
        counts.octets += segment.octets.size();
        scheduler_.trace.add(scheduler_.now_ns(), to.node->number(), Happening::delivered, from.node->number(), segment.octets.size());
        if (to.received.empty()) {
          to.received = std::move(segment.octets);
        } else {
          to.received += segment.octets;
        }
        break;
      case Segment::fin:
        to.fin_received = true;
        break;
      case Segment::reset:
        to.reset_received = true;
        break;
    }
  }
  if (to.life != nullptr && to.life->paused) {
    if (!to.drain_posted) {
      to.drain_posted = true;
      scheduler_.schedule(
          scheduler_.now_ns(),
          [this, link, side] {
            link->ends[1 - side].drain_posted = false;
            drain(link, 1 - side);
          },
          to.life);
    }
  } else if (to.life != nullptr) {
    drain(link, 1 - side);
  }
  post_arrival(link, side);
}

void Network::drain(const std::shared_ptr<Link>& link, int side) {
  End& end = link->ends[side];
  if (!end.started) return;
  if (end.reset_received) return finish(link, side, NetErrc::reset, "connection to " + to_string(end.peer) + " reset by the other side");
  while (end.state == End::State::open && end.reading && !end.received.empty() && end.handle != nullptr) {
    const std::string octets = std::exchange(end.received, {});
    give_credit(link, 1 - side, octets.size());
    end.handler->on_data(octets);
  }
  if (end.state == End::State::closing) end.received.clear();
  if (end.fin_received && end.received.empty() && end.state != End::State::closed) {
    finish(link, side, NetErrc::end_of_stream, to_string(end.peer) + " closed the connection");
  }
}

void Network::give_credit(const std::shared_ptr<Link>& link, int side, std::size_t count) {
  End& sender = link->ends[side];
  sender.credit += count;
  if (sender.unsent() == 0 && !sender.credit_posted) {  // nobody waits for it
    sender.in_flight -= std::exchange(sender.credit, 0);
    return;
  }
  if (sender.credit_posted) return;
  sender.credit_posted = true;
  const Node& receiver = *link->ends[1 - side].node;
  scheduler_.schedule(scheduler_.now_ns() + delay(receiver, *sender.node), [this, link, side] { credit_arrives(link, side); });
}

void Network::credit_arrives(const std::shared_ptr<Link>& link, int side) {
  End& sender = link->ends[side];
  if (blocked(*link->ends[1 - side].node, *sender.node)) {
    held_.push_back({link, side});
    return;
  }
  sender.credit_posted = false;
  sender.in_flight -= std::exchange(sender.credit, 0);
  post_pump(link, side);
}

void Network::retry_held() {
  for (auto& [link, side] : std::exchange(held_, {})) {
    End& end = link->ends[side];
    // Retransmission takes its time.
    const std::int64_t at = scheduler_.now_ns() + random_.between(100'000, 200'000'000);
    if (end.credit_posted) scheduler_.schedule(at, [this, link, side] { credit_arrives(link, side); });
    if (end.wire.empty() || end.arrival_posted) continue;
    for (Segment& segment : end.wire) segment.arrival = std::max(segment.arrival, at);
    end.last_arrival = std::max(end.last_arrival, at);
    post_arrival(link, side);
  }
}

void Network::finish(const std::shared_ptr<Link>& link, int side, NetErrc code, const std::string& why) {
  End& end = link->ends[side];
  if (end.state == End::State::closed) return;
  end.state = End::State::closed;
  end.drop_unsent();
  end.received.clear();
  scheduler_.trace.add(scheduler_.now_ns(), end.node->number(), Happening::closed, static_cast<std::uint64_t>(code), end.peer.port);
  if (end.life == nullptr || end.handle == nullptr) return;
  if (code == NetErrc::closed_here) {  // never from within close() or abort()
    scheduler_.schedule(
        scheduler_.now_ns(),
        [link, side, error = world::NetError{code, why}] {
          End& closed = link->ends[side];
          if (closed.handle != nullptr && closed.handler != nullptr) closed.handler->on_closed(error);
        },
        end.life);
  } else if (end.handler != nullptr) {
    end.handler->on_closed({code, why});
  }
}

void Network::break_off(const std::shared_ptr<Link>& link) {
  ++counts.broken;
  scheduler_.trace.add(scheduler_.now_ns(), link->ends[0].node->number(), Happening::broken, link->ends[1].node->number());
  for (int side = 0; side < 2; ++side) {
    End& end = link->ends[side];
    if (random_.below(2) == 0) end.wire.clear();
    end.wire.push_back(
        {std::max(end.last_arrival, scheduler_.now_ns() + delay(*end.node, *link->ends[1 - side].node)), Segment::reset, {}});
    end.last_arrival = end.wire.back().arrival;
    post_arrival(link, side);
  }
}

std::size_t Network::break_connections(const Node& one, const Node& other) {
  std::size_t count = 0;
  for (const auto& link : std::vector(links_)) {
    const Node* a = link->ends[0].node;
    const Node* b = link->ends[1].node;
    if ((a != &one || b != &other) && (a != &other || b != &one)) continue;
    if (link->ends[0].state == End::State::closed && link->ends[1].state == End::State::closed) continue;
    break_off(link);
    ++count;
  }
  return count;
}

void Network::abandon(const std::shared_ptr<Link>& link, int side) {
  End& end = link->ends[side];
  end.life = nullptr;
  end.handler = nullptr;
  end.handle = nullptr;
  end.state = End::State::closed;
  end.drop_unsent();
  end.received.clear();
}

void Network::end(Life& life, bool power) {
  for (auto listener = listeners_.begin(); listener != listeners_.end();) {
    listener = listener->second->life == &life ? listeners_.erase(listener) : std::next(listener);
  }
  for (const auto& link : std::vector(links_)) {
    for (int side = 0; side < 2; ++side) {
      End& end = link->ends[side];
      if (end.life != &life) continue;
      const bool was_open = end.state != End::State::closed;
      const bool unread = !end.received.empty();
      abandon(link, side);
      if (power) {
        if (random_.below(2) == 0) end.wire.clear();
      } else if (was_open) {
        send(link, side, {}, unread || random_.below(4) == 0 ? Segment::reset : Segment::fin);
      }
    }
  }
}

void Network::prune() {
  if (links_.size() < prune_at_) return;
  std::erase_if(links_, [](const std::shared_ptr<Link>& link) {
    return link->ends[0].state == End::State::closed && link->ends[1].state == End::State::closed;
  });
  prune_at_ = links_.size() * 2 + 64;
}

SimConnection::SimConnection(Network& network, std::shared_ptr<Link> link, int side)
    : network_(network), link_(std::move(link)), side_(side) {
  end().handle = this;
}

SimConnection::~SimConnection() {
  End& mine = end();
  if (mine.handle != this) return;
  mine.handle = nullptr;
  mine.handler = nullptr;
  if (mine.life != nullptr && mine.life->alive && mine.state != End::State::closed) break_off_here();
}

void SimConnection::start(world::ConnectionHandler& handler) {
  End& mine = end();
  ENSURE(!mine.started);
  mine.started = true;
  mine.handler = &handler;
  if (mine.life == nullptr || !mine.life->alive || (mine.received.empty() && !mine.fin_received && !mine.reset_received)) return;
  post_drain();
}

void SimConnection::post_drain() {
  End& mine = end();
  if (mine.drain_posted) return;
  mine.drain_posted = true;
  network_.scheduler_.schedule(
      network_.scheduler_.now_ns(),
      [&network = network_, link = link_, side = side_] {
        link->ends[side].drain_posted = false;
        network.drain(link, side);
      },
      mine.life);
}

bool SimConnection::usable() const {
  const End& mine = link_->ends[side_];
  return mine.life != nullptr && mine.life->alive && mine.state == End::State::open;
}

void SimConnection::write(std::string octets) {
  if (!usable() || octets.empty()) return;
  End& mine = end();
  mine.put(std::move(octets));
  if (mine.unsent() >= high_water) mine.was_high = true;
  if (mine.in_flight < network_.options.window) network_.post_pump(link_, side_);
}

void SimConnection::pause_reading() { end().reading = false; }

void SimConnection::resume_reading() {
  End& mine = end();
  if (mine.reading) return;
  mine.reading = true;
  if (usable() && (!mine.received.empty() || mine.fin_received)) post_drain();
}

void SimConnection::close() {
  if (!usable()) return;
  End& mine = end();
  mine.state = End::State::closing;
  mine.was_high = false;
  network_.post_pump(link_, side_);
  network_.scheduler_.schedule(
      network_.scheduler_.now_ns() + 5'000'000'000,
      [&network = network_, link = link_, side = side_] {
        if (link->ends[side].state != End::State::closing) return;
        network.send(link, side, {}, Segment::reset);
        network.finish(link, side, NetErrc::closed_here, "closed with octets unsent");
      },
      mine.life);
}

void SimConnection::abort() {
  End& mine = end();
  if (mine.life == nullptr || !mine.life->alive || mine.state == End::State::closed) return;
  break_off_here();
  network_.finish(link_, side_, NetErrc::closed_here, "broken off");
}

void SimConnection::break_off_here() {
  End& mine = end();
  if (network_.random_.below(2) == 0) mine.wire.clear();
  network_.send(link_, side_, {}, Segment::reset);
  mine.drop_unsent();
  if (mine.handle == nullptr) mine.state = End::State::closed;
}

}  // namespace chorus::sim
