// How messages come in.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mq/broker/broker.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {
namespace {

// Numbers that clients write: held where sums of them cannot overflow, beyond anything that is allowed.
constexpr std::int64_t far_ms = std::int64_t{1} << 50;
constexpr std::int32_t most_times = 1 << 30;

/// What a broker asks of the properties of a message that comes in, read in one pass.
struct Asked {
  bool is_transient = false;  // there are some of those that are not kept
  bool unique_key = false, region = false, trace_on = false, cluster = false;
  bool prepared = false;
  bool waits = true;
  std::optional<std::int64_t> delay_level, timer_deliver_ms, timer_delay_seconds, timer_delay_ms;
};

Asked asked_of(std::string_view text) {
  Asked asked;
  for (const auto& [key, value] : Properties(text)) {
    if (key.starts_with(property::transient_prefix)) asked.is_transient = true;
    if (key == property::unique_key) asked.unique_key = true;
    if (key == property::region) asked.region = true;
    if (key == property::trace_on) asked.trace_on = true;
    if (key == property::cluster) asked.cluster = true;
    if (key == property::transaction_prepared) asked.prepared = base::lower(value) == "true";
    if (key == property::wait_store_ok) asked.waits = base::lower(value) == "true";
    if (key == property::delay_level) asked.delay_level = base::parse_int(value);
    if (key == property::timer_deliver_ms) asked.timer_deliver_ms = base::parse_int(value);
    if (key == property::timer_delay_seconds) asked.timer_delay_seconds = base::parse_int(value);
    if (key == property::timer_delay_ms) asked.timer_delay_ms = base::parse_int(value);
  }
  return asked;
}

BrokerErrc code_of(const StoreError& error) {
  switch (error.code) {
    case StoreErrc::no_space:
    case StoreErrc::closing:
      return BrokerErrc::unavailable;
    case StoreErrc::busy:
      return BrokerErrc::busy;
    case StoreErrc::too_large:
      return BrokerErrc::illegal_message;
    case StoreErrc::not_found:
      return BrokerErrc::not_found;
    case StoreErrc::failed:
    case StoreErrc::damaged:
      break;
  }
  return BrokerErrc::failed;
}

BrokerErrc code_of(TopicErrc code) {
  switch (code) {
    case TopicErrc::unknown:
      return BrokerErrc::topic_unknown;
    case TopicErrc::system:
      return BrokerErrc::no_permission;
    case TopicErrc::illegal_name:
    case TopicErrc::invalid:
      break;
  }
  return BrokerErrc::invalid;
}

}  // namespace

std::string Broker::new_unique_key() {
  return to_string(UniqueId{.host = options_.host,
                            .pid = static_cast<std::uint16_t>(world_.random().next()),
                            .loader_hash = static_cast<std::int32_t>(world_.random().next()),
                            .month_ms = ms_of_month(now_ms()),
                            .counter = unique_++});
}

BrokerResult<const TopicConfig*> Broker::topic_for_send(std::string_view name, const TopicHint& hint) {
  if (!(options_.permission & perm::write)) {
    return base::error(BrokerErrc::no_permission, fmt::format("the broker[{}] sending message is forbidden", to_string(options_.host)));
  }
  if (topic::is_read_only(name)) {
    return base::error(BrokerErrc::no_permission, fmt::format("Sending message to topic[{}] is forbidden.", name));
  }
  const auto config = topics_.find_or_create(name, hint.like, hint.queues, now_ms());
  if (!config) return base::error(code_of(config.error().code), config.error().message);
  // Whether the topic may be written to is not asked: producers see that in its route. source: SendMessageProcessor
  return *config;
}

BrokerResult<void> Broker::route_retry(NewMessage& message, std::string& name) {
  if (!topic::is_retry(name)) return {};
  const std::string group(topic::group_of(name));
  const GroupConfig* config = groups_.find(group);
  if (config == nullptr) {
    return base::error(BrokerErrc::group_unknown,
                       fmt::format("subscription group not exist, {}: consumers of it must send a heartbeat first", group));
  }
  const auto told = Properties(message.properties).get_int(property::max_reconsume_times);
  const std::int32_t most = told ? static_cast<std::int32_t>(*told) : config->retry_max_times;
  // A group that consumes in order does not go on with a message elsewhere. source: SendMessageProcessor.handleRetryAndDLQ
  if (message.reconsume_times <= most && !locks_.is_held(group, {}, world_.now())) {
    topics_.ensure(name, config->retry_queues, perm::read | perm::write, now_ms());
    return {};
  }
  name = topic::dead_letter_of(group);
  topics_.ensure(name, 1, perm::read | perm::write, now_ms());
  message.queue = 0;
  remove_property(message.properties, property::delay_level);
  ++counters_.dead_letters;
  return {};
}

Broker::Prepared Broker::encode(const NewMessage& message, std::string_view name, std::int32_t queue, EntryType type, std::int64_t due_ms,
                                std::optional<Flush> flush) {
  std::string_view unique_key, keys, tags;
  for (const auto& [key, value] : Properties(message.properties)) {
    if (key == property::unique_key) unique_key = value;
    if (key == property::keys) keys = value;
    if (key == property::tags) tags = value;
  }
  Prepared prepared{.unique_key = std::string(unique_key), .queue = queue, .due_ms = due_ms};
  prepared.entry = {.kind = Kind::message,
                    .queue = stored_key({.topic = std::string(name), .queue = queue}),
                    .tag_hash = tags.empty() ? 0 : java_hash(tags),
                    .due_ms = due_ms,
                    .type = static_cast<std::uint8_t>(type),
                    .flush = flush};
  encode_message({.queue_id = queue,
                  .flag = message.flag,
                  .sys_flag = message.sys_flag,
                  .born_time_ms = message.born_time_ms,
                  .born_host = message.born_host,
                  .store_host = options_.host,
                  .reconsume_times = message.reconsume_times,
                  .prepared_offset = message.prepared_offset,
                  .body = message.body,
                  .topic = name,
                  .properties_text = message.properties},
                 prepared.entry.payload);
  const auto index = [&](std::string_view key) { prepared.entry.keys.push_back(key_hash(index_key_of(prepared.entry.queue.topic, key))); };
  if (!unique_key.empty()) index(unique_key);
  for_each_key(keys, [&](std::string_view key) {
    if (key != unique_key) index(key);
  });
  return prepared;
}

BrokerResult<Broker::Prepared> Broker::prepare(NewMessage& message, const TopicConfig& config, bool in_batch) {
  const std::int32_t queues = std::max(config.read_queues, config.write_queues);
  if (message.queue < 0)
    message.queue =
        config.write_queues > 0 ? static_cast<std::int32_t>(world_.random().below(static_cast<std::uint64_t>(config.write_queues))) : 0;
  if (message.queue >= queues) {
    return base::error(BrokerErrc::no_queue, fmt::format("request queueId[{}] is illegal, topic {} has {} queues to read and {} to write",
                                                         message.queue, config.name, config.read_queues, config.write_queues));
  }
  if (config.multi_tags) message.sys_flag |= sys_flag::multi_tags;
  if (message.body.size() > options_.message_octets_max) {
    return base::error(BrokerErrc::illegal_message, fmt::format("the message is illegal: its body has {} octets, maxMessageSize is {}",
                                                                message.body.size(), options_.message_octets_max));
  }

  std::string& properties = message.properties;
  const Asked given = asked_of(properties);
  const auto drop_transient = [&] {
    std::vector<std::string> names;
    for (const Property& one : Properties(properties)) {
      if (one.key.starts_with(property::transient_prefix)) names.emplace_back(one.key);
    }
    for (const std::string& name : names) remove_property(properties, name);
  };
  if (given.is_transient) drop_transient();
  properties.reserve(properties.size() + options_.region.size() + options_.cluster.size() + 128);
  if (!properties.empty() && properties.back() != property_end_mark) properties.push_back(property_end_mark);
  if (!given.unique_key) append_property(properties, property::unique_key, new_unique_key());
  if (!given.region) append_property(properties, property::region, options_.region);
  if (!given.trace_on) append_property(properties, property::trace_on, options_.trace_on ? "true" : "false");
  if (given.cluster) {
    set_property(properties, property::cluster, options_.cluster);
  } else {
    append_property(properties, property::cluster, options_.cluster);
  }

  const auto build = [&](std::string_view to, std::int32_t queue, EntryType type, std::int64_t due_ms) -> BrokerResult<Prepared> {
    if (properties.size() > properties_octets_max) {
      return base::error(BrokerErrc::illegal_message,
                         fmt::format("the message is illegal: its properties have {} octets, 32767 are the most", properties.size()));
    }
    // Wherever it is on its way, it is as safe as its topic says. Who does not wait is not waited for.
    return encode(message, to, queue, type, due_ms, given.waits ? flush_of(config) : Flush::async);
  };
  const auto redirect = [&](std::string_view to, std::int32_t queue, EntryType type, std::int64_t due_ms) {
    set_property(properties, property::real_topic, config.name);
    set_property(properties, property::real_queue_id, std::to_string(message.queue));
    auto prepared = build(to, queue, type, due_ms);
    if (prepared) prepared->queue = message.queue;  // its sender is told of the queue that it is for
    return prepared;
  };
  if (in_batch) return build(config.name, message.queue, EntryType::none, 0);

  // What was sent back keeps the mark of the transaction that it came from.
  const bool comes_again = topic::is_retry(config.name) || topic::is_dead_letter(config.name);
  if (given.prepared && !comes_again) {
    if (options_.reject_transactions) {
      return base::error(BrokerErrc::no_permission, fmt::format("the broker[{}] sending transaction message is forbidden", options_.name));
    }
    message.sys_flag = sys_flag::with_transaction(message.sys_flag, sys_flag::transaction_none);
    return redirect(topic::half, 0, EntryType::half, 0);
  }
  message.sys_flag = sys_flag::with_transaction(message.sys_flag, sys_flag::transaction_none);

  // Due times lie behind everything that has gone out, so that none is overlooked when the clock steps back.
  const std::int64_t now = now_ms();
  const std::int64_t earliest = earliest_due_ms();
  if (const auto level = given.delay_level.value_or(0); level > 0 && !options_.delay_levels.empty()) {
    const auto at = std::min<std::size_t>(static_cast<std::size_t>(level), options_.delay_levels.size());
    set_property(properties, property::delay_level, std::to_string(at));
    return redirect(topic::schedule, static_cast<std::int32_t>(at) - 1, EntryType::none,
                    std::max(now + options_.delay_levels[at - 1].count(), earliest));
  }
  std::optional<std::int64_t> deliver_ms = given.timer_deliver_ms;
  if (!deliver_ms && given.timer_delay_seconds) {
    deliver_ms = now + std::clamp<std::int64_t>(*given.timer_delay_seconds, 0, far_ms / 1000) * 1000;
  }
  if (!deliver_ms && given.timer_delay_ms) deliver_ms = now + std::clamp<std::int64_t>(*given.timer_delay_ms, 0, far_ms);
  if (deliver_ms && *deliver_ms > now) {
    if (*deliver_ms - now > options_.timer_delay_max.count()) {
      return base::error(BrokerErrc::illegal_message,
                         fmt::format("timer message illegal, the delay time should not be bigger than the max delay {} ms",
                                     options_.timer_delay_max.count()));
    }
    set_property(properties, property::timer_out_ms, std::to_string(*deliver_ms));
    auto prepared =
        redirect(topic::timer, 0, EntryType::none, std::max(std::min(*deliver_ms, now + options_.timer_roll.count()), earliest));
    if (prepared) prepared->timed = true;
    return prepared;
  }
  return build(config.name, message.queue, EntryType::none, 0);
}

StoredMessage Broker::told(const Appended& appended, Prepared& prepared) const {
  return {.position = appended.position,
          .offset = appended.offset,
          .queue = prepared.queue,
          .store_time_ms = appended.store_time_ms,
          .message_id = to_string(OffsetId{options_.host, appended.position}),
          .unique_key = std::move(prepared.unique_key)};
}

void Broker::append(Prepared prepared, SendDone done) {
  if (prepared.due_ms > 0) {
    due_comes(prepared.due_ms);
    arm_delivery(prepared.due_ms);
  }
  count_in(prepared.entry.queue.topic, 1, prepared.entry.payload.size());
  ++counters_.sends_waiting;
  const world::Instant asked = world_.now();
  NewEntry entry = std::move(prepared.entry);
  store_->append(std::move(entry),
                 guarded([this, asked, prepared = std::move(prepared), done = std::move(done)](StoreResult<Appended> appended) mutable {
                   --counters_.sends_waiting;
                   note_stored(asked, 1);
                   if (prepared.due_ms > 0) {
                     dues_on_way_.erase(dues_on_way_.find(prepared.due_ms));
                     arm_delivery(prepared.due_ms);
                   }
                   if (!appended) {
                     ++counters_.send_failures;
                     return done(base::error(code_of(appended.error()), appended.error().message));
                   }
                   done(told(*appended, prepared));
                 }));
}

void Broker::send(NewMessage message, const TopicHint& hint, SendDone done) {
  const auto refuse = [&](BrokerError error) {
    ++counters_.send_failures;
    later([done = std::move(done), error = std::move(error)]() mutable { done(std::unexpected(std::move(error))); });
  };
  if (stopping_) return refuse({BrokerErrc::unavailable, "the broker is stopping"});
  std::string name(message.topic);
  if (auto routed = route_retry(message, name); !routed) return refuse(std::move(routed.error()));
  const auto config = topic_for_send(name, hint);
  if (!config) return refuse(config.error());
  auto prepared = prepare(message, **config, false);
  if (!prepared) return refuse(std::move(prepared.error()));
  if (prepared->timed && options_.recall) {
    done = [name, done = std::move(done),
            due = Properties(message.properties).get_int(property::timer_out_ms).value_or(0)](BrokerResult<StoredMessage> stored) mutable {
      if (stored) {
        stored->topic = name;
        stored->recall_due_ms = due;
      }
      done(std::move(stored));
    };
  }
  append(std::move(*prepared), std::move(done));
  publish_changes({});
}

void Broker::send_batch(std::string_view name, std::int32_t queue, std::vector<NewMessage> messages, const TopicHint& hint,
                        SendBatchDone done) {
  const auto refuse = [&](BrokerError error) {
    ++counters_.send_failures;
    later([done = std::move(done), error = std::move(error)]() mutable { done(std::unexpected(std::move(error))); });
  };
  if (stopping_) return refuse({BrokerErrc::unavailable, "the broker is stopping"});
  if (topic::is_retry(name)) return refuse({BrokerErrc::invalid, "batch request does not support retry group " + std::string(name)});
  const auto config = topic_for_send(name, hint);
  if (!config) return refuse(config.error());
  std::vector<Prepared> prepared;
  std::vector<NewEntry> entries;
  std::size_t octets = 0;
  prepared.reserve(messages.size());
  entries.reserve(messages.size());
  for (NewMessage& message : messages) {
    message.queue = prepared.empty() ? queue : prepared.front().queue;
    auto next = prepare(message, **config, true);
    if (!next) return refuse(std::move(next.error()));
    octets += next->entry.payload.size();
    entries.push_back(std::move(next->entry));
    prepared.push_back(std::move(*next));
  }
  count_in(name, entries.size(), octets);
  store_->append_all(std::move(entries), guarded([this, asked = world_.now(), prepared = std::move(prepared),
                                                  done = std::move(done)](StoreResult<std::vector<Appended>> appended) mutable {
                       note_stored(asked, prepared.size());
                       if (!appended) {
                         ++counters_.send_failures;
                         return done(base::error(code_of(appended.error()), appended.error().message));
                       }
                       std::vector<StoredMessage> stored;
                       stored.reserve(prepared.size());
                       for (std::size_t i = 0; i < prepared.size(); ++i) stored.push_back(told((*appended)[i], prepared[i]));
                       done(std::move(stored));
                     }));
  publish_changes({});
}

void Broker::send_back(SendBack request, Done done) {
  const auto refuse = [&](BrokerErrc code, std::string why) {
    later([done = std::move(done), code, why = std::move(why)]() mutable { done(base::error(code, std::move(why))); });
  };
  const GroupConfig* group = groups_.find(request.group);
  if (group == nullptr) return refuse(BrokerErrc::group_unknown, fmt::format("subscription group not exist, {}", request.group));
  if (group->retry_queues <= 0) return later([done = std::move(done)]() mutable { done({}); });
  store_->read_at(
      request.position, guarded([this, request = std::move(request), done = std::move(done)](StoreResult<Entry> entry) mutable {
        const GroupConfig* group = groups_.find(request.group);
        if (!entry || group == nullptr) {
          return done(base::error(BrokerErrc::not_found, fmt::format("look message by offset failed, {}", request.position)));
        }
        const auto message = decode_message(entry->payload);
        if (!message) return done(base::error(BrokerErrc::not_found, fmt::format("look message by offset failed, {}", request.position)));
        if (request.may_read && !request.may_read(message->topic)) {
          return done(base::error(BrokerErrc::no_permission, fmt::format("no permission to read topic {}", message->topic)));
        }
        std::string properties(message->properties_text);
        if (!message->properties().has(property::retry_topic)) set_property(properties, property::retry_topic, message->topic);
        set_property(properties, property::wait_store_ok, "false");
        if (!message->properties().has(property::origin_message_id)) {
          set_property(properties, property::origin_message_id, message->offset_id());
        }
        const std::int32_t most = request.max_reconsume_times.value_or(group->retry_max_times);
        const bool dead = request.delay_level < 0 || message->reconsume_times >= most;
        NewMessage copy{
            .queue = dead ? 0 : static_cast<std::int32_t>(world_.random().below(static_cast<std::uint64_t>(group->retry_queues))),
            .flag = message->flag,
            .sys_flag = message->sys_flag,
            .born_time_ms = message->born_time_ms,
            .born_host = message->born_host,
            .reconsume_times = std::min(message->reconsume_times, most_times) + 1,
            .body = message->body};
        statistics_.add(stats::send_back_count, fmt::format("{}@{}", message->topic, request.group), 1, now_ms());
        const std::string name = dead ? topic::dead_letter_of(request.group) : topic::retry_of(request.group);
        if (dead) {
          ++counters_.dead_letters;
          remove_property(properties, property::delay_level);
        } else {
          const std::int32_t level = request.delay_level > 0 ? request.delay_level : 3 + std::min(message->reconsume_times, most_times);
          set_property(properties, property::delay_level, std::to_string(level));
        }
        copy.properties = std::move(properties);
        const TopicConfig& config = topics_.ensure(name, dead ? 1 : group->retry_queues, perm::read | perm::write, now_ms());
        auto prepared = prepare(copy, config, false);
        if (!prepared) return done(std::unexpected(std::move(prepared.error())));
        // The consumer gives its message up with the answer: the copy must be there.
        prepared->entry.flush = flush_of(config);
        append(std::move(*prepared), [done = std::move(done)](BrokerResult<StoredMessage> stored) mutable {
          if (!stored) return done(std::unexpected(std::move(stored.error())));
          done({});
        });
        publish_changes({});
      }));
}

}  // namespace chorus::mq
