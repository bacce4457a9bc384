#include "app/command/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>

#include "app/command/ensemble_status.h"
#include "app/command/messaging_status.h"
#include "base/text.h"
#include "world/real/reactor.h"

namespace chorus::app {
namespace {

constexpr auto patience = std::chrono::seconds(5);

/// One request on a connection of its own; the answer is whatever comes until the other side closes.
class Exchange final : public world::ConnectionHandler {
 public:
  Exchange(world::real::Reactor& reactor, const world::Address& address, std::string request) : address_(address) {
    reactor.connect(address, {.timeout = patience}, [this, request = std::move(request)](auto connection) mutable {
      if (!connection) {
        over_ = connection.error();
        return;
      }
      connection_ = std::move(*connection);
      connection_->start(*this);
      connection_->write(std::move(request));
    });
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void on_data(std::string_view octets) override { reply_ += octets; }
  void on_closed(const world::NetError& why) override { over_ = why; }

  bool is_over() const { return over_.has_value(); }
  world::NetResult<std::string> result() && {
    if (!over_) return base::error(world::NetErrc::timed_out, fmt::format("{} does not answer", to_string(address_)));
    if (over_->code != world::NetErrc::end_of_stream && reply_.empty()) return std::unexpected(*over_);
    return std::move(reply_);
  }

 private:
  const world::Address address_;
  std::unique_ptr<world::Connection> connection_;
  std::string reply_;
  std::optional<world::NetError> over_;
};

world::NetResult<std::string> ask(world::real::Reactor& reactor, const world::Address& address, std::string request) {
  Exchange exchange(reactor, address, std::move(request));
  reactor.run_until([&] { return exchange.is_over(); }, patience);
  return std::move(exchange).result();
}

/// The answers of all servers to one word, in their order.
std::vector<world::NetResult<std::string>> ask_all(world::real::Reactor& reactor, const std::vector<world::Address>& servers,
                                                   const std::string& word) {
  std::deque<Exchange> exchanges;
  for (const world::Address& server : servers) exchanges.emplace_back(reactor, server, word);
  reactor.run_until([&] { return std::ranges::all_of(exchanges, &Exchange::is_over); }, patience);
  std::vector<world::NetResult<std::string>> replies;
  for (Exchange& exchange : exchanges) replies.push_back(std::move(exchange).result());
  return replies;
}

std::vector<ServerAnswers> ask_all(world::real::Reactor& reactor, const std::vector<world::Address>& servers) {
  const auto srvr = ask_all(reactor, servers, "srvr");
  // mntr is refused by a node that was not told to allow it; what srvr says is enough then.
  const auto mntr = ask_all(reactor, servers, "mntr");
  std::vector<ServerAnswers> answers;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ServerAnswers& one = answers.emplace_back(ServerAnswers{.address = to_string(servers[i]), .problem = {}, .srvr = {}, .mntr = {}});
    if (!srvr[i]) {
      one.problem = srvr[i].error().message;
      continue;
    }
    one.srvr = parse_four_letter_reply(*srvr[i]);
    if (mntr[i]) one.mntr = parse_four_letter_reply(*mntr[i]);
    if (!one.srvr.contains("Mode")) {
      one.problem = fmt::format("{} does not serve: {}", one.address,
                                base::trim(*srvr[i]).empty() ? "it closed the connection without an answer to srvr" : base::trim(*srvr[i]));
    }
  }
  return answers;
}

std::string get_request(const world::Address& address, std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, to_string(address));
}

/// "200 OK" of "HTTP/1.1 200 OK\r\n..."; empty when it is not HTTP.
std::string http_status(std::string_view reply) {
  if (!reply.starts_with("HTTP/1.")) return {};
  const std::size_t space = reply.find(' ');
  const std::size_t end = reply.find("\r\n");
  return space < end ? std::string(reply.substr(space + 1, end - space - 1)) : "";
}

}  // namespace

std::map<std::string, std::string> parse_four_letter_reply(std::string_view reply) {
  std::map<std::string, std::string> out;
  for (const std::string_view line : base::split(reply, '\n')) {
    if (const std::size_t tab = line.find('\t'); tab != std::string_view::npos) {
      out[std::string(line.substr(0, tab))] = base::trim(line.substr(tab + 1));
    } else if (const std::size_t colon = line.find(": "); colon != std::string_view::npos) {
      out[std::string(line.substr(0, colon))] = base::trim(line.substr(colon + 2));
    }
  }
  return out;
}

namespace {

/// What there is to print, as text or as JSON (an empty object: nothing), and the exit code.
struct Said {
  int code = 0;
  std::string text;
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

Said status_of_servers(const StatusRequest& request) {
  world::real::Reactor reactor("status");
  const std::vector<ServerAnswers> answers = ask_all(reactor, request.servers);
  if (answers.size() > 1) {
    const EnsembleStatus together = compare(answers);
    return {together.problems.empty() ? 0 : 1, to_table(together), json_of(together, answers)};
  }
  const auto& [address, problem, facts, more] = answers.front();
  if (!problem.empty()) {
    fmt::print(stderr, "chorus status: {}\n", problem);
    if (!request.name_server) return {.code = 1, .text = {}};
    return {1, {}, {{"address", address}, {"serving", false}, {"problem", problem}}};
  }

  std::string health;
  std::string health_problem;
  if (request.admin) {
    const auto reply = ask(reactor, *request.admin, get_request(*request.admin, "/health"));
    health = reply ? http_status(*reply) : "";
    if (!health.starts_with("200"))
      health_problem = reply ? "answered " + (health.empty() ? std::string("something that is not HTTP") : health) : reply.error().message;
  }

  Said said{.code = health_problem.empty() ? 0 : 1, .text = {}};
  said.json = {{"address", address}, {"serving", true}};
  for (const auto& [key, value] : facts) said.json["srvr"][key] = value;
  for (const auto& [key, value] : more) {
    if (key.starts_with("zk_")) said.json["mntr"][key.substr(3)] = value;
  }
  if (request.admin)
    said.json["health"] = {{"address", to_string(*request.admin)},
                           {"well", health_problem.empty()},
                           {"answer", health_problem.empty() ? health : health_problem}};
  said.text = fmt::format("{} serves, {}\n", address, facts.at("Mode"));
  for (const char* key : {"Zookeeper version", "Zxid", "Node count", "Connections", "Outstanding", "Latency min/avg/max"}) {
    if (const auto at = facts.find(key); at != facts.end()) said.text += fmt::format("  {:<20} {}\n", key, at->second);
  }
  for (const char* key : {"zk_uptime", "zk_watch_count", "zk_ephemerals_count", "zk_global_sessions", "zk_approximate_data_size"}) {
    if (const auto at = more.find(key); at != more.end()) said.text += fmt::format("  {:<20} {}\n", key + 3, at->second);
  }
  if (request.admin)
    said.text += fmt::format("  {:<20} {}: {}\n", "health", to_string(*request.admin), health_problem.empty() ? health : health_problem);
  return said;
}

}  // namespace

int status(const StatusRequest& request) {
  Said said = status_of_servers(request);
  if (!request.json) fmt::print("{}", said.text);  // asking about messaging may take its time
  if (request.name_server) {
    const MessagingStatus messaging = ask_messaging(*request.name_server);
    if (!messaging.problem.empty()) said.code = 1;
    if (!request.json) fmt::print("{}", to_text(messaging));
    said.json["messaging"] = json_of(messaging);
  }
  if (request.json && !said.json.empty()) fmt::print("{}\n", said.json.dump(2));
  return said.code;
}

}  // namespace chorus::app
