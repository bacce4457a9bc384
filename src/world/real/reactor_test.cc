// What only this machine's World has: signals, limits of the system, addresses of both families, owners of files.
#include "world/real/reactor.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "world/contract.h"
#include "world/real/files.h"
#include "world/real/polling.h"
#include "world/real/temporary.h"

namespace chorus::world::real {
namespace {

using contract::Recorder;
using testing::HasSubstr;
using namespace std::chrono_literals;
constexpr Duration limit = 30s;

TEST(Reactor, StopFromAnotherThread) {
  Reactor reactor;
  int ran = 0;
  std::thread other([&] { reactor.post([&] { ++ran; }), reactor.stop(); });
  reactor.run();
  other.join();
  reactor.post([&] { reactor.stop(); });
  reactor.run();
  EXPECT_LE(ran, 1);
}

TEST(Reactor, LooksForTheEndOfDiskWorkBesidesEverythingElse) {
  Reactor reactor;
  reactor.poll_disk(limit);
  std::atomic<int> jobs = 0, ticks = 0, posts = 0;
  std::function<void()> tick = [&] {
    ++ticks;
    if (jobs == 100 && posts >= 100) return reactor.stop();
    reactor.after(100us, [&] { tick(); });
  };
  std::function<void()> next = [&] {
    // Ends once timers have run beside it.
    reactor.run_on_disk(
        [&, before = ticks.load()] {
          while (ticks == before) std::this_thread::yield();
        },
        [&] {
          if (++jobs < 100) next();
        });
  };
  next();
  tick();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      reactor.post([&] { ++posts; });
      while (posts <= i) std::this_thread::yield();
    }
  });
  reactor.run();
  other.join();
  EXPECT_EQ(jobs, 100);
}

// A client that waits for each answer; on a thread of its own, as what the reactor itself sends would count.
class Caller {
 public:
  explicit Caller(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~Caller() { ::close(socket_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  char ask(char what) {
    char answer = 0;
    EXPECT_EQ(::send(socket_, &what, 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(::recv(socket_, &answer, 1, MSG_WAITALL), 1);
    return answer;
  }

 private:
  const int socket_;
};

TEST(Reactor, DoesShortDiskWorkItselfWhenThatHoldsNobodyUp) {
  Reactor reactor;
  reactor.poll_disk(limit);
  std::vector<std::unique_ptr<Recorder>> servers;
  const auto serve = [&](Recorder& server, std::string_view octets) {
    if (octets == "r") return server.connection->write("a");
    if (octets == "b") reactor.run_on_disk([] {}, nullptr);
    auto here = std::make_shared<bool>();
    reactor.run_on_disk([here, reactors = std::this_thread::get_id()] { *here = std::this_thread::get_id() == reactors; },
                        [here, &server] { server.connection->write(*here ? "h" : "t"); });
  };
  auto listening = reactor.listen({"127.0.0.1", 0}, {}, [&](auto c) {
    servers.push_back(std::make_unique<Recorder>(std::move(c)));
    servers.back()->react = serve;
  });
  ASSERT_TRUE(listening.has_value());
  std::thread other([&, port = (*listening)->address().port] {
    {
      Caller writer(port), reader(port);
      for (int i = 0; i < Polling::jobs_judged; ++i) EXPECT_EQ(writer.ask('w'), 't') << "whether such work is short is not known yet";
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(writer.ask('w'), 'h');
        EXPECT_EQ(writer.ask('b'), 't') << "there is more than one job";
        EXPECT_EQ(reader.ask('r'), 'a');
        EXPECT_EQ(writer.ask('w'), 't') << "somebody else was answered meanwhile";
      }
    }
    reactor.stop();
  });
  reactor.run();
  other.join();
}

TEST(Reactor, SignalsBecomeCallbacks) {
  Reactor reactor;
  int got = 0;
  reactor.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    got = signal;
    reactor.stop();
  });
  ::kill(::getpid(), SIGTERM);
  reactor.run();
  EXPECT_EQ(got, SIGTERM);
  ::kill(::getpid(), SIGINT);
  reactor.run();
  EXPECT_EQ(got, SIGINT);
}

TEST(Reactor, JobsGivenAreFinishedAndTheirEndsDropped) {
  int jobs = 0;
  bool told = false;
  {
    Reactor reactor;
    for (int i = 0; i < 100; ++i) reactor.run_on_disk([&] { ++jobs; }, [&] { told = true; });
  }
  EXPECT_EQ(jobs, 100);
  EXPECT_FALSE(told);
}

TEST(Reactor, GoesWithWorkLeft) {
  // Callbacks that were not called own connections and timers; whoever lets go of them last must find the reactor whole.
  auto reactor = std::make_unique<Reactor>();
  std::unique_ptr<Recorder> near;
  auto listening = reactor->listen({"127.0.0.1", 0}, {}, [&](std::unique_ptr<Connection> c) {
    auto far = std::make_shared<Recorder>(std::move(c));
    reactor->after(1h, [far] { far->connection->close(); });
    reactor->post([far] { far->connection->write("never"); });
    reactor->stop();
  });
  ASSERT_TRUE(listening.has_value());
  reactor->connect((*listening)->address(), {}, [&](auto c) { near = std::make_unique<Recorder>(std::move(*c)); });
  reactor->run();
  near.reset();
  listening->reset();
  reactor.reset();
}

TEST(Reactor, NamesAndFamilies) {
  Reactor reactor;
  std::unique_ptr<Recorder> near, far;
  auto listening = reactor.listen({"::", 0}, {}, [&](auto c) { far = std::make_unique<Recorder>(std::move(c)); });
  if (!listening) GTEST_SKIP() << "no IPv6 here: " << listening.error().message;
  reactor.connect({"127.0.0.1", (*listening)->address().port}, {}, [&](auto c) { near = std::make_unique<Recorder>(std::move(*c)); });
  ASSERT_TRUE(reactor.run_until([&] { return near && far; }, limit));
  EXPECT_EQ(far->connection->peer().host, "127.0.0.1") << "IPv4 inside of IPv6 is shown as IPv4";
  near.reset();
  far.reset();
  reactor.connect({"localhost", (*listening)->address().port}, {}, [&](auto c) { near = std::make_unique<Recorder>(std::move(*c)); });
  ASSERT_TRUE(reactor.run_until([&] { return near && far; }, limit));
  EXPECT_THAT(near->connection->peer().host, testing::AnyOf("127.0.0.1", "::1"));
}

TEST(Reactor, NamesWithoutAddress) {
  Reactor reactor;
  std::optional<NetError> error;
  reactor.connect({"no-such-host.invalid", 1}, {}, [&](auto c) { error = c.error(); });
  EXPECT_FALSE(error.has_value());
  ASSERT_TRUE(reactor.run_until([&] { return error.has_value(); }, limit));
  EXPECT_THAT(error->code, testing::AnyOf(NetErrc::unreachable, NetErrc::timed_out));
  EXPECT_THAT(error->message, HasSubstr("no-such-host.invalid:1"));
  EXPECT_EQ(reactor.listen({"no-such-host.invalid", 0}, {}, [](auto) {}).error().code, NetErrc::invalid);
}

TEST(Reactor, AddressOfAnotherMachine) {
  Reactor reactor;
  const auto result = reactor.listen({"192.0.2.1", 0}, {}, [](auto) {});  // RFC 5737: never ours
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, NetErrc::not_permitted);
}

TEST(Reactor, AcceptsAgainWhenDescriptorsAreBack) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer opens a pipe to look at memory, and takes our lack of descriptors for a bad pointer";
#endif
  Reactor reactor;
  std::vector<std::unique_ptr<Recorder>> far;
  auto listening = reactor.listen({"127.0.0.1", 0}, {}, [&](auto c) { far.push_back(std::make_unique<Recorder>(std::move(c))); });
  ASSERT_TRUE(listening.has_value());
  // A bare socket, connected by the system without our accepting it: it needs no descriptor later.
  const int caller = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*listening)->address().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = ::dup(caller);
  ::close(next_free);
  const rlimit none{static_cast<rlim_t>(next_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  ASSERT_EQ(::connect(caller, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  bool waited = false;
  reactor.after(50ms, [&] { waited = true; });
  EXPECT_TRUE(reactor.run_until([&] { return waited; }, limit));
  EXPECT_TRUE(far.empty());
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(reactor.run_until([&] { return far.size() == 1; }, limit));
  ::close(caller);
}

TEST(Reactor, HalfClosedCallerStillGetsTheAnswer) {
  // As `echo ruok | nc` does: the request, then the end of its half, then it waits.
  Reactor reactor;
  std::unique_ptr<Recorder> far;
  auto listening = reactor.listen({"127.0.0.1", 0}, {}, [&](auto c) {
    far = std::make_unique<Recorder>(std::move(c));
    far->react = [](Recorder& end, std::string_view) {
      end.connection->write("imok");
      end.connection->close();
    };
  });
  ASSERT_TRUE(listening.has_value());
  const int caller = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*listening)->address().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(caller, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  ASSERT_EQ(::send(caller, "ruok", 4, 0), 4);
  ASSERT_EQ(::shutdown(caller, SHUT_WR), 0);
  ASSERT_TRUE(reactor.run_until([&] { return far && far->closed; }, limit));
  char answer[8];
  EXPECT_EQ(::recv(caller, answer, sizeof answer, MSG_WAITALL), 4);
  EXPECT_EQ(std::string_view(answer, 4), "imok");
  ::close(caller);
}

TEST(PosixFiles, MessagesAPersonCanActOn) {
  const TemporaryDirectory temporary;
  PosixFiles files;
  const auto lock = files.lock(temporary.path());
  EXPECT_THAT(files.lock(temporary.path()).error().message, HasSubstr("process " + std::to_string(::getpid())));
  auto full = files.open("/dev/full", OpenMode::read_write);
  ASSERT_TRUE(full.has_value());
  const auto written = (*full)->write_at(0, "x");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, FileErrc::no_space);
  EXPECT_THAT(written.error().message, HasSubstr("/dev/full"));
  EXPECT_THAT(written.error().message, HasSubstr("octets left"));
  const auto below_a_file = files.make_directories(temporary.path() + "/.lock/sub");
  EXPECT_EQ(below_a_file.error().code, FileErrc::io);
  const auto huge = files.open(temporary.path() + "/huge", OpenMode::create).value()->allocate(1ULL << 50);
  ASSERT_FALSE(huge.has_value());
  EXPECT_THAT(huge.error().code, testing::AnyOf(FileErrc::no_space, FileErrc::io));
}

TEST(PosixFiles, NotPermittedNamesTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user here";
  const TemporaryDirectory temporary;
  std::filesystem::permissions(temporary.path(), std::filesystem::perms::owner_all);
  PosixFiles files;
  ASSERT_EQ(::seteuid(65534), 0);
  const auto refused = files.open(temporary.path() + "/a/b", OpenMode::create);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, FileErrc::not_permitted);
  EXPECT_THAT(refused.error().message, HasSubstr("root (uid 0)"));
  EXPECT_THAT(refused.error().message, HasSubstr("(uid 65534)"));
}

}  // namespace
}  // namespace chorus::world::real
