#include "admin/http.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace chorus::admin {

namespace http = boost::beast::http;
namespace {

Response plain(int status, std::string words) {
  words += '\n';
  return {.status = status, .body = std::move(words)};
}

std::string render(const Response& response, world::WallTime now, bool keep_alive, bool with_body) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n",
                  response.status, std::string_view(reason.data(), reason.size()),
                  fmt::gmtime(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()), response.content_type,
                  response.body.size(), keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

/// What the client did wrong, so that it can tell a mistake of its own from a limit of ours.
Response refusal(const http::error why, const HttpOptions& options) {
  switch (why) {
    case http::error::header_limit:
      return plain(431, fmt::format("The request's headers are larger than {} octets.", options.header_limit));
    case http::error::body_limit:
      return plain(413, fmt::format("The request's body is larger than {} octets.", options.body_limit));
    case http::error::bad_version:
      return plain(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    default:
      return plain(400, fmt::format("The request is malformed: {}.", http::make_error_code(why).message()));
  }
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto octet = base::unhex(text.substr(i + 1, 2));
      if (!octet || octet->size() != 1) return std::nullopt;
      out += *octet;
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string_view Request::header(std::string_view name) const {
  const std::string wanted = base::lower(name);
  for (const auto& [key, value] : headers) {
    if (base::lower(key) == wanted) return value;
  }
  return {};
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const std::string_view part : base::split(query, '&')) {
    const std::size_t equals = part.find('=');
    if (percent_decode(part.substr(0, equals), true) != name) continue;
    return percent_decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
  }
  return std::nullopt;
}

/// One connection: collects octets until a request is whole, answers it, begins anew.
class HttpServer::Session final : public world::ConnectionHandler {
 public:
  Session(HttpServer& server, std::unique_ptr<world::Connection> connection) : server_(server), connection_(std::move(connection)) {
    renew();
    connection_->start(*this);
  }
  ~Session() override { server_.world_.cancel(idle_); }

  /// Answers 503 and ends: there are too many of us.
  void turn_away() { finish(plain(503, "Too many connections; try again later.")); }

  void on_data(std::string_view octets) override {
    input_ += octets;
    process();
  }
  void on_drained() override {
    connection_->resume_reading();
    process();
  }
  void on_closed(const world::NetError&) override { server_.forget(this); }

 private:
  using Parser = http::request_parser<http::string_body>;

  void renew() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(static_cast<std::uint32_t>(server_.options_.header_limit));
    parser_->body_limit(server_.options_.body_limit);
    invited_ = false;
    server_.world_.cancel(idle_);
    idle_ = server_.world_.after(server_.options_.idle_limit, [this] { timed_out(); });
  }

  void timed_out() {
    idle_ = {};
    if (connection_->unsent() > 0 || ended_) return connection_->abort();  // it does not take what we answered
    if (input_.empty() && !parser_->got_some()) return connection_->close();
    finish(plain(408, "The request did not arrive in time."));
  }

  void process() {
    // A client may send requests faster than it reads answers.
    while (!ended_ && !input_.empty()) {
      if (connection_->unsent() >= world::Connection::high_water) return connection_->pause_reading();
      boost::system::error_code ec;
      input_.erase(0, parser_->put(boost::asio::buffer(input_), ec));
      if (ec && ec != http::error::need_more) return finish(refusal(static_cast<http::error>(ec.value()), server_.options_));
      if (!parser_->is_done()) {
        invite();
        if (ec || input_.empty()) return;
        continue;
      }
      respond();
    }
  }

  /// A client with a large body may wait for a sign that it is wanted. RFC 9110 section 10.1.1
  void invite() {
    if (invited_ || !parser_->is_header_done() || base::lower(std::string(parser_->get()[http::field::expect])) != "100-continue") return;
    invited_ = true;
    connection_->write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  void respond() {
    const bool keep_alive = parser_->get().keep_alive();
    const bool is_head = parser_->get().method() == http::verb::head;
    const Response response = handle();
    connection_->write(render(response, server_.world_.wall_now(), keep_alive, !is_head));
    if (keep_alive) return renew();
    end();
  }

  Response handle() {
    auto& message = parser_->get();
    if (message.version() == 11 && message.count(http::field::host) != 1) return plain(400, "The request has no Host header, or several.");
    Request request;
    request.method = message.method() == http::verb::head ? "GET" : std::string(message.method_string());
    std::string_view target(message.target().data(), message.target().size());
    // A proxy's form of the target, "http://host/path". RFC 9112 section 3.2.2
    if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
      const std::size_t slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    const std::size_t question = target.find('?');
    const auto path = percent_decode(target.substr(0, question));
    if (!path) return plain(400, "The path holds a % that two hexadecimal digits do not follow.");
    request.path = *path;
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    for (const auto& field : message) request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    request.body = std::move(message.body());
    request.peer = connection_->peer();
    return server_.answer(request);
  }

  /// The last answer of this connection; where the next request would begin is no longer known.
  void finish(const Response& response) {
    connection_->write(render(response, server_.world_.wall_now(), false, true));
    end();
  }
  void end() {
    ended_ = true;
    input_.clear();
    connection_->close();
  }

  HttpServer& server_;
  const std::unique_ptr<world::Connection> connection_;
  std::string input_;  // what the parser did not take yet
  std::optional<Parser> parser_;
  bool invited_ = false;
  bool ended_ = false;
  world::TimerId idle_;
};

HttpServer::HttpServer(world::World& world, HttpOptions options) : world_(world), options_(std::move(options)) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(const std::string& method, const std::string& path, Handler handler) { routes_[path][method] = std::move(handler); }

world::NetResult<void> HttpServer::start() {
  auto listener = world_.listen(options_.address, {.tls = options_.tls}, [this](auto connection) { accept(std::move(connection)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

const world::Address& HttpServer::address() const { return listener_->address(); }

void HttpServer::accept(std::unique_ptr<world::Connection> connection) {
  const bool full = sessions_.size() >= options_.connections_max;
  auto session = std::make_unique<Session>(*this, std::move(connection));
  Session* const key = session.get();
  sessions_.emplace(key, std::move(session));
  if (full) key->turn_away();
}

void HttpServer::forget(Session* session) { sessions_.erase(session); }

Response HttpServer::answer(const Request& request) {
  const auto methods = routes_.find(request.path);
  if (methods == routes_.end()) return plain(404, "There is nothing at " + request.path);
  const auto handler = methods->second.find(request.method);
  if (handler == methods->second.end()) {
    std::string allowed;
    for (const auto& [method, unused] : methods->second)
      allowed += (allowed.empty() ? "" : ", ") + (method == "GET" ? "GET, HEAD" : method);
    Response response = plain(405, "Only for: " + allowed);
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  try {
    return handler->second(request);
  } catch (const std::exception& bug) {
    // One request must not end the process; whoever reads the log should know.
    spdlog::error("a handler failed path={} reason=\"{}\"", request.path, bug.what());
    return plain(500, "The request could not be served because of an error in the program; its log says more.");
  }
}

}  // namespace chorus::admin
