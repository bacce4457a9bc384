// Transactions: half messages, their end, and asking producers about those that do not end. source: broker/transaction/queue/
#include <fmt/format.h>

#include <utility>

#include "mq/broker/broker.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::mq {
namespace {

/// The message as its half names it: topic, queue, and the properties that readers are to see.
struct Real {
  std::string topic;
  std::int32_t queue = 0;
  std::string properties;
};
std::optional<Real> real_of(const MessageView& half) {
  const auto topic = half.properties().get(property::real_topic);
  const auto queue = half.properties().get_int(property::real_queue_id);
  if (!topic || !queue) return std::nullopt;
  Real real{.topic = std::string(*topic), .queue = static_cast<std::int32_t>(*queue), .properties = std::string(half.properties_text)};
  remove_property(real.properties, property::real_topic);
  remove_property(real.properties, property::real_queue_id);
  return real;
}

NewMessage copy_of(const MessageView& half, Position position) {
  return {.flag = half.flag,
          .sys_flag = half.sys_flag,
          .born_time_ms = half.born_time_ms,
          .born_host = half.born_host,
          .reconsume_times = half.reconsume_times,
          .prepared_offset = position,
          .body = half.body};
}

}  // namespace

void Broker::end_transaction(EndTransaction request, Done done) {
  const auto answer = [&](BrokerResult<void> result) {
    later([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
  if (request.outcome == TransactionOutcome::unknown) return answer({});
  const auto half = state_->halves().find(request.half_position);
  if (half == state_->halves().end() || halves_on_way_.contains(request.half_position)) {
    return answer(base::error(BrokerErrc::not_found, "Find prepared transaction message failed: it has ended, or never was"));
  }
  if (half->second.queue_offset != request.half_offset)
    return answer(base::error(BrokerErrc::invalid, "The transaction state table offset wrong"));
  halves_on_way_.insert(request.half_position);
  const Position position = request.half_position;
  store_->read_at(
      position, guarded([this, position, request = std::move(request), done = std::move(done)](StoreResult<Entry> entry) mutable {
        auto ended = [this, position, done = std::move(done)](BrokerResult<void> result) mutable {
          halves_on_way_.erase(position);
          done(std::move(result));
        };
        if (!entry) return ended(base::error(BrokerErrc::not_found, "Find prepared transaction message failed: " + entry.error().message));
        finish_half(request, *entry, std::move(ended));
      }));
}

void Broker::finish_half(const EndTransaction& request, const Entry& entry, Done done) {
  const auto half = decode_message(entry.payload);
  const auto real = half ? real_of(*half) : std::nullopt;
  if (!real) return done(base::error(BrokerErrc::failed, "the half message names no topic"));
  if (half->properties().get(property::producer_group).value_or("") != request.producer_group) {
    return done(base::error(BrokerErrc::invalid, "The producer group wrong"));
  }
  if (request.outcome == TransactionOutcome::rollback) {
    return store_->append(
        {.kind = Kind::own, .payload = encode_positions({request.half_position}), .type = static_cast<std::uint8_t>(EntryType::rollback)},
        guarded([this, done = std::move(done)](StoreResult<Appended> appended) mutable {
          if (!appended) return done(base::error(BrokerErrc::unavailable, appended.error().message));
          ++counters_.transactions_rolled_back;
          done({});
        }));
  }
  NewMessage copy = copy_of(*half, request.half_position);
  copy.sys_flag = sys_flag::with_transaction(copy.sys_flag, sys_flag::transaction_commit);
  // TRAN_MSG stays: consumers of Java's client take the transaction's id from it. source: PullAPIWrapper.processPullResult
  copy.properties = real->properties;
  Prepared prepared = encode(copy, real->topic, real->queue, EntryType::transaction_copy, 0, flush_of(topics_, real->topic));
  append(std::move(prepared), [this, done = std::move(done)](BrokerResult<StoredMessage> stored) mutable {
    if (!stored) return done(std::unexpected(std::move(stored.error())));
    ++counters_.transactions_committed;
    done({});
  });
}

void Broker::check_transactions() {
  // A disk that is slower than the interval would be asked for more and more, and everything else would wait behind that.
  if (halves_being_read_ > 0) return;
  const std::int64_t now = now_ms();
  std::vector<Position> asked;
  for (const auto& [position, half] : state_->halves()) {
    const std::int64_t wait_ms = half.immunity_ms >= 0 ? half.immunity_ms : options_.transaction_timeout.count();
    if (now - half.store_time_ms < wait_ms || halves_on_way_.contains(position)) continue;
    const bool give_up = half.checks >= options_.transaction_check_max;
    if (!give_up) asked.push_back(position);
    check_half(position, half, give_up);
  }
  if (asked.empty()) return;
  store_->append({.kind = Kind::own, .payload = encode_positions(asked), .type = static_cast<std::uint8_t>(EntryType::half_checked)},
                 guarded([this](StoreResult<Appended> appended) {
                   if (!appended) log_.warn("checks of transactions are not counted: {}", appended.error().message);
                 }));
}

void Broker::check_half(Position position, const Half& known, bool give_up) {
  const std::int32_t checks = known.checks;
  if (give_up) halves_on_way_.insert(position);
  ++halves_being_read_;
  store_->read_at(
      position, guarded([this, position, checks, give_up](StoreResult<Entry> entry) {
        --halves_being_read_;
        const auto ended = [this, position] { halves_on_way_.erase(position); };
        if (!entry && entry.error().code == StoreErrc::failed) {
          log_.warn("a half message cannot be read now position={} why={}", position, entry.error().message);
          return ended();
        }
        const auto half = entry ? decode_message(entry->payload) : std::unexpected(MessageErrc::damaged);
        const auto real = half ? real_of(*half) : std::nullopt;
        if (!real) {
          log_.error("a half message cannot be read: its transaction is given up position={} why={}", position,
                     entry ? "damaged" : entry.error().message);
          if (!give_up) halves_on_way_.insert(position);
          return store_->append(
              {.kind = Kind::own, .payload = encode_positions({position}), .type = static_cast<std::uint8_t>(EntryType::rollback)},
              guarded([ended](StoreResult<Appended>) { ended(); }));
        }
        if (give_up) {
          log_.warn("a transaction was asked about too often: put aside position={} topic={} checks={}", position, real->topic, checks);
          NewMessage copy = copy_of(*half, position);
          copy.properties = std::string(half->properties_text);
          Prepared prepared = encode(copy, topic::check_max, 0, EntryType::transaction_copy, 0, flush_of(topics_, topic::check_max));
          return append(std::move(prepared), [ended](BrokerResult<StoredMessage>) { ended(); });
        }
        const std::string group(half->properties().get(property::producer_group).value_or(""));
        const ClientInfo* producer = clients_.any_producer(group);
        if (producer == nullptr) {
          log_.info("no producer is there to be asked about a transaction group={} position={}", group, position);
          return;
        }
        if (!state_->halves().contains(position) || !ask_) return;
        ++counters_.transaction_checks;
        MessageView shown = *half;
        std::string properties = real->properties;
        set_property(properties, property::transaction_check_times, std::to_string(checks + 1));
        set_property(properties, property::transaction_prepared_queue_offset, std::to_string(half->queue_offset));
        shown.topic = real->topic;
        shown.queue_id = real->queue;
        shown.properties_text = properties;
        ask_({.producer = *producer,
              .half_position = position,
              .half_offset = half->queue_offset,
              .message = encode_message(shown),
              .unique_key = std::string(half->properties().get(property::unique_key).value_or(""))});
      }));
}

void Broker::resume_check(Position position, Done done) {
  store_->read_at(position, guarded([this, done = std::move(done)](StoreResult<Entry> entry) mutable {
                    const auto half = entry ? decode_message(entry->payload) : std::unexpected(MessageErrc::damaged);
                    if (!half || !half->properties().has(property::real_topic))
                      return done(base::error(BrokerErrc::not_found, "no half message is there"));
                    NewMessage again = copy_of(*half, 0);
                    again.properties = std::string(half->properties_text);
                    remove_property(again.properties, property::transaction_check_times);
                    append(encode(again, topic::half, 0, EntryType::half, 0, flush_of(topics_, topic::half)),
                           [done = std::move(done)](BrokerResult<StoredMessage> stored) mutable {
                             if (!stored) return done(std::unexpected(std::move(stored.error())));
                             done({});
                           });
                  }));
}

}  // namespace chorus::mq
