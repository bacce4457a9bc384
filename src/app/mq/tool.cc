#include "app/mq/tool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

#include "mq/broker/topics.h"

namespace chorus::app::mqtool {

using mqclient::Code;
using mqclient::Error;
using mqclient::Queue;
using mqclient::Result;

Tool::Handler Tool::handler_for(std::string_view name) {
  static constexpr std::pair<std::string_view, Handler> handlers[] = {
      {"topics list", &Tool::list_topics},
      {"topics show", &Tool::show_topic},
      {"topics create", &Tool::create_topic},
      {"topics delete", &Tool::delete_topic},
      {"groups list", &Tool::list_groups},
      {"groups show", &Tool::show_group},
      {"groups create", &Tool::create_group},
      {"groups delete", &Tool::delete_group},
      {"produce", &Tool::produce},
      {"consume", &Tool::consume},
      {"lag", &Tool::lag},
      {"reset", &Tool::reset},
      {"dlq list", &Tool::list_dead_letters},
      {"dlq resend", &Tool::resend_dead_letters},
      {"transactions list", &Tool::list_transactions},
      {"transactions resume", &Tool::resume_transaction},
      {"message", &Tool::message},
  };
  for (const auto& [each, handler] : handlers) {
    if (each == name) return handler;
  }
  return nullptr;
}

Exit Tool::run(const Command& command) {
  const Exit code = (this->*handler_for(command.name))(command);
  std::fflush(stdout);
  return code;
}

void Tool::print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void Tool::progress(const std::function<std::string()>& words, bool last) {
  if (isatty(STDERR_FILENO) == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (last ? !has_progress_ : now - progressed_at_ < std::chrono::seconds(1)) return;
  progressed_at_ = now;
  has_progress_ = true;
  fmt::print(stderr, "\r{}\x1b[K{}", words(), last ? "\n" : "");
  std::fflush(stderr);
}

Exit Tool::fail(const Error& error, std::string_view hint) {
  std::fflush(stdout);
  if (json_) {
    Json out = {{"error", mqclient::name_of(error.code)}, {"message", error.message}};
    if (error.response != wire::ResponseCode::success) out["response"] = static_cast<int>(error.response);
    if (!hint.empty()) out["hint"] = hint;
    fmt::print(stderr, "{}", line(out));
  } else {
    fmt::print(stderr, "chorus mq: {}{}{}\n", error.message, hint.empty() ? "" : "\n  ", hint);
  }
  return exit_for(error);
}

Exit Tool::fail(Exit code, std::string_view words) {
  std::fflush(stdout);
  if (json_) {
    fmt::print(stderr, "{}", line({{"error", static_cast<int>(code)}, {"message", words}}));
  } else {
    fmt::print(stderr, "chorus mq: {}\n", words);
  }
  return code;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_internal_topic(std::string_view topic) {
  static const std::set<std::string_view> names{mq::topic::auto_create, mq::topic::schedule,         mq::topic::trace,
                                                mq::topic::half,        mq::topic::op_half,          mq::topic::check_max,
                                                mq::topic::self_test,   mq::topic::benchmark,        mq::topic::offset_moved,
                                                "CHECKPOINT_TOPIC",     "TRANS_CHECK_MAX_TIME_TOPIC"};
  return names.contains(topic) || topic.starts_with(mq::topic::system_prefix) || topic.starts_with("RMQ_SYS_") ||
         mq::topic::is_retry(topic) || mq::topic::is_dead_letter(topic) || topic.ends_with("_REPLY_TOPIC");
}

bool is_internal_group(std::string_view group) {
  return group.starts_with("CID_RMQ_SYS_") || group.starts_with("CID_ONSAPI_") || group == "CID_ONS-HTTP-PROXY" || group == tools_group ||
         group == "FILTERSRV_CONSUMER" || group == "SELF_TEST_C_GROUP" || group == "SELF_TEST_P_GROUP" || group == "__MONITOR_CONSUMER";
}

Result<std::vector<Broker>> Tool::masters(const std::string& name, const std::string& cluster) {
  const auto info = client_.ask_name_server(mqclient::cluster_info());
  if (!info) return std::unexpected(info.error());
  std::vector<Broker> out;
  for (const auto& [each, data] : info->brokers) {
    const auto at = data.addresses.find(0);
    if (at == data.addresses.end() || (!name.empty() && each != name) || (!cluster.empty() && data.cluster != cluster)) continue;
    if (const auto address = world::parse_address(at->second)) out.push_back({each, data.cluster, *address});
  }
  if (!out.empty()) return out;
  return mqclient::error(Code::unknown_topic, name.empty() ? cluster.empty()
                                                                 ? "no broker is registered with the NameServer"
                                                                 : fmt::format("no master of a cluster \"{}\" is there", cluster)
                                                           : fmt::format("no master of a broker \"{}\" is there", name));
}

Result<std::vector<Queue>> Tool::queues_of(const std::string& topic) {
  const auto route = client_.route(topic);
  if (!route) {
    if (route.error().code == Code::unknown_topic)
      return mqclient::error(Code::unknown_topic, fmt::format("there is no topic \"{}\"", topic));
    return std::unexpected(route.error());
  }
  return mqclient::readable_queues(topic, **route);
}

Result<std::map<std::string, wire::SubscriptionGroupConfig>> Tool::all_groups(bool all) {
  const auto brokers = masters();
  if (!brokers) return std::unexpected(brokers.error());
  std::map<std::string, wire::SubscriptionGroupConfig> out;
  for (const Broker& broker : *brokers) {
    auto table = client_.ask(broker.address, mqclient::all_groups());
    if (!table) return std::unexpected(table.error());
    for (auto& [name, config] : table->groups) {
      if (all || !is_internal_group(name)) out.try_emplace(name, std::move(config));
    }
  }
  return out;
}

Result<std::vector<QueueLag>> Tool::lag_of(const std::string& group, const std::string& topic) {
  const auto brokers = masters();
  if (!brokers) return std::unexpected(brokers.error());
  std::vector<QueueLag> out;
  for (const Broker& broker : *brokers) {
    const auto stats = client_.ask(broker.address, mqclient::consume_stats(group, topic));
    if (!stats) {
      // That broker has nothing of it.
      if (stats.error().code == Code::unknown_topic || stats.error().is(wire::ResponseCode::consumer_not_online)) continue;
      return std::unexpected(stats.error());
    }
    for (const auto& [queue, offsets] : stats->offsets) out.push_back({queue, offsets});
  }
  std::ranges::sort(out, {}, &QueueLag::queue);
  return out;
}

Result<wire::ConsumerConnections> Tool::members_of(const std::string& group) {
  const auto brokers = masters();
  if (!brokers) return std::unexpected(brokers.error());
  wire::ConsumerConnections out;
  std::set<std::string> seen;
  for (const Broker& broker : *brokers) {
    auto some = client_.ask(broker.address, mqclient::consumer_connections(group));
    if (!some) {
      if (some.error().code == Code::refused) continue;  // nobody there
      return std::unexpected(some.error());
    }
    std::vector<wire::Connection> all = std::move(out.connections);
    for (wire::Connection& connection : some->connections) {
      if (seen.insert(connection.client_id).second) all.push_back(std::move(connection));
    }
    out = std::move(*some);
    out.connections = std::move(all);
  }
  return out;
}

Result<std::size_t> Tool::consumers_of(const std::string& topic) {
  const auto brokers = masters();
  if (!brokers) return std::unexpected(brokers.error());
  std::set<std::string> groups;
  for (const Broker& broker : *brokers) {
    const auto list = client_.ask(broker.address, mqclient::groups_of_topic(topic));
    if (list) groups.insert(list->groups.begin(), list->groups.end());
  }
  std::size_t count = 0;
  for (const std::string& group : groups) {
    const auto members = members_of(group);
    if (!members) return std::unexpected(members.error());
    if (members->subscriptions.contains(topic)) count += members->connections.size();
  }
  return count;
}

Result<void> Tool::scan(const Queue& queue, std::int64_t from, std::int64_t to, const std::function<bool(mqclient::Received&&)>& use) {
  std::int64_t at = from;
  while (at < to) {
    auto pulled = client_.ask_broker_of(queue, mqclient::pull({.group = tools_group, .queue = queue, .offset = at}));
    if (!pulled) return std::unexpected(pulled.error());
    for (mqclient::Received& message : pulled->messages) {
      if (message.queue_offset >= to) return {};
      if (!use(std::move(message))) return {};
    }
    const bool is_over = pulled->status == mqclient::Pulled::Status::none || pulled->next == at;
    if (is_over) return {};
    at = pulled->next;
  }
  return {};
}

}  // namespace chorus::app::mqtool
