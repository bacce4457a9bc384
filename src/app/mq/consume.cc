// `chorus mq consume`
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>

#include "app/mq/tool.h"
#include "mq/client/push_consumer.h"

namespace chorus::app::mqtool {
namespace {

using mqclient::Pulled;
using mqclient::Queue;
using mqclient::Received;
using mqclient::Result;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

/// Ctrl-C and SIGTERM end the command in good order: what is printed is committed.
class Interruptible {
 public:
  Interruptible() {
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { interrupted = 1; });
  }
};

struct Until {
  std::int64_t count = 0;
  std::optional<Clock::time_point> deadline;

  explicit Until(const Command& command) : count(command.count) {
    if (command.seconds > 0)
      deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(command.seconds));
  }
  bool is_enough(std::int64_t printed) const { return count > 0 && printed >= count; }
  bool is_late() const { return interrupted || (deadline && Clock::now() >= *deadline); }
  Exit verdict(std::int64_t printed) const { return count > 0 && deadline && printed < count && !interrupted ? Exit::timed_out : Exit::ok; }
};

wire::SubscriptionData wanted(const Command& command) {
  return mqclient::subscription(command.topic, command.sql.empty() ? command.filter : command.sql, command.sql.empty() ? "TAG" : "SQL92",
                                now_ms());
}

/// Whether brokers can do with a condition: a pull with one that makes no sense gives everything, where RocketMQ answers it.
mqclient::Request<void> check(const wire::SubscriptionData& subscription) {
  wire::Outgoing outgoing = wire::Outgoing::request(wire::RequestCode::check_client_config, 0);
  outgoing.body = wire::encode_body(wire::CheckClientRequest{.client_id = "chorus-mq", .group = tools_group, .subscription = subscription});
  return {std::move(outgoing), [](mqclient::Incoming&& answer) -> Result<void> {
            if (answer.code != 0) return std::unexpected(mqclient::refusal(answer));
            return {};
          }};
}

/// Messages of all queues on their way from the reactor to the one that prints; each pull goes on when its queue is empty.
class Inbox {
 public:
  void push(std::vector<Received> messages) {
    const std::lock_guard lock(mutex_);
    for (Received& each : messages) waiting_.push_back(std::move(each));
    changed_.notify_all();
  }
  void note(const mqclient::Error& error) {
    const std::lock_guard lock(mutex_);
    error_ = error;
    changed_.notify_all();
  }
  /// Waits at most 50 ms, so that signals and deadlines are seen.
  std::optional<Received> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return !waiting_.empty() || error_; });
    if (waiting_.empty()) return std::nullopt;
    Received message = std::move(waiting_.front());
    waiting_.pop_front();
    return message;
  }
  std::optional<mqclient::Error> take_error() {
    const std::lock_guard lock(mutex_);
    return std::exchange(error_, std::nullopt);
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Received> waiting_;
  std::optional<mqclient::Error> error_;
};

/// Pulls one queue again and again, on the reactor; never more than one answer ahead of the printer.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(mqclient::Client& client, Queue queue, wire::SubscriptionData wanted, std::int64_t from, std::shared_ptr<Inbox> inbox)
      : client_(client), queue_(std::move(queue)), wanted_(std::move(wanted)), at_(from), inbox_(std::move(inbox)) {}

  void pull() {
    if (stopped_) return;
    // A printer that is slow holds up the reading, and nothing piles up.
    if (inbox_->size() > 1000) return again(std::chrono::milliseconds(20));
    mqclient::PullRequest request{.group = tools_group,
                                  .queue = queue_,
                                  .offset = at_,
                                  .wait = std::chrono::seconds(15),
                                  .expression = wanted_.sub_string,
                                  .expression_type = wanted_.expression_type,
                                  .version = wanted_.sub_version};
    client_.ask_broker_of<Pulled>(
        queue_, mqclient::pull(request), [self = shared_from_this()](Result<Pulled> pulled) { self->pulled(std::move(pulled)); },
        std::chrono::seconds(30));
  }
  void stop() { stopped_ = true; }

 private:
  void pulled(Result<Pulled> pulled) {
    if (stopped_) return;
    if (!pulled) {
      inbox_->note(pulled.error());
      if (pulled.error().code == mqclient::Code::closed) return;
      client_.forget_route(queue_.topic);
      return again(std::chrono::seconds(1));
    }
    at_ = pulled->next;
    std::erase_if(pulled->messages, [&](const Received& each) { return !mqclient::is_wanted(wanted_, each); });
    if (!pulled->messages.empty()) inbox_->push(std::move(pulled->messages));
    pull();
  }
  void again(mqclient::Duration pause) {
    client_.world().after(pause, client_.guarded([self = shared_from_this()] { self->pull(); }));
  }

  mqclient::Client& client_;
  const Queue queue_;
  const wire::SubscriptionData wanted_;
  std::int64_t at_;
  std::shared_ptr<Inbox> inbox_;
  bool stopped_ = false;
};

}  // namespace

void Tool::print_message(const Received& message, bool with_head) {
  if (json_) return print_json(message_json(message));
  if (with_head) print(message_head(message) + '\n');
  print(message.body);
  print("\n");
}

Exit Tool::consume(const Command& command) {
  const Interruptible interruptible;
  if (!command.group.empty() && command.queue)
    return fail(Exit::usage, "--queue goes without --group: members of a group share all queues");
  if (!command.sql.empty()) {
    const auto queues = queues_of(command.topic);
    if (!queues) return fail(queues.error(), "\"chorus mq topics list\" lists the topics");
    if (queues->empty()) return fail(Exit::not_found, fmt::format("{} has no queue to read", command.topic));
    if (const auto sound = client_.ask_broker_of(queues->front(), check(wanted(command))); !sound) return fail(sound.error());
  }
  return command.group.empty() ? consume_alone(command) : consume_as_member(command);
}

Exit Tool::consume_alone(const Command& command) {
  auto queues = queues_of(command.topic);
  if (!queues) return fail(queues.error(), "\"chorus mq topics list\" lists the topics");
  if (command.queue) std::erase_if(*queues, [&](const Queue& queue) { return queue.queue_id != *command.queue; });
  if (queues->empty()) return fail(Exit::not_found, fmt::format("{} has no such queue", command.topic));
  const Until until(command);
  const std::string from = command.from.value_or(command.follow ? "latest" : "earliest");
  std::int64_t from_ms = 0;
  if (from != "earliest" && from != "latest") {
    const auto time = parse_time(from, now_ms());
    if (!time) return fail(Exit::usage, time.error());
    from_ms = *time;
  }
  const auto subscription = wanted(command);
  std::map<Queue, std::pair<std::int64_t, std::int64_t>> ranges;  // from, to
  for (const Queue& queue : *queues) {
    const auto end = client_.ask_broker_of(queue, mqclient::max_offset(queue));
    if (!end) return fail(end.error());
    const auto begin = from == "earliest" ? client_.ask_broker_of(queue, mqclient::min_offset(queue))
                       : from == "latest" ? end
                                          : client_.ask_broker_of(queue, mqclient::offset_at(queue, from_ms));
    if (!begin) return fail(begin.error());
    ranges[queue] = {*begin, *end};
  }
  if (command.ready) {
    print(json_ ? line({{"consuming", command.topic}}) : fmt::format("consuming {}\n", command.topic));
    std::fflush(stdout);
  }
  std::int64_t printed = 0;
  if (!command.follow) {
    for (const auto& [queue, range] : ranges) {
      std::int64_t at = range.first;
      while (at < range.second && !until.is_enough(printed) && !until.is_late()) {
        const auto pulled = client_.ask_broker_of(queue, mqclient::pull({.group = tools_group,
                                                                         .queue = queue,
                                                                         .offset = at,
                                                                         .expression = subscription.sub_string,
                                                                         .expression_type = subscription.expression_type,
                                                                         .version = subscription.sub_version}));
        if (!pulled) return fail(pulled.error());
        for (const Received& message : pulled->messages) {
          if (until.is_enough(printed) || message.queue_offset >= range.second || !mqclient::is_wanted(subscription, message)) continue;
          print_message(message, command.headers);
          ++printed;
        }
        if (pulled->status == Pulled::Status::none || pulled->next == at) break;
        at = pulled->next;
      }
    }
    return until.verdict(printed);
  }
  const auto inbox = std::make_shared<Inbox>();
  std::vector<std::shared_ptr<Follower>> followers;
  client_.run([&](mqclient::Client& client) {
    for (const auto& [queue, range] : ranges) {
      followers.push_back(std::make_shared<Follower>(client, queue, subscription, range.first, inbox));
      followers.back()->pull();
    }
  });
  Exit code = Exit::ok;
  while (!until.is_enough(printed) && !until.is_late() && code == Exit::ok) {
    if (const auto message = inbox->pop()) {
      print_message(*message, command.headers);
      std::fflush(stdout);
      ++printed;
    } else if (const auto error = inbox->take_error()) {
      // A broker that restarts is waited for; one that says no is not.
      const Exit reason = exit_for(*error);
      if (reason != Exit::no_connection) code = fail(*error);
      if (reason == Exit::no_connection && !json_) fmt::print(stderr, "chorus mq: {}; trying again\n", error->message);
    }
    if (std::ferror(stdout)) break;
  }
  client_.run([&](mqclient::Client&) {
    for (const auto& each : followers) each->stop();
  });
  return code == Exit::ok ? until.verdict(printed) : code;
}

Exit Tool::consume_as_member(const Command& command) {
  if (const auto queues = queues_of(command.topic); !queues) return fail(queues.error(), "\"chorus mq topics list\" lists the topics");
  mqclient::ConsumerOptions options{.group = command.group, .in_order = command.in_order};
  const std::string from = command.from.value_or(command.follow ? "latest" : "earliest");
  if (from == "earliest") {
    options.from = wire::ConsumeFromWhere::first_offset;
  } else if (from != "latest") {
    const auto time = parse_time(from, now_ms());
    if (!time) return fail(Exit::usage, time.error());
    options.from = wire::ConsumeFromWhere::timestamp;
    options.from_ms = *time;
  }
  if (!command.follow) options.wait = {};
  // One at a time with the printer: what is not printed stays with the group.
  options.concurrency = 1;
  options.queue_messages_max = 100;
  const Until until(command);

  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<std::pair<Received, mqclient::PushConsumer::Tell>> one;
    std::optional<mqclient::Error> trouble;
  };
  const auto shared = std::make_shared<Shared>();
  const auto subscription = wanted(command);
  std::unique_ptr<mqclient::PushConsumer> consumer;
  client_.run([&](mqclient::Client& client) {
    consumer = std::make_unique<mqclient::PushConsumer>(client, options,
                                                        [shared](std::vector<Received> messages, mqclient::PushConsumer::Tell tell) {
                                                          const std::lock_guard lock(shared->mutex);
                                                          shared->one.emplace(std::move(messages.front()), std::move(tell));
                                                          shared->changed.notify_all();
                                                        });
    consumer->subscribe(command.topic, subscription.sub_string, subscription.expression_type);
    consumer->on_trouble([shared](const mqclient::Error& error) {
      const std::lock_guard lock(shared->mutex);
      shared->trouble = error;
    });
    consumer->start();
  });
  std::int64_t printed = 0;
  Exit code = Exit::ok;
  bool is_ready = !command.ready;
  std::optional<Clock::time_point> quiet_since;
  while (!until.is_enough(printed) && !until.is_late() && code == Exit::ok && !std::ferror(stdout)) {
    std::unique_lock lock(shared->mutex);
    shared->changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return shared->one.has_value(); });
    auto one = std::exchange(shared->one, std::nullopt);
    const auto trouble = std::exchange(shared->trouble, std::nullopt);
    lock.unlock();
    if (trouble) {
      const Exit reason = exit_for(*trouble);
      if (reason == Exit::not_allowed || reason == Exit::usage) code = fail(*trouble);
      if (code == Exit::ok && !json_) fmt::print(stderr, "chorus mq: {}; trying again\n", trouble->message);
    }
    if (!is_ready) {
      client_.run([&](mqclient::Client&) { is_ready = !consumer->queues().empty(); });
      if (is_ready) print(json_ ? line({{"consuming", command.topic}}) : fmt::format("consuming {}\n", command.topic));
      std::fflush(stdout);
    }
    if (one) {
      print_message(one->first, command.headers);
      std::fflush(stdout);
      ++printed;
      client_.run([&](mqclient::Client&) { one->second(mqclient::Verdict::consumed); });
      continue;
    }
    if (command.follow) continue;
    bool has_caught_up = false;
    client_.run([&](mqclient::Client&) { has_caught_up = consumer->has_caught_up(); });
    if (!has_caught_up) quiet_since.reset();
    // A member that has just left may still hold queues: they come to us in a moment.
    if (has_caught_up && !quiet_since) quiet_since = Clock::now();
    if (quiet_since && Clock::now() - *quiet_since >= std::chrono::seconds(1)) break;
  }
  std::promise<void> stopped;
  // Verdicts are worked off by what was posted before.
  client_.run([&](mqclient::Client& client) { client.world().post([&] { consumer->stop([&] { stopped.set_value(); }); }); });
  stopped.get_future().wait();
  client_.run([&](mqclient::Client&) { consumer.reset(); });
  return code == Exit::ok ? until.verdict(printed) : code;
}

}  // namespace chorus::app::mqtool
