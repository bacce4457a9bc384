#include "mq/broker/broker.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "mq/broker/pop_work.h"

namespace chorus::mq {
namespace {

TopicDefaults topic_defaults(const BrokerOptions& options) {
  TopicDefaults defaults = options.topics;
  defaults.cluster = options.cluster;
  defaults.broker = options.name;
  return defaults;
}

}  // namespace

Broker::Broker(world::World& world, BrokerOptions options, std::unique_ptr<Store> store, std::unique_ptr<BrokerState> state,
               Catalogue& catalogue, spdlog::logger& logger)
    : world_(world),
      options_(std::move(options)),
      log_(logger),
      state_(std::move(state)),
      store_(std::move(store)),
      catalogue_(catalogue),
      topics_(topic_defaults(options_), now_ms()),
      groups_(options_.groups, now_ms()),
      clients_(options_.client_silence_max),
      hold_(options_.waits_max),
      pop_work_(std::make_unique<PopWork>()) {
  state_->go_live();
  for (const std::string& complaint : state_->complaints()) log_.error("state of the broker: {}", complaint);
  store_->on_arrival([this](const QueueKey& queue, const IndexEntry&) { arrived(queue); });
}

Broker::~Broker() = default;

void Broker::later(world::Callback callback) {
  world_.post(guarded([callback = std::move(callback)]() mutable { callback(); }));
}

void Broker::every(milliseconds interval, std::move_only_function<void()> work) {
  world_.after(interval, guarded([this, interval, work = std::move(work)]() mutable {
                 if (stopping_) return;
                 work();
                 every(interval, std::move(work));
               }));
}

void Broker::start() {
  every(options_.offset_interval, [this] { store_offsets({}); });
  arm_checks();
  every(std::chrono::seconds(1), [this] { note_rates(); });
  every(std::chrono::seconds(10), [this] { statistics_.sample(now_ms()); });
  note_rates();
  every(std::chrono::seconds(10), [this] {
    for (const ConnectionId connection : clients_.expire(world_.now())) {
      log_.info("a client was silent for too long connection={}", connection.value);
      if (on_silent_) on_silent_(connection);
    }
    locks_.expire(world_.now());
  });
  every(std::chrono::seconds(5), [this] { publish_changes({}); });  // what did not get through
  every(std::chrono::minutes(1), [this] {
    keep_segments();
    store_times_.turn();
  });
  keep_segments();
  deliver_due();
  arm_revive();
  arm_free();
}

void Broker::arm_checks() {
  // Not every(): how often may be changed meanwhile.
  world_.after(options_.transaction_check_interval, guarded([this] {
                 if (stopping_) return;
                 check_transactions();
                 arm_checks();
               }));
}

void Broker::note_rates() {
  rates_.sample({.puts = counters_.messages_in,
                 .gets = counters_.messages_out,
                 .pulls = counters_.pulls_found + counters_.pulls_missed,
                 .pulls_found = counters_.pulls_found,
                 .pulls_missed = counters_.pulls_missed},
                now_ms());
  const std::time_t now = now_ms() / 1000;
  std::tm local{};
  localtime_r(&now, &local);
  days_.note(local.tm_year * 366 + local.tm_yday, {.puts = counters_.messages_in, .gets = counters_.messages_out});
}

void Broker::count_in(std::string_view topic, std::size_t messages, std::size_t octets) {
  topic = topic.substr(0, topic.find('\x01'));  // see stored_key()
  counters_.messages_in += messages;
  counters_.octets_in += octets;
  const auto count = static_cast<std::int64_t>(messages);
  const std::int64_t now = now_ms();
  statistics_.add(stats::topic_put_count, topic, count, now, static_cast<std::int64_t>(octets));
  statistics_.add(stats::broker_put_count, options_.cluster, count, now);
}

void Broker::note_stored(world::Instant asked, std::size_t messages) {
  const auto took = std::chrono::duration_cast<milliseconds>(world_.now() - asked);
  counters_.append_longest = std::max(counters_.append_longest, took);
  store_times_.note(took, messages);
}

void Broker::stop(world::Callback done) {
  stopping_ = true;
  std::vector<WaitId> woken;
  while (const auto deadline = hold_.next_deadline()) hold_.expire(*deadline, woken);
  waiting_.clear();
  parked_.clear();
  store_offsets([this, done = std::move(done)](BrokerResult<void> stored) mutable {
    if (!stored) log_.warn("consumer offsets of the last moments are not stored: {}", stored.error().message);
    store_->close(guarded([this, done = std::move(done)](StoreResult<void> closed) mutable {
      if (!closed) log_.error("the message log was not closed in order: {}", closed.error().message);
      done();
    }));
  });
}

QueueKey Broker::stored_key(const QueueKey& queue) const {
  // A topic that was removed and made again begins anew: its messages are kept under a name of their own.
  const std::uint32_t incarnation = state_->incarnation(queue.topic);
  if (incarnation == 0) return queue;
  return {.topic = fmt::format("{}\x01{}", queue.topic, incarnation), .queue = queue.queue};
}

std::string Broker::index_key(std::string_view topic, std::string_view key) const {
  return index_key_of(stored_key({.topic = std::string(topic), .queue = 0}).topic, key);
}

std::string Broker::index_key_of(std::string_view stored_topic, std::string_view key) {
  std::string made;
  made.reserve(stored_topic.size() + 1 + key.size());
  return made.append(stored_topic).append(1, '#').append(key);
}

void Broker::keep_segments() {
  // Delayed messages are written anew after timer_roll at the latest, so none that waits is older than that.
  const std::int64_t now = now_ms();
  ends_.emplace_back(now, store_->statistics().end);
  const std::int64_t longest =
      std::max(options_.timer_roll, options_.delay_levels.empty() ? milliseconds(0) : std::ranges::max(options_.delay_levels)).count();
  while (ends_.size() > 1 && ends_[1].first <= now - longest - 60'000) ends_.erase(ends_.begin());
  const bool knows_whole = ends_.front().first <= now - longest - 60'000;
  Position keep = knows_whole ? ends_.front().second : store_->statistics().begin;
  if (!state_->halves().empty()) keep = std::min(keep, state_->halves().begin()->first);
  store_->keep_from(keep);
}

void Broker::store_offsets(Done done) {
  auto held = done ? state_->offsets.held_changes() : std::vector<Offsets::Held>();
  if (held.empty()) return write_offsets(std::move(done));
  waiting_for_held_.push_back({.left = std::move(held), .done = std::move(done)});
  write_offsets({});
}

void Broker::release_offset(const GroupQueue& of) {
  state_->offsets.release(of.group, of.queue);
  bool waited_for = false;
  std::vector<Done> last;
  for (WaitingForHeld& waiting : waiting_for_held_) {
    if (std::erase(waiting.left, Offsets::Held{.group = of.group, .queue = of.queue}) == 0) continue;
    waited_for = true;
    if (waiting.left.empty()) last.push_back(std::move(waiting.done));
  }
  std::erase_if(waiting_for_held_, [](const WaitingForHeld& waiting) { return waiting.left.empty(); });
  // At once: the next one may hold it again.
  if (waited_for) write_offsets({});
  for (Done& done : last) write_offsets(std::move(done));
}

void Broker::write_offsets(Done done) {
  if (!state_->offsets.is_dirty()) {
    // What is known may still be on its way to the disk.
    if (done && offsets_on_way_ > 0) return waiting_for_offsets_.push_back(std::move(done));
    if (done) later([done = std::move(done)]() mutable { done({}); });
    return;
  }
  std::vector<NewEntry> entries;
  for (std::string& record : state_->offsets.take_changes()) {
    entries.push_back({.kind = Kind::own, .payload = std::move(record), .type = static_cast<std::uint8_t>(EntryType::offsets)});
  }
  // What is refused (a full disk) is taken again from the same records with the next commit of each queue; a later record says all again.
  std::vector<std::string> records;
  for (const NewEntry& entry : entries) records.push_back(entry.payload);
  ++offsets_on_way_;
  if (done) waiting_for_offsets_.push_back(std::move(done));
  store_->append_all(std::move(entries), guarded([this, records = std::move(records)](StoreResult<std::vector<Appended>> result) {
                       if (!result) {
                         for (const std::string& record : records) state_->offsets.mark_dirty(record);
                         offsets_failure_ = result.error().message;
                       }
                       if (--offsets_on_way_ > 0) return;
                       const std::string failure = std::exchange(offsets_failure_, {});
                       for (Done& one : std::exchange(waiting_for_offsets_, {})) {
                         if (failure.empty()) {
                           one({});
                         } else {
                           one(base::error(BrokerErrc::unavailable, failure));
                         }
                       }
                     }));
}

// Topics and groups.

void Broker::publish_changes(Done done) {
  if (!done && !topics_.has_changes() && !groups_.has_changes()) return;  // as after most sends
  // One completion for all that changed: the catalogue answers in order.
  struct Waiter {
    Done done;
    std::size_t left = 0;
    std::string failure;
  };
  const auto topics = topics_.take_changes();
  const auto groups = groups_.take_changes();
  auto waiter = std::make_shared<Waiter>(Waiter{.done = std::move(done), .left = topics.size() + groups.size()});
  if (waiter->left == 0) {
    if (waiter->done) later([waiter] { waiter->done({}); });
    return;
  }
  const auto stored = [this, waiter](std::string what, std::function<void()> again) {
    return guarded([this, waiter, what = std::move(what), again = std::move(again)](CatalogueResult result) {
      if (!result) {
        log_.error("{} is not known to others, and told again soon: {}", what, result.error());
        again();
        waiter->failure = fmt::format("{}: {}", what, result.error());
      }
      if (--waiter->left > 0 || !waiter->done) return;
      if (waiter->failure.empty()) {
        waiter->done({});
      } else {
        waiter->done(base::error(BrokerErrc::unavailable, waiter->failure));
      }
    });
  };
  for (const std::string& name : topics) {
    const auto again = [this, name] { topics_.mark_changed(name); };
    const TopicConfig* config = topics_.find(name);
    if (on_topic_) on_topic_(name, config);
    if (config) {
      catalogue_.put(*config, stored(fmt::format("topic {}", name), again));
    } else {
      catalogue_.remove_topic(name, stored(fmt::format("removing topic {}", name), again));
    }
  }
  for (const std::string& name : groups) {
    const auto again = [this, name] { groups_.mark_changed(name); };
    if (const GroupConfig* config = groups_.find(name)) {
      catalogue_.put(*config, stored(fmt::format("group {}", name), again));
    } else {
      catalogue_.remove_group(name, stored(fmt::format("removing group {}", name), again));
    }
  }
}

void Broker::update_topic(TopicConfig config, std::string_view attributes, Done done) {
  const auto updated = topics_.update(std::move(config), attributes, now_ms());
  if (!updated) {
    return later([done = std::move(done), why = updated.error()]() mutable { done(base::error(BrokerErrc::invalid, why.message)); });
  }
  publish_changes(std::move(done));
}

void Broker::remove_topic(const std::string& topic, Done done) {
  const auto removed = topics_.remove(topic, now_ms());
  if (!removed && removed.error().code == TopicErrc::system) {
    return later([done = std::move(done), why = removed.error()]() mutable { done(base::error(BrokerErrc::invalid, why.message)); });
  }
  if (!removed) return later([done = std::move(done)]() mutable { done({}); });  // as RocketMQ: what is not there is removed
  // With what groups popped of it and did not acknowledge. source: AdminBrokerProcessor.deleteTopic, clearRetryTopicWhenDeleteTopic
  for (const std::string& group : state_->offsets.groups_of(topic)) {
    for (const bool v2 : {false, true}) {
      const std::string retry = topic::pop_retry_of(group, topic, v2);
      if (topics_.find(retry) == nullptr) continue;
      remove_topic(retry, [this, retry](BrokerResult<void> outcome) {
        if (!outcome) log_.warn("a retry topic is left behind topic={} why={}", retry, outcome.error().message);
      });
    }
  }
  state_->offsets.remove_topic(topic);
  std::vector<WaitId> woken;
  hold_.wake_topic(stored_key({.topic = topic, .queue = 0}).topic, woken);
  this->woken(woken);
  store_->append({.kind = Kind::own, .payload = topic, .type = static_cast<std::uint8_t>(EntryType::topic_removed)},
                 guarded([this, done = std::move(done)](StoreResult<Appended> appended) mutable {
                   if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                   publish_changes(std::move(done));
                 }));
}

void Broker::update_group(GroupConfig config, Done done) {
  const auto updated = groups_.update(std::move(config), now_ms());
  if (!updated) {
    return later([done = std::move(done), why = updated.error()]() mutable { done(base::error(BrokerErrc::invalid, why.message)); });
  }
  publish_changes(std::move(done));
}

void Broker::remove_group(const std::string& group, bool with_offsets, Done done) {
  const auto removed = groups_.remove(group, now_ms());
  if (with_offsets) state_->offsets.remove_group(group);
  if (state_->pops().has_group(group)) {
    return store_->append({.kind = Kind::own, .payload = group, .type = static_cast<std::uint8_t>(EntryType::group_removed)},
                          guarded([this, done = std::move(done)](StoreResult<Appended> appended) mutable {
                            if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                            publish_changes(std::move(done));
                          }));
  }
  if (!removed) return later([done = std::move(done)]() mutable { done({}); });
  publish_changes(std::move(done));
}

void Broker::forbid(std::string_view group, std::string_view topic, bool forbidden, Done done) {
  const auto forbade = groups_.forbid(group, topic, forbidden, now_ms());
  if (!forbade) {
    return later([done = std::move(done), why = forbade.error()]() mutable {
      done(base::error(why.code == GroupErrc::unknown ? BrokerErrc::group_unknown : BrokerErrc::invalid, why.message));
    });
  }
  publish_changes(std::move(done));
}

void Broker::change(BrokerOptions options, std::map<std::string, std::string> changed, Done done) {
  catalogue_.put(changed, guarded([this, options = std::move(options), changed, done = std::move(done)](CatalogueResult kept) mutable {
                   if (!kept) return done(base::error(BrokerErrc::unavailable, kept.error()));
                   options.name = options_.name;
                   options.cluster = options_.cluster;
                   options.host = options_.host;
                   options_ = std::move(options);
                   changed_settings_ = std::move(changed);
                   groups_.auto_create(options_.groups.auto_create);
                   topics_.change_defaults(options_.topics.auto_create, options_.topics.queues);
                   if (on_topic_) {
                     // What may be done with each of them may be another thing now.
                     for (const auto& [name, config] : topics_.all()) on_topic_(name, &config);
                     if (topics_.find(topic::auto_create) == nullptr) on_topic_(std::string(topic::auto_create), nullptr);
                   }
                   done({});
                 }));
}

BrokerResult<const GroupConfig*> Broker::reader_group(const std::string& group) {
  const auto config = groups_.find_or_create(group, now_ms());
  if (!config) {
    return base::error(config.error().code == GroupErrc::unknown ? BrokerErrc::group_unknown : BrokerErrc::invalid, config.error().message);
  }
  publish_changes({});
  return *config;
}

BrokerResult<const GroupConfig*> Broker::ensure_group(const std::string& group) {
  const auto config = reader_group(group);
  if (!config) return config;
  topics_.ensure(topic::retry_of(group), (*config)->retry_queues, perm::read | perm::write, now_ms());
  publish_changes({});
  return config;
}

}  // namespace chorus::mq
