// A broker on a simulated machine, and the clients that use it: see broker_run.h.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker_ledger.h"
#include "broker_pop_ledger.h"
#include "broker_run.h"
#include "mq/broker/broker.h"
#include "world/sim/chaos.h"
#include "world/sim/simulation.h"

namespace chorus::mq_sim {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr std::int32_t queues_of_a_topic = 3;
inline const std::string later_topic = "clicks";  // flushed asynchronously
inline const std::vector<std::string> topics{"orders", "payments", later_topic};
inline const std::vector<std::string> groups{"audit", "billing"};
inline const std::string producer_group = "shop";
inline constexpr std::int32_t reconsume_max = 2;

/// Keeps what it is told over the lives of the broker; slow and unreliable, as a tree on other machines is.
class FarCatalogue final : public mq::Catalogue {
 public:
  FarCatalogue(base::Random dice) : dice_(dice) {}
  void live_in(world::World& world) { world_ = &world; }
  void put(const mq::TopicConfig& topic, mq::Stored done) override {
    answer(std::move(done), [this, topic] { topics_.insert_or_assign(topic.name, topic); });
  }
  void remove_topic(const std::string& topic, mq::Stored done) override {
    answer(std::move(done), [this, topic] { topics_.erase(topic); });
  }
  void put(const mq::GroupConfig& group, mq::Stored done) override {
    answer(std::move(done), [this, group] { groups_.insert_or_assign(group.name, group); });
  }
  void remove_group(const std::string& group, mq::Stored done) override {
    answer(std::move(done), [this, group] { groups_.erase(group); });
  }
  void put(const std::map<std::string, std::string>&, mq::Stored done) override {
    answer(std::move(done), [] {});
  }
  void tell(mq::Broker& broker) const {
    for (const auto& [name, topic] : topics_) broker.put(topic);
    for (const auto& [name, group] : groups_) broker.put(group);
  }
  bool fails = true;

 private:
  template <class Change>
  void answer(mq::Stored done, Change change) {
    const bool well = !fails || !dice_.chance(0.2);
    // In the order of the calls: the delay of all is the same.
    world_->after(5ms, [well, change = std::move(change), done = std::move(done)]() mutable {
      if (!well) return done(std::unexpected(std::string("the ensemble does not answer")));
      change();
      done({});
    });
  }
  base::Random dice_;
  world::World* world_ = nullptr;
  std::map<std::string, mq::TopicConfig> topics_;
  std::map<std::string, mq::GroupConfig> groups_;
};

class Scene {
 public:
  explicit Scene(const RunOptions& options);
  RunResult run();

 private:
  struct Process {
    explicit Process(Scene& run) : run(run) {}
    ~Process() {
      if (run.broker_ != nullptr) run.died_us_ = run.elapsed_us();
      run.broker_ = nullptr;
    }
    Scene& run;
    std::unique_ptr<world::World> planted;
    std::unique_ptr<mq::Broker> broker;
  };
  /// One reader of all queues of a group, and of its retry topic.
  struct Consumer {
    std::string group;
    std::map<Queue, std::int64_t> next;
    std::map<Queue, bool> busy;
  };
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[dice_.below(values.size())];
  }
  milliseconds ms_between(std::int64_t least, std::int64_t most) { return milliseconds(dice_.between(least, most)); }
  sim::Duration now_and_then(sim::Duration least, sim::Duration most) {
    return dice_.below(4) == 0 ? sim::Duration{} : sim::Duration(dice_.between(least.count(), most.count()));
  }
  sim::Options machine_options();
  mq::StoreOptions store_options();
  mq::BrokerOptions broker_options();
  sim::ChaosOptions chaos_options();
  std::shared_ptr<void> boot(world::World& world);
  std::int64_t elapsed_us() const { return std::chrono::duration_cast<std::chrono::microseconds>(simulation_.elapsed()).count(); }
  void judge_start(mq::Broker& broker);
  /// An acknowledged message as the ledger is told of it.
  void stored(Id id, std::int64_t offset, const mq::StoredMessage& message) { ledger_.stored(id, offset, message.position, elapsed_us()); }
  bool up() const { return broker_ != nullptr && machine_.running() && !machine_.paused(); }
  void fault(std::string text) { ledger_.fault(std::move(text)); }

  // Producers.
  void produce_on();
  void produce();
  mq::NewMessage fresh(const Queue& queue, std::string_view body) const;
  Queue any_queue();
  void send_plain();
  void send_batch();
  void send_delayed();
  void send_transaction();
  void end(Id id, std::int64_t offset, mq::Position position);
  void checked(const mq::TransactionCheck& check);
  template <class Result>
  bool note(Id id, const Result& result);
  template <class F>
  auto of_this_life(std::vector<Id> ids, F f);

  // Consumers.
  void consume_on(Consumer& consumer);
  void consume(Consumer& consumer, const Queue& queue);
  void consumed(Consumer& consumer, const Queue& queue, const mq::StoreResult<mq::Batch>& batch);
  void send_back(const std::string& group, Id id, mq::Position position, std::int32_t level);

  // Consumers that pop, several of each group.
  std::vector<PopGroup> pop_groups();
  void note_clock();
  void pop_on(std::size_t popper);
  void pop(std::size_t popper);
  void popped(const PopGroup& group, std::int64_t invisible_ms, const mq::BrokerResult<mq::PopAnswer>& answer);
  void handle(const PopGroup& group, std::vector<Given> messages);
  void acknowledge(const PopGroup& group, std::vector<Given> messages);
  void change(const PopGroup& group, const Given& message);
  /// What is held, or still to be popped; empty: nothing.
  std::string left_to_pop() const;
  void note_deleted();
  void pop_rest(bool resting);
  bool power_failed(world::World& world);
  void see(const Queue& queue, const mq::Batch& batch, const std::function<void(Id, const mq::MessageView&)>& use);
  void failed();

  bool wait(const std::function<bool()>& done, sim::Duration limit, const char* what);
  void read_all();
  void read_queue(const Queue& queue);

  const RunOptions options_;
  base::Random dice_;
  sim::Simulation simulation_;
  const bool retention_;
  const mq::StoreOptions store_options_;
  const mq::BrokerOptions broker_options_;
  sim::Node& machine_;
  sim::Chaos chaos_;
  std::shared_ptr<spdlog::logger> logger_;
  FarCatalogue catalogue_;
  Ledger ledger_;
  PopLedger pops_;
  mq::Broker* broker_ = nullptr;
  std::uint64_t life_ = 0;
  std::int64_t died_us_ = 0;                         // when the last life ended
  bool power_failed_ = false, disk_failed_ = false;  // since a broker was last there
  std::vector<Id> pending_;                          // calls of this life
  std::vector<Consumer> consumers_;
  std::vector<bool> popping_;  // by consumer that pops: it waits for an answer
  bool quiet_ = false;
  bool resting_ = false;  // those who pop
  sim::Duration monotonic_base_{};
  sim::Duration clock_noted_at_{};
  std::int64_t clock_noted_ms_ = 0;
  std::uint64_t disk_faults_ = 0;
  std::uint64_t sent_back_ = 0, segments_deleted_ = 0;
  std::map<mq::QueueKey, std::int64_t> deleted_;  // before these, as it was when all was quiet
};

template <class F>
auto Scene::of_this_life(std::vector<Id> ids, F f) {
  pending_.insert(pending_.end(), ids.begin(), ids.end());
  return [this, life = life_, ids = std::move(ids), f = std::move(f)](auto&& result) mutable {
    if (life != life_) return fault("a completion after the death of its broker");
    for (const Id id : ids) std::erase(pending_, id);
    f(std::forward<decltype(result)>(result));
  };
}

/// Whether it was stored.
template <class Result>
bool Scene::note(Id id, const Result& result) {
  if (result) return true;
  if (result.error().code == mq::BrokerErrc::failed) {
    ledger_.unknown(id);
    failed();
  } else {
    ledger_.refused(id);
    if (result.error().code != mq::BrokerErrc::unavailable && result.error().code != mq::BrokerErrc::busy)
      fault(fmt::format("message {} was refused: {}", id, result.error().message));
  }
  return false;
}

/// Padded; a message is told from others by the number.
std::string body_of(Id id, std::size_t padding);
/// 0: it is none of those.
Id id_in(std::string_view body);

}  // namespace chorus::mq_sim
