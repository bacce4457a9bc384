// What clients of a broker asked for, were told and saw; and the judgement of it. Knows nothing of how a broker works.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace chorus::mq_sim {

struct Queue {
  std::string topic;
  std::int32_t number = 0;
  friend auto operator<=>(const Queue&, const Queue&) = default;
};
std::string to_string(const Queue& queue);

using Id = std::uint64_t;  // of a message, from 1

/// What becomes of a transaction, as its producer has decided.
enum class Decision { none, commit, rollback, undecided };

class Ledger {
 public:
  enum class Fate { asked, stored, refused, unknown };

  struct Message {
    Queue queue;
    Decision decision = Decision::none;
    bool delayed = false;
    std::int64_t due_ms = 0;     // by the broker's clock as it was asked; only of delayed ones
    bool flushed_later = false;  // its topic is flushed asynchronously: an acknowledged one may be lost with the power, for a while
    Fate fate = Fate::asked;
    std::int64_t position = -1;        // in the log, of what was acknowledged
    std::int64_t acknowledged_us = 0;  // when
    std::int64_t floor = -1;           // a message was acknowledged at this offset before this one was asked for
    std::int64_t offset = -1;          // as acknowledged; of a plain message
    bool end_acknowledged = false;
    bool check_answered = false;
    // Sent back by groups: how often acknowledged and asked for.
    std::map<std::string, std::pair<int, int>> sent_back;
  };
  /// A record in a queue as a reader saw it.
  struct Seen {
    Id id = 0;
    std::int64_t store_time_ms = 0;
    std::int32_t reconsume_times = 0;
  };

  Id ask(Message message);
  void stored(Id id, std::int64_t offset, std::int64_t position = -1, std::int64_t now_us = 0);
  void refused(Id id);
  /// The broker died with this call on its way.
  void unknown(Id id);
  Message& message(Id id) { return messages_[id - 1]; }
  const Message& message(Id id) const { return messages_[id - 1]; }
  std::size_t size() const { return messages_.size(); }

  /// After a start: the log ends there. What stood at its end or behind it is lost, as it may be of messages that are flushed later, which
  /// were acknowledged since `since_us` (empty: of none, since the power did not fail).
  void log_found(std::int64_t end, std::optional<std::int64_t> since_us);
  /// And a queue of such messages ends there: what readers were shown of it at `max` or behind it is no more.
  void end_found(const Queue& queue, std::int64_t max, bool power_failed);

  /// A reader was shown this. Whatever happens, that place holds this message from then on.
  void seen(const Queue& queue, std::int64_t offset, Seen what);
  /// At the end each queue is read as a whole: where it begins and ends. What was seen before `min` may have gone by age.
  void bounds(const Queue& queue, std::int64_t min, std::int64_t max);

  /// Offsets of groups: asked for, acknowledged as durable, found after a start.
  void commit_asked(const std::string& group, const Queue& queue, std::int64_t offset);
  void commits_acknowledged(const std::map<std::pair<std::string, Queue>, std::int64_t>& offsets);
  std::map<std::pair<std::string, Queue>, std::int64_t> commits_asked() const { return asked_commits_; }
  void commit_found(const std::string& group, const Queue& queue, std::optional<std::int64_t> offset);

  /// Copies in these topics are judged by another, places and holes here.
  void judged_elsewhere(std::set<std::string> topics) { elsewhere_ = std::move(topics); }
  /// Everywhere that a message was seen, with what was seen there.
  struct Place {
    Queue queue;
    std::int64_t offset = 0;
    std::int32_t reconsume_times = 0;
  };
  std::vector<Place> places(Id id) const;

  void fault(std::string text) { faults_.push_back(std::move(text)); }
  void checked(std::uint64_t count = 1) { checks_ += count; }
  /// Once all is quiet, every delayed message is due, every transaction has ended and every queue was read.
  void judge(bool retention);
  const std::vector<std::string>& faults() const { return faults_; }
  std::uint64_t checks() const { return checks_; }

 private:
  void judge_queue(const Queue& queue);
  void judge_message(Id id, bool retention);

  std::vector<Message> messages_;
  std::map<Queue, std::int64_t> acknowledged_;  // the highest offset of each
  std::map<Queue, std::map<std::int64_t, Seen>> seen_;
  std::map<Queue, std::pair<std::int64_t, std::int64_t>> bounds_;
  std::map<Id, std::vector<std::pair<Queue, std::int64_t>>> places_;
  std::map<std::pair<std::string, Queue>, std::int64_t> asked_commits_, safe_commits_;
  std::set<std::string> elsewhere_;
  std::vector<std::string> faults_;
  std::uint64_t checks_ = 0;
};

}  // namespace chorus::mq_sim
