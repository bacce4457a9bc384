#include "cache/replication/replication.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cache/resp/number.h"
#include "cache/resp/quote.h"
#include "cache/server.h"

namespace chorus::cache::replication {
namespace {

/// They are taken after each event.
constexpr std::size_t notes_max = 64;
constexpr std::size_t name_octets_max = 32;

}  // namespace

std::optional<world::Address> parse_primary(std::string_view text) {
  text = base::trim(text);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    auto address = world::parse_address(text);
    if (!address || address->host.empty() || address->port == 0) return {};
    return address;
  }
  const auto port = parse_integer(base::trim(text.substr(space + 1)));
  if (!port || *port < 1 || *port > 65'535) return {};
  return world::Address{std::string(text.substr(0, space)), static_cast<std::uint16_t>(*port)};
}

world::Address address_of(const Client& client) {
  world::Address address = world::parse_address(client.address).value_or(world::Address{});
  if (client.introduction != nullptr) {
    if (!client.introduction->ip.empty()) address.host = client.introduction->ip;
    address.port = client.introduction->port;
  }
  return address;
}

std::string request(std::initializer_list<std::string_view> words) {
  std::string out;
  append_request(out, words);
  return out;
}

Replication::Replication(Server& server, std::string id)
    : server_(server), stream_(std::move(id)), primary_(server, stream_), failover_(server) {}

Replication::~Replication() {
  if (is_listening_) server_.effects().leave(*this);
}

void Replication::listen() {
  // A replica's stream is its primary's: what happens here by itself is not in it.
  const bool wanted = stream_.is_kept() && replica_ == nullptr;
  if (wanted == std::exchange(is_listening_, wanted)) return;
  wanted ? server_.effects().follow(*this) : server_.effects().leave(*this);
}

void Replication::follow(world::Address primary, bool takes_over) {
  const bool was_primary = replica_ == nullptr;
  server_.change_options().replication.primary = primary.host + " " + std::to_string(primary.port);
  // What the transaction that this is a part of has done so far is in the stream of before.
  if (is_listening_) server_.effects().end_unit();
  if (replica_ != nullptr) replica_->break_off("another primary is followed");
  const unsigned db = replica_ != nullptr ? replica_->db() : 0;
  replica_ = std::make_unique<Replica>(server_, stream_, std::move(primary), db, takes_over);
  listen();
  if (was_primary) server_.end_all_waits();
  followers_go();
  note(Note::Level::info, fmt::format("follows a primary address={}", to_string(replica_->primary())));
}

void Replication::stop_following() {
  if (replica_ == nullptr) return;
  server_.change_options().replication.primary.clear();
  replica_->break_off("it is not followed any more");
  replica_.reset();
  if (stream_.is_kept()) stream_.branch(server_.new_id());
  forget_database();
  listen();
  followers_go();
  primary_.begin_alone();
  note(Note::Level::info, fmt::format("is a primary offset={}", stream_.end()));
}

void Replication::begin_history() {
  stream_.forget(server_.new_id());
  stream_.keep();
  forget_database();
  listen();
}

void Replication::end_history() {
  stream_.forget(server_.new_id());
  listen();
}

void Replication::change_id() { stream_.change_id(server_.new_id()); }

void Replication::say(std::initializer_list<std::string_view> words) {
  if (stream_.is_kept()) stream_.append(request(words));
}

void Replication::on_unit(Position /*at*/, std::span<const Effect> unit) {
  octets_.clear();
  commands_.append(unit, octets_);
  stream_.append(octets_);
  constexpr std::size_t kept_octets_max = 1U << 20;
  if (octets_.capacity() > kept_octets_max) octets_ = {};
}

void Replication::stream_failed(std::string_view command, std::string_view error) {
  // Its code alone: the rest may have words of users in it.
  note(Note::Level::warning, fmt::format("a command of the primary failed command={} error={}", shown(command, name_octets_max),
                                         error.substr(0, error.find_first_of(" \r"))));
}

void Replication::acknowledged() {
  const std::vector<ClientId> waiting(waiting_.begin(), waiting_.end());
  for (const ClientId id : waiting) {
    Client* client = server_.find_client(id);
    if (client == nullptr || client->blocked == nullptr || !client->blocked->acknowledgement) continue;
    const Acknowledgement& wanted = *client->blocked->acknowledgement;
    // Which takes it out.
    if (static_cast<std::int64_t>(primary_.count_with(wanted.offset, false)) >= wanted.replicas) server_.end_wait(*client, {});
  }
}

void Replication::tick() {
  if (replica_ != nullptr) replica_->tick();
  failover_.tick();
  primary_.tick();
}

void Replication::finish() {
  if (std::exchange(asks_, false) && replica_ == nullptr) say({"REPLCONF", "GETACK", "*"});
  primary_.pump();
}

void Replication::disconnected(ClientId id) {
  primary_.disconnected(id);
  if (replica_ != nullptr) replica_->disconnected(id);
}

void Replication::note(Note::Level level, std::string text) {
  if (notes_.size() < notes_max) notes_.push_back({level, std::move(text)});
}

}  // namespace chorus::cache::replication
