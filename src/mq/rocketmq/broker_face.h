// A broker's requests over remoting: decodes, calls the broker, encodes. Keeps nothing that the broker should keep.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <spdlog/logger.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mq/acl/access.h"
#include "mq/broker/broker.h"
#include "mq/filter/sql_filter.h"
#include "mq/filter/tag_filter.h"
#include "mq/rocketmq/body/body.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/command.h"
#include "mq/rocketmq/observations.h"

namespace chorus::mq::rocketmq {

struct FaceOptions {
  bool property_filter = true;  // enablePropertyFilter
  std::int32_t pull_messages_max = 1024;
  std::uint64_t pull_octets_max = 256 << 10;
  std::chrono::milliseconds hold_max{60'000};
  std::size_t filters_max = 1024;  // compiled expressions kept
  std::string data_directory;      // whose disk is told of; empty: none is
  /// How often consumers are asked how they do, for observations(), and how many of them; 0: never.
  std::chrono::milliseconds client_metrics_interval{60'000};
  std::size_t client_metrics_max = 10'000;
};

/// Where answers and our own requests go.
class Sender {
 public:
  virtual ~Sender() = default;
  /// An answer; opaque: of its request.
  virtual void send(ConnectionId to, std::string frame, std::optional<std::int32_t> opaque = {}) = 0;
  /// A request of ours.
  virtual void request(ConnectionId to, std::string frame) = 0;
  virtual void close(ConnectionId connection) = 0;
  /// "127.0.0.1:40312"; empty: it is gone.
  virtual std::string address_of(ConnectionId connection) const = 0;
};

/// Lives on one reactor.
class BrokerFace {
 public:
  BrokerFace(world::World& world, Broker& broker, FaceOptions options, Sender& sender, spdlog::logger& logger);
  ~BrokerFace();
  BrokerFace(const BrokerFace&) = delete;
  BrokerFace& operator=(const BrokerFace&) = delete;

  /// A request, or an answer to one of ours.
  void on_command(ConnectionId from, const Command& command);
  void on_closed(ConnectionId connection);
  /// Administrators change it here; it outlives the face. Null, as at first: there is none.
  void use(acl::Access* access) { access_ = access; }
  /// From now on consumers are asked how they do, and what groups have not consumed is looked at: observations() has the answers.
  void observe();
  /// No more of that: the broker is about to stop.
  void stop_observing() { observing_ = false; }
  const Observations& observations() const { return observed_; }
  /// How the broker does, in RocketMQ's words. oldest_ms: when its oldest message was stored, -1 when there is none.
  KvTable runtime(std::int64_t oldest_ms) const;

 private:
  /// Whom to answer, once what was asked for is done.
  struct Asker {
    ConnectionId connection;
    std::int32_t opaque = 0;
    bool oneway = false;
  };
  /// One of our requests that waits for its answer.
  struct Pending {
    ConnectionId to;
    std::function<void(const Command* answer)> done;  // null: none came in time, or the client is gone
  };

  static Asker asker_of(ConnectionId from, const Command& command) {
    return {.connection = from, .opaque = command.opaque, .oneway = command.is_oneway()};
  }
  void answer(const Asker& asker, Outgoing outgoing);
  void refuse(const Asker& asker, ResponseCode code, std::string remark);
  void refuse(const Asker& asker, const BrokerError& error);
  bool refuse_bad_header(const Asker& asker, const HeaderReader& header);
  template <class T>
  void answer_body(const Asker& asker, const T& body);
  void ask(ConnectionId to, Outgoing request, std::chrono::milliseconds limit, std::function<void(const Command* answer)> done);
  void tell(ConnectionId to, Outgoing request);
  Done answer_when_done(const Asker& asker);

  // face_send.cc
  void send_message(ConnectionId from, const Command& command);
  void send_back(ConnectionId from, const Command& command);
  void end_transaction(ConnectionId from, const Command& command);
  void ask_about(const TransactionCheck& check);
  void recall(ConnectionId from, const Command& command);
  // face_pull.cc
  void pull_message(ConnectionId from, const Command& command);
  /// Of the topic and the group that a pull is for: told with its answer.
  struct SysFlags {
    std::int32_t topic = 0, group = 0;
  };
  void pulled(const Asker& asker, SysFlags flags, Offset from, StoreResult<Batch> batch);
  // face_pop.cc
  void pop_message(ConnectionId from, const Command& command);
  void peek_message(ConnectionId from, const Command& command);
  void notification(ConnectionId from, const Command& command);
  void polling_info(ConnectionId from, const Command& command);
  std::optional<PopRequest> pop_request(ConnectionId from, const Asker& asker, HeaderReader& header);
  bool pop_filter(const Asker& asker, std::string_view type, std::string_view expression, PopRequest& request);
  void hold(PopRequest& request, std::int64_t born_ms, std::int64_t poll_ms);
  void popped(const Asker& asker, const std::string& topic, PopCheckPoint point, bool in_order, const PopAnswer& said);
  // face_pop_ack.cc
  struct HandleInHeader {
    GroupQueue of;
    Offset offset = 0;
    PopCheckPoint point;
  };
  std::optional<HandleInHeader> handle_in(const Asker& asker, HeaderReader& header);
  void ack_message(ConnectionId from, const Command& command);
  void batch_ack(ConnectionId from, const Command& command);
  void acknowledge(const Asker& asker, std::vector<PopAck> acks);
  void change_invisible_time(ConnectionId from, const Command& command);
  std::optional<SqlFilter> compiled(std::string_view expression, std::string& why);
  // face_offsets.cc
  void offsets(ConnectionId from, const Command& command);
  void query(ConnectionId from, const Command& command);
  // face_clients.cc
  void heart_beat(ConnectionId from, const Command& command);
  void unregister_client(ConnectionId from, const Command& command);
  void check_client(ConnectionId from, const Command& command);
  void consumer_list(ConnectionId from, const Command& command);
  void lock_queues(ConnectionId from, const Command& command);
  void tell_changed_groups();
  // face_topics.cc
  void topics(ConnectionId from, const Command& command);
  void groups(ConnectionId from, const Command& command);
  // face_statistics.cc
  void statistics(ConnectionId from, const Command& command);
  void reset_offsets(ConnectionId from, const Command& command);
  void relay(ConnectionId from, const Command& command);
  MessageQueue shown_queue(const QueueKey& queue) const;
  /// The store time of the record at each of these places; 0: there is none. `done` with as many.
  void times_at(std::vector<std::pair<QueueKey, Offset>> places, std::function<void(std::vector<std::int64_t>)> done);
  // face_assignment.cc
  void assignment(ConnectionId from, const Command& command);
  void set_request_mode(ConnectionId from, const Command& command);
  void request_modes(ConnectionId from, const Command& command);
  void consumer_status(ConnectionId from, const Command& command);
  // face_reply.cc
  void reply(ConnectionId from, const Command& command);
  // face_acl.cc
  void users(ConnectionId from, const Command& command);
  void policies(ConnectionId from, const Command& command);
  void accounts(ConnectionId from, const Command& command);
  bool refuse_without_access(const Asker& asker);
  /// Whether the sender may read messages of a topic, for requests that name a message by its place alone; empty: whoever got this far may.
  std::function<bool(std::string_view topic)> may_read(ConnectionId from, const Command& command) const;
  void change_access(const Asker& asker, acl::Access::Change change, std::optional<ResponseCode> failure = {});
  // face_configuration.cc
  void configuration(ConnectionId from, const Command& command);
  void change_settings(const Asker& asker, const Command& command);
  // face_inspect.cc
  void inspect(ConnectionId from, const Command& command);
  void consume_queue(ConnectionId from, const Command& command);
  void all_consume_stats(ConnectionId from, const Command& command);
  // face_observe.cc
  struct AskingRound;
  struct LookingRound;
  void ask_consumers_later();
  void ask_consumers();
  void ask_next_consumers(const std::shared_ptr<AskingRound>& round);
  void look_at_groups();
  void look_at_more(const std::shared_ptr<LookingRound>& round);

  world::World& world_;
  Broker& broker_;
  FaceOptions options_;
  Sender& sender_;
  acl::Access* access_ = nullptr;
  spdlog::logger& log_;
  std::uint32_t last_opaque_ = 0;
  bool changing_settings_ = false;
  std::uint32_t pops_ = 0;
  absl::flat_hash_map<std::int32_t, Pending> pending_;
  const std::int64_t started_ms_;
  Observations observed_;
  bool observing_ = false;
  std::list<SqlFilter> filters_;  // the last used first
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

template <class T>
void BrokerFace::answer_body(const Asker& asker, const T& body) {
  Outgoing outgoing;
  outgoing.opaque = asker.opaque;
  outgoing.body = encode_body(body);
  answer(asker, std::move(outgoing));
}

/// How RocketMQ answers what a broker refuses.
ResponseCode code_of(BrokerErrc code);

}  // namespace chorus::mq::rocketmq
