// Sends messages of one group; asked by brokers about its transactions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mq/client/client.h"
#include "mq/message/compression.h"

namespace chorus::mqclient {

struct ProducerOptions {
  std::string group = "DEFAULT_PRODUCER";
  Duration timeout = std::chrono::seconds(3);                          // of a send, all attempts together
  int retries = 2;                                                     // after the first attempt, each to another broker if there is one
  std::size_t body_octets_max = 4 << 20;                               // maxMessageSize
  std::size_t compress_above = 4096;                                   // compressMsgBodyOverHowmuch; not those of a batch
  std::optional<mq::Compression> compression = mq::Compression::zlib;  // compressType; RocketMQ 4 reads zlib alone; empty: none is
};

/// Must not outlive its client; lives on the same reactor.
class Producer {
 public:
  /// What became of a local transaction. `tell` may be called at once or later, from the reactor.
  using Tell = std::move_only_function<void(Outcome)>;
  /// Runs the local transaction that belongs to a message, once its half is stored.
  using Local = std::move_only_function<void(const Message& message, const std::string& transaction_id, Tell tell)>;
  /// A broker does not know what became of a transaction, possibly of another producer of the group that is gone.
  using Check = std::function<void(const Received& message, const std::string& transaction_id, Tell tell)>;

  Producer(Client& client, ProducerOptions options);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// To any queue, one after the other.
  void send(Message message, Completion<Sent> done);
  /// To the queue that the key stands for: those of one key stay in order. On failure it is not tried elsewhere.
  void send_by_key(Message message, const std::string& key, Completion<Sent> done);
  void send_to(Message message, const Queue& queue, Completion<Sent> done);
  /// Completed when it is on its way; that it was stored nobody says.
  void send_oneway(Message message, Completion<Sent> done);
  /// All to one queue and all or none; of one topic, without delays.
  void send_batch(std::vector<Message> messages, Completion<Sent> done);

  /// From now on checks are answered.
  void on_check(Check check);
  struct InTransaction {
    Sent half;
    Outcome outcome = Outcome::unknown;
  };
  /// Stores the message unseen, runs `local`, and then lets the message be seen, or not. Unknown: the broker will check. The id of the
  /// transaction is that of the message; its record in the local database is what the answer to a check is to rest upon.
  void send_in_transaction(Message message, Local local, Completion<InTransaction> done);

 private:
  struct Attempt;
  void choose(std::shared_ptr<Attempt> attempt);
  void deliver(std::shared_ptr<Attempt> attempt, const Queue& queue, const wire::TopicRoute& route);
  void checked(const world::Address& broker, const Incoming& check);
  void start(std::shared_ptr<Attempt> attempt);

  Client& client_;
  const ProducerOptions options_;
  Check check_;
  std::size_t turn_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The queue of a key among `count`, as every client must choose it for order to hold: Java's hash, its absolute value, modulo.
std::size_t queue_of_key(std::string_view key, std::size_t count);

}  // namespace chorus::mqclient
