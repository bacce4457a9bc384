// What tests of popping ask of a broker.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/broker_fixture.h"

namespace chorus::mq {

/// Pops topic `t`, which has one queue, for group `g`, which gives a message up after two failures.
struct BrokerPopTest : BrokerTest {
  BrokerPopTest() { catalogue.groups["g"] = {.name = "g", .retry_max_times = 2}; }

  static std::vector<std::string> bodies(const PopAnswer& answer) {
    std::vector<std::string> out;
    for (const Popped& popped : answer.queues) {
      std::string_view rest = popped.payloads;
      for (const std::uint32_t size : popped.sizes) {
        out.emplace_back(decode_message(rest.substr(0, size))->body);
        rest.remove_prefix(size);
      }
    }
    return out;
  }
  static PopRequest request(std::uint32_t most = 32, std::chrono::milliseconds invisible = 10s) {
    return {.group = "g", .topic = "t", .messages_max = most, .invisible_ms = invisible.count(), .connection = ConnectionId(1)};
  }
  BrokerResult<PopAnswer> pop(PopRequest request) {
    return wait<BrokerResult<PopAnswer>>([&](auto done) { broker->pop(std::move(request), std::move(done)); });
  }
  /// What is popped, or nothing.
  PopAnswer popped(PopRequest request) {
    auto answer = pop(std::move(request));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(PopAnswer{});
  }
  std::vector<std::string> pop_bodies(PopRequest request) { return bodies(popped(std::move(request))); }
  /// The answer to a pop that waits.
  std::shared_ptr<std::optional<PopAnswer>> waiting_pop(PopRequest request, std::chrono::milliseconds hold) {
    auto got = std::make_shared<std::optional<PopAnswer>>();
    request.hold_until = catalogue.world->now() + hold;
    broker->pop(std::move(request), [got](BrokerResult<PopAnswer> answer) { *got = answer.value_or(PopAnswer{}); });
    pass(10ms);
    return got;
  }
  static PopAck all_of(const PopAnswer& answer, std::size_t queue = 0, bool in_order = false) {
    return {.of = {.group = "g", .queue = answer.queues.at(queue).queue},
            .offsets = answer.queues.at(queue).offsets,
            .pop_time_ms = answer.pop_time_ms,
            .in_order = in_order};
  }
  BrokerResult<void> ack(PopAck ack) {
    return wait<BrokerResult<void>>([&](auto done) { broker->ack({std::move(ack)}, std::move(done)); });
  }
  BrokerResult<PopChanged> change(const PopAck& held, std::chrono::milliseconds invisible) {
    return wait<BrokerResult<PopChanged>>([&](auto done) {
      broker->change_invisible({.of = held.of,
                                .offset = held.offsets.front(),
                                .pop_time_ms = held.pop_time_ms,
                                .invisible_ms = invisible.count(),
                                .in_order = held.in_order},
                               std::move(done));
    });
  }
  void send_all(std::initializer_list<std::string_view> all) {
    for (const std::string_view body : all) ASSERT_TRUE(send("t", body));
  }
};

}  // namespace chorus::mq
