// A store on a simulated machine, for tests: calls wait for their completions.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "mq/log/store.h"
#include "world/sim/simulation.h"

namespace chorus::mq::log {

using namespace std::chrono_literals;

/// The shortest message that the store can fill in, with `body` at its end.
inline std::string message_with(std::string_view body) { return std::string(80, '\0') + std::string(body); }
inline std::string body_of(std::string_view message) { return std::string(message.substr(80)); }

/// Remembers what it was shown, in order.
struct Journal final : State {
  std::vector<std::string> seen;
  void restore(std::string_view checkpoint) override {
    seen.clear();
    base::Reader in(checkpoint);
    while (in.remaining() != 0) seen.emplace_back(in.octets(in.u32()));
  }
  void apply(const EntryView& entry) override { seen.push_back(fmt::format("{}:{}", entry.type, entry.payload)); }
  std::string checkpoint() override {
    std::string octets;
    base::Writer out(octets);
    for (const std::string& one : seen) {
      out.u32(static_cast<std::uint32_t>(one.size()));
      out.octets(one);
    }
    return octets;
  }
};

class StoreFixture {
 public:
  explicit StoreFixture(std::uint64_t seed = 1, sim::Options sim_options = {.disk = {.capacity = 64 << 20}})
      : simulation(seed, sim_options), machine(simulation.add_node("machine")) {
    options.directory = "/mq";
    options.segment_octets = 4096;
    options.entry_octets_max = 64 << 10;
    options.tail_octets = 1 << 10;
    options.retain = 24h;
    machine.set_boot([this](world::World& world) -> std::shared_ptr<void> {
      auto opened = open_store(world, options, &journal);
      if (!opened) {
        refusal = opened.error().message;
        return nullptr;
      }
      report = std::move(opened->report);
      std::shared_ptr<Store> made = std::move(opened->store);
      store = made.get();
      return made;
    });
  }

  bool start() {
    store = nullptr;
    refusal.clear();
    machine.start();
    return store != nullptr;
  }
  void restart() {
    machine.kill();
    ASSERT_TRUE(start()) << refusal;
  }
  /// Makes a call with a completion and waits for what it says; no_value when the machine died.
  template <class T, class Call>
  StoreResult<T> wait(Call call) {
    auto result = std::make_shared<std::optional<StoreResult<T>>>();
    call([result](StoreResult<T> got) { *result = std::move(got); });
    EXPECT_FALSE(result->has_value()) << "a completion from within the call";
    if (!simulation.run_until([&] { return result->has_value() || !machine.running(); }, 60s) || !result->has_value())
      return base::error(StoreErrc::closing, "no completion");
    return std::move(**result);
  }
  static NewEntry entry(const QueueKey& queue, std::string_view body) { return {.queue = queue, .payload = message_with(body)}; }
  StoreResult<Appended> append(NewEntry entry) {
    return wait<Appended>([&](auto done) { store->append(std::move(entry), std::move(done)); });
  }
  StoreResult<Appended> append(const QueueKey& queue, std::string_view body) { return append(entry(queue, body)); }
  StoreResult<Batch> read(const QueueKey& queue, Offset from, ReadLimits limits = {}, Wanted wanted = nullptr) {
    return wait<Batch>([&](auto done) { store->read(queue, from, limits, std::move(wanted), std::move(done)); });
  }
  StoreResult<Entry> read_at(Position position) {
    return wait<Entry>([&](auto done) { store->read_at(position, std::move(done)); });
  }
  /// "offset:body" of all records there are, "lost a-b" for what is lost.
  std::vector<std::string> all(const QueueKey& queue) {
    std::vector<std::string> out;
    Offset from = store->bounds(queue) ? store->bounds(queue)->min : 0;
    for (;;) {
      auto batch = read(queue, from);
      if (!batch) {
        out.push_back("error: " + batch.error().message);
        return out;
      }
      if (batch->status == Batch::Status::lost) {
        out.push_back(fmt::format("lost {}-{}", from, batch->next - 1));
      } else if (batch->status != Batch::Status::found) {
        return out;
      }
      std::size_t at = 0;
      for (const IndexEntry& one : batch->entries) {
        const std::string_view payload = std::string_view(batch->payloads).substr(at, one.size);
        out.push_back(fmt::format("{}:{}", one.offset, one.kind == Kind::message ? body_of(payload) : "batch"));
        at += one.size;
      }
      if (batch->next <= from) {
        out.push_back("does not go on");
        return out;
      }
      from = batch->next;
    }
  }

  sim::Simulation simulation;
  sim::Node& machine;
  StoreOptions options;
  Journal journal;
  RecoveryReport report;
  std::string refusal;
  Store* store = nullptr;
};

}  // namespace chorus::mq::log
