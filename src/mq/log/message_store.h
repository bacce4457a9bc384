// The Store: what is appended goes through the writer to the disk, then into the index and the tail; reads come from these or from the
// disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mq/log/catalogue.h"
#include "mq/log/checkpoint.h"
#include "mq/log/cold.h"
#include "mq/log/entry_writer.h"
#include "mq/log/index_file.h"
#include "mq/log/replication.h"
#include "mq/log/store.h"
#include "mq/log/tail.h"

namespace chorus::mq::log {

class MessageStore final : public Store, public FrameStore {
 public:
  MessageStore(world::World& world, StoreOptions options, State* state);
  ~MessageStore() override;

  StoreResult<RecoveryReport> open();

  void append(NewEntry entry, Append done) override;
  void append_all(std::vector<NewEntry> entries, AppendAll done) override;
  void read(const QueueKey& queue, Offset from, const ReadLimits& limits, Wanted wanted, ReadDone done) override;
  void read_at(Position position, EntryDone done) override;
  std::optional<Bounds> bounds(const QueueKey& queue) const override;
  void for_each_queue(const std::function<void(const QueueKey&, const Bounds&)>& visit) const override;
  void find_time(const QueueKey& queue, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done) override;
  void find_key(std::string key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                std::move_only_function<void(StoreResult<std::vector<IndexEntry>>)> done) override;
  void find_due(Due after, std::int64_t to_ms, std::uint32_t max,
                std::move_only_function<void(StoreResult<std::vector<Due>>)> done) override;
  void on_arrival(std::function<void(const QueueKey&, const IndexEntry& newest)> listener) override { on_arrival_ = std::move(listener); }
  void keep_from(std::optional<Position> position) override { keep_from_ = position; }
  void retain_now() override { check_retention(); }
  void begin_epoch(Epoch epoch) override;
  std::vector<std::pair<Epoch, Position>> epochs() const override { return catalogue_.epochs; }
  void truncate(Position position, std::move_only_function<void(StoreResult<void>)> done) override;
  StoreStatistics statistics() const override;
  void close(std::move_only_function<void(StoreResult<void>)> done) override;
  void read_frames(Position from, std::uint64_t octets_max, FramesDone done) override;
  void append_frames(Position first, std::string octets, FollowDone done) override;

 private:
  // Appending: message_store.cc
  std::optional<StoreError> refusal_of(const std::vector<NewEntry>& entries) const;
  std::optional<StoreError> refusal_of(const NewEntry& entry) const;
  std::optional<StoreError> refusal_now(std::uint64_t octets) const;
  bool needs_new_segment(const Queue* queue, std::uint64_t octets, std::uint64_t records, std::int64_t time_ms) const;
  log::Queue* queue_of(const NewEntry& entry);
  Appended put(const NewEntry& entry, Queue* queue, EntryGroup& group, Append done);
  EntryGroup& group_for(const Queue* queue, std::uint64_t octets, std::uint64_t records);
  void written(std::vector<EntryGroup> groups);
  void refused(const store::LogError& error, std::vector<EntryGroup> groups);
  void seal(Position next_base);
  StoreResult<RecoveryReport> recover_now();
  void go_on_from_catalogue();
  void start_writer();
  /// Completes a call soon, not from within it.
  template <class Done, class Result>
  void post(Done done, Result result) {
    world_.post([alive = alive_, done = std::move(done), result = std::move(result)]() mutable {
      if (*alive) done(std::move(result));
    });
  }

  // Following: message_store_frames.cc
  struct Followed {
    EntryView view;
    std::uint32_t at = 0;
    std::uint32_t framed = 0;
  };
  StoreResult<std::vector<Followed>> check_followed(Position first, bool begins, std::string_view octets) const;

  // Reading: message_store_read.cc, message_store_lookup.cc
  void in_background(std::move_only_function<void(Cold&)> work, world::Callback done);
  void run_background();
  void read_memory(const MemoryIndex& index, const Run& run, Offset from, const ReadLimits& limits, const Wanted& wanted, Batch batch,
                   ReadDone done);
  void read_cold(const Queue& queue, Offset from, const ReadLimits& limits, Wanted wanted, Batch batch, ReadDone done);
  bool from_tail(const std::vector<Place>& places, Batch& batch);
  std::optional<Entry> entry_in_tail(Position position) const;
  Offset time_in_memory(const QueueKey& key, std::int64_t time_ms) const;
  /// From the newest index in memory back to the oldest, until `visit` says false.
  void for_each_memory(const std::function<bool(const MemoryIndex&)>& visit) const;

  // What happens to sealed segments: message_store_seal.cc
  struct Sealing {
    std::shared_ptr<IndexWriter> index;
    std::shared_ptr<const Checkpoint> checkpoint;
    world::FileResult<bool> result = false;
    bool index_done = false;
  };
  void go_on_sealing();
  void sealing_step_done();
  void when_quiet(world::Callback callback);
  void refresh_cold_segments();
  void arm_retention();
  void check_retention();
  bool wants_to_go(const Segment& segment) const;
  void delete_oldest();

  world::World& world_;
  const StoreOptions options_;
  State* const state_;
  Catalogue catalogue_;
  std::shared_ptr<store::Log> log_;
  std::unique_ptr<EntryWriter> writer_;
  Tail tail_;
  std::function<void(const QueueKey&, const IndexEntry&)> on_arrival_;
  std::optional<Position> keep_from_;
  StoreStatistics statistics_;

  // Of what is appended next, readable or not.
  Position segment_base_ = 0;
  Position next_position_ = 0;
  std::int64_t segment_time_ms_ = 0;  // of its first entry; 0: none yet
  std::int64_t last_time_ms_ = 0;
  Epoch epoch_ = 1;
  bool log_rolled_ = false;  // the next entry begins a segment, whatever room is left
  bool closing_ = false;
  bool failed_ = false;

  std::shared_ptr<Cold> cold_;
  ColdSegments cold_segments_;
  std::deque<std::pair<std::move_only_function<void(Cold&)>, world::Callback>> background_;
  bool background_busy_ = false;
  std::deque<std::shared_ptr<Sealing>> sealing_;  // oldest first, under way
  std::vector<world::Callback> when_quiet_;
  bool checking_ = false;  // of retention, or a deletion is under way
  double disk_used_ratio_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq::log
