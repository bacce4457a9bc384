// Consumes for a group: shares the queues of its topics with the other members, reads them, and hands on what comes.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mq/client/client.h"
#include "mq/client/consume_statistics.h"
#include "mq/client/in_flight.h"

namespace chorus::mqclient {

enum class Verdict {
  consumed,  //
  later,     // it comes again: by a retry topic, or, in order, to the same consumer after a moment
};

struct ConsumerOptions {
  std::string group;
  wire::MessageModel model = wire::MessageModel::clustering;
  wire::ConsumeFromWhere from = wire::ConsumeFromWhere::last_offset;  // for queues of which nothing is committed
  std::int64_t from_ms = 0;                                           // with ConsumeFromWhere::timestamp
  bool in_order = false;                                              // one message of a queue at a time, under the queue's lock
  std::size_t batch_max = 1;                                          // messages to a call of the listener
  std::size_t concurrency = 20;                                       // calls of the listener that have not been answered
  std::int32_t pull_max = 32;                                         // messages to a pull
  std::size_t queue_messages_max = 1000;                              // read ahead of a queue; likewise the octets
  std::size_t queue_octets_max = 100 << 20;
  std::int64_t queue_span_max = 2000;         // between the oldest that is not done and the newest, when not in order
  std::optional<std::int32_t> reconsume_max;  // then it is put aside; empty: as the group says, in order without end
  Duration wait = std::chrono::seconds(15);   // of a pull, at the broker; 0: it answers at once, and is asked again and again
  Duration offset_interval = std::chrono::seconds(5);
  Duration rebalance_interval = std::chrono::seconds(20);
  Duration pause_on_error = std::chrono::seconds(3);
  Duration pause_in_order = std::chrono::seconds(1);  // before a message that was `later`
};

/// Must not outlive its client; lives on the same reactor.
class PushConsumer {
 public:
  using Tell = std::move_only_function<void(Verdict)>;
  /// messages: of one queue, in its order. `tell` is called once, now or later, from the reactor.
  using Listener = std::function<void(std::vector<Received> messages, Tell tell)>;

  PushConsumer(Client& client, ConsumerOptions options, Listener listener);
  ~PushConsumer();
  PushConsumer(const PushConsumer&) = delete;
  PushConsumer& operator=(const PushConsumer&) = delete;

  /// expression_type: TAG ("a || b", "*") or SQL92.
  void subscribe(const std::string& topic, const std::string& expression = "*", const std::string& expression_type = "TAG");
  void start();
  /// Takes nothing more on, commits what is consumed and leaves; `done` then. Messages that are with the listener come again, elsewhere.
  void stop(std::move_only_function<void()> done = {});

  /// The queues that are ours at present.
  std::vector<Queue> queues() const;
  /// The queues were shared out, and all that was in ours at the last look is consumed.
  bool has_caught_up() const;
  /// Something could not be done for now and is tried again: the words say what.
  void on_trouble(std::function<void(const Error&)> listener) { trouble_ = std::move(listener); }

 private:
  struct Assigned {
    Queue queue;
    InFlight flight{0};
    std::int64_t committed = -1;
    bool dropped = false;
    bool reading = false;
    bool caught_up = false;
    std::deque<Received> waiting;  // for the listener
    bool busy = false;             // in order: some are with the listener
    Instant locked_until{};
  };
  using AssignedPtr = std::shared_ptr<Assigned>;

  wire::ConsumerData consumer_data() const;
  void rebalance();
  void rebalance(const std::string& topic);
  void take(const std::string& topic, const std::vector<Queue>& ours);
  void drop(const AssignedPtr& assigned, std::function<void()> done = {});
  void begin(const AssignedPtr& assigned);
  void find_start(const AssignedPtr& assigned, Completion<std::int64_t> done);
  void read(const AssignedPtr& assigned);
  void pulled(const AssignedPtr& assigned, Result<Pulled> result);
  void hand_out();
  void hand_out(const AssignedPtr& assigned);
  void judged(const AssignedPtr& assigned, std::vector<Received> messages, Verdict verdict);
  void try_again(const AssignedPtr& assigned, Received message);
  void commit(const AssignedPtr& assigned, std::function<void()> done = {});
  void commit_all();
  void lock_all();
  void lock(const std::vector<AssignedPtr>& of_one_broker, std::function<void()> done);
  wire::LockBatch lock_batch(const std::vector<AssignedPtr>& of) const;
  void reset(const wire::OffsetTable& offsets);
  void asked(const Incoming& request, ConsumerHooks::Answer answer);
  void complain(const Error& error);
  void after(Duration delay, std::move_only_function<void()> work);
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }
  bool may_hand_out(const Assigned& assigned) const;
  std::int64_t now_ms() const { return client_.world().wall_now().time_since_epoch().count(); }
  void sample() { statistics_.sample(now_ms()); }

  Client& client_;
  const ConsumerOptions options_;
  Listener listener_;
  std::map<std::string, wire::SubscriptionData> subscriptions_;
  std::map<Queue, AssignedPtr> assigned_;
  ConsumeStatistics statistics_;
  std::set<std::string> balanced_;  // topics whose queues were shared out
  std::size_t with_listener_ = 0;
  std::size_t turn_ = 0;
  bool stopping_ = false;
  std::int64_t started_ms_ = 0;
  std::function<void(const Error&)> trouble_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// What a heartbeat says of a subscription.
wire::SubscriptionData subscription(const std::string& topic, const std::string& expression, const std::string& expression_type,
                                    std::int64_t version);
/// Whether the message is wanted: brokers compare tags by their hashes only.
bool is_wanted(const wire::SubscriptionData& subscription, const Received& message);

}  // namespace chorus::mqclient
