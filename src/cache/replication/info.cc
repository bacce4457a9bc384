// INFO's section of replication.
#include <fmt/format.h>

#include <algorithm>

#include "cache/admin/info_sections.h"
#include "cache/replication/replication.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t second_us = 1'000'000;

std::string_view name_of(replication::Follower::State state) {
  using State = replication::Follower::State;
  switch (state) {
    case State::waiting:
      return "wait_bgsave";
    case State::receiving:
      return "send_bulk";
    case State::loading:
    case State::online:
      return "online";
  }
  return {};
}

std::string replica_lines(Server& server, const replication::Replica& replica) {
  const replication::Options& options = server.options().replication;
  const std::int64_t now = server.now().monotonic_us, end = server.replication().stream().end();
  const bool is_up = replica.is_link_up(), is_known = server.replication().stream().is_kept();
  const auto seconds = [&](std::int64_t since_us) { return (now - since_us) / second_us; };
  std::string out = fmt::format(
      "role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\nmaster_last_io_seconds_ago:{}\r\n"
      "master_sync_in_progress:{}\r\nslave_read_repl_offset:{}\r\nslave_repl_offset:{}\r\n",
      replica.primary().host, replica.primary().port, is_up ? "up" : "down", is_up ? seconds(replica.heard_us()) : -1,
      replica.is_loading() ? 1 : 0, is_known ? replica.received_end() : 0, is_known ? end : 0);
  if (replica.is_loading()) {
    const std::uint64_t all = replica.load_octets(), done = replica.load_octets_done();
    const double percent = all == 0 ? 0 : 100.0 * static_cast<double>(done) / static_cast<double>(all);
    out += fmt::format(
        "master_sync_total_bytes:{}\r\nmaster_sync_read_bytes:{}\r\nmaster_sync_left_bytes:{}\r\nmaster_sync_perc:{:.2f}\r\n"
        "master_sync_last_io_seconds_ago:{}\r\n",
        all, done, static_cast<std::int64_t>(all) - static_cast<std::int64_t>(done), percent, seconds(replica.heard_us()));
  }
  if (!is_up) out += fmt::format("master_link_down_since_seconds:{}\r\n", std::max<std::int64_t>(seconds(replica.down_since_us()), 0));
  out += fmt::format("slave_priority:{}\r\nslave_read_only:{}\r\nreplica_announced:{}\r\n", options.priority, options.is_read_only ? 1 : 0,
                     options.is_announced ? 1 : 0);
  return out;
}

}  // namespace

std::string replication_section(Server& server) {
  const replication::Replication& replication = server.replication();
  const replication::Options& options = server.options().replication;
  const replication::Primary& primary = replication.primary();
  const replication::Stream& stream = replication.stream();
  std::string out = "# Replication\r\n";
  out += replication.replica() == nullptr ? "role:master\r\n" : replica_lines(server, *replication.replica());
  out += fmt::format("connected_slaves:{}\r\n", primary.followers().size());
  if (options.good_replicas_least > 0 && options.good_lag_seconds_max > 0) {
    out += fmt::format("min_slaves_good_slaves:{}\r\n", primary.count_good(options.good_lag_seconds_max));
  }
  std::size_t number = 0;
  for (const auto& [id, follower] : primary.followers()) {
    const Client* client = server.find_client(id);
    if (client == nullptr) continue;
    const world::Address at = replication::address_of(*client);
    const std::int64_t lag =
        follower.state == replication::Follower::State::online ? (server.now().monotonic_us - follower.heard_us) / second_us : 0;
    out += fmt::format("slave{}:ip={},port={},state={},offset={},lag={}\r\n", number++, at.host, at.port, name_of(follower.state),
                       follower.acknowledged, lag);
  }
  out += fmt::format(
      "master_failover_state:{}\r\nmaster_replid:{}\r\nmaster_replid2:{}\r\nmaster_repl_offset:{}\r\nsecond_repl_offset:{}\r\n"
      "repl_backlog_active:{}\r\nrepl_backlog_size:{}\r\nrepl_backlog_first_byte_offset:{}\r\nrepl_backlog_histlen:{}\r\n",
      name_of(replication.failover().state()), stream.id(), stream.second_id(), stream.end(), stream.second_end(), stream.is_kept() ? 1 : 0,
      options.backlog_octets, stream.is_kept() ? stream.first() : 0, stream.octets());
  return out;
}

}  // namespace chorus::cache
