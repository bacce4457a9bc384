// A message that is seen if, and only if, a local database has committed: what Notify was made for.
//
// The pattern. Each transaction of yours that has to tell others of itself writes one row more, into a table of its own database:
//
//     CREATE TABLE outbox (transaction_id VARCHAR(64) PRIMARY KEY, at TIMESTAMP)
//
//   1. send() stores the message at the broker, where nobody sees it yet, and calls your `work` with the transaction's id.
//   2. `work` does what is to be done and inserts the id, in one database transaction, and says whether that has committed.
//   3. The message is released, or dropped.
//   4. Where nobody says (this process died, or the database did not answer), the broker asks any producer of the group, and that one
//      looks for the row: it is there, or it is not.
//
// Rows may go once the broker has stopped asking: RocketMQ asks 15 times, each half minute.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "mq/client/producer.h"

namespace chorus::mqclient {

struct OutboxOptions {
  /// A transaction without a row may still be under way in another process of the group; after this long it is not.
  Duration work_max = std::chrono::seconds(60);
};

/// Must not outlive its producer, whose checks it answers; lives on the same reactor.
class Outbox {
 public:
  /// What the database says: true committed, false rolled back, empty: that is not known.
  using Committed = std::move_only_function<void(std::optional<bool> committed)>;
  /// Runs the local transaction; says what became of it once it is known. May be called on the reactor: long work belongs elsewhere.
  using Work = std::move_only_function<void(const std::string& transaction_id, Committed tell)>;
  /// Looks for the row; empty: the database cannot be asked now.
  using Lookup = std::function<void(const std::string& transaction_id, Committed tell)>;

  Outbox(Client& client, Producer& producer, Lookup lookup, OutboxOptions options = {});

  /// Completed when the outcome is told to the broker; `Outcome::unknown` means that it will ask.
  void send(Message message, Work work, Completion<Producer::InTransaction> done);
  /// Transactions of this process whose work has not come to its end.
  std::size_t under_way() const { return under_way_->size(); }

 private:
  void checked(const Received& message, const std::string& transaction_id, Producer::Tell tell);

  Client& client_;
  Producer& producer_;
  Lookup lookup_;
  const OutboxOptions options_;
  std::shared_ptr<std::set<std::string>> under_way_ = std::make_shared<std::set<std::string>>();
};

}  // namespace chorus::mqclient
