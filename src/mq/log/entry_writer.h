// Group commit of the message log: entries of one turn of the loop are a group; while the disk is busy the next group fills.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mq/log/memory_index.h"
#include "mq/log/store.h"
#include "store/log.h"
#include "world/world.h"

namespace chorus::mq::log {

/// Whole entries that are written by one write.
struct EntryGroup {
  struct Pending {
    std::uint32_t at;      // in `octets`
    std::uint32_t framed;  // octets there
    Queue* queue;          // null: own
    Append done;
  };
  std::string octets{};
  std::vector<Pending> entries{};
  Position first = 0;  // of its entries
  Position last = 0;
  bool begins_segment = false;
  bool sync = false;
};

/// Lives on one reactor. Nothing is called back once it is destroyed; what the disk thread has begun it finishes.
class EntryWriter {
 public:
  struct Callbacks {
    /// In order, each as durable as it asked for.
    std::function<void(std::vector<EntryGroup>)> on_written;
    /// Nothing of these and of what was appended after them is in the log.
    std::function<void(const store::LogError&, std::vector<EntryGroup>)> on_refused;
  };
  /// Runs on the disk thread.
  using Work = std::move_only_function<store::LogResult<void>(store::Log&)>;
  using Done = std::move_only_function<void(store::LogResult<void>)>;

  EntryWriter(world::World& world, std::shared_ptr<store::Log> log, world::Duration flush_interval, Callbacks callbacks);
  ~EntryWriter();
  EntryWriter(const EntryWriter&) = delete;
  EntryWriter& operator=(const EntryWriter&) = delete;

  /// Where the next entries go, `octets` of them; the group then knows of them by filled().
  EntryGroup& group_for(std::uint64_t octets, bool begins_segment);
  void filled(EntryGroup& group, std::uint64_t octets, bool sync);
  /// Does other work with the log, behind everything that was appended before.
  void run(Work work, Done done);
  /// Of entries on their way.
  std::uint64_t octets() const { return octets_; }
  std::uint64_t groups_written() const { return groups_written_; }
  bool failed() const { return failed_; }
  /// While on_written tells of entries behind which others are refused: until on_refused, what is appended has no place. Null: at any other
  /// time.
  const store::LogError* refusing() const { return refusing_; }

 private:
  struct Job;
  void submit();
  void finished(Job& job);
  void arm_flush();

  world::World& world_;
  std::shared_ptr<store::Log> log_;
  const world::Duration flush_interval_;
  const Callbacks callbacks_;
  std::vector<EntryGroup> waiting_;  // the last one is filled
  std::vector<std::pair<Work, Done>> works_;
  std::uint64_t octets_ = 0;
  std::uint64_t groups_written_ = 0;
  bool busy_ = false;      // a job is on the disk thread
  bool posted_ = false;    // submit() comes at the end of this turn
  bool unsynced_ = false;  // something written is not durable yet
  bool flush_now_ = false;
  bool flush_armed_ = false;
  bool failed_ = false;
  const store::LogError* refusing_ = nullptr;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq::log
