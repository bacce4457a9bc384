// Every queue of the store.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string_view>
#include <utility>

#include "mq/log/frame.h"
#include "mq/log/memory_index.h"

namespace chorus::mq::log {

class QueueTable {
 public:
  Queue* find(std::string_view topic, std::int32_t queue) const {
    const auto found = queues_.find(Name{hash64(topic, queue), topic, queue});
    return found == queues_.end() ? nullptr : found->second.get();
  }
  Queue& get(std::string_view topic, std::int32_t queue) {
    if (Queue* known = find(topic, queue)) return *known;
    auto made = std::make_unique<Queue>();
    made->key = {std::string(topic), queue};
    made->hash = hash64(topic, queue);
    Queue& result = *made;
    queues_.emplace(Name{result.hash, result.key.topic, queue}, std::move(made));
    return result;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [name, queue] : queues_) visit(*queue);
  }
  std::size_t size() const { return queues_.size(); }
  void clear() { queues_.clear(); }

 private:
  struct Name {
    std::uint64_t hash;
    std::string_view topic;
    std::int32_t queue;
    friend bool operator==(const Name&, const Name&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Name& name) {
      return H::combine(std::move(h), name.hash);
    }
  };
  absl::flat_hash_map<Name, std::unique_ptr<Queue>> queues_;
};

}  // namespace chorus::mq::log
