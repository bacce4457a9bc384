#include "coord/zk/four_letter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "coord/zk/monitor.h"
#include "coord/zk/words.h"

namespace chorus::coord::zk {
namespace {

bool is_listed(std::string_view word, const Options& options) {
  const auto& listed = options.four_letter_words;
  return listed.contains("*") || listed.contains(std::string(word)) || word == "srvr";  // ZooKeeper always answers srvr
}

std::string not_listed(std::string_view word) { return fmt::format("{} is not executed because it is not in the whitelist.\n", word); }

std::string version_line(const Server& server, const QuorumFacts* quorum) {
  return "Zookeeper version: " + version_text(server.options()) + "\n" +
         (quorum != nullptr && quorum->is_read_only() ? "READ-ONLY mode; serving only read-only clients\n" : "");
}

bool leads(const QuorumFacts* quorum) { return quorum != nullptr && quorum->role == zab::Role::leading; }
bool learns(const QuorumFacts* quorum) {
  return quorum != nullptr && (quorum->role == zab::Role::following || quorum->role == zab::Role::observing);
}

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
    line +=
        fmt::format(",lzxid=0x{:x},lresp={},llat={},minlat={},avglat={},maxlat={}", static_cast<std::uint64_t>(s.last_zxid),
                    s.last_response_ms, s.last_latency_ms, s.latency.min, static_cast<std::int64_t>(s.latency.average()), s.latency.max);
  }
  return line + ")\n";
}

std::string connection_lines(const Server& server, bool brief) {
  std::string text;
  for (const auto& [id, client] : server.connections()) text += connection_line(*client, brief);
  return text;
}

std::string server_lines(const Server& server, const QuorumFacts* quorum) {
  const Statistics& s = server.statistics();
  // A leader is where its epoch begins, before the first transaction. source: Leader.lead
  const std::int64_t zxid = leads(quorum) ? std::max(server.database().last_zxid, quorum->last_committed) : server.database().last_zxid;
  std::string text = fmt::format(
      "Latency min/avg/max: {}/{}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\nZxid: 0x{:x}\nMode: {}\nNode "
      "count: {}\n",
      s.latency.min, decimal(s.latency.average()), s.latency.max, s.packets_received, s.packets_sent, server.connections().size(),
      server.outstanding(), zxid, mode(quorum), server.database().tree.size() + 1);
  if (leads(quorum)) {
    const QuorumStatistics& q = quorum->statistics;
    text += fmt::format("Proposal sizes last/min/max: {}/{}/{}\n", q.last_proposal_octets, q.min_proposal_octets, q.max_proposal_octets);
  }
  return text;
}

/// Of the member that this server is: in the configuration in force, or in the one it was started with.
const zab::Member* own_line(const Options& options, const QuorumFacts& quorum) {
  for (const zab::EnsembleConfig* config : {&quorum.config, &options.ensemble.members}) {
    if (const auto at = config->members.find(options.server_id); at != config->members.end()) return &at->second;
  }
  return nullptr;
}

std::string ports(const std::vector<world::Address>& addresses) {
  std::string text;
  for (const world::Address& address : addresses) text += fmt::format("{}{}", text.empty() ? "" : "|", address.port);
  return text;
}

/// source: QuorumZooKeeperServer.dumpConf
std::string membership(const Options& o, const QuorumFacts& quorum) {
  const zab::Member* self = own_line(o, quorum);
  return fmt::format("initLimit={}\nsyncLimit={}\nelectionAlg=3\nelectionPort={}\nquorumPort={}\npeerType={}\nmembership: \n{}",
                     o.ensemble.init_limit, o.ensemble.sync_limit, self == nullptr ? "" : ports(self->election_addresses),
                     self == nullptr ? "" : ports(self->quorum_addresses), o.ensemble.is_observer ? 1 : 0, quorum.config.to_text());
}

std::string conf(const Server& server, const ProcessFacts& facts, const QuorumFacts* quorum) {
  const Options& o = server.options();
  const std::string log_dir = o.data_log_dir.empty() ? o.data_dir : o.data_log_dir;
  const std::string text = fmt::format(
      "clientPort={}\nsecureClientPort={}\ndataDir={}/version-2\ndataDirSize={}\ndataLogDir={}/version-2\ndataLogSize={}\ntickTime={}\n"
      "maxClientCnxns={}\nminSessionTimeout={}\nmaxSessionTimeout={}\nclientPortListenBacklog={}\nserverId={}\n",
      o.client_address ? o.client_address->port : -1, o.secure_client_address ? o.secure_client_address->port : -1, o.data_dir,
      facts.data_dir_octets, log_dir, facts.log_dir_octets, o.tick_time.count(), o.max_client_connections,
      server.min_session_timeout().count(), server.max_session_timeout().count(), o.client_port_backlog, o.server_id);
  return quorum == nullptr ? text : text + membership(o, *quorum);
}

/// source: SessionTrackerImpl.dumpSessions, LearnerSessionTracker.dumpSessions: a learner does not know when global sessions expire.
std::string dump_sessions(const Server& server, const QuorumFacts* quorum, const std::vector<std::int64_t>& all) {
  std::string text;
  if (learns(quorum)) {
    text += fmt::format("Global Sessions({}):\n", all.size());
    for (const std::int64_t id : all) text += fmt::format("0x{:x}\t{}ms\n", id, server.database().sessions.find(id)->second);
    return text;
  }
  const auto buckets = server.sessions().by_expiry();
  text += fmt::format("Session Sets ({})/({}):\n", buckets.size(), server.sessions().size());
  for (const auto& [at_ms, ids] : buckets) {
    text += fmt::format("{} expire in {} ms:\n", ids.size(), at_ms);
    for (const std::int64_t id : ids) text += fmt::format("\t0x{:x}\n", id);
  }
  return text;
}

std::string dump(const Server& server, const QuorumFacts* quorum) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, timeout_ms] : server.database().sessions) ids.push_back(id);
  std::ranges::sort(ids);
  std::string text = "SessionTracker dump:\n" + dump_sessions(server, quorum, ids);
  text += "ephemeral nodes dump:\n";
  std::string sessions;
  std::size_t count = 0;
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

std::string environment(const Options& options) {
  return fmt::format("Environment:\nzookeeper.version={}\nhost.name={}\nuser.dir={}\n", version_text(options),
                     options.client_address ? options.client_address->host : "", options.data_dir);
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

std::string answer_while_not_serving(std::string_view word, const Options& options) {
  if (!is_listed(word, options)) return not_listed(word);
  if (word == "ruok") return "imok";
  if (word == "isro") return "null";
  if (word == "envi") return environment(options);
  if (word == "gtmk" || word == "stmk") return "306";
  if (!is_known_word(word)) return {};
  return "This ZooKeeper instance is not currently serving requests\n";
}

std::string answer(std::string_view word, Server& server, const ProcessFacts& facts, const QuorumFacts* quorum) {
  if (!is_listed(word, server.options())) return not_listed(word);
  if (word == "ruok") return "imok";
  if (word == "isro") return quorum != nullptr && quorum->is_read_only() ? "ro" : "rw";
  if (word == "srvr") return version_line(server, quorum) + server_lines(server, quorum);
  if (word == "stat") {
    return version_line(server, quorum) + "Clients:\n" + connection_lines(server, true) + "\n" + server_lines(server, quorum);
  }
  if (word == "cons") return connection_lines(server, false) + "\n";
  if (word == "conf") return conf(server, facts, quorum);
  if (word == "mntr") return to_text(monitor(server, facts, quorum));
  if (word == "dirs") return fmt::format("datadir_size: {}\nlogdir_size: {}\n", facts.data_dir_octets, facts.log_dir_octets);
  if (word == "dump") return dump(server, quorum);
  if (word == "envi") return environment(server.options());
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
