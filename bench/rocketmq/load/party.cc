#include "rocketmq/load/party.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace chorus::bench::rocketmq {
namespace {

std::uint64_t nanoseconds(Clock::time_point at) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(at.time_since_epoch()).count());
}

std::uint64_t between(Clock::time_point from, Clock::time_point to) {
  return to > from ? static_cast<std::uint64_t>(std::chrono::nanoseconds(to - from).count()) : 0;
}

std::uint64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

}  // namespace

void Tally::refuse(const Answer& answer) {
  ++refused[answer.code];
  last_remark = text_field(answer.header, "remark").value_or("");
}

Producer::Producer(const Target& target, const Production& production, std::uint32_t index, std::uint64_t first_unique)
    : production_(production),
      channel_(target),
      send_([&] {
        SendShape shape = production.shape;
        shape.producer = index;
        return shape;
      }()),
      end_([&] {
        SendShape shape = production.shape;
        shape.producer = index;
        return shape;
      }()),
      // Producers begin at different places, so that they do not write to one queue at a time.
      next_target_(std::uint64_t{index} * production.topics * production.queues / std::max(1U, production.producers)),
      next_unique_(first_unique) {}

void Producer::start() {
  sending_ = true;
  while (in_flight_ < production_.outstanding) send_one(Clock::now());
  flush();
}

void Producer::send_one(Clock::time_point due) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  const std::uint64_t target = next_target_++;
  Slot& slot = slots_[index] = {
      .since = due, .unique = next_unique_, .topic = static_cast<std::uint32_t>(target % production_.topics), .taken = true};
  next_unique_ += production_.shape.batch;
  send_.write(channel_.extend(send_.size()), {.slot = index,
                                              .topic = slot.topic,
                                              .queue = static_cast<std::uint32_t>(target / production_.topics % production_.queues),
                                              .born_ms = wall_ms(),
                                              .unique = slot.unique,
                                              .stamp_ns = nanoseconds(due)});
  ++in_flight_;
}

void Producer::turn(std::vector<char>& scratch, Tally& tally) {
  channel_.receive(scratch, [&](const Answer& answer) { answered(answer, Clock::now(), tally); });
  if (sending_) {
    while (in_flight_ < production_.outstanding) send_one(Clock::now());
  }
  channel_.flush();
}

void Producer::answered(const Answer& answer, Clock::time_point now, Tally& tally) {
  const std::uint32_t index = answer.opaque - opaque_base;
  if (index >= slots_.size() || !slots_[index].taken)
    throw std::runtime_error(fmt::format("an answer to {}, which was not asked", answer.opaque));
  Slot& slot = slots_[index];
  if (answer.code == success && production_.shape.half && !slot.ends) return commit(index, slot, answer);
  if (answer.code == success) {
    tally.messages += production_.shape.batch;
    tally.octets += std::uint64_t{production_.shape.batch} * production_.shape.body_octets;
    tally.latency.record(between(slot.since, now));
  } else {
    tally.refuse(answer);
  }
  slot.taken = false;
  free_.push_back(index);
  --in_flight_;
}

void Producer::commit(std::uint32_t index, Slot& slot, const Answer& answer) {
  const auto offset = number_field(answer.header, "queueOffset");
  const auto position = position_of_id(text_field(answer.header, "msgId").value_or(""));
  if (!offset || !position) throw std::runtime_error("a half message was taken, but not said where it is");
  slot.ends = true;
  end_.write(channel_.extend(end_.size()), index, slot.topic, slot.unique, *offset, *position);
}

Consumer::Consumer(const Target& target, std::string_view group, const std::vector<QueueRead>& queues, Where where)
    : channel_(target), where_(where) {
  for (const QueueRead& queue : queues) {
    readings_.push_back(
        {.queue = queue,
         .next = queue.from,
         .stamp = PullStamp(group, queue.topic, queue.queue, static_cast<std::uint32_t>(readings_.size()), where == Where::head)});
    pull(readings_.back());
  }
  channel_.flush();
}

void Consumer::turn(std::vector<char>& scratch, Tally& tally) {
  channel_.receive(scratch, [&](const Answer& answer) {
    const std::uint32_t index = answer.opaque - opaque_base;
    if (index >= readings_.size()) throw std::runtime_error(fmt::format("an answer to {}, which was not asked", answer.opaque));
    Reading& reading = readings_[index];
    if (answer.code == success) {
      take(reading, answer.body, Clock::now(), tally);
    } else if (answer.code != pull_not_found && answer.code != pull_again) {
      tally.refuse(answer);
    } else if (where_ == Where::backlog && answer.code == pull_not_found) {
      throw std::runtime_error(
          fmt::format("{} queue {} has nothing at {} of {}", reading.queue.topic, reading.queue.queue, reading.next, reading.queue.end));
    }
    pull(reading);
  });
  channel_.flush();
}

void Consumer::take(Reading& reading, std::string_view messages, Clock::time_point now, Tally& tally) {
  while (const auto message = next_pulled(messages)) {
    if (message->offset != reading.next) {
      throw std::runtime_error(fmt::format("{} queue {}: offset {} came in place of {}", reading.queue.topic, reading.queue.queue,
                                           message->offset, reading.next));
    }
    ++reading.next;
    ++tally.messages;
    tally.octets += message->body.size();
    if (where_ == Where::head) {
      const auto stamp = stamp_of(message->body);
      const std::uint64_t at = nanoseconds(now);
      if (!stamp || *stamp > at) throw std::runtime_error("a message without the time at which it was sent");
      tally.latency.record(at - *stamp);
    } else if (reading.next == reading.queue.end) {
      // What the answer holds beyond that is not looked at.
      reading.next = reading.queue.from;
      return;
    }
  }
  if (!messages.empty()) throw std::runtime_error("an answer with a message that is not whole");
}

}  // namespace chorus::bench::rocketmq
