// Keys of a snapshot file into databases.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cache/database.h"
#include "cache/eviction.h"
#include "cache/persistence/saving.h"
#include "cache/rdb/file_reader.h"

namespace chorus::cache {

/// What Entry::access() is of a key that was used so, under the policy that there is here.
std::uint32_t access_of(const rdb::KeyUse& use, const MemoryOptions& memory, std::int64_t unix_us);

/// Takes a file's octets in any pieces. What is expired is left out, unless it is asked for. Lives on the server's reactor while that
/// serves no command on keys.
class Loader final : public rdb::FileSink {
 public:
  /// merges: a key that is there goes for that of the file; else it is an error.
  Loader(std::span<const std::unique_ptr<Database>> databases, const Thresholds& thresholds, const MemoryOptions& memory, SaveState& state,
         bool merges = false)
      : databases_(databases), memory_(memory), state_(state), reader_(thresholds, *this), merges_(merges) {}

  /// True: the file has ended. unix_us: now.
  base::Result<bool, std::string> feed(std::string_view octets, std::int64_t unix_us);
  /// Libraries of functions that were in it.
  std::vector<std::string> functions;
  /// Keys whose time is over come in as well: a replica's primary, or a log, says when they are gone.
  bool keeps_expired = false;
  /// Of a primary's stream: the database that its commands are for, as the file says.
  std::optional<unsigned> stream_db;
  std::uint64_t offset() const { return reader_.offset(); }
  /// What was fed beyond the end; good until the next call.
  std::string_view rest() const { return reader_.rest(); }

 private:
  void on_aux(std::string_view name, std::string_view value) override;
  Outcome on_database(std::uint64_t db) override;
  Outcome on_key(Entry* entry, rdb::KeyUse use) override;
  Outcome on_function(std::string_view code) override;

  const std::span<const std::unique_ptr<Database>> databases_;
  const MemoryOptions& memory_;
  SaveState& state_;
  rdb::FileReader reader_;
  const bool merges_;
  std::size_t db_ = 0;
  std::int64_t unix_us_ = 0;
};

}  // namespace chorus::cache
