#include "broker_planted.h"

#include <optional>
#include <utility>

#include "mq/broker/pop_entries.h"
#include "mq/broker/state.h"
#include "mq/message/message.h"

namespace chorus::mq_sim {
namespace {

using mq::EntryType;

/// What becomes of an entry; false: it is not written, and said to be.
using Harm = bool (*)(mq::NewEntry& entry);

bool is(const mq::NewEntry& entry, EntryType type) { return entry.type == static_cast<std::uint8_t>(type); }

template <class Entry>
void change_payload(mq::NewEntry& entry, std::optional<Entry> (*decode)(std::string_view), void (*change)(Entry& read)) {
  auto read = decode(entry.payload);
  if (!read) return;
  change(*read);
  entry.payload = mq::encode_entry(*read);
}

bool lose_acks(mq::NewEntry& entry) { return !is(entry, EntryType::pop_ended); }
bool lose_changes(mq::NewEntry& entry) { return !is(entry, EntryType::pop_changed) && !is(entry, EntryType::order_changed); }
bool never_sync_acks(mq::NewEntry& entry) {
  if (is(entry, EntryType::pop_ended) || is(entry, EntryType::order_acked)) entry.flush = mq::Flush::async;
  return true;
}
bool forget_one(mq::NewEntry& entry) {
  if (!is(entry, EntryType::popped)) return true;
  change_payload<mq::PoppedEntry>(entry, mq::decode_popped, [](mq::PoppedEntry& popped) {
    if (popped.offsets.size() > 1) popped.offsets.pop_back();
  });
  return true;
}
bool hold_for_half_the_time(mq::NewEntry& entry) {
  if (!is(entry, EntryType::popped)) return true;
  change_payload<mq::PoppedEntry>(entry, mq::decode_popped, [](mq::PoppedEntry& popped) { popped.invisible_ms /= 2; });
  return true;
}
bool hold_nothing_in_order(mq::NewEntry& entry) {
  if (!is(entry, EntryType::order_popped)) return true;
  change_payload<mq::OrderPoppedEntry>(entry, mq::decode_order_popped, [](mq::OrderPoppedEntry& popped) { popped.invisible_ms = 0; });
  return true;
}
bool hold_on_to_what_comes_again(mq::NewEntry& entry) {
  if (is(entry, EntryType::revived)) entry.type = static_cast<std::uint8_t>(EntryType::none);
  return true;
}
bool count_no_failures(mq::NewEntry& entry) {
  if (!is(entry, EntryType::revived)) return true;
  auto message = mq::decode_message(entry.payload);
  if (!message || message->reconsume_times < 2) return true;
  --message->reconsume_times;
  entry.payload = mq::encode_message(*message);
  return true;
}

const std::vector<std::pair<coord_sim::Plant, Harm>> bugs{
    {{"pop-ack-lost", "acknowledgements of popped messages are answered and not written"}, lose_acks},
    {{"pop-ack-unsynced", "they are answered before they are synced"}, never_sync_acks},
    {{"pop-change-lost", "changes of the invisible time are answered and not written"}, lose_changes},
    {{"pop-forgets-one", "of several popped at once the last one is not held"}, forget_one},
    {{"pop-half-the-time", "popped messages are invisible for half the time"}, hold_for_half_the_time},
    {{"pop-order-unheld", "what is popped in order is not held"}, hold_nothing_in_order},
    {{"pop-revived-held", "what comes again is still held as well"}, hold_on_to_what_comes_again},
    {{"pop-failures-uncounted", "the second failure is counted as the first"}, count_no_failures},
};

class PlantedStore final : public mq::Store {
 public:
  PlantedStore(Harm harm, world::World& world, std::unique_ptr<mq::Store> inner) : harm_(harm), world_(world), inner_(std::move(inner)) {}

  void append(mq::NewEntry entry, mq::Append done) override {
    if (harm_(entry)) return inner_->append(std::move(entry), std::move(done));
    world_.post([alive = std::weak_ptr<bool>(alive_), done = std::move(done)]() mutable {
      if (alive.lock()) done(mq::Appended{});
    });
  }
  void append_all(std::vector<mq::NewEntry> entries, mq::AppendAll done) override {
    const std::size_t count = entries.size();
    std::erase_if(entries, [this](mq::NewEntry& entry) { return !harm_(entry); });
    auto answer = [count, done = std::move(done)](mq::StoreResult<std::vector<mq::Appended>> result) mutable {
      if (result) result->resize(count);
      done(std::move(result));
    };
    if (!entries.empty()) return inner_->append_all(std::move(entries), std::move(answer));
    world_.post([alive = std::weak_ptr<bool>(alive_), answer = std::move(answer)]() mutable {
      if (alive.lock()) answer(std::vector<mq::Appended>());
    });
  }
  void read(const mq::QueueKey& queue, mq::Offset from, const mq::ReadLimits& limits, mq::Wanted wanted, mq::ReadDone done) override {
    inner_->read(queue, from, limits, std::move(wanted), std::move(done));
  }
  void read_at(mq::Position position, mq::EntryDone done) override { inner_->read_at(position, std::move(done)); }
  std::optional<Bounds> bounds(const mq::QueueKey& queue) const override { return inner_->bounds(queue); }
  void for_each_queue(const std::function<void(const mq::QueueKey&, const Bounds&)>& visit) const override {
    inner_->for_each_queue(visit);
  }
  void find_time(const mq::QueueKey& queue, std::int64_t time_ms,
                 std::move_only_function<void(mq::StoreResult<mq::Offset>)> done) override {
    inner_->find_time(queue, time_ms, std::move(done));
  }
  void find_key(std::string key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                std::move_only_function<void(mq::StoreResult<std::vector<mq::IndexEntry>>)> done) override {
    inner_->find_key(std::move(key), from_ms, to_ms, max, std::move(done));
  }
  void find_due(mq::Due after, std::int64_t to_ms, std::uint32_t max,
                std::move_only_function<void(mq::StoreResult<std::vector<mq::Due>>)> done) override {
    inner_->find_due(after, to_ms, max, std::move(done));
  }
  void on_arrival(std::function<void(const mq::QueueKey&, const mq::IndexEntry& newest)> listener) override {
    inner_->on_arrival(std::move(listener));
  }
  void keep_from(std::optional<mq::Position> position) override { inner_->keep_from(position); }
  void retain_now() override { inner_->retain_now(); }
  void begin_epoch(mq::Epoch epoch) override { inner_->begin_epoch(epoch); }
  std::vector<std::pair<mq::Epoch, mq::Position>> epochs() const override { return inner_->epochs(); }
  void truncate(mq::Position position, std::move_only_function<void(mq::StoreResult<void>)> done) override {
    inner_->truncate(position, std::move(done));
  }
  mq::StoreStatistics statistics() const override { return inner_->statistics(); }
  void close(std::move_only_function<void(mq::StoreResult<void>)> done) override { inner_->close(std::move(done)); }

 private:
  const Harm harm_;
  world::World& world_;
  const std::unique_ptr<mq::Store> inner_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

const std::vector<coord_sim::Plant>& store_plants() {
  static const std::vector<coord_sim::Plant> all = [] {
    std::vector<coord_sim::Plant> names;
    for (const auto& [plant, harm] : bugs) names.push_back(plant);
    return names;
  }();
  return all;
}

std::unique_ptr<mq::Store> plant_in_store(const std::string& name, world::World& world, std::unique_ptr<mq::Store> inner) {
  for (const auto& [plant, harm] : bugs) {
    if (name == plant.name) return std::make_unique<PlantedStore>(harm, world, std::move(inner));
  }
  return inner;
}

}  // namespace chorus::mq_sim
