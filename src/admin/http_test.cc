#include "admin/http.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "admin/health.h"
#include "admin/metrics.h"
#include "world/real/reactor.h"
#include "world/recorder.h"

namespace chorus::admin {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using world::contract::Recorder;
using namespace std::chrono_literals;

class HttpTest : public testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    server = std::make_unique<HttpServer>(reactor, options);
    server->route("GET", "/hello",
                  [](const Request& r) { return Response{.body = "hello " + r.parameter("name").value_or("you") + "\n"}; });
    server->route("POST", "/count", [](const Request& r) { return Response{.body = std::to_string(r.body.size())}; });
    server->route("GET", "/with space", [](const Request& r) { return Response{.body = std::string(r.header("X-THING"))}; });
    server->route("GET", "/bug", [](const Request&) -> Response { throw std::runtime_error("a bug"); });
    server->route("GET", "/large", [](const Request&) { return Response{.body = std::string(300'000, 'L')}; });
    ASSERT_TRUE(server->start().has_value());
  }
  void connect() {
    client.reset();
    reactor.connect(server->address(), {}, [this](auto c) { client = std::make_unique<Recorder>(std::move(*c)); });
    ASSERT_TRUE(reactor.run_until([this] { return client != nullptr; }, 30s));
  }
  /// Sends `octets` on a new connection and returns what came back once the server ended it.
  std::string ask(const std::string& octets) {
    connect();
    client->connection->write(octets);
    EXPECT_TRUE(reactor.run_until([this] { return client->closed.has_value(); }, 30s));
    return client->received;
  }
  std::string get(const std::string& target) { return ask("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); }

  world::real::Reactor reactor;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Recorder> client;
};

TEST_F(HttpTest, Answers) {
  start();
  const std::string answer = get("/hello");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr(" GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello you\n"));
  EXPECT_THAT(get("/hello?a=b&name=J%C3%BCrgen+B"), EndsWith("hello J\xc3\xbcrgen B\n"));
  EXPECT_THAT(get("http://proxied:80/hello?name=p"), EndsWith("hello p\n"));
  EXPECT_THAT(ask("GET /with%20space HTTP/1.1\r\nHost: h\r\nx-thing: yes\r\nConnection: close\r\n\r\n"), EndsWith("\r\n\r\nyes"));
}

TEST_F(HttpTest, RefusesByStatus) {
  start({.header_limit = 1000, .body_limit = 100});
  const std::string host = "Host: h\r\nConnection: close\r\n";
  const struct {
    const char* name;
    std::string request, status;
  } cases[] = {
      {"nothing there", "GET /nowhere HTTP/1.1\r\n" + host + "\r\n", "404 Not Found"},
      {"other method", "DELETE /hello HTTP/1.1\r\n" + host + "\r\n", "405 Method Not Allowed"},
      {"GET where POST is", "GET /count HTTP/1.1\r\n" + host + "\r\n", "405 Method Not Allowed"},
      {"no Host, RFC 9112 3.2", "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", "400 Bad Request"},
      {"not HTTP", "\x16\x03\x01 something\r\n\r\n", "400 Bad Request"},
      {"bad escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", "400 Bad Request"},
      {"header too large", "GET /hello HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", "431 Request Header Fields Too Large"},
      {"endless header", "GET /" + std::string(5000, 'x'), "431 Request Header Fields Too Large"},
      {"body announced too large", "POST /count HTTP/1.1\r\n" + host + "Content-Length: 101\r\n\r\n", "413 Payload Too Large"},
      {"chunks too large", "POST /count HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x') + "\r\n",
       "413 Payload Too Large"},
      {"version", "GET /hello HTTP/3.7\r\n" + host + "\r\n", "505 HTTP Version Not Supported"},
      {"our bug", "GET /bug HTTP/1.1\r\n" + host + "\r\n", "500 Internal Server Error"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_THAT(ask(c.request), StartsWith("HTTP/1.1 " + c.status + "\r\n"));
  }
  EXPECT_THAT(ask("PUT /hello HTTP/1.1\r\n" + host + "\r\n"), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpTest, HeadHasNoBody) {
  start();
  const std::string answer = ask("HEAD /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpTest, Bodies) {
  start();
  EXPECT_THAT(ask("POST /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\n12345"), EndsWith("\r\n\r\n5"));
  EXPECT_THAT(
      ask("POST /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
      EndsWith("\r\n\r\n7"));
  const std::string large(900'000, 'b');
  EXPECT_THAT(ask("POST /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n" + large),
              EndsWith("\r\n\r\n900000"));
}

TEST_F(HttpTest, ExpectContinue) {
  start();
  connect();
  client->connection->write("POST /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  ASSERT_TRUE(reactor.run_until([this] { return !client->received.empty(); }, 30s));
  EXPECT_EQ(client->received, "HTTP/1.1 100 Continue\r\n\r\n");
  client->connection->write("abc");
  ASSERT_TRUE(reactor.run_until([this] { return client->closed.has_value(); }, 30s));
  EXPECT_THAT(client->received, EndsWith("\r\n\r\n3"));
}

TEST_F(HttpTest, KeepsConnectionsAndPipelines) {
  start();
  connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += "GET /hello?name=" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  // Octet by octet at first, so that every boundary is met.
  for (const char octet : requests.substr(0, 200)) {
    client->connection->write(std::string(1, octet));
    bool sent = false;
    reactor.post([&] { sent = true; });
    ASSERT_TRUE(reactor.run_until([&] { return sent; }, 30s));
  }
  client->connection->write(requests.substr(200));
  ASSERT_TRUE(reactor.run_until([this] { return client->received.ends_with("hello 49\n"); }, 30s));
  EXPECT_FALSE(client->closed.has_value());
  std::size_t from = 0;
  for (int i = 0; i < 50; ++i) {
    from = client->received.find("hello " + std::to_string(i) + "\n", from);
    ASSERT_NE(from, std::string::npos) << i;
  }
  EXPECT_THAT(ask("GET /hello HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpTest, SlowReaderOfManyAnswersIsNotBuffered) {
  start();
  connect();
  client->connection->pause_reading();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
  client->connection->write(requests);
  bool waited = false;
  reactor.after(20ms, [&] { waited = true; });
  ASSERT_TRUE(reactor.run_until([&] { return waited; }, 30s));
  client->connection->resume_reading();
  ASSERT_TRUE(reactor.run_until([this] { return client->received.size() > 100 * 300'000; }, 30s));
}

TEST_F(HttpTest, IdleAndSlowConnectionsEnd) {
  start({.idle_limit = 20ms});
  EXPECT_EQ(ask(""), "");
  EXPECT_THAT(ask("GET /hel"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_THAT(ask("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpTest, TooManyConnections) {
  start({.connections_max = 1});
  connect();
  const auto first = std::move(client);
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(HttpTest, PortTaken) {
  start();
  HttpServer second(reactor, {.address = server->address()});
  const auto started = second.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, world::NetErrc::address_in_use);
}

TEST_F(HttpTest, StandardRoutes) {
  start();
  Metrics metrics;
  Health health;
  std::optional<std::string> problem;
  std::optional<std::string> reason = "still recovering";
  health.check("disk", [&] { return problem; });
  health.gate("coord", [&] { return reason; });
  add_standard_routes(*server, metrics, health);
  metrics.counter("chorus_test_things_total", "Things.").Increment(3);
  const std::string answer = get("/metrics");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("\nchorus_test_things_total 3\n"));
  EXPECT_THAT(get("/health"), EndsWith("\r\n\r\nok\n"));
  EXPECT_THAT(get("/ready"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/ready"), EndsWith("\r\n\r\ncoord: still recovering\n"));
  reason.reset();
  EXPECT_THAT(get("/ready"), EndsWith("\r\n\r\nok\n"));
  problem = "full";
  EXPECT_THAT(get("/health"), EndsWith("\r\n\r\ndisk: full\n"));
  EXPECT_THAT(get("/ready"), StartsWith("HTTP/1.1 503 "));
}

TEST(PercentDecode, Table) {
  EXPECT_EQ(percent_decode("a%2Fb%20c+d"), "a/b c+d");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const char* bad : {"%", "%1", "%g0", "% 1", "abc%"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace chorus::admin
