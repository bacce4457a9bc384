// Delayed messages: delivered in the order of their due times, each once whatever crashes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mq/broker/broker.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {
namespace {

constexpr std::uint32_t at_a_time = 64;
constexpr std::int64_t look_ahead_ms = 60'000;

}  // namespace

void Broker::arm_delivery(std::int64_t due_ms) {
  if (delivering_ || (delivery_armed_ms_ && *delivery_armed_ms_ <= due_ms)) return;
  delivery_armed_ms_ = due_ms;
  const std::uint64_t timer = ++delivery_timer_;
  // A little late at most, never early: the wall clock decides when it is looked again.
  const auto wait = std::clamp<std::int64_t>(due_ms - now_ms(), 0, look_ahead_ms);
  world_.after(milliseconds(wait), guarded([this, timer] {
                 if (timer != delivery_timer_) return;
                 delivery_armed_ms_.reset();
                 deliver_due();
               }));
}

std::int64_t Broker::earliest_due_ms() const { return std::max(state_->delivered_to().due_ms, delivering_to_ms_) + 1; }

void Broker::due_comes(std::int64_t due_ms) {
  dues_on_way_.insert(due_ms);
  first_unseen_due_ = std::min(first_unseen_due_.value_or(due_ms), due_ms);
}

void Broker::deliver_due() {
  if (delivering_ || stopping_) return;
  delivering_ = true;
  // What a crash cut short comes first.
  if (!state_->open_delivery().empty()) return deliver(state_->open_delivery());
  first_unseen_due_.reset();
  if (!dues_on_way_.empty()) first_unseen_due_ = *dues_on_way_.begin();
  store_->find_due(state_->delivered_to(), now_ms() + look_ahead_ms, at_a_time, guarded([this](StoreResult<std::vector<Due>> found) {
                     if (!found) {
                       log_.error("delayed messages cannot be looked up: {}", found.error().message);
                       delivering_ = false;
                       return arm_delivery(now_ms() + 1000);
                     }
                     // One that was not readable as this was looked up may be due before those that are found: nothing goes out past it.
                     std::int64_t last = now_ms();
                     if (first_unseen_due_) last = std::min(last, *first_unseen_due_ - 1);
                     const auto end = std::ranges::find_if(*found, [last](const Due& due) { return due.due_ms > last; });
                     std::int64_t next = end == found->end() ? now_ms() + look_ahead_ms : end->due_ms;
                     if (first_unseen_due_) next = std::min(next, *first_unseen_due_);
                     found->erase(end, found->end());
                     if (!found->empty()) {
                       std::vector<Due> dues = std::move(*found);
                       std::string record = encode_dues(dues);
                       delivering_to_ms_ = dues.back().due_ms;
                       return store_->append(
                           {.kind = Kind::own, .payload = std::move(record), .type = static_cast<std::uint8_t>(EntryType::delivery)},
                           guarded([this, dues = std::move(dues)](StoreResult<Appended> appended) mutable {
                             if (appended) return deliver(std::move(dues));
                             log_.warn("delayed messages wait: {}", appended.error().message);
                             delivering_ = false;
                             arm_delivery(now_ms() + 1000);
                           }));
                     }
                     delivering_ = false;
                     // When one on its way holds the others back, its arrival arms again.
                     arm_delivery(dues_on_way_.empty() || next > now_ms() ? std::max(next, now_ms() + 1) : now_ms() + 10);
                   }));
}

void Broker::deliver(std::vector<Due> dues) {
  struct Round {
    std::vector<Due> dues;
    std::vector<Entry> entries;
    std::size_t left = 0;
    std::string failure;  // of the disk: it may read what is there another time
  };
  auto round = std::make_shared<Round>(Round{.dues = std::move(dues), .entries = {}, .left = 0, .failure = {}});
  round->left = round->dues.size();
  round->entries.resize(round->dues.size());
  for (std::size_t i = 0; i < round->dues.size(); ++i) {
    store_->read_at(
        round->dues[i].position, guarded([this, round, i](StoreResult<Entry> entry) {
          if (entry) {
            round->entries[i] = std::move(*entry);
          } else if (entry.error().code == StoreErrc::failed) {
            round->failure = entry.error().message;
          } else if (entry.error().code != StoreErrc::not_found) {
            log_.error("a delayed message is lost position={} why={}", round->dues[i].position, entry.error().message);
          }
          if (--round->left > 0) return;
          if (!round->failure.empty()) {
            log_.warn("delayed messages wait: {}", round->failure);
            delivering_ = false;
            return arm_delivery(now_ms() + 1000);
          }

          std::vector<NewEntry> copies;
          std::vector<Position> skipped;
          std::vector<std::int64_t> rolled;
          for (std::size_t k = 0; k < round->dues.size(); ++k) {
            const Position position = round->dues[k].position;
            const auto message = decode_message(round->entries[k].payload);
            const auto real_topic = message ? message->properties().get(property::real_topic) : std::nullopt;
            if (!real_topic || state_->is_recalled(position)) {
              skipped.push_back(position);
              continue;
            }
            NewMessage copy{.flag = message->flag,
                            .sys_flag = message->sys_flag,
                            .born_time_ms = message->born_time_ms,
                            .born_host = message->born_host,
                            .reconsume_times = message->reconsume_times,
                            .prepared_offset = position,
                            .body = message->body,
                            .properties = std::string(message->properties_text)};
            const auto out_ms = message->properties().get_int(property::timer_out_ms);
            Prepared prepared;
            if (message->topic == topic::timer && out_ms && *out_ms > now_ms()) {  // not there yet: it was written anew on its way
              const std::int64_t due = std::max(std::min(*out_ms, now_ms() + options_.timer_roll.count()), earliest_due_ms());
              prepared = encode(copy, topic::timer, 0, EntryType::delivered, due, flush_of(topics_, *real_topic));
              rolled.push_back(due);
            } else {
              const auto queue = static_cast<std::int32_t>(message->properties().get_int(property::real_queue_id).value_or(0));
              for (const std::string_view name :
                   {property::delay_level, property::timer_deliver_ms, property::timer_delay_seconds, property::timer_delay_ms}) {
                remove_property(copy.properties, name);
              }
              prepared = encode(copy, *real_topic, queue, EntryType::delivered, 0, flush_of(topics_, *real_topic));
              ++counters_.delayed_delivered;
            }
            copies.push_back(std::move(prepared.entry));
          }
          if (!skipped.empty()) {
            copies.push_back(
                {.kind = Kind::own, .payload = encode_positions(skipped), .type = static_cast<std::uint8_t>(EntryType::skipped)});
          }
          for (const std::int64_t due : rolled) due_comes(due);
          store_->append_all(std::move(copies), guarded([this, rolled = std::move(rolled)](StoreResult<std::vector<Appended>> appended) {
                               for (const std::int64_t due : rolled) dues_on_way_.erase(dues_on_way_.find(due));
                               delivering_ = false;
                               if (appended) return deliver_due();
                               log_.warn("delayed messages wait: {}", appended.error().message);
                               arm_delivery(now_ms() + 1000);
                             }));
        }));
  }
}

void Broker::recall(std::string_view topic, std::string_view unique_key, std::int64_t due_ms, Done done) {
  const auto refuse = [&](BrokerErrc code, std::string why) {
    later([done = std::move(done), code, why = std::move(why)]() mutable { done(base::error(code, std::move(why))); });
  };
  if (!options_.recall) return refuse(BrokerErrc::no_permission, "recall failed, operation is forbidden");
  if (topics_.find(topic) == nullptr)
    return refuse(BrokerErrc::topic_unknown, fmt::format("recall failed, the topic[{}] not exist", topic));
  if (due_ms <= now_ms()) return refuse(BrokerErrc::invalid, "recall failed, timestamp invalid: it has been delivered");
  store_->find_key(index_key(topic::timer, unique_key), 0, now_ms() + 1000, at_a_time,
                   guarded([this, done = std::move(done)](StoreResult<std::vector<IndexEntry>> found) mutable {
                     if (!found) return done(base::error(BrokerErrc::failed, found.error().message));
                     if (found->empty()) return done(base::error(BrokerErrc::not_found, "recall failed, no such message waits"));
                     // The newest: older ones are the same message before it was written anew.
                     store_->append({.kind = Kind::own,
                                     .payload = encode_positions({found->front().position}),
                                     .type = static_cast<std::uint8_t>(EntryType::recalled)},
                                    guarded([done = std::move(done)](StoreResult<Appended> appended) mutable {
                                      if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
                                      done({});
                                    }));
                   }));
}

}  // namespace chorus::mq
