// What groups that pop were told of messages, and the judgement of it. Knows nothing of how a broker works.
//
// What is promised, and so what fails a seed:
//   always, whatever dies   an acknowledgement that was answered with success is final: the message is not given to its group again, and is
//                           none of its dead letters
//                           an acknowledgement, or a change of the time, in time is not refused
//                           each message of a topic ends: acknowledged or a dead letter, the latter after exactly as many failures as
//                           the group allows; each failure makes one copy, in the group's retry topic of that topic, that says the how
//                           manieth it is
//                           in order: nothing overtakes what is not acknowledged; nothing of a queue is given while something of it is
//                           held; what comes again says how often it came before
//   unless the power or     a message is given once from its place: again only by a copy, and not before its invisible time was over by
//   the disk failed         the broker's clock. A kill changes nothing of this. (Where the power fails the log may have lost the newest
//                           entries that nobody waited for: those messages are given again from where they are, at any time.)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker_ledger.h"

namespace chorus::mq_sim {

struct PopGroup {
  std::string name;
  bool in_order = false;
  std::int32_t retry_max = 16;
};

/// The topics that a group's copies of messages of `topic` may be in.
std::set<std::string> pop_retry_topics(const std::string& group, const std::string& topic);

/// A message as a consumer was given it; it is acknowledged under that name.
struct Given {
  Queue queue;  // of the topic, or of the group's retry topic
  std::int64_t offset = 0;
  Id id = 0;
  std::int32_t reconsume_times = 0;
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  std::int32_t count = 0;  // in order: how often it was given before, as the broker says
  std::int64_t until_ms() const { return pop_time_ms + invisible_ms; }
};

class PopLedger {
 public:
  enum class Outcome { success, refused, unknown };

  /// `ledger` takes the faults, and knows where messages were seen. `retention`: what is old may be gone.
  PopLedger(Ledger& ledger, std::vector<PopGroup> groups, bool retention);
  const std::vector<PopGroup>& groups() const { return groups_; }

  /// What the broker's clock says now. It may be stepped: what was due once stays due.
  void clock(std::int64_t now_ms);
  /// One answer's messages of one queue, in their order there.
  void given(const std::string& group, const std::vector<Given>& messages);
  /// A pop of this group ended without an answer that tells what was taken.
  void pop_unanswered(const std::string& group);
  void ack_asked(const std::string& group, const Given& message);
  void acked(const std::string& group, const Given& message, Outcome outcome);
  void change_asked(const std::string& group, const Given& message);
  /// `now`: success: what it is known by from now on.
  void changed(const std::string& group, const Given& message, Outcome outcome, const Given& now);
  /// The broker is gone, and its answers with it. `lost`: with the power, or after a failure of the disk.
  void died(bool lost);

  /// Once nothing is held any more and every queue was read.
  void judge();

  std::uint64_t given_count() const { return given_count_; }
  std::uint64_t given_again_count() const { return given_again_count_; }
  std::uint64_t acked_count() const { return acked_count_; }
  std::uint64_t dead_count() const { return dead_count_; }

 private:
  /// A message as one group sees it.
  struct Seen {
    std::optional<Given> last;
    bool is_held = false;   // by `last`, for sure
    bool was_held = false;  // so, when a change of its time was asked for
    bool done = false;      // acknowledged, and told so
    bool maybe = false;     // an acknowledgement may have come through
    int acks_on_way = 0;
    bool may_be_done() const { return done || maybe || acks_on_way > 0; }
  };
  struct GroupSeen {
    PopGroup config;
    std::map<Id, Seen> messages;
    std::map<std::pair<Queue, std::int64_t>, std::uint64_t> given_at;  // place, and the power's period
    /// In order: what was taken last of a queue.
    struct Taken {
      std::map<std::int64_t, Given> messages;
      bool is_sure = true;  // nobody took anything since
    };
    std::map<Queue, Taken> taken;
    bool lost_some = false;                             // answers to pops, which may have taken of any queue
    std::map<Queue, std::map<std::int64_t, Id>> order;  // all that was given of a queue
    std::map<Queue, std::int64_t> passed;               // everything before it is surely done with
  };
  GroupSeen& of(const std::string& group) { return seen_.at(group); }
  void given_in_order(GroupSeen& group, const std::vector<Given>& messages);
  void given_to_any(GroupSeen& group, const Given& message);
  void expect_nothing_before(GroupSeen& group, const Queue& queue, const std::vector<Given>& messages);
  /// Whether it is that giving of the message which counts.
  static bool is_last(const Seen& seen, const Given& message);
  bool is_in_time(const Seen& seen, const Given& message) const;
  void judge_message(GroupSeen& group, Id id);
  template <class... Args>
  void fault(const GroupSeen& group, Id id, const char* text, const Args&... args);

  Ledger& ledger_;
  const std::vector<PopGroup> groups_;
  const bool retention_;
  std::map<std::string, GroupSeen> seen_;
  std::int64_t latest_ms_ = 0;
  std::uint64_t period_ = 0;
  std::uint64_t given_count_ = 0, given_again_count_ = 0, acked_count_ = 0, dead_count_ = 0;
};

}  // namespace chorus::mq_sim
