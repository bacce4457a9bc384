#include "zab/link.h"

#include <fmt/format.h>

namespace chorus::zab {
namespace {

using namespace std::chrono_literals;

// Of a snapshot, at once; and in one turn of the loop, so that others have theirs.
constexpr std::size_t piece_octets = 64 << 10;
constexpr int pieces_a_turn = 4;
constexpr world::Duration ask_again = 2ms;
// Gathered packets beyond this are handed on without a copy.
constexpr std::size_t gathered_max = 64 << 10;

}  // namespace

Link::Link(world::World& world, LinkId id, std::unique_ptr<world::Connection> connection, const LinkOptions& options, Owner& owner)
    : world_(world), id_(id), connection_(std::move(connection)), options_(options), owner_(owner), input_(options.limits) {}

Link::~Link() {
  world_.cancel(first_packet_timer_);
  world_.cancel(pump_timer_);
  world_.cancel(watch_timer_);
}

void Link::start(bool accepted) {
  accepted_ = accepted;
  auth_ = QuorumAuth::of(options_.auth, accepted, world_.random());
  if (auth_) write(auth_->opening());
  if (accepted || auth_) {
    first_packet_timer_ = world_.after(options_.first_packet_limit, [this] {
      first_packet_timer_ = {};
      end(fmt::format("it said nothing within {} ms", options_.first_packet_limit.count()));
    });
  }
  connection_->start(*this);
}

std::optional<std::string> Link::authenticate(std::string_view octets) {
  QuorumAuth::Progress progress = auth_->receive(octets);
  const bool told = !progress.reply.empty();
  write(std::move(progress.reply));
  if (progress.state == AuthStep::State::going_on) return std::nullopt;
  if (progress.state == AuthStep::State::failed) {
    std::string why = "it was not authenticated: " + progress.why;
    told ? fail(std::move(why)) : end(std::move(why));
    return std::nullopt;
  }
  auth_.reset();
  if (!accepted_) {
    world_.cancel(std::exchange(first_packet_timer_, {}));
    owner_.on_ready(id_);
  }
  return std::move(progress.rest);
}

void Link::send(const Packet& packet) {
  if (!open_) return;
  encode(packet, gathered_);
  ++gathered_packets_;
  if (gathered_.size() >= gathered_max) flush();
}

void Link::flush() {
  if (!open_ || gathered_.empty()) return;
  count_queue();
  if (!waiting_.empty()) {
    waiting_octets_ += gathered_.size();
    auto* last = std::get_if<std::string>(&waiting_.back());
    if (last != nullptr && last->size() < gathered_max) {
      *last += gathered_;
      gathered_.clear();
    } else {
      waiting_.emplace_back(std::exchange(gathered_, {}));
    }
  } else if (gathered_.size() >= gathered_max) {
    write(std::exchange(gathered_, {}));
  } else {
    write(std::string(gathered_));
    gathered_.clear();
  }
  if (unsent() > options_.unsent_max) end(fmt::format("it does not take in what is sent to it: {} octets are unsent", unsent()));
}

/// Before what was gathered is handed on. The system takes octets at the end of each turn: what is left of earlier ones waits for the other
/// side.
void Link::count_queue() {
  look_at_queue();
  const bool waits = unsent() > gathered_.size();
  if (!waits) packets_away_ = packets_;
  packets_ += std::exchange(gathered_packets_, 0);
  queue_.packets.add(packets_ - packets_away_);
  if (!waits) {
    queue_.time_ms.add(0);
  } else if (!followed_ && waiting_.empty()) {  // behind a snapshot nobody knows how many octets are to come
    followed_ = {.packets = packets_, .octets = written_ + gathered_.size(), .since = world_.now()};
  }
}

void Link::look_at_queue() {
  if (!followed_ || written_ - connection_->unsent() < followed_->octets) return;
  queue_.time_ms.add(std::chrono::duration_cast<milliseconds>(world_.now() - followed_->since).count());
  packets_away_ = followed_->packets;
  followed_.reset();
}

void Link::write(std::string octets) {
  written_ += octets.size();
  connection_->write(std::move(octets));
}

void Link::send_snapshot(std::unique_ptr<SnapshotSource> source) {
  if (!open_) return;
  flush();
  waiting_.emplace_back(std::move(source));
  watch_snapshots();
  pump_after(0ms);
}

void Link::expect_snapshot(std::unique_ptr<SnapshotSink> sink) {
  input_.expect_snapshot(std::move(sink));
  watch_snapshots();
}

// Neither a link that is read from but sends nothing, nor one that has nothing to be sent, is held against the other side.
void Link::watch_snapshots() {
  if (watch_timer_.value != 0) return;
  watch_timer_ = world_.after(options_.snapshot_stall_limit, [this] {
    watch_timer_ = {};
    if (!open_) return;
    const bool sending = !waiting_.empty();
    const std::uint64_t away = written_ - connection_->unsent();
    if (sending && connection_->unsent() > 0 && away == written_away_before_) return end("it takes in nothing of a snapshot");
    if (input_.is_expecting_snapshot() && received_ == received_before_) return end("its snapshot does not go on");
    written_away_before_ = away;
    received_before_ = received_;
    if (sending || input_.is_expecting_snapshot()) watch_snapshots();
  });
}

void Link::pump_after(world::Duration delay) {
  if (pump_timer_.value != 0) return;
  pump_timer_ = world_.after(delay, [this] {
    pump_timer_ = {};
    pump();
  });
}

void Link::pump() {
  int pieces = 0;
  while (open_ && !waiting_.empty()) {
    if (auto* octets = std::get_if<std::string>(&waiting_.front())) {
      waiting_octets_ -= octets->size();
      write(std::move(*octets));
      waiting_.pop_front();
      continue;
    }
    if (connection_->unsent() >= world::Connection::high_water) return;  // on_drained() goes on
    if (pieces++ == pieces_a_turn) return pump_after(0ms);
    std::string piece;
    piece.reserve(piece_octets + piece_octets / 8);
    const auto state = std::get<std::unique_ptr<SnapshotSource>>(waiting_.front())->next(piece_octets, piece);
    if (state == SnapshotSource::State::end) {
      piece += snapshot_signature;
      waiting_.pop_front();
    }
    write(std::move(piece));
    if (state == SnapshotSource::State::end) owner_.on_snapshot_sent(id_);
    if (state == SnapshotSource::State::wait) return pump_after(ask_again);
  }
}

// What the link borrows from the service ends here, though the connection may take a while.
void Link::stop() {
  open_ = false;
  waiting_.clear();
  waiting_octets_ = 0;
  input_.expect_snapshot(nullptr);
  world_.cancel(std::exchange(first_packet_timer_, {}));
}

void Link::close() {
  if (!open_) return;
  flush();
  if (!open_) return;
  closed_here_ = true;
  stop();
  connection_->close();
}

void Link::end(std::string why) {
  if (!open_) return;
  why_ = std::move(why);
  stop();
  connection_->abort();
}

/// As end(), but what was written goes out: it tells the other side.
void Link::fail(std::string why) {
  why_ = std::move(why);
  stop();
  connection_->close();
}

void Link::on_data(std::string_view octets) {
  if (!open_) return;
  received_ += octets.size();
  look_at_queue();
  std::optional<std::string> rest;
  if (auth_) {
    rest = authenticate(octets);
    if (!rest || !open_) return;
    octets = *rest;
  }
  input_.feed(octets);
  while (open_) {
    auto item = input_.next();
    if (!item) return end("it sent " + item.error());
    if (!*item) return;
    if (auto* packet = std::get_if<Packet>(&**item)) {
      if (first_packet_timer_.value != 0) world_.cancel(std::exchange(first_packet_timer_, {}));
      owner_.on_packet(id_, std::move(*packet));
    } else {
      owner_.on_snapshot_taken(id_);
    }
  }
}

void Link::on_closed(const world::NetError& why) {
  stop();
  owner_.on_closed(id_, why_.empty() ? why.message : why_);
}

}  // namespace chorus::zab
