#include "broker_run.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "broker_ledger.h"
#include "mq/broker/broker.h"
#include "planted.h"
#include "trace_sink.h"
#include "world/sim/chaos.h"
#include "world/sim/simulation.h"

namespace chorus::mq_sim {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr std::int32_t queues_of_a_topic = 3;
const std::vector<std::string> topics{"orders", "payments"};
const std::vector<std::string> groups{"audit", "billing"};
const std::string producer_group = "shop";
constexpr std::int32_t reconsume_max = 2;

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

class Run {
 public:
  explicit Run(const RunOptions& options);
  RunResult run();

 private:
  struct Process {
    explicit Process(Run& run) : run(run) {}
    ~Process() { run.broker_ = nullptr; }
    Run& run;
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
  mq::Broker* broker_ = nullptr;
  std::uint64_t life_ = 0;
  std::vector<Id> pending_;  // calls of this life
  std::vector<Consumer> consumers_;
  bool quiet_ = false;
  std::uint64_t sent_back_ = 0, segments_deleted_ = 0;
};

Run::Run(const RunOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      simulation_(options.seed, machine_options()),
      retention_(dice_.below(4) == 0),
      store_options_(store_options()),
      broker_options_(broker_options()),
      machine_(simulation_.add_node("broker")),
      chaos_(simulation_, {&machine_}, chaos_options()),
      catalogue_(dice_.fork()) {
  if (options.verbose) {
    logger_ = std::make_shared<spdlog::logger>("broker", std::make_shared<coord_sim::TraceSink>(simulation_));
    logger_->set_level(spdlog::level::debug);
  } else {
    logger_ = std::make_shared<spdlog::logger>("broker", std::make_shared<spdlog::sinks::null_sink_st>());
    logger_->set_level(spdlog::level::off);
  }
  for (const std::string& group : groups) consumers_.push_back({.group = group, .next = {}, .busy = {}});
}

sim::Options Run::machine_options() {
  sim::Options options;
  options.disk.slow = pick({0.0, 0.005, 0.02});
  options.disk.slow_max = 300ms;
  options.disk.write_error = pick({0.0, 0.0, 0.0002});
  options.disk.sync_error = pick({0.0, 0.0, 0.0005});
  options.trace_length = options_.verbose ? 100'000 : 16;
  return options;
}

mq::StoreOptions Run::store_options() {
  mq::StoreOptions options;
  options.directory = "/mq";
  options.segment_octets = static_cast<std::uint64_t>(dice_.between(4, 64)) << 10;
  options.entry_octets_max = 16 << 10;
  options.flush_interval = ms_between(5, 200);
  options.pending_octets_max = pick<std::uint64_t>({16 << 10, 1 << 20});
  options.tail_octets = pick<std::uint64_t>({0, 8 << 10, 1 << 20});
  options.index_cache_octets = pick<std::uint64_t>({1, 1 << 20});
  options.disk_used_ratio_clean = options.disk_used_ratio_refuse = 2;
  options.retain_check_interval = 100ms;
  if (retention_) options.retain_octets = static_cast<std::uint64_t>(dice_.between(16, 128)) << 10;
  return options;
}

mq::BrokerOptions Run::broker_options() {
  mq::BrokerOptions options;
  options.host = *mq::parse_host("10.0.0.1:10911");
  options.delay_levels = {50ms, 200ms, 400ms, 700ms};
  options.timer_roll = ms_between(200, 2000);
  options.transaction_timeout = ms_between(50, 500);
  options.transaction_check_interval = ms_between(50, 300);
  options.transaction_check_max = static_cast<std::int32_t>(dice_.between(1, 8));
  options.offset_interval = ms_between(20, 500);
  return options;
}

sim::ChaosOptions Run::chaos_options() {
  sim::ChaosOptions options;
  options.crash_every = dice_.below(3) == 0 ? sim::Duration(0) : sim::Duration(ms_between(300, 1500));
  options.crash_on_disk_every = ms_between(200, 1000);
  options.crash_on_disk_within = pick<std::uint64_t>({4, 20, 80});
  options.down_max = 100ms;
  options.kill_every = now_and_then(300ms, 3s);
  options.pause_every = now_and_then(500ms, 4s);
  options.step_every = now_and_then(500ms, 3s);
  options.step_max = 2s;
  options.full_disk_every = now_and_then(500ms, 3s);
  options.bad_disk_every = now_and_then(500ms, 3s);
  return options;
}

std::shared_ptr<void> Run::boot(world::World& world) {
  ++life_;
  for (const Id id : std::exchange(pending_, {})) ledger_.unknown(id);
  auto process = std::make_shared<Process>(*this);
  world::World* its_world = &world;
  if (!options_.plant.empty()) {
    process->planted = coord_sim::plant(options_.plant, world);
    its_world = process->planted.get();
  }
  auto state = std::make_unique<mq::BrokerState>();
  auto opened = mq::open_store(*its_world, store_options_, state.get());
  if (!opened) {
    if (options_.verbose) simulation_.note("start failed: " + opened.error().message);
    // Crashes and failing devices leave nothing that a person has to look at.
    if (opened.error().code == mq::StoreErrc::damaged && machine_.running()) fault("the store refuses to open: " + opened.error().message);
    machine_.kill();
    return process;
  }
  for (const auto& damage : opened->report.damage) {
    if (options_.plant.empty() && machine_.running()) fault(fmt::format("{} is taken for damaged at {}", damage.path, damage.offset));
  }
  catalogue_.live_in(*its_world);
  process->broker =
      std::make_unique<mq::Broker>(*its_world, broker_options_, std::move(opened->store), std::move(state), catalogue_, *logger_);
  mq::Broker& broker = *process->broker;
  catalogue_.tell(broker);
  broker.on_check([this](const mq::TransactionCheck& check) { checked(check); });
  broker.start();
  broker.clients().producer(producer_group, {.client_id = "p", .connection = mq::ConnectionId(1), .last_seen = its_world->now()});
  broker_ = &broker;
  for (Consumer& consumer : consumers_) {
    consumer.busy.clear();
    for (auto& [queue, next] : consumer.next) {
      const auto found = broker.committed(consumer.group, {queue.topic, queue.number});
      ledger_.commit_found(consumer.group, queue, found);
      next = found.value_or(0);
    }
  }
  return process;
}

/// The broker's disk has failed: its owner starts it again, or the machine.
void Run::failed() {
  simulation_.after(0ms, [this, life = life_] {
    if (life != life_ || !machine_.running()) return;
    if (dice_.below(2) == 0) {
      machine_.kill();
    } else {
      machine_.crash();
    }
  });
}

template <class F>
auto Run::of_this_life(std::vector<Id> ids, F f) {
  pending_.insert(pending_.end(), ids.begin(), ids.end());
  return [this, life = life_, ids = std::move(ids), f = std::move(f)](auto&& result) mutable {
    if (life != life_) return fault("a completion after the death of its broker");
    for (const Id id : ids) std::erase(pending_, id);
    f(std::forward<decltype(result)>(result));
  };
}

/// Whether it was stored.
template <class Result>
bool Run::note(Id id, const Result& result) {
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

Queue Run::any_queue() {
  return {topics[dice_.below(topics.size())], static_cast<std::int32_t>(dice_.below(static_cast<std::uint64_t>(queues_of_a_topic)))};
}

mq::NewMessage Run::fresh(const Queue& queue, std::string_view body) const {
  return {
      .topic = queue.topic, .queue = queue.number, .born_time_ms = 1, .born_host = broker_options_.host, .body = body, .properties = {}};
}

namespace {
std::string body_of(Id id, std::size_t padding) { return fmt::format("{}/{}", id, std::string(padding, 'x')); }
Id id_in(std::string_view body) { return static_cast<Id>(base::parse_int(body.substr(0, body.find('/'))).value_or(0)); }
}  // namespace

void Run::produce_on() {
  if (quiet_) return;
  if (up()) {
    for (std::uint64_t n = 1 + dice_.below(6); n > 0 && up(); --n) produce();
  }
  simulation_.after(sim::Duration(dice_.between(500'000, 20'000'000)), [this] { produce_on(); });
}

void Run::produce() {
  switch (dice_.below(10)) {
    case 0:
      return send_batch();
    case 1:
    case 2:
      return send_delayed();
    case 3:
    case 4:
      return send_transaction();
    default:
      return send_plain();
  }
}

void Run::send_plain() {
  const Queue queue = any_queue();
  const Id id = ledger_.ask({.queue = queue});
  const std::string body = body_of(id, dice_.below(dice_.chance(0.1) ? 3000 : 100));
  broker_->send(fresh(queue, body), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (note(id, result)) ledger_.stored(id, result->offset);
                }));
}

void Run::send_batch() {
  const Queue queue = any_queue();
  std::vector<Id> ids;
  std::vector<std::string> bodies;
  std::vector<mq::NewMessage> messages;
  for (std::uint64_t n = 1 + dice_.below(8); n > 0; --n) {
    ids.push_back(ledger_.ask({.queue = queue}));
    bodies.push_back(body_of(ids.back(), dice_.below(60)));
  }
  for (const std::string& body : bodies) messages.push_back(fresh(queue, body));
  broker_->send_batch(queue.topic, queue.number, messages, {.queues = queues_of_a_topic},
                      of_this_life(ids, [this, ids](mq::BrokerResult<std::vector<mq::StoredMessage>> result) {
                        for (std::size_t i = 0; i < ids.size(); ++i) {
                          if (note(ids[i], result)) ledger_.stored(ids[i], (*result)[i].offset);
                        }
                      }));
}

void Run::send_delayed() {
  const Queue queue = any_queue();
  const bool by_level = dice_.chance(0.5);
  const auto level = static_cast<std::size_t>(1 + dice_.below(broker_options_.delay_levels.size()));
  const milliseconds delay = by_level ? broker_options_.delay_levels[level - 1] : ms_between(1, 3000);
  const std::int64_t now = machine_.world().wall_now().time_since_epoch().count();
  const Id id = ledger_.ask({.queue = queue, .delayed = true, .due_ms = now + delay.count()});
  const std::string body = body_of(id, dice_.below(100));
  mq::NewMessage message = fresh(queue, body);
  if (by_level) {
    mq::append_property(message.properties, mq::property::delay_level, std::to_string(level));
  } else {
    mq::append_property(message.properties, mq::property::timer_delay_ms, std::to_string(delay.count()));
  }
  broker_->send(std::move(message), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (note(id, result)) ledger_.stored(id, -1);
                }));
}

void Run::send_transaction() {
  const Queue queue = any_queue();
  const Id id =
      ledger_.ask({.queue = queue, .decision = pick({Decision::commit, Decision::commit, Decision::rollback, Decision::undecided})});
  const std::string body = body_of(id, dice_.below(100));
  mq::NewMessage message = fresh(queue, body);
  mq::append_property(message.properties, mq::property::transaction_prepared, "true");
  mq::append_property(message.properties, mq::property::producer_group, producer_group);
  broker_->send(std::move(message), {.queues = queues_of_a_topic},
                of_this_life({id}, [this, id](mq::BrokerResult<mq::StoredMessage> result) {
                  if (!note(id, result)) return;
                  ledger_.stored(id, -1);
                  if (dice_.chance(0.3)) return;  // the producer dies, or forgets: it will be asked
                  simulation_.after(ms_between(0, 300), [this, id, offset = result->offset, position = result->position] {
                    if (up()) end(id, offset, position);
                  });
                }));
}

void Run::end(Id id, std::int64_t offset, mq::Position position) {
  const Decision decision = ledger_.message(id).decision;
  const auto outcome = decision == Decision::commit     ? mq::TransactionOutcome::commit
                       : decision == Decision::rollback ? mq::TransactionOutcome::rollback
                                                        : mq::TransactionOutcome::unknown;
  broker_->end_transaction({.producer_group = producer_group, .half_offset = offset, .half_position = position, .outcome = outcome},
                           of_this_life({}, [this, id, decision](const mq::BrokerResult<void>& result) {
                             if (result && decision == Decision::commit) ledger_.message(id).end_acknowledged = true;
                             if (!result && result.error().code == mq::BrokerErrc::failed) failed();
                           }));
}

void Run::checked(const mq::TransactionCheck& check) {
  const auto message = mq::decode_message(check.message);
  if (!message) return fault("a check brings a message that cannot be read");
  const Id id = id_in(message->body);
  if (id == 0 || id > ledger_.size() || ledger_.message(id).decision == Decision::none)
    return fault(fmt::format("a check asks for message {}, which is of no transaction", id));
  if (dice_.chance(0.3)) return;
  simulation_.after(ms_between(0, 100), [this, id, check, life = life_] {
    if (up() && life == life_) end(id, check.half_offset, check.half_position);
  });
}

void Run::consume_on(Consumer& consumer) {
  if (up()) {
    const auto ensured = broker_->ensure_group(consumer.group);
    if (!ensured) fault("a group cannot be made: " + ensured.error().message);
    std::vector<Queue> queues{{"%RETRY%" + consumer.group, 0}};
    for (const std::string& topic : topics) {
      for (std::int32_t i = 0; i < queues_of_a_topic; ++i) queues.push_back({topic, i});
    }
    consume(consumer, queues[dice_.below(queues.size())]);
  }
  if (quiet_) return;
  simulation_.after(sim::Duration(dice_.between(500'000, 15'000'000)), [this, &consumer] { consume_on(consumer); });
}

void Run::consume(Consumer& consumer, const Queue& queue) {
  if (std::exchange(consumer.busy[queue], true)) return;
  mq::PullRequest request{.queue = {queue.topic, queue.number}, .from = consumer.next[queue], .connection = mq::ConnectionId(2)};
  request.limits.entries_max = static_cast<std::uint32_t>(dice_.between(1, 16));
  if (dice_.chance(0.5)) request.hold_until = machine_.world().now() + ms_between(1, 100);
  broker_->pull(std::move(request), of_this_life({}, [this, &consumer, queue](const mq::StoreResult<mq::Batch>& batch) {
                  consumer.busy[queue] = false;
                  consumed(consumer, queue, batch);
                }));
}

void Run::see(const Queue& queue, const mq::Batch& batch, const std::function<void(Id, const mq::MessageView&)>& use) {
  std::string_view rest = batch.payloads;
  for (const mq::IndexEntry& entry : batch.entries) {
    const auto message = mq::decode_message(rest.substr(0, entry.size));
    rest.remove_prefix(entry.size);
    if (!message) {
      fault(fmt::format("{} has octets at {} that are no message", to_string(queue), entry.offset));
      continue;
    }
    if (message->queue_offset != entry.offset || message->position != entry.position)
      fault(fmt::format("{} at {}: the message says offset {} and position {}", to_string(queue), entry.offset, message->queue_offset,
                        message->position));
    const Id id = id_in(message->body);
    ledger_.seen(queue, entry.offset, {.id = id, .store_time_ms = message->store_time_ms});
    if (id > 0 && id <= ledger_.size()) use(id, *message);
  }
}

void Run::consumed(Consumer& consumer, const Queue& queue, const mq::StoreResult<mq::Batch>& batch) {
  using Status = mq::Batch::Status;
  if (!batch) {
    if (batch.error().code == mq::StoreErrc::failed) failed();
    return;
  }
  std::int64_t& next = consumer.next[queue];
  switch (batch->status) {
    case Status::before_begin:
      if (!retention_) fault(fmt::format("{} begins at {}, and nothing is to be deleted", to_string(queue), batch->min));
      next = batch->min;
      return;
    case Status::beyond_end:
      return fault(fmt::format("{} ends at {}, and was read up to {} before", to_string(queue), batch->max, next));
    case Status::lost:
      return fault(fmt::format("{} is damaged from {} to {}", to_string(queue), next, batch->next));
    case Status::found:
      break;
    case Status::empty_queue:
      if (retention_) next = std::max(next, batch->max);
      return;
    case Status::none_wanted:
    case Status::at_end:
    case Status::unknown_queue:
      return;
  }
  if (batch->entries.front().offset != next)
    fault(fmt::format("{} was read from {} and gave {}", to_string(queue), next, batch->entries.front().offset));
  see(queue, *batch, [&](Id id, const mq::MessageView& message) {
    if (dice_.chance(0.1) && up()) send_back(consumer.group, id, message.position, static_cast<std::int32_t>(dice_.below(3)));
  });
  next = batch->next;
  if (!up()) return;
  ledger_.commit_asked(consumer.group, queue, next);
  broker_->offsets().commit(consumer.group, {queue.topic, queue.number}, next);
  if (!dice_.chance(0.2)) return;
  broker_->store_offsets(of_this_life({}, [this, asked = ledger_.commits_asked()](const mq::BrokerResult<void>& result) {
    if (result) ledger_.commits_acknowledged(asked);
  }));
}

void Run::send_back(const std::string& group, Id id, mq::Position position, std::int32_t level) {
  ++sent_back_;
  ++ledger_.message(id).sent_back[group].second;
  broker_->send_back({.position = position, .group = group, .delay_level = level, .max_reconsume_times = reconsume_max},
                     of_this_life({}, [this, group, id](const mq::BrokerResult<void>& result) {
                       auto& counts = ledger_.message(id).sent_back[group];
                       if (result) {
                         ++counts.first;
                       } else if (result.error().code == mq::BrokerErrc::failed) {
                         failed();
                       } else {
                         --counts.second;
                       }
                     }));
}

bool Run::wait(const std::function<bool()>& done, sim::Duration limit, const char* what) {
  if (simulation_.run_until(done, limit)) return true;
  fault(fmt::format("{}: not within {} s", what, std::chrono::duration_cast<std::chrono::seconds>(limit).count()));
  return false;
}

void Run::read_queue(const Queue& queue) {
  const auto bounds = broker_->bounds({queue.topic, queue.number});
  ledger_.bounds(queue, bounds.min, bounds.max);
  if (bounds.min > 0 && !retention_) fault(fmt::format("{} begins at {}, and nothing is to be deleted", to_string(queue), bounds.min));
  for (std::int64_t next = bounds.min; next < bounds.max;) {
    std::optional<mq::StoreResult<mq::Batch>> got;
    broker_->pull({.queue = {queue.topic, queue.number},
                   .from = next,
                   .limits = {},
                   .wanted = {},
                   .match = {},
                   .hold_until = {},
                   .connection = mq::ConnectionId(3)},
                  [&got](mq::StoreResult<mq::Batch> batch) { got = std::move(batch); });
    if (!wait([&] { return got.has_value() || broker_ == nullptr; }, 60s, "reading a queue") || !got) return;
    if (!*got) return fault(fmt::format("{} cannot be read from {}: {}", to_string(queue), next, got->error().message));
    if ((*got)->status != mq::Batch::Status::found)
      return fault(fmt::format("{} gives nothing from {} on, and ends at {}", to_string(queue), next, bounds.max));
    see(queue, **got, [](Id, const mq::MessageView&) {});
    next = (*got)->next;
  }
}

void Run::read_all() {
  std::vector<Queue> queues{{"TRANS_CHECK_MAX_TIME_TOPIC", 0}};
  for (const std::string& topic : topics) {
    for (std::int32_t i = 0; i < queues_of_a_topic; ++i) queues.push_back({topic, i});
  }
  for (const std::string& group : groups) {
    queues.push_back({"%RETRY%" + group, 0});
    queues.push_back({"%DLQ%" + group, 0});
  }
  for (const Queue& queue : queues) read_queue(queue);
}

RunResult Run::run() {
  machine_.set_boot([this](world::World& world) { return boot(world); });
  machine_.start();
  for (std::uint64_t i = 1 + dice_.below(3); i > 0; --i) produce_on();
  for (Consumer& consumer : consumers_) consume_on(consumer);
  chaos_.begin();
  simulation_.run_for(sim::Duration(dice_.between(2'000'000'000, 4'000'000'000)));
  chaos_.stop();
  quiet_ = true;
  catalogue_.fails = false;
  // Until what is delayed has come, and every transaction was asked about to the end: by a date that was stepped.
  const auto long_enough =
      5s + broker_options_.transaction_timeout + (broker_options_.transaction_check_max + 2) * broker_options_.transaction_check_interval;
  bool well = wait([this] { return up() && pending_.empty(); }, 60s, "after the faults the broker answers");
  std::int64_t last_ms = 0;
  for (Id id = 1; id <= ledger_.size(); ++id) last_ms = std::max(last_ms, ledger_.message(id).due_ms);
  // Where the date went back, what came later waits for what was delivered to be past again.
  const auto all_due = [this, last_ms] {
    return up() && machine_.world().wall_now().time_since_epoch().count() > std::max(last_ms, broker_->state().delivered_to().due_ms + 1000);
  };
  well = well && wait(all_due, 120s, "the last delayed message is due");
  simulation_.run_for(long_enough);
  // Nothing of the last minutes is deleted, as it may have to be delivered still.
  if (retention_) simulation_.run_for(200s);
  well = well && wait([this] { return up() && broker_->state().halves().empty() && broker_->state().open_delivery().empty(); }, 60s,
                      "every transaction ends and every delivery");
  if (well) {
    read_all();
    segments_deleted_ = broker_->store().statistics().segments_deleted;
    machine_.crash();
    well = wait([this] { return up(); }, 60s, "after a last crash the broker is up");
    if (well) read_all();
  }
  machine_.kill();
  if (well) ledger_.judge(retention_);

  RunResult result;
  result.faults = ledger_.faults();
  Counts& counts = result.counts;
  counts = {.events = simulation_.events(),
            .crashes = chaos_.counts().crashes + chaos_.counts().kills,
            .restarts = chaos_.counts().restarts,
            .faults = chaos_.counts().total() + machine_.disk_counts().faults,
            .messages = ledger_.size(),
            .sent_back = sent_back_,
            .segments_deleted = segments_deleted_,
            .checks = ledger_.checks()};
  for (Id id = 1; id <= ledger_.size(); ++id) {
    const Ledger::Message& message = ledger_.message(id);
    if (message.fate == Ledger::Fate::stored) ++counts.acknowledged;
    if (message.fate == Ledger::Fate::unknown) ++counts.unknown;
    if (message.delayed) ++counts.delayed;
    if (message.decision != Decision::none) ++counts.transactions;
  }
  result.trace_hash = simulation_.trace().hash();
  result.trace_tail = simulation_.trace().tail(options_.trace_lines);
  return result;
}

}  // namespace

void Counts::add(const Counts& other) {
  events += other.events;
  crashes += other.crashes;
  restarts += other.restarts;
  faults += other.faults;
  messages += other.messages;
  acknowledged += other.acknowledged;
  unknown += other.unknown;
  delayed += other.delayed;
  transactions += other.transactions;
  sent_back += other.sent_back;
  segments_deleted += other.segments_deleted;
  checks += other.checks;
}

RunResult run_seed(const RunOptions& options) { return Run(options).run(); }

}  // namespace chorus::mq_sim
