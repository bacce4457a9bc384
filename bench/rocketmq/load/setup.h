// What is asked of a broker before the load begins: topics are made, and it is looked up where queues begin and end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rocketmq/load/party.h"

namespace chorus::bench::rocketmq {

class Setup {
 public:
  explicit Setup(const Target& broker) : link_(broker) {}

  /// PREFIX-00000 and so on, each with that many queues. Throws what the broker says against it.
  void create_topics(std::string_view prefix, std::uint32_t count, std::uint32_t queues);
  /// All queues of those topics, from their ends on.
  std::vector<QueueRead> queues_from_end(std::string_view prefix, std::uint32_t count, std::uint32_t queues);
  /// All of them that hold something, from their beginnings to their ends.
  std::vector<QueueRead> queues_from_begin(std::string_view prefix, std::uint32_t count, std::uint32_t queues);

 private:
  std::string ask(Code code, const Fields& fields, std::string_view body = {});  // the answer's header
  std::int64_t offset(Code code, const std::string& topic, std::uint32_t queue);

  Link link_;
  std::uint32_t asked_ = 0;
};

/// The body of CREATE_TOPICS for the topics [from, to) of that prefix.
std::string topic_list(std::string_view prefix, std::uint32_t from, std::uint32_t to, std::uint32_t queues);

}  // namespace chorus::bench::rocketmq
