#include "admin/health.h"

namespace chorus::admin {
namespace {

void ask(const std::vector<std::pair<std::string, Check>>& checks, std::string& problems) {
  for (const auto& [name, check] : checks) {
    if (const auto problem = check()) problems += name + ": " + *problem + "\n";
  }
}

Response verdict(std::string problems) {
  if (problems.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = std::move(problems)};
}

}  // namespace

Response Health::health() const {
  std::string problems;
  ask(checks_, problems);
  return verdict(std::move(problems));
}

Response Health::ready() const {
  std::string problems;
  ask(checks_, problems);
  ask(gates_, problems);
  return verdict(std::move(problems));
}

void add_standard_routes(HttpServer& server, const Metrics& metrics, const Health& health) {
  server.route("GET", "/metrics",
               [&metrics](const Request&) { return Response{.body = metrics.text(), .content_type = Metrics::content_type}; });
  server.route("GET", "/health", [&health](const Request&) { return health.health(); });
  server.route("GET", "/ready", [&health](const Request&) { return health.ready(); });
}

}  // namespace chorus::admin
