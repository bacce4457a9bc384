#include "app/command/ensemble_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "zab/types.h"

namespace chorus::app {
namespace {

std::string value(const std::map<std::string, std::string>& facts, const std::string& key) {
  const auto at = facts.find(key);
  return at == facts.end() ? "" : at->second;
}

std::int64_t number(const std::map<std::string, std::string>& facts, const std::string& key) {
  return base::parse_int(value(facts, key)).value_or(0);
}

/// "0x100000004"
std::int64_t parse_zxid(std::string_view text) {
  std::int64_t zxid = 0;
  if (text.starts_with("0x")) std::from_chars(text.data() + 2, text.data() + text.size(), zxid, 16);
  return zxid;
}

/// A leader has no name for those that it waits for: it says how many follow, of how many that could.
std::string sync_of(const ServerAnswers& answers, const std::string& role) {
  if (role == "leader") {
    if (!answers.mntr.contains("zk_synced_followers")) return "";
    const std::string observers = value(answers.mntr, "zk_synced_observers");
    return fmt::format("{} of {} followers{}", value(answers.mntr, "zk_synced_followers"), number(answers.mntr, "zk_quorum_size") - 1,
                       observers.empty() || observers == "0" ? "" : fmt::format(", {} observers", observers));
  }
  const std::string state = value(answers.mntr, "zk_peer_state");  // "following - synchronization - diff"
  const std::size_t dash = state.find(" - ");
  if (dash == std::string::npos) return "";
  const std::string phase = state.substr(dash + 3);
  return phase == "broadcast" ? "in step" : phase;
}

ServerStatus read(const ServerAnswers& answers) {
  ServerStatus out{.address = answers.address, .problem = answers.problem};
  if (!out.problem.empty()) return out;
  out.role = value(answers.srvr, "Mode");
  out.zxid = parse_zxid(value(answers.srvr, "Zxid"));
  out.connections = number(answers.srvr, "Connections");
  out.sync = sync_of(answers, out.role);
  return out;
}

/// A learner that was in line when its leader's epoch began keeps the zxid of the epoch before until the first transaction of this one.
std::int64_t lag_behind(std::int64_t ahead, std::int64_t zxid) {
  if (zxid >= ahead) return 0;
  if (zab::epoch_of(ahead) == zab::epoch_of(zxid)) return ahead - zxid;
  return zab::counter_of(ahead);
}

}  // namespace

EnsembleStatus compare(const std::vector<ServerAnswers>& answers) {
  EnsembleStatus out;
  std::vector<std::string> leaders;
  bool any_member = false;
  std::int64_t ahead = 0;
  for (const ServerAnswers& one : answers) {
    ServerStatus& server = out.servers.emplace_back(read(one));
    if (!server.problem.empty()) {
      out.problems.push_back(fmt::format("{}: {}", server.address, server.problem));
      continue;
    }
    if (server.role == "leader") leaders.push_back(server.address);
    if (server.role != "standalone") any_member = true;
    if (server.role == "read-only") out.problems.push_back(fmt::format("{}: it has no quorum and serves reads only", server.address));
    ahead = std::max(ahead, server.zxid);
  }
  for (ServerStatus& server : out.servers) {
    if (!server.problem.empty() || server.role == "standalone") continue;
    if (leaders.size() <= 1) server.lag = lag_behind(ahead, server.zxid);
  }
  if (any_member && leaders.empty())
    out.problems.push_back("none of these servers leads: ask all members of the ensemble, or it has no quorum");
  if (leaders.size() > 1)
    out.problems.push_back(
        fmt::format("{} lead: they are of different ensembles, or one is about to notice that it was replaced", fmt::join(leaders, ", ")));
  const bool any_alone = std::ranges::any_of(out.servers, [](const ServerStatus& s) { return s.role == "standalone"; });
  if (any_alone && out.servers.size() > 1) out.problems.push_back("a standalone server is of no ensemble with the others");
  return out;
}

std::string to_table(const EnsembleStatus& status) {
  std::vector<std::vector<std::string>> rows = {{"server", "role", "epoch", "zxid", "lag", "connections", "sync"}};
  for (const ServerStatus& s : status.servers) {
    if (!s.problem.empty()) {
      rows.push_back({s.address, "-", "-", "-", "-", "-", "does not serve"});
    } else {
      rows.push_back({s.address, s.role, std::to_string(zab::epoch_of(s.zxid)), fmt::format("0x{:x}", s.zxid),
                      s.lag ? std::to_string(*s.lag) : "-", std::to_string(s.connections), s.sync.empty() ? "-" : s.sync});
    }
  }
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  for (const std::string& problem : status.problems) out += problem + "\n";
  return out;
}

nlohmann::ordered_json json_of(const EnsembleStatus& status, const std::vector<ServerAnswers>& answers) {
  nlohmann::ordered_json out = {{"well", status.problems.empty()}, {"problems", status.problems}, {"servers", nlohmann::json::array()}};
  for (std::size_t i = 0; i < status.servers.size(); ++i) {
    const ServerStatus& s = status.servers[i];
    nlohmann::ordered_json one = {{"address", s.address}, {"serving", s.problem.empty()}};
    if (!s.problem.empty()) {
      one["problem"] = s.problem;
    } else {
      one["role"] = s.role;
      one["epoch"] = zab::epoch_of(s.zxid);
      one["zxid"] = fmt::format("0x{:x}", s.zxid);
      one["lag"] = s.lag ? nlohmann::json(*s.lag) : nlohmann::json(nullptr);
      one["connections"] = s.connections;
      one["sync"] = s.sync;
      for (const auto& [key, text] : answers[i].srvr) one["srvr"][key] = text;
      for (const auto& [key, text] : answers[i].mntr) {
        if (key.starts_with("zk_")) one["mntr"][key.substr(3)] = text;
      }
    }
    out["servers"].push_back(std::move(one));
  }
  return out;
}

}  // namespace chorus::app
