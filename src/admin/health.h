// Whether the process is well, and whether it serves, as monitoring asks for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/http.h"
#include "admin/metrics.h"

namespace chorus::admin {

/// A problem in words, or nothing.
using Check = std::function<std::optional<std::string>()>;

class Health {
 public:
  /// A problem that only a restart or a person ends; it makes the process not ready either.
  void check(std::string name, Check check) { checks_.emplace_back(std::move(name), std::move(check)); }
  /// A reason not to be sent work now, such as recovery under way.
  void gate(std::string name, Check check) { gates_.emplace_back(std::move(name), std::move(check)); }

  /// 200 "ok", or 503 with one line a problem.
  Response health() const;
  Response ready() const;

 private:
  std::vector<std::pair<std::string, Check>> checks_;
  std::vector<std::pair<std::string, Check>> gates_;
};

/// GET /metrics, /health and /ready. `metrics` and `health` outlive the server.
void add_standard_routes(HttpServer& server, const Metrics& metrics, const Health& health);

}  // namespace chorus::admin
