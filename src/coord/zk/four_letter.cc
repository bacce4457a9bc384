#include "coord/zk/four_letter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace chorus::coord::zk {
namespace {

bool is_listed(std::string_view word, const Options& options) {
  const auto& listed = options.four_letter_words;
  return listed.contains("*") || listed.contains(std::string(word)) || word == "srvr";  // ZooKeeper always answers srvr
}

// A Java double with at most four decimals: "0.0", "7.2258".
std::string decimal(double value) {
  std::string text = fmt::format("{:.4f}", value);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

std::string version_line(const Server& server) { return "Zookeeper version: " + version_text(server.options()) + "\n"; }

// The codes of ServerCnxn's "lop". source: Request.op2String, ServerCnxn
std::string_view last_operation(const ConnectionStatistics& statistics) {
  if (!statistics.any_operation) return "NA";
  switch (static_cast<jute::OpCode>(statistics.last_operation)) {
    case jute::OpCode::ping:
      return "PING";
    case jute::OpCode::create_session:
      return "SESS";
    case jute::OpCode::multi:
      return "MULT";
    case jute::OpCode::multi_read:
      return "MLTR";
    case jute::OpCode::create:
    case jute::OpCode::create2:
    case jute::OpCode::create_ttl:
    case jute::OpCode::create_container:
      return "CREA";
    case jute::OpCode::delete_:
    case jute::OpCode::delete_container:
      return "DELE";
    case jute::OpCode::set_data:
      return "SETD";
    case jute::OpCode::reconfig:
      return "RECO";
    case jute::OpCode::set_acl:
      return "SETA";
    case jute::OpCode::close_session:
      return "CLOS";
    case jute::OpCode::sync:
      return "SYNC";
    case jute::OpCode::check:
      return "CHEC";
    case jute::OpCode::exists:
      return "EXIS";
    case jute::OpCode::get_data:
      return "GETD";
    case jute::OpCode::set_watches:
      return "SETW";
    case jute::OpCode::set_watches2:
      return "STW2";
    case jute::OpCode::add_watch:
      return "ADDW";
    case jute::OpCode::get_acl:
      return "GETA";
    case jute::OpCode::get_children:
    case jute::OpCode::get_children2:
      return "GETC";
    case jute::OpCode::get_all_children_number:
      return "GETACN";
    case jute::OpCode::check_watches:
      return "CHKW";
    case jute::OpCode::remove_watches:
      return "REMW";
    case jute::OpCode::who_am_i:
      return "HOMI";
    case jute::OpCode::get_ephemerals:
      return "GETE";
    default:
      return "NA";
  }
}

std::string connection_line(const ClientConnection& client, bool brief) {
  const ConnectionStatistics& s = client.statistics;
  const int interest = client.paused || client.phase == ClientConnection::Phase::closing ? 0 : 1;
  std::string line = fmt::format(" /{}[{}](queued={},recved={},sent={}", world::to_string(client.peer), interest, client.waiting.size(),
                                 s.received, s.sent);
  if (!brief && client.session != 0) {
    line += fmt::format(",sid=0x{:x},lop={},est={},to={}", client.session, last_operation(s), client.established.time_since_epoch().count(),
                        client.timeout.count());
    if (s.last_cxid >= 0) line += fmt::format(",lcxid=0x{:x}", s.last_cxid);
    line += fmt::format(",lzxid=0x{:x},lresp={},llat={},minlat={},avglat={},maxlat={}", static_cast<std::uint64_t>(s.last_zxid),
                        s.last_response_ms, s.last_latency_ms, s.latency.min_ms, static_cast<std::int64_t>(s.latency.average_ms()),
                        s.latency.max_ms);
  }
  return line + ")\n";
}

std::string connection_lines(const Server& server, bool brief) {
  std::string text;
  for (const auto& [id, client] : server.connections()) text += connection_line(*client, brief);
  return text;
}

std::string server_lines(const Server& server) {
  const Statistics& s = server.statistics();
  return fmt::format(
      "Latency min/avg/max: {}/{}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\nZxid: 0x{:x}\nMode: standalone\nNode "
      "count: {}\n",
      s.latency.min_ms, decimal(s.latency.average_ms()), s.latency.max_ms, s.packets_received, s.packets_sent, server.connections().size(),
      server.outstanding(), server.database().last_zxid, server.database().tree.size() + 1);
}

std::string conf(const Server& server, const ProcessFacts& facts) {
  const Options& o = server.options();
  const std::string log_dir = o.data_log_dir.empty() ? o.data_dir : o.data_log_dir;
  return fmt::format(
      "clientPort={}\nsecureClientPort={}\ndataDir={}/version-2\ndataDirSize={}\ndataLogDir={}/version-2\ndataLogSize={}\ntickTime={}\n"
      "maxClientCnxns={}\nminSessionTimeout={}\nmaxSessionTimeout={}\nclientPortListenBacklog={}\nserverId={}\n",
      o.client_address ? o.client_address->port : -1, o.secure_client_address ? o.secure_client_address->port : -1, o.data_dir,
      facts.data_dir_octets, log_dir, facts.log_dir_octets, o.tick_time.count(), o.max_client_connections,
      server.min_session_timeout().count(), server.max_session_timeout().count(), o.client_port_backlog, o.server_id);
}

std::string dump(const Server& server) {
  std::string text = "SessionTracker dump:\n";
  const auto buckets = server.sessions().by_expiry();
  text += fmt::format("Session Sets ({})/({}):\n", buckets.size(), server.sessions().size());
  for (const auto& [at_ms, ids] : buckets) {
    text += fmt::format("{} expire in {} ms:\n", ids.size(), at_ms);
    for (const std::int64_t id : ids) text += fmt::format("\t0x{:x}\n", id);
  }
  text += "ephemeral nodes dump:\n";
  std::string sessions;
  std::size_t count = 0;
  std::vector<std::int64_t> ids;
  for (const auto& [id, timeout_ms] : server.database().sessions) ids.push_back(id);
  std::ranges::sort(ids);
  for (const std::int64_t id : ids) {
    const auto paths = server.database().tree.ephemerals(id);
    if (paths.empty()) continue;
    ++count;
    sessions += fmt::format("0x{:x}:\n", id);
    for (const std::string_view path : paths) sessions += fmt::format("\t{}\n", path);
  }
  text += fmt::format("Sessions with Ephemerals ({}):\n{}", count, sessions);
  text += "Connections dump:\n";
  text += fmt::format("Connections Sets (1)/({}):\n", server.connections().size());
  for (const auto& [id, client] : server.connections()) {
    text += fmt::format("\tip: /{} sessionId: 0x{:x}\n", world::to_string(client->peer), client->session);
  }
  return text;
}

std::string environment(const Server& server) {
  return fmt::format("Environment:\nzookeeper.version={}\nhost.name={}\nuser.dir={}\n", version_text(server.options()),
                     server.options().client_address ? server.options().client_address->host : "", server.options().data_dir);
}

// The data watches by path or by session; child watches have never been shown.
std::string watches(const Server& server, bool by_path) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const auto& [path, ids] : server.watches().data.by_path()) {
    for (const ConnectionId id : ids) {
      const auto at = server.connections().find(id);
      if (at == server.connections().end()) continue;
      const std::string session = fmt::format("0x{:x}", at->second->session);
      by_path ? groups[path].push_back(session) : groups[session].push_back(path);
    }
  }
  std::string text;
  for (const auto& [key, members] : groups) {
    text += key + "\n";
    for (const std::string& member : members) text += "\t" + member + "\n";
  }
  return text + "\n";
}

}  // namespace

std::string version_text(const Options& options) { return "3.9.5-chorus-" + options.build; }

std::vector<std::pair<std::string, std::string>> monitor_values(const Server& server, const ProcessFacts& facts) {
  std::vector<std::pair<std::string, std::string>> values;
  const auto add = [&](std::string_view name, const auto& value) { values.emplace_back(name, fmt::format("{}", value)); };
  const auto add_family = [&](std::string_view name, const Latency& latency) {
    values.emplace_back(fmt::format("avg_{}", name), decimal(latency.average_ms()));
    add(fmt::format("min_{}", name), latency.min_ms);
    add(fmt::format("max_{}", name), latency.max_ms);
    add(fmt::format("cnt_{}", name), latency.count);
    add(fmt::format("sum_{}", name), latency.total_ms);
  };
  const Statistics& s = server.statistics();
  const Database& database = server.database();
  add("version", version_text(server.options()));
  add("server_state", "standalone");
  add("ephemerals_count", database.tree.ephemeral_count());
  add("num_alive_connections", server.connections().size());
  values.emplace_back("avg_latency", decimal(s.latency.average_ms()));
  add("outstanding_requests", server.outstanding());
  add("znode_count", database.tree.size() + 1);
  add("global_sessions", database.sessions.size());
  add("local_sessions", 0);
  add("max_latency", s.latency.max_ms);
  add("min_latency", s.latency.min_ms);
  add("watch_count", server.watches().count());
  add("packets_sent", s.packets_sent);
  add("packets_received", s.packets_received);
  add("approximate_data_size", database.tree.data_size());
  add("open_file_descriptor_count", facts.open_files);
  add("max_file_descriptor_count", facts.open_files_max);
  add("uptime", facts.uptime.count());
  add("last_client_response_size", s.last_response_octets);
  add("min_client_response_size", s.min_response_octets);
  add("max_client_response_size", s.max_response_octets);
  add("auth_failed_count", s.auth_failures);
  add("connection_rejected", s.connections_rejected);
  add("connection_request_count", s.connection_requests);
  add("connection_drop_count", s.connection_drops);
  add("connection_revalidate_count", s.revalidations);
  add("sessionless_connections_expired", s.sessionless_connections_expired);
  add("stale_sessions_expired", s.stale_sessions_expired);
  add("bytes_received_count", s.octets_received);
  add("response_bytes", s.octets_sent);
  add("proposal_count", s.transactions);
  add("snap_count", s.snapshots);
  add("snapshot_error_count", s.snapshot_errors);
  add("digest_mismatches_count", database.digest_mismatches);
  add("node_created_watch_count", s.watches_fired_created);
  add("node_deleted_watch_count", s.watches_fired_deleted);
  add("node_changed_watch_count", s.watches_fired_changed);
  add("node_children_watch_count", s.watches_fired_children);
  add_family("readlatency", s.read_latency);
  add_family("updatelatency", s.update_latency);
  add_family("fsynctime", s.sync_latency);
  return values;
}

std::string answer(std::string_view word, Server& server, const ProcessFacts& facts) {
  if (!is_listed(word, server.options())) return fmt::format("{} is not executed because it is not in the whitelist.\n", word);
  if (word == "ruok") return "imok";
  if (word == "isro") return "rw";
  if (word == "srvr") return version_line(server) + server_lines(server);
  if (word == "stat") return version_line(server) + "Clients:\n" + connection_lines(server, true) + "\n" + server_lines(server);
  if (word == "cons") return connection_lines(server, false) + "\n";
  if (word == "conf") return conf(server, facts);
  if (word == "mntr") {
    std::string text;
    for (const auto& [name, value] : monitor_values(server, facts)) text += fmt::format("zk_{}\t{}\n", name, value);
    return text;
  }
  if (word == "dirs") return fmt::format("datadir_size: {}\nlogdir_size: {}\n", facts.data_dir_octets, facts.log_dir_octets);
  if (word == "dump") return dump(server);
  if (word == "envi") return environment(server);
  if (word == "wchs") {
    const WatchTable& data = server.watches().data;
    return fmt::format("{} connections watching {} paths\nTotal watches:{}\n", data.connection_count(), data.path_count(),
                       data.watch_count());
  }
  if (word == "wchc") return watches(server, false);
  if (word == "wchp") return watches(server, true);
  if (word == "crst") {
    server.reset_connection_statistics();
    return "Connection stats reset.\n";
  }
  if (word == "srst") {
    server.statistics().reset();
    return "Server stats reset.\n";
  }
  // Trace masks steer Java's own logging; a constant tells the tools that there is nothing to set.
  if (word == "gtmk" || word == "stmk") return "306";
  if (word == "hash") {
    std::string text;
    for (const auto& [zxid, digest] : server.database().recent_digests) text += fmt::format("{:x}: {}\n", zxid, digest);
    return text;
  }
  return {};  // what telnet sends for an interrupt: the connection is closed, which is all that is asked
}

}  // namespace chorus::coord::zk
