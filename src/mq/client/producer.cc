#include "mq/client/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace chorus::mqclient {
namespace {

using wire::ResponseCode;

constexpr std::string_view auto_create_topic = "TBW102";
constexpr std::int32_t auto_create_queues = 4;

/// Answers after which another broker may do better. source: client/producer/DefaultMQProducer.java, retryResponseCodes
bool is_worth_another(const Error& error) {
  if (error.code == Code::no_connection || error.code == Code::timed_out || error.code == Code::unknown_topic) return true;
  switch (error.response) {
    case ResponseCode::service_not_available:
    case ResponseCode::system_error:
    case ResponseCode::system_busy:
    case ResponseCode::no_permission:
    case ResponseCode::no_buyer_id:
    case ResponseCode::not_in_current_unit:
    case ResponseCode::go_away:
      return error.code == Code::refused;
    default:
      return false;
  }
}

}  // namespace

std::size_t queue_of_key(std::string_view key, std::size_t count) {
  return static_cast<std::size_t>(std::abs(std::int64_t{mq::java_hash(key)})) % count;
}

/// One send on its way, over all its attempts.
struct Producer::Attempt {
  std::string topic;
  SendRequest request;
  std::string unique_id;
  std::optional<std::string> key;
  std::optional<Queue> queue;
  Instant deadline;
  int tried = 0;
  std::string last_broker;
  Error last_error{Code::timed_out, "no time was left", ResponseCode::success};
  std::optional<Error> wrong;  // it can never be sent
  Completion<Sent> done;
};

Producer::Producer(Client& client, ProducerOptions options) : client_(client), options_(std::move(options)) {
  client_.join(options_.group, {.check = [this](const world::Address& broker, const Incoming& check) { checked(broker, check); }});
}

Producer::~Producer() { client_.leave_producers(options_.group); }

void Producer::on_check(Check check) { check_ = std::move(check); }

namespace {

/// Fills a request with the message; says what is wrong with it.
std::optional<Error> fill(SendRequest& request, const Message& message, const ProducerOptions& options) {
  if (message.topic.empty()) return Error{Code::invalid, "a message needs a topic", ResponseCode::success};
  if (message.body.empty()) return Error{Code::invalid, "a message needs a body: empty ones are refused", ResponseCode::success};
  if (message.body.size() > options.body_octets_max) {
    return Error{Code::invalid, fmt::format("the body has {} octets, {} are the most", message.body.size(), options.body_octets_max),
                 ResponseCode::success};
  }
  auto properties = properties_text(message.properties);
  if (!properties) return properties.error();
  request.topic = message.topic;
  request.flag = message.flag;
  request.properties = std::move(*properties);
  request.body = message.body;
  if (options.compression && message.body.size() > options.compress_above && !request.batch) {
    request.body = mq::compress(message.body, *options.compression);
    request.sys_flag |= mq::sys_flag::compressed | static_cast<std::int32_t>(*options.compression);
  }
  return std::nullopt;
}

}  // namespace

void Producer::start(std::shared_ptr<Attempt> attempt) {
  attempt->topic = attempt->request.topic;
  attempt->deadline = client_.world().now() + options_.timeout;
  if (attempt->wrong) {
    return client_.world().post(client_.guarded([attempt] { attempt->done(std::unexpected(std::move(*attempt->wrong))); }));
  }
  choose(std::move(attempt));
}

void Producer::send(Message message, Completion<Sent> done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->unique_id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
  attempt->wrong = fill(attempt->request, message, options_);
  attempt->done = std::move(done);
  start(std::move(attempt));
}

void Producer::send_by_key(Message message, const std::string& key, Completion<Sent> done) {
  auto attempt = std::make_shared<Attempt>();
  message.set(mq::property::sharding_key, key);
  attempt->unique_id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
  attempt->wrong = fill(attempt->request, message, options_);
  attempt->key = key;
  attempt->done = std::move(done);
  start(std::move(attempt));
}

void Producer::send_to(Message message, const Queue& queue, Completion<Sent> done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->unique_id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
  attempt->wrong = fill(attempt->request, message, options_);
  attempt->queue = queue;
  attempt->done = std::move(done);
  start(std::move(attempt));
}

void Producer::send_oneway(Message message, Completion<Sent> done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->unique_id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
  attempt->wrong = fill(attempt->request, message, options_);
  attempt->request.oneway = true;
  attempt->done = std::move(done);
  start(std::move(attempt));
}

void Producer::send_batch(std::vector<Message> messages, Completion<Sent> done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->done = std::move(done);
  attempt->request.batch = true;
  const auto wrong = [&](std::string words) { attempt->wrong = Error{Code::invalid, std::move(words), ResponseCode::success}; };
  if (messages.empty()) wrong("a batch needs a message");
  std::string body;
  for (Message& message : messages) {
    const std::string id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
    attempt->unique_id += (attempt->unique_id.empty() ? "" : ",") + id;
    if (message.topic != messages.front().topic) wrong("the messages of a batch are of one topic");
    for (const std::string_view name : {mq::property::delay_level, mq::property::timer_deliver_ms, mq::property::timer_delay_ms,
                                        mq::property::timer_delay_seconds, mq::property::transaction_prepared}) {
      if (message.properties.contains(std::string(name))) wrong("messages of a batch can be neither delayed nor in a transaction");
    }
    SendRequest one{.batch = true};
    if (auto problem = fill(one, message, options_)) attempt->wrong = std::move(problem);
    mq::append_batch_item(body, {.flag = one.flag, .body = one.body, .properties_text = one.properties});
  }
  if (body.size() > options_.body_octets_max)
    wrong(fmt::format("the batch has {} octets, {} are the most", body.size(), options_.body_octets_max));
  attempt->request.topic = messages.empty() ? "" : messages.front().topic;
  attempt->request.body = std::move(body);
  start(std::move(attempt));
}

void Producer::choose(std::shared_ptr<Attempt> attempt) {
  // A topic that is not there is made by the first message, where brokers allow that: they have a route for TBW102 then.
  auto chosen = [this, alive = std::weak_ptr<bool>(alive_), attempt](bool by_default,
                                                                     Result<std::shared_ptr<const wire::TopicRoute>> route) {
    if (!alive.lock()) return;
    if (!route) return attempt->done(std::unexpected(std::move(route.error())));
    wire::TopicRoute as_topic = **route;
    if (by_default) {
      for (wire::QueueData& data : as_topic.queues) data.write_queues = std::min(data.write_queues, auto_create_queues);
    }
    std::vector<Queue> queues = writable_queues(attempt->topic, as_topic);
    if (queues.empty()) {
      return attempt->done(error(Code::unknown_topic,
                                 fmt::format("no broker takes messages of {}: it is read-only, or its masters are down", attempt->topic)));
    }
    if (attempt->queue) return deliver(attempt, *attempt->queue, as_topic);
    if (attempt->key) return deliver(attempt, queues[queue_of_key(*attempt->key, queues.size())], as_topic);
    const bool has_other = std::ranges::any_of(queues, [&](const Queue& queue) { return queue.broker_name != attempt->last_broker; });
    if (!attempt->last_broker.empty() && has_other)
      std::erase_if(queues, [&](const Queue& queue) { return queue.broker_name == attempt->last_broker; });
    deliver(attempt, queues[turn_++ % queues.size()], as_topic);
  };
  client_.route(attempt->topic, [this, alive = std::weak_ptr<bool>(alive_), attempt,
                                 chosen](Result<std::shared_ptr<const wire::TopicRoute>> route) mutable {
    if (!alive.lock()) return;
    if (route || route.error().code != Code::unknown_topic) return chosen(false, std::move(route));
    client_.route(std::string(auto_create_topic),
                  [chosen, attempt, first = route.error()](Result<std::shared_ptr<const wire::TopicRoute>> by_default) mutable {
                    if (!by_default && by_default.error().code == Code::unknown_topic) {
                      return attempt->done(error(Code::unknown_topic, fmt::format("there is no topic \"{}\"", attempt->topic)));
                    }
                    chosen(true, std::move(by_default));
                  });
  });
}

void Producer::deliver(std::shared_ptr<Attempt> attempt, const Queue& queue, const wire::TopicRoute& route) {
  const auto address = address_of(route, queue.broker_name);
  const Instant now = client_.world().now();
  if (!address) return attempt->done(error(Code::unknown_topic, fmt::format("no broker is called {}", queue.broker_name)));
  if (now >= attempt->deadline) return attempt->done(std::unexpected(std::move(attempt->last_error)));
  ++attempt->tried;
  attempt->last_broker = queue.broker_name;
  attempt->request.group = options_.group;
  attempt->request.queue_id = queue.queue_id;
  attempt->request.broker_name = queue.broker_name;
  attempt->request.born_time_ms = client_.now_ms();
  client_.ask<Sent>(
      *address, mqclient::send(attempt->request),
      [this, alive = std::weak_ptr<bool>(alive_), attempt](Result<Sent> sent) {
        if (!alive.lock()) return;
        if (sent) {
          sent->unique_id = attempt->unique_id;
          return attempt->done(std::move(sent));
        }
        // The one that is chosen by key or by name is the only one.
        const bool is_bound = attempt->queue || attempt->key;
        if (is_bound || attempt->tried > options_.retries || !is_worth_another(sent.error())) return attempt->done(std::move(sent));
        attempt->last_error = std::move(sent.error());
        client_.forget_route(attempt->topic);
        choose(attempt);
      },
      attempt->deadline - now);
}

void Producer::send_in_transaction(Message message, Local local, Completion<InTransaction> done) {
  auto attempt = std::make_shared<Attempt>();
  // A half message cannot be delayed as well. source: client/producer/DefaultMQProducerImpl.java, sendMessageInTransaction
  for (const std::string_view name :
       {mq::property::delay_level, mq::property::timer_deliver_ms, mq::property::timer_delay_ms, mq::property::timer_delay_seconds})
    message.properties.erase(std::string(name));
  message.set(mq::property::transaction_prepared, "true").set(mq::property::producer_group, options_.group);
  attempt->unique_id = message.properties.try_emplace(std::string(mq::property::unique_key), client_.new_message_id()).first->second;
  attempt->wrong = fill(attempt->request, message, options_);
  attempt->request.sys_flag |= mq::sys_flag::transaction_prepared;
  attempt->done = [this, alive = std::weak_ptr<bool>(alive_), message = std::move(message), local = std::move(local),
                   done = std::move(done)](Result<Sent> half) mutable {
    if (!alive.lock()) return;
    if (!half) return done(std::unexpected(std::move(half.error())));
    auto shared = std::make_shared<std::pair<Sent, Completion<InTransaction>>>(std::move(*half), std::move(done));
    auto ended = [this, alive, shared, topic = message.topic](Outcome outcome) {
      if (!alive.lock()) return;
      const Sent& sent = shared->first;
      const auto position = mq::parse_offset_id(sent.offset_id);
      TransactionEnd end{.group = options_.group,
                         .topic = topic,
                         .unique_id = sent.unique_id,
                         .transaction_id = sent.transaction_id,
                         .half_offset = sent.offset,
                         .half_position = position ? position->position : -1,
                         .outcome = outcome};
      client_.ask_broker_of<void>(sent.queue, end_transaction(end), [shared, outcome](const Result<void>&) {
        // It is one-way: that the broker did not get it only means that it will ask.
        shared->second(InTransaction{.half = shared->first, .outcome = outcome});
      });
    };
    if (shared->first.flushed != ResponseCode::success) return ended(Outcome::rollback);
    local(message, shared->first.unique_id, std::move(ended));
  };
  start(std::move(attempt));
}

void Producer::checked(const world::Address& broker, const Incoming& check) {
  auto messages = decode_messages(check.body);
  if (!messages || messages->size() != 1 || !check_) return;
  const Received& message = messages->front();
  TransactionEnd end{.group = options_.group,
                     .topic = message.topic,
                     .unique_id = message.id(),
                     .transaction_id = std::string(check.field("transactionId").value_or("")),
                     .half_offset = check.number("tranStateTableOffset"),
                     .half_position = check.number("commitLogOffset"),
                     .from_check = true};
  check_(message, message.id(), [this, alive = std::weak_ptr<bool>(alive_), broker, end](Outcome outcome) mutable {
    if (!alive.lock()) return;
    end.outcome = outcome;
    client_.ask<void>(broker, end_transaction(end), [](const Result<void>&) {});
  });
}

}  // namespace chorus::mqclient
