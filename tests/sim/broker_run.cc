#include "broker_run.h"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>

#include "broker_planted.h"
#include "broker_scene.h"
#include "mq/broker/topic_attributes.h"
#include "planted.h"
#include "trace_sink.h"

namespace chorus::mq_sim {

Scene::Scene(const RunOptions& options)
    : options_(options),
      dice_(options.seed * 2 + 1),
      simulation_(options.seed, machine_options()),
      retention_(dice_.below(4) == 0),
      store_options_(store_options()),
      broker_options_(broker_options()),
      machine_(simulation_.add_node("broker")),
      chaos_(simulation_, {&machine_}, chaos_options()),
      catalogue_(dice_.fork()),
      pops_(ledger_, pop_groups(), retention_),
      popping_(3 * pops_.groups().size()) {
  if (options.verbose) {
    logger_ = std::make_shared<spdlog::logger>("broker", std::make_shared<coord_sim::TraceSink>(simulation_));
    logger_->set_level(spdlog::level::debug);
  } else {
    logger_ = std::make_shared<spdlog::logger>("broker", std::make_shared<spdlog::sinks::null_sink_st>());
    logger_->set_level(spdlog::level::off);
  }
  for (const std::string& group : groups) consumers_.push_back({.group = group, .next = {}, .busy = {}});
  std::set<std::string> copies;
  for (const PopGroup& group : pops_.groups()) {
    for (const std::string& topic : topics) copies.merge(pop_retry_topics(group.name, topic));
    copies.insert("%DLQ%" + group.name);
  }
  ledger_.judged_elsewhere(std::move(copies));
}

sim::Options Scene::machine_options() {
  sim::Options options;
  options.disk.slow = pick({0.0, 0.005, 0.02});
  options.disk.slow_max = 300ms;
  options.disk.write_error = pick({0.0, 0.0, 0.0002});
  options.disk.sync_error = pick({0.0, 0.0, 0.0005});
  options.trace_length = options_.verbose ? 100'000 : 16;
  return options;
}

mq::StoreOptions Scene::store_options() {
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

mq::BrokerOptions Scene::broker_options() {
  mq::BrokerOptions options;
  options.host = *mq::parse_host("10.0.0.1:10911");
  options.delay_levels = {50ms, 200ms, 400ms, 700ms};
  options.timer_roll = ms_between(200, 2000);
  options.transaction_timeout = ms_between(50, 500);
  options.transaction_check_interval = ms_between(50, 300);
  options.transaction_check_max = static_cast<std::int32_t>(dice_.between(1, 8));
  options.offset_interval = ms_between(20, 500);
  options.pop_retry_topic_v2 = dice_.below(2) == 0;
  options.pop_from_retry_percent = pick<std::uint32_t>({0, 20, 100});
  options.pop_in_flight_per_queue_max = pick<std::size_t>({5, 10'000});
  return options;
}

sim::ChaosOptions Scene::chaos_options() {
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

std::shared_ptr<void> Scene::boot(world::World& world) {
  ++life_;
  for (const Id id : std::exchange(pending_, {})) ledger_.unknown(id);
  pops_.died(power_failed(world));
  popping_.assign(popping_.size(), false);
  auto process = std::make_shared<Process>(*this);
  world::World* its_world = &world;
  if (!options_.plant.empty()) {
    process->planted = coord_sim::plant(options_.plant, world);
    if (process->planted) its_world = process->planted.get();
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
  auto store = plant_in_store(options_.plant, *its_world, std::move(opened->store));
  // Written to by two kinds of brokers, one after the other.
  mq::BrokerOptions broker_options = broker_options_;
  if (life_ % 3 == 0) broker_options.pop_retry_topic_v2 = !broker_options.pop_retry_topic_v2;
  process->broker = std::make_unique<mq::Broker>(*its_world, broker_options, std::move(store), std::move(state), catalogue_, *logger_);
  mq::Broker& broker = *process->broker;
  catalogue_.tell(broker);
  for (const PopGroup& group : pops_.groups()) broker.put(mq::GroupConfig{.name = group.name, .retry_max_times = group.retry_max});
  broker.put(mq::TopicConfig{.name = later_topic,
                             .read_queues = queues_of_a_topic,
                             .write_queues = queues_of_a_topic,
                             .attributes = {{std::string(mq::attribute::flush_disk_type), std::string(mq::attribute::async_flush)}}});
  judge_start(broker);
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

/// Or the disk did, so that what was written and not synced may be gone.
bool Scene::power_failed(world::World& world) {
  // The clock of a machine goes on over kills.
  const sim::Duration base = world.now().time_since_epoch() - simulation_.elapsed();
  const std::uint64_t faults = machine_.disk_counts().faults;
  const bool power = std::exchange(monotonic_base_, base) != base;
  const bool disk = std::exchange(disk_faults_, faults) != faults;
  power_failed_ = power_failed_ || power;
  disk_failed_ = disk_failed_ || disk;
  return power || disk;
}

/// What is there after a start is what the flush policy of each topic promises.
void Scene::judge_start(mq::Broker& broker) {
  // From its acknowledgement to the disk, when the process does not stand still, and the disk is slow several times in a row.
  constexpr auto patience = 1500ms;
  std::optional<std::int64_t> since;
  if (disk_failed_) {
    since = 0;  // what was to be flushed may be gone
  } else if (power_failed_) {
    since = died_us_ - std::chrono::duration_cast<std::chrono::microseconds>(store_options_.flush_interval + patience).count();
  }
  power_failed_ = disk_failed_ = false;
  ledger_.log_found(broker.store().statistics().end, since);
  for (std::int32_t i = 0; i < queues_of_a_topic; ++i) {
    ledger_.end_found({later_topic, i}, broker.bounds({later_topic, i}).max, since.has_value());
  }
}

void Scene::pop_rest(bool resting) {
  resting_ = resting;
  for (std::size_t popper = 0; !resting && popper < popping_.size(); ++popper) pop_on(popper);
}

/// The broker's disk has failed: its owner starts it again, or the machine.
void Scene::failed() {
  simulation_.after(0ms, [this, life = life_] {
    if (life != life_ || !machine_.running()) return;
    if (dice_.below(2) == 0) {
      machine_.kill();
    } else {
      machine_.crash();
    }
  });
}

bool Scene::wait(const std::function<bool()>& done, sim::Duration limit, const char* what) {
  if (simulation_.run_until(done, limit)) return true;
  fault(fmt::format("{}: not within {} s", what, std::chrono::duration_cast<std::chrono::seconds>(limit).count()));
  return false;
}

void Scene::read_queue(const Queue& queue) {
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

void Scene::read_all() {
  std::vector<Queue> queues{{"TRANS_CHECK_MAX_TIME_TOPIC", 0}};
  for (const std::string& topic : topics) {
    for (std::int32_t i = 0; i < queues_of_a_topic; ++i) queues.push_back({topic, i});
  }
  for (const std::string& group : groups) {
    queues.push_back({"%RETRY%" + group, 0});
    queues.push_back({"%DLQ%" + group, 0});
  }
  for (const PopGroup& group : pops_.groups()) {
    for (const std::string& topic : topics) {
      for (const std::string& retry : pop_retry_topics(group.name, topic)) queues.push_back({retry, 0});
    }
    queues.push_back({"%DLQ%" + group.name, 0});
  }
  for (const Queue& queue : queues) read_queue(queue);
}

RunResult Scene::run() {
  machine_.set_boot([this](world::World& world) { return boot(world); });
  machine_.start();
  for (std::uint64_t i = 1 + dice_.below(3); i > 0; --i) produce_on();
  for (Consumer& consumer : consumers_) consume_on(consumer);
  pop_rest(false);
  chaos_.begin();
  simulation_.run_for(sim::Duration(dice_.between(2'000'000'000, 4'000'000'000)));
  chaos_.stop();
  quiet_ = true;
  catalogue_.fails = false;
  const auto slow_disk = 300s;  // some need as long for all that is left
  // Until what is delayed has come, and every transaction was asked about to the end: by a date that was stepped.
  const auto long_enough =
      5s + broker_options_.transaction_timeout + (broker_options_.transaction_check_max + 2) * broker_options_.transaction_check_interval;
  bool well = wait([this] { return up() && pending_.empty(); }, 60s, "after the faults the broker answers");
  std::int64_t last_ms = 0;
  for (Id id = 1; id <= ledger_.size(); ++id) last_ms = std::max(last_ms, ledger_.message(id).due_ms);
  // Where the date went back, what came later waits for what was delivered to be past again.
  const auto all_due = [this, last_ms] {
    return up() &&
           machine_.world().wall_now().time_since_epoch().count() > std::max(last_ms, broker_->state().delivered_to().due_ms + 1000);
  };
  well = well && wait(all_due, 120s, "the last delayed message is due");
  simulation_.run_for(long_enough);
  // Nothing of the last minutes is deleted, as it may have to be delivered still.
  if (retention_) {
    pop_rest(true);
    simulation_.run_for(200s);
    pop_rest(false);
  }
  // Between two rounds of deliveries none is open, though more may be due.
  bool is_asked = false, is_none_due = false;
  const auto all_ended = [this, &is_asked, &is_none_due] {
    const bool is_open = !up() || !broker_->state().halves().empty() || !broker_->state().open_delivery().empty();
    if (is_open) is_none_due = false;
    if (is_open || is_none_due || is_asked) return is_none_due && !is_open;
    is_asked = true;
    const std::int64_t now_ms = machine_.world().wall_now().time_since_epoch().count();
    broker_->store().find_due(broker_->state().delivered_to(), now_ms, 1,
                              of_this_life({}, [&is_asked, &is_none_due](const mq::StoreResult<std::vector<mq::Due>>& found) {
                                is_asked = false;
                                is_none_due = found && found->empty();
                              }));
    return false;
  };
  well = well && wait(all_ended, slow_disk, "every transaction ends and every delivery");
  if (!well && up() && !(broker_->state().halves().empty() && broker_->state().open_delivery().empty()))
    fault(fmt::format("left: {} transactions, {} deliveries", broker_->state().halves().size(), broker_->state().open_delivery().size()));
  well = well && wait([this] { return left_to_pop().empty(); }, slow_disk, "what was popped is acknowledged or put aside");
  if (const std::string left = left_to_pop(); !well && !left.empty()) fault("left: " + left);
  pop_rest(true);
  if (well) {
    read_all();
    segments_deleted_ = broker_->store().statistics().segments_deleted;
    note_deleted();
    machine_.crash();
    well = wait([this] { return up(); }, 60s, "after a last crash the broker is up");
    if (well) read_all();
    // Every acknowledgement was durable, so nothing is left to come again.
    if (const std::string left = left_to_pop(); well && !left.empty()) fault("after a last crash is left: " + left);
  }
  machine_.kill();
  if (well) {
    ledger_.judge(retention_);
    pops_.judge();
  }

  RunResult result;
  result.faults = ledger_.faults();
  Counts& counts = result.counts;
  counts = {.events = simulation_.events(),
            .crashes = chaos_.counts().crashes + chaos_.counts().kills,
            .restarts = chaos_.counts().restarts,
            .faults = chaos_.counts().total() + machine_.disk_counts().faults,
            .messages = ledger_.size(),
            .sent_back = sent_back_,
            .popped = pops_.given_count(),
            .popped_again = pops_.given_again_count(),
            .pop_acknowledged = pops_.acked_count(),
            .dead_letters = pops_.dead_count(),
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
  popped += other.popped;
  popped_again += other.popped_again;
  pop_acknowledged += other.pop_acknowledged;
  dead_letters += other.dead_letters;
  segments_deleted += other.segments_deleted;
  checks += other.checks;
}

RunResult run_seed(const RunOptions& options) { return Scene(options).run(); }

}  // namespace chorus::mq_sim
