// All keys as they were at one moment, as the octets of a file, while they go on to be changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/database.h"
#include "cache/rdb/value_writer.h"

namespace chorus::cache {

/// Walks over all databases a little a call. A key that is about to change, move or go before the walk came to it is written first: the
/// databases tell (KeyWatcher). Keys that are there since say so by their mark. A database that is emptied leaves its tables to the walk.
/// Large values are written over several calls; only a change of just that value makes it be finished at once.
///
/// What is not taken yet is bounded by what step() is asked for and what is changed between two calls. Lives on the server's reactor.
class Snapshot {
 public:
  struct Options {
    rdb::WriteOptions write;
    bool has_checksum = true;
    /// How a key was used, as the policy for memory keeps it; null: it does not.
    std::function<rdb::KeyUse(const Entry&)> use_of;
    /// What is said about the file, in this order.
    std::vector<std::pair<std::string, std::string>> aux;
    /// Libraries of functions.
    std::vector<std::string> functions;
  };

  /// The moment is now. mark: none of the keys has it, and each that the snapshot is done with gets it. No other snapshot is under way.
  Snapshot(std::span<const std::unique_ptr<Database>> databases, Reclaimer& reclaimer, std::uint8_t mark, Options options);
  /// The walk ends, complete or not.
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  /// Goes on until there are that many octets to be taken, or for some thousand keys. True: the file is complete.
  bool step(std::size_t octets_max);
  /// The next octets of the file.
  std::string take();
  std::size_t waiting() const { return out_.size() + aside_.size(); }
  bool is_complete() const { return is_complete_; }
  std::uint64_t keys_written() const { return keys_written_; }
  std::uint64_t keys_total() const { return keys_total_; }

 private:
  class Part;
  void write_head(std::string& to, unsigned db, const Entry& entry);
  void write(unsigned db, Entry* entry);
  void begin_large();
  bool go_on_with_large(std::size_t octets_max);
  void walk_on();
  void end_file();
  bool has_large() const { return large_.has_value() || !pending_.empty(); }

  Reclaimer& reclaimer_;
  const std::uint8_t mark_;
  const Options options_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::size_t part_ = 0;        // that the walk is in
  std::vector<Entry*> found_;   // by its last step
  std::optional<unsigned> db_;  // of the keys at the end of the file
  std::vector<bool> are_sizes_said_;
  std::string out_, aside_;  // aside: what has to wait for the end of the large value
  struct Large {
    Entry* entry;
    rdb::ValueWriter writer;
  };
  std::optional<Large> large_;                        // under way
  std::vector<std::pair<unsigned, Entry*>> pending_;  // and those of the same bucket. The walk waits for them
  bool is_complete_ = false;
  std::uint64_t keys_written_ = 0, keys_total_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace chorus::cache
