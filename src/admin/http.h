// A small HTTP/1.1 server on the connections of a World, for people and monitoring: metrics, health, commands.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "world/world.h"

namespace chorus::admin {

/// Borrowed by a handler until it returns.
struct Request {
  std::string method;  // "GET"; a HEAD request is handled as a GET whose body is not sent
  std::string path;    // decoded, without the query
  std::string query;   // as sent, after the '?'
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  world::Address peer;

  /// Without regard to case; empty when there is none.
  std::string_view header(std::string_view name) const;
  /// The first value of that name in the query, decoded.
  std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};
using Handler = std::function<Response(const Request&)>;

struct HttpOptions {
  world::Address address{"127.0.0.1", 0};
  std::optional<world::TlsOptions> tls = {};
  std::size_t header_limit = 8 << 10;  // octets of request line and headers
  std::size_t body_limit = 1 << 20;
  std::size_t connections_max = 256;                      // the next one is answered 503
  world::Duration idle_limit = std::chrono::seconds(30);  // from the end of one exchange to the end of the next
};

/// Lives on the reactor of `world`, where handlers are called, one request at a time for each connection. Answers 400, 404, 405, 408, 413,
/// 431 and 505 itself, and 500 for a handler that throws. spec: RFC 9110, RFC 9112
class HttpServer {
 public:
  HttpServer(world::World& world, HttpOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// method: "GET" (serves HEAD too), "POST", ...; path: whole and exact. A second registration replaces the first.
  void route(const std::string& method, const std::string& path, Handler handler);
  /// Begins to accept.
  world::NetResult<void> start();
  /// With the port that the system picked; once started.
  const world::Address& address() const;
  std::size_t connections() const { return sessions_.size(); }

 private:
  class Session;
  void accept(std::unique_ptr<world::Connection> connection);
  Response answer(const Request& request);
  void forget(Session* session);

  world::World& world_;
  const HttpOptions options_;
  std::map<std::string, std::map<std::string, Handler>> routes_;  // path, method
  std::unordered_map<Session*, std::unique_ptr<Session>> sessions_;
  std::unique_ptr<world::Listener> listener_;
};

/// Replaces %XX; empty when that is malformed. plus_is_space: as in the query of a form.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace chorus::admin
