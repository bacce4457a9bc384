#include "mq/client/client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace chorus::mqclient {
namespace {

using wire::RequestCode;
using wire::ResponseCode;

/// Calls `done` after the last of `count` calls.
std::function<void()> after_all(std::size_t count, std::move_only_function<void()> done) {
  auto left = std::make_shared<std::pair<std::size_t, std::move_only_function<void()>>>(count, std::move(done));
  return [left] {
    if (--left->first == 0 && left->second) left->second();
  };
}

}  // namespace

Result<std::vector<world::Address>> parse_name_servers(std::string_view text) {
  std::string with_commas(text);
  std::ranges::replace(with_commas, ';', ',');
  std::vector<world::Address> servers;
  for (const std::string_view part : base::split(with_commas, ',')) {
    if (base::trim(part).empty()) continue;
    const auto address = world::parse_address(base::trim(part), 9876);
    if (!address) return error(Code::invalid, fmt::format("\"{}\" is not host:port", part));
    servers.push_back(*address);
  }
  if (servers.empty()) return error(Code::invalid, "no NameServer is given");
  return servers;
}

Client::Client(world::World& world, ClientOptions options)
    : world_(world),
      options_(std::move(options)),
      id_(options_.id.empty() ? fmt::format("127.0.0.1@{}#{}", getpid(), world.random().next()) : options_.id),
      ids_(mq::Host{.address = {127, 0, 0, 1}}, static_cast<std::uint16_t>(getpid()), static_cast<std::int32_t>(world.random().next())),
      remoting_(world, options_.remoting) {
  remoting_.on_asked([this](const world::Address& from, const Incoming& request) { asked(from, request); });
  remoting_.on_connected([this](const world::Address& server) {
    const auto known = brokers();
    if (!stopping_ && std::ranges::find(known, server) != known.end()) heartbeat_to({server}, {});
  });
  beat();
}

Client::~Client() = default;

std::string Client::new_message_id() { return ids_.next(now_ms()); }

void Client::beat() {
  world_.after(options_.heartbeat_interval, guarded([this] {
                 if (stopping_) return;
                 send_heartbeats();
                 beat();
               }));
}

void Client::call_name_server(wire::Outgoing request, Completion<Incoming> done) {
  try_name_server(std::make_shared<wire::Outgoing>(std::move(request)), std::make_shared<Completion<Incoming>>(std::move(done)), 0, {});
}

void Client::try_name_server(std::shared_ptr<wire::Outgoing> request, std::shared_ptr<Completion<Incoming>> done, std::size_t attempt,
                             std::string why) {
  const std::size_t count = options_.name_servers.size();
  if (attempt == count) {
    return (*done)(error(Code::no_connection, count == 1 ? why : fmt::format("no NameServer answers; the last one: {}", why)));
  }
  const std::size_t index = (name_server_ + attempt) % count;
  remoting_.call(options_.name_servers[index], *request, options_.timeout,
                 guarded([this, request, done, attempt, index](Result<Incoming> answer) mutable {
                   const bool next = !answer && (answer.error().code == Code::no_connection || answer.error().code == Code::timed_out);
                   if (next) return try_name_server(request, done, attempt + 1, answer.error().message);
                   if (answer) name_server_ = index;
                   (*done)(std::move(answer));
                 }));
}

void Client::route(const std::string& topic, Completion<std::shared_ptr<const wire::TopicRoute>> done) {
  const auto at = routes_.find(topic);
  if (at == routes_.end() || world_.now() - at->second.asked_at >= options_.route_interval) return fresh_route(topic, std::move(done));
  world_.post(guarded([route = at->second.route, done = std::move(done)]() mutable { done(std::move(route)); }));
}

void Client::fresh_route(const std::string& topic, Completion<std::shared_ptr<const wire::TopicRoute>> done) {
  auto& waiting = asking_[topic];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;  // one question for all of them, who go on in the order in which they came
  ask_name_server<wire::TopicRoute>(route_of(topic),
                                    guarded([this, topic](Result<wire::TopicRoute> route) { came(topic, std::move(route)); }));
}

void Client::came(const std::string& topic, Result<wire::TopicRoute> route) {
  if (!route) {
    // What was known may well still hold when no NameServer answers, and a broker says so if not.
    const auto at = routes_.find(topic);
    const bool no_answer = route.error().code == Code::no_connection || route.error().code == Code::timed_out;
    if (no_answer && at != routes_.end()) return tell_route(topic, at->second.route);
    if (at != routes_.end()) routes_.erase(at);
    return tell_route(topic, std::unexpected(std::move(route.error())));
  }
  const std::vector<world::Address> before = brokers();
  auto shared = std::make_shared<const wire::TopicRoute>(std::move(*route));
  routes_.insert_or_assign(topic, KnownRoute{shared, world_.now()});
  std::vector<world::Address> fresh;
  for (const world::Address& broker : addresses_of(*shared)) {
    if (std::ranges::find(before, broker) == before.end()) fresh.push_back(broker);
  }
  if (fresh.empty() || (producers_.empty() && consumers_.empty())) return tell_route(topic, shared);
  // A broker is to know its client before it is asked anything in the name of a group.
  heartbeat_to(fresh, guarded([this, topic, shared] { tell_route(topic, shared); }));
}

void Client::tell_route(const std::string& topic, const Result<std::shared_ptr<const wire::TopicRoute>>& route) {
  auto waiting = asking_.extract(topic);
  if (waiting.empty()) return;
  const std::weak_ptr<bool> alive = alive_;
  for (auto& each : waiting.mapped()) {
    if (alive.expired()) return;
    each(route);
  }
}

void Client::forget_route(const std::string& topic) {
  if (const auto at = routes_.find(topic); at != routes_.end()) at->second.asked_at = Instant{};
}

std::vector<world::Address> Client::brokers() const {
  std::set<world::Address> all;
  for (const auto& [topic, known] : routes_) {
    for (const world::Address& broker : addresses_of(*known.route)) all.insert(broker);
  }
  return {all.begin(), all.end()};
}

void Client::join(const std::string& producer_group, ProducerHooks hooks) {
  producers_.insert_or_assign(producer_group, std::move(hooks));
  send_heartbeats();
}
void Client::join(wire::ConsumerData consumer, ConsumerHooks hooks) {
  const std::string group = consumer.group_name;
  consumers_.insert_or_assign(group, Consumer{std::move(consumer), std::move(hooks)});
  send_heartbeats();
}
void Client::leave_producers(const std::string& group, std::move_only_function<void()> done) {
  producers_.erase(group);
  leave(group, {}, std::move(done));
}
void Client::leave_consumers(const std::string& group, std::move_only_function<void()> done) {
  consumers_.erase(group);
  leave({}, group, std::move(done));
}

void Client::leave(const std::string& producer_group, const std::string& consumer_group, std::move_only_function<void()> done) {
  const auto known = brokers();
  const auto one = after_all(known.size() + 1, std::move(done));
  for (const world::Address& broker : known) {
    ask<void>(broker, unregister(id_, producer_group, consumer_group), [one](const Result<void>&) { one(); }, std::chrono::seconds(1));
  }
  world_.post(guarded(one));
}

wire::HeartbeatData Client::heartbeat_data() const {
  wire::HeartbeatData data{.client_id = id_, .consumers = {}, .producers = {}};
  for (const auto& [group, hooks] : producers_) data.producers.push_back({.group_name = group});
  for (const auto& [group, consumer] : consumers_) data.consumers.push_back(consumer.data);
  return data;
}

void Client::heartbeat_to(const std::vector<world::Address>& brokers, std::move_only_function<void()> done) {
  const bool has_groups = !producers_.empty() || !consumers_.empty();
  const auto one = after_all((has_groups ? brokers.size() : 0) + 1, std::move(done));
  if (has_groups) {
    for (const world::Address& broker : brokers) {
      ask<void>(broker, heartbeat(heartbeat_data()), [one](const Result<void>&) { one(); });
    }
  }
  world_.post(guarded(one));
}

void Client::send_heartbeats(std::move_only_function<void()> done) { heartbeat_to(brokers(), std::move(done)); }

void Client::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  auto closed = guarded([this, done = std::move(done)]() mutable {
    remoting_.close();
    if (done) world_.post(std::move(done));
  });
  const auto one = after_all(producers_.size() + consumers_.size() + 1, std::move(closed));
  for (const auto& [group, hooks] : producers_) leave(group, {}, one);
  for (const auto& [group, consumer] : consumers_) leave({}, group, one);
  producers_.clear();
  consumers_.clear();
  world_.post(guarded(one));
}

void Client::asked(const world::Address& from, const Incoming& request) {
  const auto answer = [this, from, oneway = request.oneway, opaque = request.opaque](ResponseCode code, std::string remark,
                                                                                     std::string body = {}) {
    if (oneway) return;
    wire::Outgoing out;
    out.language = wire::Language::cpp;
    out.code = static_cast<std::int32_t>(code);
    out.opaque = opaque;
    out.remark = std::move(remark);
    out.body = std::move(body);
    remoting_.reply(from, std::move(out));
  };
  const auto consumer_of = [&](std::string_view field) -> Consumer* {
    const auto at = consumers_.find(std::string(request.field(field).value_or("")));
    return at == consumers_.end() ? nullptr : &at->second;
  };
  switch (static_cast<RequestCode>(request.code)) {
    case RequestCode::check_transaction_state: {
      const auto message = mq::decode_message(request.body);
      if (!message) return;
      const auto group = message->properties().get(mq::property::producer_group);
      const auto at = producers_.find(std::string(group.value_or("")));
      if (at != producers_.end() && at->second.check) at->second.check(from, request);
      return;
    }
    case RequestCode::notify_consumer_ids_changed: {
      Consumer* const consumer = consumer_of("consumerGroup");
      if (consumer != nullptr && consumer->hooks.members_changed) consumer->hooks.members_changed();
      return;
    }
    case RequestCode::reset_consumer_client_offset: {
      Consumer* const consumer = consumer_of("group");
      if (consumer == nullptr || !consumer->hooks.reset) return;
      // Brokers write a list for clients in C++, and a table for all others.
      wire::OffsetTable offsets;
      if (const auto list = wire::decode_body<wire::ResetOffsetForC>(request.body); list && !list->offsets.empty()) {
        for (const auto& each : list->offsets) {
          offsets[{.topic = each.topic, .broker_name = each.broker_name, .queue_id = each.queue_id}] = each.offset;
        }
      } else if (auto table = wire::decode_body<wire::ResetOffset>(request.body)) {
        offsets = std::move(table->offsets);
      }
      return consumer->hooks.reset(offsets);
    }
    case RequestCode::get_consumer_status_from_client:
    case RequestCode::get_consumer_running_info:
    case RequestCode::consume_message_directly: {
      const bool by_group = static_cast<RequestCode>(request.code) == RequestCode::get_consumer_status_from_client;
      Consumer* const consumer = consumer_of(by_group ? "group" : "consumerGroup");
      if (consumer == nullptr || !consumer->hooks.asked)
        return answer(ResponseCode::system_error, "this client does not consume for that group");
      return consumer->hooks.asked(request, guarded([answer](std::optional<std::string> body) {
                                     if (!body) return answer(ResponseCode::system_error, "this client cannot say");
                                     answer(ResponseCode::success, {}, std::move(*body));
                                   }));
    }
    default:
      answer(ResponseCode::request_code_not_supported, fmt::format("request type {} not supported", request.code));
  }
}

}  // namespace chorus::mqclient
