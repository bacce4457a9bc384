// What every World keeps, as tests: `real/` and `sim/` both run them.
//
//   struct MyRig {
//     static constexpr bool threads = true;                // post() may be called from other threads
//     World& server();  World& client();                   // the same object, or two that reach each other
//     Address address();                                   // where the server may listen; port 0 when the system picks
//     std::string directory();                             // of the server: there, empty and writable
//     bool run_until(const std::function<bool()>& done);   // false when `done` never came to hold
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(My, WorldContract, MyRig);
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "world/recorder.h"
#include "world/world.h"

namespace chorus::world::contract {

using namespace std::chrono_literals;

template <class Rig>
class WorldContract : public testing::Test {
 protected:
  /// Two connected ends, in `near` (the client's) and `far` (the server's).
  void connect(std::function<void(Recorder&, std::string_view)> far_reacts = nullptr) {
    auto listening = rig.server().listen(rig.address(), {}, [this, far_reacts](std::unique_ptr<Connection> c) {
      far = std::make_unique<Recorder>(std::move(c));
      far->react = far_reacts;
    });
    ASSERT_TRUE(listening.has_value()) << listening.error().message;
    listener = std::move(*listening);
    rig.client().connect(listener->address(), {}, [this](NetResult<std::unique_ptr<Connection>> c) {
      ASSERT_TRUE(c.has_value()) << c.error().message;
      near = std::make_unique<Recorder>(std::move(*c));
    });
    ASSERT_TRUE(rig.run_until([this] { return near && far; }));
  }
  std::string path(const std::string& name) { return rig.directory() + "/" + name; }
  /// Runs `job` on the disk thread and waits for the end.
  void on_disk(Callback job) {
    bool done = false;
    rig.server().run_on_disk(std::move(job), [&] { done = true; });
    ASSERT_TRUE(rig.run_until([&] { return done; }));
  }

  Rig rig;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Recorder> near;
  std::unique_ptr<Recorder> far;
};
TYPED_TEST_SUITE_P(WorldContract);

TYPED_TEST_P(WorldContract, TimersRunInOrderOfTime) {
  World& world = this->rig.server();
  std::string order;
  const Instant start = world.now();
  std::vector<Duration> waited;
  const auto note = [&](char name) {
    return [&, name] {
      order += name;
      waited.push_back(world.now() - start);
    };
  };
  world.after(20ms, note('c'));
  world.after(5ms, note('a'));
  world.after(10ms, note('b'));
  world.after(20ms, note('d'));
  EXPECT_EQ(order, "") << "none runs from within the call that ordered it";
  ASSERT_TRUE(this->rig.run_until([&] { return order.size() == 4; }));
  EXPECT_EQ(order, "abcd");
  const std::vector<Duration> least{5ms, 10ms, 20ms, 20ms};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_GE(waited[i], least[i]);
}

TYPED_TEST_P(WorldContract, CancelledTimersDoNotRun) {
  World& world = this->rig.server();
  int ran = 0;
  bool end = false;
  const TimerId first = world.after(1ms, [&] { ++ran; });
  TimerId second = world.after(3ms, [&] { ++ran; });
  world.after(2ms, [&] { world.cancel(second); });
  world.cancel(first);
  world.cancel(first);
  world.cancel(TimerId{});
  const TimerId third = world.after(4ms, [&] { end = true; });
  ASSERT_TRUE(this->rig.run_until([&] { return end; }));
  world.cancel(third);
  EXPECT_EQ(ran, 0);
  EXPECT_GE(first.value, 1U);
}

TYPED_TEST_P(WorldContract, ManyTimersSetAndCancelled) {
  World& world = this->rig.server();
  std::vector<TimerId> timers;
  int ran = 0;
  for (int round = 0; round < 20; ++round) {
    for (const TimerId timer : timers) world.cancel(timer);
    timers.clear();
    for (int i = 0; i < 1000; ++i) timers.push_back(world.after(1ms + i * 1us, [&] { ++ran; }));
  }
  ASSERT_TRUE(this->rig.run_until([&] { return ran == 1000; }));
}

TYPED_TEST_P(WorldContract, PostsRunInOrderAndLater) {
  World& world = this->rig.server();
  std::string order;
  world.post([&] {
    order += 'a';
    world.post([&] { order += 'c'; });
    order += 'a';
  });
  world.post([&] { order += 'b'; });
  EXPECT_EQ(order, "");
  ASSERT_TRUE(this->rig.run_until([&] { return order.size() == 4; }));
  EXPECT_EQ(order, "aabc");
}

TYPED_TEST_P(WorldContract, PostsFromThreads) {
  if (!TypeParam::threads) GTEST_SKIP() << "this world has one thread";
  World& world = this->rig.server();
  std::vector<std::vector<int>> seen(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) world.post([&seen, t, i] { seen[t].push_back(i); });
    });
  }
  EXPECT_TRUE(this->rig.run_until([&] { return seen[0].size() + seen[1].size() + seen[2].size() + seen[3].size() == 4000; }));
  for (auto& thread : threads) thread.join();
  for (const auto& of_thread : seen) EXPECT_TRUE(std::is_sorted(of_thread.begin(), of_thread.end()));
}

TYPED_TEST_P(WorldContract, RefusedWhereNobodyListens) {
  auto listening = this->rig.server().listen(this->rig.address(), {}, [](auto) {});
  ASSERT_TRUE(listening.has_value());
  const Address address = (*listening)->address();
  EXPECT_NE(address.port, 0);
  listening->reset();
  std::optional<NetErrc> code;
  std::string message;
  this->rig.client().connect(address, {}, [&](auto result) {
    ASSERT_FALSE(result.has_value());
    code = result.error().code;
    message = result.error().message;
  });
  EXPECT_FALSE(code.has_value());
  ASSERT_TRUE(this->rig.run_until([&] { return code.has_value(); }));
  EXPECT_EQ(*code, NetErrc::refused);
  EXPECT_NE(message.find(to_string(address)), std::string::npos) << message;
}

TYPED_TEST_P(WorldContract, PortTaken) {
  auto first = this->rig.server().listen(this->rig.address(), {}, [](auto) {});
  ASSERT_TRUE(first.has_value());
  auto second = this->rig.server().listen((*first)->address(), {}, [](auto) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, NetErrc::address_in_use);
  EXPECT_NE(second.error().message.find(to_string((*first)->address())), std::string::npos) << second.error().message;
}

TYPED_TEST_P(WorldContract, EndsKnowTheirAddresses) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  EXPECT_EQ(this->near->connection->peer(), this->listener->address());
  EXPECT_EQ(this->far->connection->local(), this->listener->address());
  EXPECT_EQ(this->near->connection->local(), this->far->connection->peer());
  EXPECT_FALSE(this->near->connection->is_tls());
  EXPECT_EQ(this->near->connection->peer_subject(), "");
}

TYPED_TEST_P(WorldContract, EchoKeepsOrder) {
  ASSERT_NO_FATAL_FAILURE(this->connect([](Recorder& end, std::string_view octets) { end.connection->write(std::string(octets)); }));
  std::string sent;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i) + std::string(static_cast<std::size_t>(i % 97 == 0 ? 9000 : i % 13), '.');
    this->near->connection->write(piece);
    sent += piece;
  }
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->received.size() >= sent.size(); }));
  EXPECT_TRUE(this->near->received == sent);
  EXPECT_EQ(this->near->connection->unsent(), 0U);
}

TYPED_TEST_P(WorldContract, LargeTransferDrains) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  std::string sent(8 << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761U >> 13);
  this->near->connection->write(sent);
  EXPECT_GT(this->near->connection->unsent(), 0U);
  ASSERT_TRUE(this->rig.run_until([&] { return this->far->received.size() == sent.size() && this->near->drained > 0; }));
  EXPECT_TRUE(this->far->received == sent);
  EXPECT_EQ(this->near->drained, 1);
  EXPECT_EQ(this->near->connection->unsent(), 0U);
}

TYPED_TEST_P(WorldContract, PausedReaderSlowsTheWriterDown) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  this->far->connection->pause_reading();
  const std::string block(1 << 20, 'x');
  std::size_t written = 0;
  // However much the system buffers, some of 64 MiB stays here while nobody reads.
  for (; written < (64U << 20); written += block.size()) this->near->connection->write(block);
  bool waited = false;
  this->rig.client().after(30ms, [&] { waited = true; });
  ASSERT_TRUE(this->rig.run_until([&] { return waited; }));
  EXPECT_LT(this->far->received.size(), written);
  EXPECT_GT(this->near->connection->unsent(), 0U);
  EXPECT_EQ(this->near->drained, 0);
  const std::size_t before = this->far->received.size();
  this->far->connection->resume_reading();
  ASSERT_TRUE(this->rig.run_until([&] { return this->far->received.size() == written && this->near->drained == 1; }));
  EXPECT_LT(before, written);
}

TYPED_TEST_P(WorldContract, PauseInsideOnData) {
  ASSERT_NO_FATAL_FAILURE(this->connect([](Recorder& end, std::string_view) { end.connection->pause_reading(); }));
  this->near->connection->write("first");
  ASSERT_TRUE(this->rig.run_until([&] { return this->far->received == "first"; }));
  this->near->connection->write("second");
  bool waited = false;
  this->rig.client().after(20ms, [&] { waited = true; });
  ASSERT_TRUE(this->rig.run_until([&] { return waited; }));
  EXPECT_EQ(this->far->received, "first");
  this->far->connection->resume_reading();
  ASSERT_TRUE(this->rig.run_until([&] { return this->far->received == "firstsecond"; }));
}

TYPED_TEST_P(WorldContract, CloseSendsWhatIsQueued) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  const std::string sent(3 << 20, 'q');
  this->near->connection->write(sent);
  this->near->connection->close();
  this->near->connection->close();
  this->near->connection->write("too late");
  EXPECT_FALSE(this->near->closed.has_value()) << "not from within the call";
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->closed && this->far->closed; }));
  EXPECT_EQ(this->far->received.size(), sent.size());
  EXPECT_EQ(*this->near->closed, NetErrc::closed_here);
  EXPECT_EQ(*this->far->closed, NetErrc::end_of_stream);
}

TYPED_TEST_P(WorldContract, CloseIsOrderlyThoughThereIsMoreToRead) {
  // The answer must arrive although the far end closes without having read all that was sent to it.
  ASSERT_NO_FATAL_FAILURE(this->connect([](Recorder& end, std::string_view) {
    end.connection->write("answer");
    end.connection->close();
  }));
  this->near->connection->write(std::string(2 << 20, 'r'));
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->closed && this->far->closed; }));
  EXPECT_EQ(this->near->received, "answer");
  EXPECT_EQ(*this->near->closed, NetErrc::end_of_stream);
}

TYPED_TEST_P(WorldContract, AbortBreaksOff) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  this->near->connection->abort();
  EXPECT_FALSE(this->near->closed.has_value()) << "not from within the call";
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->closed && this->far->closed; }));
  EXPECT_EQ(*this->near->closed, NetErrc::closed_here);
  EXPECT_TRUE(*this->far->closed == NetErrc::reset || *this->far->closed == NetErrc::end_of_stream);
}

TYPED_TEST_P(WorldContract, DestroyedInItsOwnCallback) {
  ASSERT_NO_FATAL_FAILURE(this->connect([](Recorder& end, std::string_view) {
    end.connection->write("never seen by anyone, perhaps");
    end.connection.reset();
  }));
  this->near->connection->write("go");
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->closed.has_value(); }));
  EXPECT_FALSE(this->far->closed.has_value()) << "who destroys a connection is told nothing more";
  EXPECT_EQ(this->far->received, "go");
}

TYPED_TEST_P(WorldContract, DestroyedOutsideTellsTheOtherEnd) {
  ASSERT_NO_FATAL_FAILURE(this->connect());
  this->near.reset();
  ASSERT_TRUE(this->rig.run_until([&] { return this->far->closed.has_value(); }));
  this->far.reset();
}

TYPED_TEST_P(WorldContract, ListenerGoneConnectionsStay) {
  ASSERT_NO_FATAL_FAILURE(this->connect([](Recorder& end, std::string_view octets) { end.connection->write(std::string(octets)); }));
  this->listener.reset();
  this->near->connection->write("still here");
  ASSERT_TRUE(this->rig.run_until([&] { return this->near->received == "still here"; }));
}

TYPED_TEST_P(WorldContract, DiskJobsRunInOrder) {
  World& world = this->rig.server();
  std::string jobs;  // touched by the disk thread alone until the last `done`
  std::string done;
  for (char name = 'a'; name <= 'j'; ++name) world.run_on_disk([&jobs, name] { jobs += name; }, [&done, name] { done += name; });
  EXPECT_EQ(done, "");
  ASSERT_TRUE(this->rig.run_until([&] { return done.size() == 10; }));
  EXPECT_EQ(jobs, "abcdefghij");
  EXPECT_EQ(done, jobs);
}

TYPED_TEST_P(WorldContract, BackgroundJobsRunInOrderBesideTheOthers) {
  World& world = this->rig.server();
  std::string jobs;
  std::string done;
  bool disk_done = false;
  for (char name = 'a'; name <= 'e'; ++name) world.run_in_background([&jobs, name] { jobs += name; }, [&done, name] { done += name; });
  world.run_on_disk([] {}, [&] { disk_done = true; });
  EXPECT_EQ(done, "");
  ASSERT_TRUE(this->rig.run_until([&] { return disk_done && done.size() == 5; }));
  EXPECT_EQ(jobs, "abcde");
  EXPECT_EQ(done, jobs);
}

TYPED_TEST_P(WorldContract, FilesKeepWhatIsWritten) {
  Files& files = this->rig.server().files();
  this->on_disk([&] {
    auto file = files.open(this->path("a"), OpenMode::create_new);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_TRUE((*file)->write_at(3, "world").has_value());
    ASSERT_TRUE((*file)->write_at(0, "hel").has_value());
    ASSERT_TRUE((*file)->sync().has_value());
    EXPECT_EQ((*file)->size().value(), 8U);
    char octets[16];
    EXPECT_EQ((*file)->read_at(2, octets, sizeof octets).value(), 6U);
    EXPECT_EQ(std::string_view(octets, 6), "lworld");
    EXPECT_EQ((*file)->read_at(100, octets, sizeof octets).value(), 0U);
    ASSERT_TRUE((*file)->truncate(3).has_value());
    ASSERT_TRUE((*file)->allocate(100'000).has_value());
    EXPECT_EQ((*file)->size().value(), 100'000U);
    ASSERT_TRUE((*file)->allocate(10).has_value()) << "never shrinks";
    EXPECT_EQ((*file)->size().value(), 100'000U);
    EXPECT_EQ((*file)->read_at(0, octets, 5).value(), 5U);
    EXPECT_EQ(std::string_view(octets, 5), std::string_view("hel\0\0", 5));
    EXPECT_EQ((*file)->read_at(99'999, octets, 5).value(), 1U);
    EXPECT_EQ(octets[0], '\0');
  });
}

TYPED_TEST_P(WorldContract, OpenModes) {
  Files& files = this->rig.server().files();
  this->on_disk([&] {
    EXPECT_EQ(files.open(this->path("none"), OpenMode::read).error().code, FileErrc::not_found);
    EXPECT_EQ(files.open(this->path("none"), OpenMode::read_write).error().code, FileErrc::not_found);
    EXPECT_EQ(files.open(this->path("none/below"), OpenMode::create).error().code, FileErrc::not_found);
    EXPECT_FALSE(files.exists(this->path("none")));
    ASSERT_TRUE(files.open(this->path("b"), OpenMode::create).value()->write_at(0, "kept").has_value());
    EXPECT_EQ(files.open(this->path("b"), OpenMode::create_new).error().code, FileErrc::exists);
    EXPECT_EQ(files.open(this->path("b"), OpenMode::create).value()->size().value(), 4U);
    EXPECT_EQ(read_file(files, this->path("b")).value(), "kept");
    EXPECT_EQ(read_file(files, this->path("b"), 3).error().code, FileErrc::io);
    EXPECT_EQ(files.open(this->rig.directory(), OpenMode::read).error().code, FileErrc::io) << "a directory";
    EXPECT_NE(files.open(this->path("none"), OpenMode::read).error().message.find(this->path("none")), std::string::npos);
  });
}

TYPED_TEST_P(WorldContract, Directories) {
  Files& files = this->rig.server().files();
  this->on_disk([&] {
    ASSERT_TRUE(files.make_directories(this->path("d/e/f")).has_value());
    ASSERT_TRUE(files.make_directories(this->path("d/e/f")).has_value());
    ASSERT_TRUE(write_file(files, this->path("d/z"), "first").has_value());
    ASSERT_TRUE(write_file(files, this->path("d/z"), "second!").has_value());
    ASSERT_TRUE(write_file(files, this->path("d/b"), "").has_value());
    const auto entries = files.list(this->path("d"));
    ASSERT_TRUE(entries.has_value()) << entries.error().message;
    ASSERT_EQ(entries->size(), 3U);
    EXPECT_EQ((*entries)[0].name, "b");
    EXPECT_FALSE((*entries)[0].is_directory);
    EXPECT_EQ((*entries)[1].name, "e");
    EXPECT_TRUE((*entries)[1].is_directory);
    EXPECT_EQ((*entries)[2].name, "z");
    EXPECT_EQ((*entries)[2].size, 7U);
    EXPECT_EQ(read_file(files, this->path("d/z")).value(), "second!");
    ASSERT_TRUE(files.rename(this->path("d/z"), this->path("d/b")).has_value());
    EXPECT_FALSE(files.exists(this->path("d/z")));
    EXPECT_EQ(read_file(files, this->path("d/b")).value(), "second!");
    ASSERT_TRUE(files.remove(this->path("d/b")).has_value());
    EXPECT_EQ(files.remove(this->path("d/b")).error().code, FileErrc::not_found);
    EXPECT_EQ(files.rename(this->path("d/b"), this->path("d/c")).error().code, FileErrc::not_found);
    EXPECT_EQ(files.list(this->path("nowhere")).error().code, FileErrc::not_found);
    ASSERT_TRUE(files.sync_directory(this->path("d")).has_value());
    EXPECT_EQ(files.sync_directory(this->path("nowhere")).error().code, FileErrc::not_found);
    EXPECT_GT(files.free_space(this->path("d")).value(), 0U);
    EXPECT_GE(files.total_space(this->path("d")).value(), files.free_space(this->path("d")).value());
  });
}

TYPED_TEST_P(WorldContract, DirectoryLockIsExclusive) {
  Files& files = this->rig.server().files();
  this->on_disk([&] {
    auto first = files.lock(this->rig.directory());
    ASSERT_TRUE(first.has_value()) << first.error().message;
    const auto second = files.lock(this->rig.directory());
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, FileErrc::in_use);
    EXPECT_NE(second.error().message.find(this->rig.directory()), std::string::npos) << second.error().message;
    first->reset();
    EXPECT_TRUE(files.lock(this->rig.directory()).has_value());
  });
}

REGISTER_TYPED_TEST_SUITE_P(WorldContract, TimersRunInOrderOfTime, CancelledTimersDoNotRun, ManyTimersSetAndCancelled,
                            PostsRunInOrderAndLater, PostsFromThreads, RefusedWhereNobodyListens, PortTaken, EndsKnowTheirAddresses,
                            EchoKeepsOrder, LargeTransferDrains, PausedReaderSlowsTheWriterDown, PauseInsideOnData, CloseSendsWhatIsQueued,
                            CloseIsOrderlyThoughThereIsMoreToRead, AbortBreaksOff, DestroyedInItsOwnCallback,
                            DestroyedOutsideTellsTheOtherEnd, ListenerGoneConnectionsStay, DiskJobsRunInOrder,
                            BackgroundJobsRunInOrderBesideTheOthers, FilesKeepWhatIsWritten, OpenModes, Directories,
                            DirectoryLockIsExclusive);

}  // namespace chorus::world::contract
