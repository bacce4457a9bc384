// How messages go out, and who waits for them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mq/broker/broker.h"

namespace chorus::mq {

void Broker::pull(PullRequest request, ReadDone done) {
  request.queue = stored_key(request.queue);
  try_pull(std::move(request), std::move(done));
}

void Broker::try_pull(PullRequest request, ReadDone done) {
  const QueueKey queue = request.queue;
  const Offset from = request.from;
  const ReadLimits limits = request.limits;
  Wanted wanted = request.wanted;
  store_->read(
      queue, from, limits, std::move(wanted),
      guarded([this, asked = world_.now(), request = std::move(request), done = std::move(done)](StoreResult<Batch> batch) mutable {
        counters_.read_longest = std::max(counters_.read_longest, std::chrono::duration_cast<milliseconds>(world_.now() - asked));
        pulled(std::move(request), std::move(done), std::move(batch));
      }));
}

void Broker::pulled(PullRequest request, ReadDone done, StoreResult<Batch> batch) {
  if (batch && batch->status == Batch::Status::found && request.match) {
    std::vector<IndexEntry> kept;
    std::string payloads;
    std::size_t at = 0;
    for (const IndexEntry& entry : batch->entries) {
      const std::string_view payload = std::string_view(batch->payloads).substr(at, entry.size);
      at += entry.size;
      if (!request.match(payload)) continue;
      kept.push_back(entry);
      payloads += payload;
    }
    batch->entries = std::move(kept);
    batch->payloads = std::move(payloads);
    if (batch->entries.empty()) batch->status = Batch::Status::none_wanted;
  }
  const bool nothing =
      batch && (batch->status == Batch::Status::at_end || batch->status == Batch::Status::none_wanted ||
                ((batch->status == Batch::Status::unknown_queue || batch->status == Batch::Status::empty_queue) && request.from == 0));
  if (nothing && request.hold_until && *request.hold_until > world_.now() && !stopping_) {
    if (batch->status == Batch::Status::none_wanted) {
      const bool more = batch->next < batch->max;
      request.from = batch->next;
      if (more) return try_pull(std::move(request), std::move(done));
    }
    // Something may have become readable while the answer was on its way: then there is no arrival to wait for.
    const auto bounds = store_->bounds(request.queue);
    if (bounds && bounds->max > request.from) return try_pull(std::move(request), std::move(done));
    if (const auto id = hold_.add({.queue = request.queue, .connection = request.connection, .deadline = *request.hold_until})) {
      waiting_.emplace(*id, Waiting{.request = std::move(request), .done = std::move(done)});
      return arm_hold();
    }
  }
  if (batch) {
    ++(batch->status == Batch::Status::found ? counters_.pulls_found : counters_.pulls_missed);
    counters_.messages_out += batch->entries.size();
    counters_.octets_out += batch->payloads.size();
    if (!request.group.empty() && batch->status == Batch::Status::found) {
      const auto count = static_cast<std::int64_t>(batch->entries.size());
      const std::string_view topic = std::string_view(request.queue.topic).substr(0, request.queue.topic.find('\x01'));
      const std::string key = fmt::format("{}@{}", topic, request.group);
      statistics_.add(stats::group_get_count, key, count, now_ms(), static_cast<std::int64_t>(batch->payloads.size()));
      statistics_.add(stats::broker_get_count, options_.cluster, count, now_ms());
    }
  }
  done(std::move(batch));
}

void Broker::store_time_at(const QueueKey& queue, Offset offset, std::move_only_function<void(std::int64_t)> done) {
  store_->read(stored_key(queue), offset, {.entries_max = 1, .octets_max = 1}, {},
               guarded([done = std::move(done)](const StoreResult<Batch>& batch) mutable {
                 done(batch && batch->status == Batch::Status::found ? batch->entries.front().store_time_ms : 0);
               }));
}

void Broker::arrived(const QueueKey& queue) {
  std::vector<WaitId> woken;
  hold_.arrived(queue, woken);
  this->woken(woken);
}

void Broker::woken(const std::vector<WaitId>& ids) {
  for (const WaitId id : ids) {
    auto waiting = waiting_.extract(id);
    if (!waiting.empty()) try_pull(std::move(waiting.mapped().request), std::move(waiting.mapped().done));
    auto parked = parked_.extract(id);
    if (!parked.empty()) parked.mapped().again();
  }
}

void Broker::arm_hold() {
  const auto deadline = hold_.next_deadline();
  if (!deadline || (hold_armed_ && *hold_armed_ <= *deadline)) return;
  hold_armed_ = deadline;
  world_.after(std::max(world::Duration(0), *deadline - world_.now()), guarded([this, deadline = *deadline] {
                 if (hold_armed_ != deadline) return;  // an earlier one was set meanwhile
                 hold_armed_.reset();
                 std::vector<WaitId> late;
                 hold_.expire(world_.now(), late);
                 woken(late);
                 arm_hold();
               }));
}

void Broker::forget(ConnectionId connection) {
  clients_.closed(connection);
  hold_.cancel_all(connection);
  absl::erase_if(waiting_, [connection](const auto& waiting) { return waiting.second.request.connection == connection; });
  absl::erase_if(parked_, [connection](const auto& parked) { return parked.second.connection == connection; });
}

Store::Bounds Broker::bounds(const QueueKey& queue) const { return store_->bounds(stored_key(queue)).value_or(Store::Bounds{}); }

void Broker::find_time(const QueueKey& queue, std::int64_t time_ms, std::move_only_function<void(StoreResult<Offset>)> done) {
  store_->find_time(stored_key(queue), time_ms, guarded([done = std::move(done)](StoreResult<Offset> found) mutable {
                      if (!found && found.error().code == StoreErrc::not_found) found = Offset{0};
                      done(std::move(found));
                    }));
}

void Broker::find_key(std::string_view topic, std::string_view key, std::int64_t from_ms, std::int64_t to_ms, std::uint32_t max,
                      std::move_only_function<void(StoreResult<std::vector<std::string>>)> done) {
  store_->find_key(index_key(topic, key), from_ms, to_ms, max,
                   guarded([this, done = std::move(done)](StoreResult<std::vector<IndexEntry>> found) mutable {
                     if (!found) return done(std::unexpected(found.error()));
                     struct Gathering {
                       std::vector<std::string> messages;
                       std::size_t left = 0;
                       decltype(done) done;
                     };
                     auto gathering =
                         std::make_shared<Gathering>(Gathering{.messages = {}, .left = found->size(), .done = std::move(done)});
                     gathering->messages.resize(found->size());
                     if (found->empty()) return gathering->done(std::vector<std::string>{});
                     for (std::size_t i = 0; i < found->size(); ++i) {
                       store_->read_at((*found)[i].position, guarded([gathering, i](StoreResult<Entry> entry) {
                                         // One that is damaged or was deleted meanwhile is not among the answers.
                                         if (entry) gathering->messages[i] = std::move(entry->payload);
                                         if (--gathering->left > 0) return;
                                         std::erase(gathering->messages, std::string());
                                         gathering->done(std::move(gathering->messages));
                                       }));
                     }
                   }));
}

}  // namespace chorus::mq
