// The store against a simple model, with crashes, full and failing disks, and flipped bits: nothing acknowledged is lost, nothing refused
// shows up, no queue has a hole, and the order is that of the calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "mq/log/frame.h"
#include "mq/log/store_fixture.h"

namespace chorus::mq::log {
namespace {

constexpr int queues = 4;

QueueKey queue_of(std::uint64_t number) { return {fmt::format("Topic{}", number), static_cast<std::int32_t>(number)}; }

class Model : public StoreFixture {
 public:
  explicit Model(std::uint64_t seed) : StoreFixture(seed), random_(seed) {
    options.segment_octets = static_cast<std::uint64_t>(random_.between(1024, 6000));
    options.tail_octets = random_.chance(0.3) ? 0 : 4096;
    options.index_cache_octets = 1;
    options.flush_interval = 20ms;
    options.disk_used_ratio_clean = options.disk_used_ratio_refuse = 2;
  }

  void run(int steps) {
    boot();
    run_on(steps);
  }
  void run_on(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    disk_well();
    simulation.run_for(3s);
    if (machine.running() && !broken_) return check();
    machine.kill();
    settle_model();
    boot();
    check();
  }

  /// One flipped bit each in some files, while nobody runs.
  void damage(int bits) {
    machine.kill();
    settle_model();
    for (; bits > 0; --bits) {
      const std::vector<std::string> names = machine.disk().all_files();
      if (names.empty()) break;
      const std::string& name = names[random_.below(names.size())];
      const std::uint64_t size = machine.disk().contents(name)->size();
      const std::uint64_t at = random_.below(std::min<std::uint64_t>(size, options.segment_octets + 64));
      if (size == 0 || !machine.disk().flip_bit(name, at, static_cast<unsigned>(random_.below(8)))) continue;
      const std::string file = name.substr(name.rfind('/') + 1);
      if (const auto base = position_in_name(file, ".log")) hit(*base + static_cast<Position>(at));
    }
    boot();
    check();
  }

 private:
  enum class Fate { asked, written, durable, refused, unknown, hit };
  struct Call {
    Fate fate = Fate::asked;
    int queue = -1;  // -1: own
    bool is_sync = true;
    std::uint32_t count = 1;
    std::uint64_t framed = 0;
    Appended where{};
  };

  void boot() {
    for (int i = 0; i < 20; ++i) {
      disk_well();
      broken_ = false;
      if (start()) return;
      ASSERT_FALSE(machine.running()) << refusal;  // it may die again, but not refuse
    }
    FAIL() << "does not come up: " << refusal;
  }
  void disk_well() {
    machine.fail_disk(false);
    machine.disk().options.capacity = 64 << 20;
  }

  void step() {
    switch (random_.below(20)) {
      case 0:
        machine.crash();
        break;
      case 1:
        machine.crash_after_file_operations(1 + random_.below(60));
        break;
      case 2:
        if (random_.chance(0.5)) machine.kill();
        break;
      case 3:
        if (random_.chance(0.3)) machine.fail_disk(true);
        break;
      case 4:
        machine.disk().options.capacity = random_.chance(0.5) ? 64 << 20 : (64 << 20) - machine.disk().free_space() + random_.below(8192);
        break;
      case 5:
        machine.fail_disk(false);
        if (machine.running() && !broken_) check();
        break;
      default:
        for (std::uint64_t n = random_.below(6); n > 0 && machine.running(); --n) call();
    }
    simulation.run_for(world::Duration(random_.between(0, 3'000'000)));
    if (machine.running() && !broken_) return;
    if (machine.running()) machine.kill();
    settle_model();
    boot();
    check();
  }

  void call() {
    const auto id = static_cast<std::int64_t>(calls_.size());
    Call& made = calls_.emplace_back();
    NewEntry entry;
    const std::string body = fmt::format("{}/", id) + std::string(random_.below(random_.chance(0.1) ? 1500 : 60), 'x');
    if (random_.chance(0.15)) {
      entry = {.kind = Kind::own, .payload = body, .type = 3};
    } else {
      made.queue = static_cast<int>(random_.below(queues));
      entry = {.queue = queue_of(static_cast<std::uint64_t>(made.queue)), .payload = message_with(body)};
      if (random_.chance(0.2)) {
        entry.kind = Kind::batch;
        made.count = entry.count = static_cast<std::uint32_t>(random_.between(1, 9));
      }
      if (random_.chance(0.3)) entry.keys = {key_hash(fmt::format("key{}", id))};
      if (random_.chance(0.3)) entry.due_ms = static_cast<std::int64_t>(1 + random_.below(1000));
    }
    made.is_sync = random_.chance(0.7);
    made.framed = framed_octets(entry);
    entry.flush = made.is_sync ? Flush::sync : Flush::async;
    store->append(std::move(entry), [this, id](const StoreResult<Appended>& result) {
      Call& done = calls_[static_cast<std::size_t>(id)];
      if (result) {
        done.fate = done.is_sync ? Fate::durable : Fate::written;
        done.where = *result;
      } else if (result.error().code == StoreErrc::failed) {
        done.fate = Fate::unknown;
        broken_ = true;
      } else {
        done.fate = Fate::refused;
      }
    });
  }

  /// The process is gone: what was not promised may be there or not.
  void settle_model() {
    Position durable = 0;
    for (const Call& call : calls_) {
      if (call.fate == Fate::durable) durable = std::max(durable, call.where.position);
    }
    for (Call& call : calls_) {
      if (call.fate == Fate::asked) call.fate = Fate::unknown;
      if (call.fate == Fate::written && call.where.position > durable) call.fate = Fate::unknown;
    }
  }

  void hit(Position position) {
    for (Call& call : calls_) {
      if (call.fate == Fate::refused || call.fate == Fate::unknown) continue;
      if (position >= call.where.position && position < call.where.position + static_cast<Position>(call.framed)) call.fate = Fate::hit;
    }
  }

  static std::int64_t id_of(std::string_view body) { return std::stoll(std::string(body.substr(0, body.find('/')))); }

  void check() {
    std::set<std::int64_t> present;
    std::vector<std::int64_t> promised;
    for (std::size_t id = 0; id < calls_.size(); ++id) {
      if (calls_[id].fate == Fate::durable || calls_[id].fate == Fate::written) promised.push_back(static_cast<std::int64_t>(id));
    }
    for (int q = 0; q < queues; ++q) {
      const QueueKey key = queue_of(static_cast<std::uint64_t>(q));
      const auto bounds = store->bounds(key);
      Offset from = bounds && may_be_lost_ ? bounds->min : 0;
      std::int64_t last = -1;
      while (bounds) {
        auto batch = read(key, from, {.entries_max = 7});
        if (!machine.running()) return;
        ASSERT_TRUE(batch) << batch.error().message;
        if (batch->status == Batch::Status::at_end) break;
        if (batch->status == Batch::Status::lost) {
          ASSERT_TRUE(may_be_lost_) << key.topic << " from " << from << " to " << batch->next;
          ASSERT_GT(batch->next, from);
          from = batch->next;
          continue;
        }
        ASSERT_EQ(batch->status, Batch::Status::found) << key.topic << " at " << from << " of " << bounds->max;
        std::size_t at = 0;
        for (const IndexEntry& entry : batch->entries) {
          ASSERT_EQ(entry.offset, from) << key.topic;
          const std::string body = body_of(std::string_view(batch->payloads).substr(at, entry.size));
          const std::int64_t id = id_of(body);
          const Call& call = calls_.at(static_cast<std::size_t>(id));
          ASSERT_EQ(call.queue, q);
          ASSERT_GT(id, last) << "out of order";
          ASSERT_NE(call.fate, Fate::refused) << id;
          last = id;
          present.insert(id);
          learn(id, entry);
          from += entry.count;
          at += entry.size;
        }
        ASSERT_EQ(batch->next, from);
      }
    }
    std::int64_t last = -1;
    for (const std::string& seen : journal.seen) {
      const std::int64_t id = id_of(std::string_view(seen).substr(2));
      ASSERT_GT(id, last);
      ASSERT_NE(calls_[static_cast<std::size_t>(id)].fate, Fate::refused);
      last = id;
      present.insert(id);
    }
    const std::int64_t newest = present.empty() ? -1 : *present.rbegin();
    for (const std::int64_t id : promised) {
      // Where an entry is that came back without an answer, is not known of the store's own: damage may have met it.
      const Position position = calls_[static_cast<std::size_t>(id)].where.position;
      ASSERT_TRUE(present.contains(id) || (may_be_lost_ && position == 0)) << "lost: " << id << " at " << position;
    }
    for (std::int64_t id = 0; id < static_cast<std::int64_t>(calls_.size()); ++id) {
      Call& call = calls_[static_cast<std::size_t>(id)];
      if (call.fate != Fate::unknown) continue;
      // Of what nobody was told about, the log has everything up to some call, and nothing behind.
      if (present.contains(id)) {
        call.fate = Fate::durable;
      } else {
        call.fate = Fate::refused;
        if (!may_be_lost_) ASSERT_GT(id, newest) << "left out";
      }
    }
  }
  void learn(std::int64_t id, const IndexEntry& entry) {
    Call& call = calls_[static_cast<std::size_t>(id)];
    if (call.fate == Fate::unknown) call.where = {entry.position, entry.offset, entry.store_time_ms};
  }

 public:
  bool may_be_lost_ = false;

 private:
  base::Random random_;
  std::deque<Call> calls_;
  bool broken_ = false;
};

class StoreRandomTest : public testing::TestWithParam<int> {};

TEST_P(StoreRandomTest, KeepsWhatItPromised) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    const std::uint64_t number = seed * 16 + static_cast<std::uint64_t>(GetParam());
    SCOPED_TRACE(number);
    Model(number).run(40);
  }
}

TEST_P(StoreRandomTest, KeepsDamageWhereItIs) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    const std::uint64_t number = seed * 16 + static_cast<std::uint64_t>(GetParam());
    SCOPED_TRACE(number);
    Model model(number);
    model.run(15);
    if (HasFailure()) return;
    model.may_be_lost_ = true;
    for (int i = 0; i < 3 && !HasFailure(); ++i) {
      model.damage(2);
      if (!HasFailure()) model.run_on(5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreRandomTest, testing::Range(0, 8));

}  // namespace
}  // namespace chorus::mq::log
