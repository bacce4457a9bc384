#include "rocketmq/load/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace chorus::bench::rocketmq {
namespace {

// Brokers before 5.3 know no lists of topics.
constexpr std::uint32_t one_by_one_max = 64;
constexpr std::uint32_t list_max = 1000;

}  // namespace

std::string topic_list(std::string_view prefix, std::uint32_t from, std::uint32_t to, std::uint32_t queues) {
  std::string body = R"({"topicConfigList":[)";
  for (std::uint32_t number = from; number < to; ++number) {
    if (number > from) body += ',';
    body +=
        fmt::format(R"({{"attributes":{{}},"order":false,"perm":6,"readQueueNums":{0},"topicFilterType":"SINGLE_TAG","topicName":"{1}",)"
                    R"("topicSysFlag":0,"writeQueueNums":{0}}})",
                    queues, topic_name(prefix, number));
  }
  return body + "]}";
}

std::string Setup::ask(Code code, const Fields& fields, std::string_view body) {
  const std::uint32_t opaque = opaque_base + asked_++;
  link_.send_all(request_frame(code, opaque, fields, body));
  for (;;) {
    const std::string frame = link_.receive();
    const auto answer = parse_answer(frame);
    if (!answer) throw std::runtime_error("an answer whose header cannot be read");
    if (!answer->is_response || answer->opaque != opaque) continue;
    if (answer->code != success) {
      throw std::runtime_error(fmt::format("request {} was answered with code {}: {}", static_cast<std::int32_t>(code), answer->code,
                                           text_field(answer->header, "remark").value_or("")));
    }
    return std::string(answer->header);
  }
}

std::int64_t Setup::offset(Code code, const std::string& topic, std::uint32_t queue) {
  const std::string header = ask(code, {{"queueId", std::to_string(queue)}, {"committed", "true"}, {"topic", topic}});
  const auto offset = number_field(header, "offset");
  if (!offset) throw std::runtime_error("an answer without an offset");
  return *offset;
}

void Setup::create_topics(std::string_view prefix, std::uint32_t count, std::uint32_t queues) {
  if (count > one_by_one_max) {
    for (std::uint32_t from = 0; from < count; from += list_max)
      ask(Code::create_topics, {}, topic_list(prefix, from, std::min(count, from + list_max), queues));
    return;
  }
  for (std::uint32_t number = 0; number < count; ++number) {
    ask(Code::create_topic, {{"readQueueNums", std::to_string(queues)},
                             {"perm", "6"},
                             {"writeQueueNums", std::to_string(queues)},
                             {"topicFilterType", "SINGLE_TAG"},
                             {"topic", topic_name(prefix, number)},
                             {"attributes", ""},
                             {"force", "false"},
                             {"defaultTopic", "TBW102"},
                             {"order", "false"},
                             {"topicSysFlag", "0"}});
  }
}

std::vector<QueueRead> Setup::queues_from_end(std::string_view prefix, std::uint32_t count, std::uint32_t queues) {
  std::vector<QueueRead> all;
  for (std::uint32_t number = 0; number < count; ++number) {
    for (std::uint32_t queue = 0; queue < queues; ++queue) {
      const std::string topic = topic_name(prefix, number);
      all.push_back({.topic = topic, .queue = queue, .from = offset(Code::max_offset, topic, queue)});
    }
  }
  return all;
}

std::vector<QueueRead> Setup::queues_from_begin(std::string_view prefix, std::uint32_t count, std::uint32_t queues) {
  std::vector<QueueRead> all = queues_from_end(prefix, count, queues);
  for (QueueRead& queue : all) {
    queue.end = queue.from;
    queue.from = offset(Code::min_offset, queue.topic, queue.queue);
  }
  std::erase_if(all, [](const QueueRead& queue) { return queue.from >= queue.end; });
  return all;
}

}  // namespace chorus::bench::rocketmq
