#include <gmock/gmock.h>

#include "world/contract.h"
#include "world/real/reactor.h"
#include "world/real/subject.h"
#include "world/real/temporary.h"
#include "world/real/test_certificates.h"

namespace chorus::world::real {
namespace {

using contract::Recorder;
using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  /// Listens and connects; afterwards near and far are there, or `error` is.
  void connect(const ListenOptions& server, const std::optional<TlsOptions>& client, const std::string& host = "localhost") {
    auto listening = reactor.listen({"127.0.0.1", 0}, server, [this](std::unique_ptr<Connection> c) { accepted(std::move(c)); });
    ASSERT_TRUE(listening.has_value()) << listening.error().message;
    listener = std::move(*listening);
    near.reset();
    far.reset();
    reactor.connect({host, listener->address().port}, {.tls = client}, [this](NetResult<std::unique_ptr<Connection>> c) {
      if (c) {
        near = std::make_unique<Recorder>(std::move(*c));
      } else {
        error = c.error();
      }
    });
    ASSERT_TRUE(reactor.run_until([this] { return near || error; }, limit));
  }
  void accepted(std::unique_ptr<Connection> c) {
    far = std::make_unique<Recorder>(std::move(c));
    far->react = [](Recorder& end, std::string_view octets) { end.connection->write(std::string(octets)); };
  }
  void echo(const std::string& octets) {
    near->connection->write(octets);
    ASSERT_TRUE(reactor.run_until([&] { return near->received.size() >= octets.size() || near->closed; }, limit));
    EXPECT_TRUE(near->received == octets);
    near->received.clear();
  }

  static constexpr Duration limit = std::chrono::seconds(30);
  TemporaryDirectory temporary;
  TestAuthority authority{temporary.path(), "authority"};
  TestAuthority stranger{temporary.path(), "stranger"};
  TestAuthority::Files server = authority.sign("server", "DNS:localhost,IP:127.0.0.1");
  TestAuthority::Files user = authority.sign("user, the \"first\"", nullptr);
  const std::string ca = authority.files().certificate;
  TlsOptions serve{.certificate_file = server.certificate, .key_file = server.key, .ca_file = ca, .verify_peer = true};
  TlsOptions call{.certificate_file = user.certificate, .key_file = user.key, .ca_file = ca};
  Reactor reactor;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Recorder> near;
  std::unique_ptr<Recorder> far;
  std::optional<NetError> error;
};

TEST_F(TlsTest, BothSidesVerified) {
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  ASSERT_FALSE(error.has_value()) << error->message;
  ASSERT_NO_FATAL_FAILURE(echo("hello"));
  EXPECT_TRUE(near->connection->is_tls());
  EXPECT_TRUE(far->connection->is_tls());
  EXPECT_EQ(near->connection->peer_subject(), "CN=server,O=Test,C=FR");
  EXPECT_EQ(far->connection->peer_subject(), R"(CN=user\, the \"first\",O=Test,C=FR)");
  std::string large(3 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i >> 7);
  ASSERT_NO_FATAL_FAILURE(echo(large));
  EXPECT_EQ(near->drained, 1);
  near->connection->write("last words");
  near->connection->close();
  ASSERT_TRUE(reactor.run_until([&] { return near->closed && far->closed; }, limit));
  EXPECT_EQ(*near->closed, NetErrc::closed_here);
  EXPECT_EQ(*far->closed, NetErrc::end_of_stream);
  EXPECT_TRUE(far->received.ends_with("last words"));
}

// The name that a live ZooKeeper 3.8.0 on Java 17 gives a certificate of that subject.
TEST(Subject, AsJavaWritesIt) {
  const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> name(X509_NAME_new(), &X509_NAME_free);
  const auto add = [&](const char* field, const char* value, int set = 0) {
    X509_NAME_add_entry_by_txt(name.get(), field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1, set);
  };
  EXPECT_EQ(rfc2253(name.get()), "");
  add("C", "SE");
  add("O", "Trees, Ltd+");
  add("OU", "Felling");
  add("OU", "Planting", -1);
  add("CN", "#1 \"Åsa\"; <a=b> ");
  add("emailAddress", "asa@trees.example");
  add("serialNumber", "7");
  add("DC", "example");
  EXPECT_EQ(rfc2253(name.get()), R"(DC=example,2.5.4.5=#130137,1.2.840.113549.1.9.1=#16116173614074726565732e6578616d706c65,)"
                                 R"(CN=\#1 \"Åsa\"\; \<a\=b\>\ ,OU=Felling+OU=Planting,O=Trees\, Ltd\+,C=SE)");
}

TEST_F(TlsTest, EachWriteIsARecordOfItsOwn) {
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  ASSERT_FALSE(error.has_value()) << error->message;
  ASSERT_TRUE(reactor.run_until([this] { return far != nullptr; }, limit));
  std::vector<std::size_t> pieces;  // what is decrypted at once is one record
  far->react = [&](Recorder&, std::string_view octets) { pieces.push_back(octets.size()); };
  for (const std::size_t size : {5, 6, 7}) near->connection->write(std::string(size, 'x'));
  ASSERT_TRUE(reactor.run_until([&] { return far->received.size() == 18; }, limit));
  EXPECT_THAT(pieces, testing::ElementsAre(5, 6, 7));
}

TEST_F(TlsTest, NumericHostIsVerifiedToo) {
  serve.verify_peer = false;
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, TlsOptions{.ca_file = ca}, "127.0.0.1"));
  ASSERT_FALSE(error.has_value()) << error->message;
  ASSERT_NO_FATAL_FAILURE(echo("hello"));
  EXPECT_EQ(far->connection->peer_subject(), "");
}

TEST_F(TlsTest, PausedMidway) {
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  ASSERT_FALSE(error.has_value()) << error->message;
  near->react = [this](Recorder& end, std::string_view) {
    end.connection->pause_reading();
    reactor.post([&end] { end.connection->resume_reading(); });
  };
  ASSERT_NO_FATAL_FAILURE(echo(std::string(300'000, 'p')));
}

TEST_F(TlsTest, ServerUnknownToTheClient) {
  call.ca_file = stranger.files().certificate;
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, NetErrc::tls);
  EXPECT_THAT(error->message, HasSubstr("certificate verify failed"));
}

TEST_F(TlsTest, ServerOfAnotherName) {
  const auto other = authority.sign("elsewhere", "DNS:elsewhere.example");
  serve.certificate_file = other.certificate;
  serve.key_file = other.key;
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, NetErrc::tls);
  EXPECT_THAT(error->message, HasSubstr("hostname mismatch"));
  error.reset();
  call.verify_host = false;
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, call));
  EXPECT_FALSE(error.has_value());
}

TEST_F(TlsTest, ClientWithoutCertificateIsRefused) {
  // In TLS 1.3 the client learns it only after its own handshake is done.
  ASSERT_NO_FATAL_FAILURE(connect({.tls = serve}, TlsOptions{.ca_file = ca}));
  if (!error) {
    ASSERT_TRUE(reactor.run_until([&] { return near->closed.has_value(); }, limit));
    EXPECT_EQ(*near->closed, NetErrc::tls);
    EXPECT_THAT(near->message, HasSubstr("certificate required"));
  }
  EXPECT_EQ(far, nullptr);
}

TEST_F(TlsTest, OnePortForBoth) {
  const ListenOptions both{.tls = serve, .plain_too = true};
  ASSERT_NO_FATAL_FAILURE(connect(both, call));
  ASSERT_FALSE(error.has_value()) << error->message;
  ASSERT_NO_FATAL_FAILURE(echo("over TLS"));
  EXPECT_TRUE(far->connection->is_tls());
  ASSERT_NO_FATAL_FAILURE(connect(both, std::nullopt));
  near->connection->write("in the clear");
  ASSERT_TRUE(reactor.run_until([&] { return near->received == "in the clear"; }, limit));
  EXPECT_FALSE(far->connection->is_tls());
}

TEST_F(TlsTest, GarbageInsteadOfHandshake) {
  auto listening = reactor.listen({"127.0.0.1", 0}, {.tls = serve}, [this](auto c) { accepted(std::move(c)); });
  ASSERT_TRUE(listening.has_value());
  reactor.connect((*listening)->address(), {}, [this](auto c) { near = std::make_unique<Recorder>(std::move(*c)); });
  ASSERT_TRUE(reactor.run_until([&] { return near != nullptr; }, limit));
  near->connection->write("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(reactor.run_until([&] { return near->closed.has_value(); }, limit));
  EXPECT_EQ(far, nullptr);
}

TEST_F(TlsTest, HandshakeHasALimit) {
  std::unique_ptr<Recorder> silent;
  auto listening = reactor.listen({"127.0.0.1", 0}, {}, [&](auto c) { silent = std::make_unique<Recorder>(std::move(c)); });
  ASSERT_TRUE(listening.has_value());
  reactor.connect((*listening)->address(), {.timeout = std::chrono::milliseconds(50), .tls = call}, [this](auto c) { error = c.error(); });
  ASSERT_TRUE(reactor.run_until([&] { return error.has_value(); }, limit));
  EXPECT_EQ(error->code, NetErrc::timed_out);
}

TEST_F(TlsTest, BadOptionsNameTheFile) {
  const auto refusal = [&](const TlsOptions& options) {
    const auto result = reactor.listen({"127.0.0.1", 0}, {.tls = options}, [](auto) {});
    EXPECT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, NetErrc::tls);
    return result.error().message;
  };
  EXPECT_THAT(refusal({.certificate_file = "/nowhere/cert.pem", .verify_peer = false}),
              HasSubstr("/nowhere/cert.pem: No such file or directory"));
  EXPECT_THAT(refusal({.certificate_file = server.certificate, .key_file = user.key, .ca_file = ca}),
              HasSubstr(user.key + " does not belong to"));
  EXPECT_THAT(refusal({.certificate_file = server.certificate, .key_file = server.key}), HasSubstr("authorities"));
  EXPECT_THAT(refusal({}), HasSubstr("needs a certificate"));
}

}  // namespace
}  // namespace chorus::world::real
