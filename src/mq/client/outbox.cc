#include "mq/client/outbox.h"

namespace chorus::mqclient {
namespace {

Outcome outcome_of(std::optional<bool> committed) {
  if (!committed) return Outcome::unknown;
  return *committed ? Outcome::commit : Outcome::rollback;
}

}  // namespace

Outbox::Outbox(Client& client, Producer& producer, Lookup lookup, OutboxOptions options)
    : client_(client), producer_(producer), lookup_(std::move(lookup)), options_(options) {
  producer_.on_check([this](const Received& message, const std::string& transaction_id, Producer::Tell tell) {
    checked(message, transaction_id, std::move(tell));
  });
}

void Outbox::send(Message message, Work work, Completion<Producer::InTransaction> done) {
  producer_.send_in_transaction(
      std::move(message),
      [under_way = under_way_, work = std::move(work)](const Message&, const std::string& id, Producer::Tell tell) mutable {
        under_way->insert(id);
        work(id, [under_way, id, tell = std::move(tell)](std::optional<bool> committed) mutable {
          under_way->erase(id);
          tell(outcome_of(committed));
        });
      },
      std::move(done));
}

void Outbox::checked(const Received& message, const std::string& transaction_id, Producer::Tell tell) {
  if (under_way_->contains(transaction_id)) return tell(Outcome::unknown);
  const std::int64_t age_ms = client_.now_ms() - message.born_time_ms;
  const bool is_over = age_ms >= std::chrono::duration_cast<std::chrono::milliseconds>(options_.work_max).count();
  lookup_(transaction_id, [is_over, tell = std::move(tell)](std::optional<bool> committed) mutable {
    // That the row is not there yet says nothing while somebody may still be about to write it.
    if (committed && !*committed && !is_over) return tell(Outcome::unknown);
    tell(outcome_of(committed));
  });
}

}  // namespace chorus::mqclient
