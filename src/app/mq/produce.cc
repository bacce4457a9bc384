// `chorus mq produce`
#include <fmt/format.h>

#include <condition_variable>
#include <iostream>
#include <iterator>
#include <mutex>

#include "app/mq/tool.h"
#include "mq/message/names.h"

namespace chorus::app::mqtool {
namespace {

using mqclient::Message;
using mqclient::Result;
using mqclient::Sent;

constexpr std::size_t in_flight_max = 64;
constexpr std::size_t batch_octets_max = 1 << 20, batch_messages_max = 256;

/// A Producer on the client's reactor, for the thread of the command line.
class Sender {
 public:
  Sender(mqclient::BlockingClient& client, mqclient::ProducerOptions options) : client_(client) {
    client_.run([&](mqclient::Client& each) { producer_ = std::make_unique<mqclient::Producer>(each, std::move(options)); });
  }
  ~Sender() {
    client_.run([&](mqclient::Client&) { producer_.reset(); });
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Waits while `most` are on their way.
  template <class Start>
  void begin(std::size_t most, Start start) {
    wait([&] { return on_way_ < most; });
    {
      const std::lock_guard lock(mutex_);
      ++on_way_;
    }
    client_.run([&](mqclient::Client&) {
      start(*producer_, mqclient::Completion<Sent>([this](Result<Sent> sent) {
        const std::lock_guard lock(mutex_);
        --on_way_;
        results_.push_back(std::move(sent));
        changed_.notify_all();
      }));
    });
  }
  void wait_for_all() {
    wait([&] { return on_way_ == 0; });
  }
  /// What has come meanwhile.
  std::vector<Result<Sent>> results() {
    const std::lock_guard lock(mutex_);
    return std::exchange(results_, {});
  }

 private:
  template <class Condition>
  void wait(Condition condition) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
  }

  mqclient::BlockingClient& client_;
  std::unique_ptr<mqclient::Producer> producer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t on_way_ = 0;
  std::vector<Result<Sent>> results_;
};

/// What every message of the command has in common. On failure: what is wrong.
base::Result<Message, std::string> common_message(const Command& command) {
  Message message{.topic = command.topic, .body = {}, .properties = {}};
  if (command.tag) message.tag(*command.tag);
  if (command.key) message.keys(*command.key);
  for (const std::string& property : command.properties) {
    const std::size_t equals = property.find('=');
    if (equals == std::string::npos || equals == 0) return std::unexpected(fmt::format("\"{}\" is not name=value", property));
    const std::string name = property.substr(0, equals);
    if (mq::property::is_reserved(name))
      return std::unexpected(fmt::format("the property {} is RocketMQ's own; choose another name", name));
    message.set(name, property.substr(equals + 1));
  }
  if (command.delay_level) message.delay_level(*command.delay_level);
  if (command.delay) {
    const auto delay = parse_duration(*command.delay);
    if (!delay) return std::unexpected(delay.error());
    message.deliver_after_ms(*delay);
  }
  if (command.at) {
    const auto at = parse_time(*command.at, now_ms());
    if (!at) return std::unexpected(at.error());
    message.deliver_at(*at);
  }
  return message;
}

std::optional<mq::Compression> compression_of(std::string_view name) {
  if (name == "zlib") return mq::Compression::zlib;
  if (name == "lz4") return mq::Compression::lz4;
  if (name == "zstd") return mq::Compression::zstd;
  return std::nullopt;
}

}  // namespace

Exit Tool::produce(const Command& command) {
  const auto like = common_message(command);
  if (!like) return fail(Exit::usage, like.error());
  if (command.batch && (command.delay || command.at || command.delay_level))
    return fail(Exit::usage, "messages of a batch cannot be delayed: leave --batch out");
  if (command.batch && (command.order_key || command.queue || command.oneway))
    return fail(Exit::usage, "--batch goes with neither --order-key, --queue nor --oneway");
  if (command.batch && (command.compress.value_or("none") != "none" || command.compress_above))
    return fail(Exit::usage, "bodies of a batch are not compressed: leave --batch out");
  if (command.queue && command.broker.empty()) {
    const auto queues = queues_of(command.topic);
    if (!queues) return fail(queues.error());
    for (const mqclient::Queue& queue : *queues) {
      if (queue.broker_name != queues->front().broker_name) return fail(Exit::usage, "there are several brokers: say which with --broker");
    }
    Command with_broker = command;
    with_broker.broker = queues->front().broker_name;
    return produce_lines(with_broker, *like);
  }
  return produce_lines(command, *like);
}

Exit Tool::produce_lines(const Command& command, const Message& like) {
  const auto timeout = std::chrono::seconds(10);
  mqclient::ProducerOptions options{.group = command.group.empty() ? "chorus-mq" : command.group, .timeout = timeout};
  if (command.compress) options.compression = compression_of(*command.compress);
  if (command.compress_above) options.compress_above = *command.compress_above;
  Sender sender(client_, std::move(options));
  // Those of one key or queue, and those named one by one, go one after the other: a broker may carry out at once what comes at once.
  const std::size_t most = command.order_key || command.queue || !command.items.empty() ? 1 : in_flight_max;
  std::size_t sent_count = 0;
  Exit code = Exit::ok;
  const auto tell = [&] {
    for (const Result<Sent>& sent : sender.results()) {
      if (!sent) {
        if (code == Exit::ok) code = fail(sent.error());
        continue;
      }
      ++sent_count;
      if (command.oneway) continue;
      const bool is_durable = sent->flushed == wire::ResponseCode::success;
      if (json_) {
        Json out = {{"id", sent->unique_id},
                    {"offset_id", sent->offset_id},
                    {"broker", sent->queue.broker_name},
                    {"queue", sent->queue.queue_id},
                    {"offset", sent->offset}};
        if (!sent->recall_handle.empty()) out["recall_handle"] = sent->recall_handle;
        if (!is_durable) out["status"] = wire::name_of(sent->flushed);
        print(line(out));
      } else {
        print(fmt::format("{} {}:{} {}{}\n", sent->unique_id, sent->queue.broker_name, sent->queue.queue_id, sent->offset,
                          is_durable ? "" : fmt::format(" stored, but {}", wire::name_of(sent->flushed))));
      }
    }
    progress([&] { return fmt::format("{} messages sent", sent_count); });
  };

  std::vector<Message> batch;
  std::size_t batch_octets = 0;
  const auto send_batch = [&] {
    if (batch.empty()) return;
    sender.begin(most, [&](mqclient::Producer& producer, mqclient::Completion<Sent> done) {
      producer.send_batch(std::exchange(batch, {}), std::move(done));
    });
    batch_octets = 0;
  };
  const auto send = [&](std::string body) {
    Message message = like;
    message.body = std::move(body);
    if (command.batch) {
      batch_octets += message.body.size() + 200;
      batch.push_back(std::move(message));
      if (batch.size() >= batch_messages_max || batch_octets >= batch_octets_max) send_batch();
    } else {
      sender.begin(most, [&](mqclient::Producer& producer, mqclient::Completion<Sent> done) {
        if (command.order_key) return producer.send_by_key(std::move(message), *command.order_key, std::move(done));
        if (command.oneway) return producer.send_oneway(std::move(message), std::move(done));
        if (!command.queue) return producer.send(std::move(message), std::move(done));
        producer.send_to(std::move(message), {.topic = command.topic, .broker_name = command.broker, .queue_id = *command.queue},
                         std::move(done));
      });
    }
    tell();
  };

  if (!command.items.empty()) {
    for (const std::string& body : command.items) {
      if (code == Exit::ok) send(body);
    }
  } else if (command.whole) {
    send(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  } else {
    std::string text;
    while (code == Exit::ok && std::getline(std::cin, text)) {
      if (!text.empty()) send(std::exchange(text, {}));  // brokers refuse empty ones
    }
  }
  if (code == Exit::ok) send_batch();
  sender.wait_for_all();
  tell();
  progress([&] { return fmt::format("{} messages sent", sent_count); }, true);
  if (code != Exit::ok && sent_count > 0 && !json_) fmt::print(stderr, "  {} messages were sent before that\n", sent_count);
  return code;
}

}  // namespace chorus::app::mqtool
