// A broker at work: messages in and out, for whatever face. Binds the store, the tables and the world.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/catalogue.h"
#include "mq/broker/clients.h"
#include "mq/broker/groups.h"
#include "mq/broker/hold.h"
#include "mq/broker/locks.h"
#include "mq/broker/pop.h"
#include "mq/broker/state.h"
#include "mq/broker/statistics.h"
#include "mq/broker/topics.h"
#include "mq/log/store.h"
#include "mq/message/message.h"
#include "mq/message/names.h"
#include "world/world.h"

namespace chorus::mq {

using std::chrono::milliseconds;

struct BrokerOptions {
  std::string name = "chorus";
  std::string cluster = "DefaultCluster";
  Host host;                                           // as clients reach it: it stands in messages and their ids
  std::int32_t permission = perm::read | perm::write;  // brokerPermission: of all topics here
  TopicDefaults topics;
  GroupDefaults groups;
  std::size_t message_octets_max = 4 << 20;                                                          // maxMessageSize: of a body
  std::vector<milliseconds> delay_levels{default_delay_levels.begin(), default_delay_levels.end()};  // messageDelayLevel
  milliseconds timer_delay_max = std::chrono::days(40);                                              // timerMaxDelaySec
  milliseconds timer_roll = std::chrono::hours(24);  // a later one is written anew in between, so that its segment may go
  milliseconds transaction_timeout{6'000};           // transactionTimeOut
  milliseconds transaction_check_interval{30'000};   // transactionCheckInterval
  std::int32_t transaction_check_max = 15;           // transactionCheckMax
  bool reject_transactions = false;                  // rejectTransactionMessage
  bool recall = false;                               // recallMessageEnable
  milliseconds offset_interval{1'000};               // consumer offsets are stored at least this often
  milliseconds client_silence_max{120'000};
  std::string region = "DefaultRegion";
  bool trace_on = true;
  std::size_t waits_max = 100'000;                   // maxPopPollingSize, and as many pulls
  bool pop_retry_topic_v2 = false;                   // enableRetryTopicV2
  std::uint32_t pop_from_retry_percent = 20;         // popFromRetryProbability
  std::size_t pop_waits_per_queue_max = 1024;        // popPollingSize: of one group
  std::size_t pop_in_flight_max = 500'000;           // messages popped and not acknowledged, of all groups
  std::size_t pop_in_flight_per_queue_max = 10'000;  // popInflightMessageThreshold: of one group
};

/// One enumerator per answer that a client may get.
enum class BrokerErrc {
  illegal_message,  // name, size or properties
  invalid,          // a request that can never work; the words say why
  no_queue,         // the topic has no such queue
  topic_unknown,
  group_unknown,
  no_permission,
  unavailable,  // the disk is full, or the broker is stopping
  busy,         // again later
  not_found,
  failed,
};
using BrokerError = base::Error<BrokerErrc>;
template <class T>
using BrokerResult = base::Result<T, BrokerError>;

/// Borrowed until the call returns.
struct NewMessage {
  std::string_view topic;
  std::int32_t queue = -1;  // negative: any
  std::int32_t flag = 0;
  std::int32_t sys_flag = 0;
  std::int64_t born_time_ms = 0;
  Host born_host;
  std::int32_t reconsume_times = 0;
  std::int64_t prepared_offset = 0;
  std::string_view body;
  std::string properties;
};
/// How a topic is made when it is not there.
struct TopicHint {
  std::string_view like = topic::auto_create;
  std::int32_t queues = 4;
};
struct StoredMessage {
  Position position = 0;
  Offset offset = 0;
  std::int32_t queue = 0;
  std::int64_t store_time_ms = 0;
  std::string message_id;  // where it is
  std::string unique_key;
  std::string topic;               // as it was asked for
  std::int64_t recall_due_ms = 0;  // of a timed message that may be recalled; else 0
};
using SendDone = std::move_only_function<void(BrokerResult<StoredMessage>)>;
using SendBatchDone = std::move_only_function<void(BrokerResult<std::vector<StoredMessage>>)>;
using Done = std::move_only_function<void(BrokerResult<void>)>;

struct PullRequest {
  QueueKey queue;
  Offset from = 0;
  ReadLimits limits;
  Wanted wanted;                                        // by index: tags; empty: all
  std::function<bool(std::string_view message)> match;  // by content; empty: all
  std::optional<world::Instant> hold_until;             // when there is nothing, wait for something
  ConnectionId connection;
  std::string group;  // for whom it is counted; empty: for nobody
};

struct SendBack {
  Position position = 0;
  std::string group;
  std::int32_t delay_level = 0;
  std::optional<std::int32_t> max_reconsume_times;
  std::function<bool(std::string_view topic)> may_read;  // the message is named by its place alone; empty: any
};

enum class TransactionOutcome { commit, rollback, unknown };
struct EndTransaction {
  std::string producer_group;
  Offset half_offset = 0;
  Position half_position = 0;
  TransactionOutcome outcome = TransactionOutcome::unknown;
};
/// A producer is to be asked what became of its transaction.
struct TransactionCheck {
  ClientInfo producer;
  Position half_position = 0;
  Offset half_offset = 0;
  std::string message;  // encoded, with its real topic and queue
  std::string unique_key;
};

struct BrokerCounters {
  std::uint64_t messages_in = 0, octets_in = 0;
  std::uint64_t messages_out = 0, octets_out = 0;
  std::uint64_t send_failures = 0;
  std::uint64_t transactions_committed = 0, transactions_rolled_back = 0, transaction_checks = 0;
  std::uint64_t delayed_delivered = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t pulls_found = 0, pulls_missed = 0;
  std::uint64_t sends_waiting = 0;  // for the disk, now
  milliseconds append_longest{0};   // from being asked for to being acknowledged
  milliseconds read_longest{0};     // of a pull, without what it waited for messages
  std::uint64_t popped = 0, pop_acked = 0, pop_revived = 0;
};

/// Lives on one reactor. Completions never come from within the call, and none comes once it is destroyed.
class Broker {
 public:
  /// The store must have been opened with `state` as its State. `catalogue` outlives the broker.
  Broker(world::World& world, BrokerOptions options, std::unique_ptr<Store> store, std::unique_ptr<BrokerState> state, Catalogue& catalogue,
         spdlog::logger& logger);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Timers begin: checks of transactions, delayed messages, offsets, silent clients.
  void start();
  /// Stores what is to be stored and closes the store.
  void stop(world::Callback done);

  // Messages.
  void send(NewMessage message, const TopicHint& hint, SendDone done);
  /// All to one queue, one after the other; no delays, no retries, no transactions.
  void send_batch(std::string_view topic, std::int32_t queue, std::vector<NewMessage> messages, const TopicHint& hint, SendBatchDone done);
  /// A message could not be consumed: it comes again later, or is put aside as a dead letter.
  void send_back(SendBack request, Done done);
  void pull(PullRequest request, ReadDone done);
  void message_at(Position position, EntryDone done) { store_->read_at(position, std::move(done)); }
  /// When the record at that place was stored; 0: there is none. It counts as given to nobody.
  void store_time_at(const QueueKey& queue, Offset offset, std::move_only_function<void(std::int64_t store_time_ms)> done);
  void find_key(std::string_view topic, std::string_view key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                std::move_only_function<void(StoreResult<std::vector<std::string>>)> done);
  void find_time(const QueueKey& queue, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done);
  /// Nothing was written: 0 and 0.
  Store::Bounds bounds(const QueueKey& queue) const;
  /// The connection is gone: nothing that it waits for is answered any more.
  void forget(ConnectionId connection);

  // Transactions and delays.
  void end_transaction(EndTransaction request, Done done);
  void on_check(std::function<void(TransactionCheck)> ask) { ask_ = std::move(ask); }
  /// A half message that was put aside after too many checks is asked about again.
  void resume_check(Position position, Done done);
  void recall(std::string_view topic, std::string_view unique_key, std::int64_t due_ms, Done done);

  // POP. Errors: not_found: another consumer has the message now, or may get it · illegal_message: it was not among those popped.
  void pop(PopRequest request, std::move_only_function<void(BrokerResult<PopAnswer>)> done);
  /// What the group would be given next, which it is not. Nothing is held, and nothing is filtered.
  void peek(PopRequest request, std::move_only_function<void(BrokerResult<PopAnswer>)> done);
  /// Whether there is something to pop (waits for it until `request.hold_until`): status, and nothing else of the answer.
  void await_message(PopRequest request, std::move_only_function<void(PopAnswer::Status)> done);
  /// `done` when it is durable. Acknowledging again is no error.
  void ack(std::vector<PopAck> acks, Done done);
  void change_invisible(PopChange change, std::move_only_function<void(BrokerResult<PopChanged>)> done);
  /// Pops that wait for this queue (-1: for any).
  std::size_t pops_waiting(std::string_view group, const QueueKey& queue) const { return hold_.size(stored_key(queue), group); }
  std::size_t pops_waiting() const { return parked_.size(); }
  /// The group's offset was set: there may be something for those who wait.
  void wake_pops(const GroupQueue& of);
  void set_request_mode(const std::string& topic, const std::string& group, RequestMode mode, Done done);

  // Offsets.
  std::optional<Offset> committed(std::string_view group, const QueueKey& queue) const { return state_->offsets.committed(group, queue); }
  Offsets& offsets() { return state_->offsets; }
  /// What is committed is durable; `done` then.
  void store_offsets(Done done);

  // Topics and groups; `done` once others can see it.
  const TopicTable& topics() const { return topics_; }
  const GroupTable& groups() const { return groups_; }
  void update_topic(TopicConfig config, std::string_view attributes, Done done);
  void remove_topic(const std::string& topic, Done done);
  void update_group(GroupConfig config, Done done);
  void remove_group(const std::string& group, bool with_offsets, Done done);
  /// What a heartbeat of this group needs: itself and its retry topic.
  BrokerResult<const GroupConfig*> ensure_group(const std::string& group);
  /// The group of one who reads or commits, made when it may be.
  BrokerResult<const GroupConfig*> reader_group(const std::string& group);
  void forbid(std::string_view group, std::string_view topic, bool forbidden, Done done);
  /// Settings that hold from now on, and after the next start: `changed` has all that ever were, under RocketMQ's names. Name, cluster and
  /// host stay what they are.
  void change(BrokerOptions options, std::map<std::string, std::string> changed, Done done);
  const std::map<std::string, std::string>& changed_settings() const { return changed_settings_; }
  /// Loaded from where they are kept, before start().
  void put(TopicConfig config) { topics_.put(std::move(config)); }
  void put(GroupConfig config) { groups_.put(std::move(config)); }
  void put(std::map<std::string, std::string> changed_settings) { changed_settings_ = std::move(changed_settings); }
  /// Told after each change of a topic, with nothing when it was removed.
  void on_topic(std::function<void(const std::string& topic, const TopicConfig* config)> listener) { on_topic_ = std::move(listener); }

  Clients& clients() { return clients_; }
  const Clients& clients() const { return clients_; }
  QueueLocks& locks() { return locks_; }
  Store& store() { return *store_; }
  const BrokerState& state() const { return *state_; }
  const BrokerOptions& options() const { return options_; }
  const BrokerCounters& counters() const { return counters_; }
  const Statistics& statistics() const { return statistics_; }
  const Rates& rates() const { return rates_; }
  const Days& days() const { return days_; }
  const StoreTimes& store_times() const { return store_times_; }
  std::size_t waiting() const { return hold_.size(); }
  /// Silent clients that were forgotten, to be disconnected.
  void on_silent(std::function<void(ConnectionId)> close) { on_silent_ = std::move(close); }

 private:
  struct Waiting {
    PullRequest request;
    ReadDone done;
  };
  struct Prepared {
    NewEntry entry;
    std::string unique_key;
    std::int32_t queue = 0;
    std::int64_t due_ms = 0;
    bool timed = false;
  };

  std::int64_t now_ms() const { return world_.wall_now().time_since_epoch().count(); }
  template <class F>
  auto guarded(F f) {
    return [alive = std::weak_ptr<bool>(alive_), f = std::move(f)](auto&&... args) mutable {
      if (alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }
  void later(world::Callback callback);
  QueueKey stored_key(const QueueKey& queue) const;
  std::string index_key(std::string_view topic, std::string_view key) const;
  static std::string index_key_of(std::string_view stored_topic, std::string_view key);

  BrokerResult<const TopicConfig*> topic_for_send(std::string_view topic, const TopicHint& hint);
  BrokerResult<void> route_retry(NewMessage& message, std::string& topic);
  BrokerResult<Prepared> prepare(NewMessage& message, const TopicConfig& config, bool in_batch);
  Prepared encode(const NewMessage& message, std::string_view topic, std::int32_t queue, EntryType type, std::int64_t due_ms,
                  std::optional<Flush> flush);
  void append(Prepared prepared, SendDone done);
  StoredMessage told(const Appended& appended, Prepared& prepared) const;
  std::string new_unique_key();
  void publish_changes(Done done);
  void keep_segments();

  void try_pull(PullRequest request, ReadDone done);
  void pulled(PullRequest request, ReadDone done, StoreResult<Batch> batch);
  void arrived(const QueueKey& queue);
  void woken(const std::vector<WaitId>& ids);
  void arm_hold();

  std::int64_t earliest_due_ms() const;
  void due_comes(std::int64_t due_ms);
  void deliver_due();
  void deliver(std::vector<Due> dues);
  void arm_delivery(std::int64_t due_ms);

  struct PopRound;
  using RoundPtr = std::shared_ptr<PopRound>;
  std::vector<QueueKey> pop_queues(const PopRequest& request, bool retry_first);
  bool may_pop(const PopRequest& request, const QueueKey& queue) const;
  bool may_pop_any(const PopRequest& request);
  Offset pop_offset(const GroupQueue& of, bool from_newest) const;
  void next_queue(const RoundPtr& round);
  bool visit(const RoundPtr& round, const QueueKey& queue);
  void read_queue(const RoundPtr& round, const GroupQueue& of, Offset from);
  void take(const RoundPtr& round, const GroupQueue& of, Offset from, StoreResult<Batch> batch);
  void end_round(const RoundPtr& round);
  void answer_round(const RoundPtr& round);
  void unlock(const GroupQueue& of);
  struct PopWork;  // pop_work.h
  void keep_order(const GroupQueue& of);
  void release_order(const GroupQueue& of);
  bool park(const PopRequest& request, std::string turn, std::move_only_function<void()> again);
  void peek_next(const RoundPtr& round);
  void write_offsets(Done done);
  void release_offset(const GroupQueue& of);

  struct Revival;
  void arm_revive();
  void revive_due();
  void revive_next(const std::shared_ptr<Revival>& revival);
  void end_revival(const std::shared_ptr<Revival>& revival);
  Prepared revived_copy(const GroupQueue& of, const PopHandle& handle, const MessageView& message);
  void arm_free();

  void check_transactions();
  void check_half(Position position, const Half& half, bool give_up);
  void finish_half(const EndTransaction& request, const Entry& entry, Done done);

  void note_rates();
  void arm_checks();
  void count_in(std::string_view topic, std::size_t messages, std::size_t octets);
  void note_stored(world::Instant asked, std::size_t messages);
  void every(milliseconds interval, std::move_only_function<void()> work);

  world::World& world_;
  BrokerOptions options_;
  std::map<std::string, std::string> changed_settings_;
  spdlog::logger& log_;
  std::unique_ptr<BrokerState> state_;
  std::unique_ptr<Store> store_;  // shows entries to the state, so it goes first
  Catalogue& catalogue_;
  TopicTable topics_;
  GroupTable groups_;
  Clients clients_;
  QueueLocks locks_;
  Hold hold_;
  absl::flat_hash_map<WaitId, Waiting> waiting_;
  std::optional<world::Instant> hold_armed_;
  struct Parked {
    ConnectionId connection;
    std::move_only_function<void()> again;
  };
  absl::flat_hash_map<WaitId, Parked> parked_;    // pops
  absl::flat_hash_set<GroupQueue> pop_locks_;     // queues of which something is on its way to somebody of the group
  absl::flat_hash_map<Position, int> pops_busy_;  // handles that an entry on its way to the log ends or changes
  absl::flat_hash_set<Position> pops_reviving_;   // copies of them are on their way
  std::unique_ptr<PopWork> pop_work_;
  bool reviving_ = false;
  milliseconds revive_pause_{0};    // after what could not be written
  std::uint64_t revive_timer_ = 0;  // counts: an older one does nothing
  std::optional<std::int64_t> revive_armed_ms_;
  std::optional<std::int64_t> free_armed_ms_;
  std::int64_t freed_to_ms_ = 0;  // queues popped in order that were free by then have been told
  BrokerCounters counters_;
  Statistics statistics_;
  Rates rates_;
  Days days_;
  StoreTimes store_times_;
  std::function<void(TransactionCheck)> ask_;
  std::function<void(ConnectionId)> on_silent_;
  std::function<void(const std::string&, const TopicConfig*)> on_topic_;

  std::size_t offsets_on_way_ = 0;         // records of them that are not durable yet
  std::vector<Done> waiting_for_offsets_;  // told with the last of these
  struct WaitingForHeld {
    std::vector<Offsets::Held> left;  // a pop on its way holds these back
    Done done;
  };
  std::vector<WaitingForHeld> waiting_for_held_;
  std::string offsets_failure_;  // of one of them

  bool delivering_ = false;
  std::optional<std::int64_t> delivery_armed_ms_;
  std::uint64_t delivery_timer_ = 0;                     // counts: an older one does nothing
  std::multiset<std::int64_t> dues_on_way_;              // of delayed messages that are not readable yet
  std::optional<std::int64_t> first_unseen_due_;         // of those that were not readable yet when they were last looked up
  std::int64_t delivering_to_ms_ = 0;                    // what is being written down as going out; nothing new may be due before that
  std::set<Position> halves_on_way_;                     // their end is being written
  std::size_t halves_being_read_ = 0;                    // to be asked about
  std::vector<std::pair<std::int64_t, Position>> ends_;  // where the log ended at which time
  std::uint16_t unique_ = 0;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq
