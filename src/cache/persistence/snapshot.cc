#include "cache/persistence/snapshot.h"

#include <algorithm>

#include "base/checksum.h"
#include "cache/rdb/file_writer.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

/// A call looks at no more buckets than this.
constexpr std::size_t buckets_max = 1024;
/// Values of more elements, or longer strings, are written over several calls.
constexpr std::size_t large_elements_least = 16;
constexpr std::size_t large_text_least = rdb::ValueWriter::piece_octets;

bool is_large(const Entry& entry) {
  if (entry.encoding() == Encoding::raw) return entry.text_size() >= large_text_least;
  return elements_of(entry) >= large_elements_least;
}

}  // namespace

/// The keys of one database at that moment, wherever they are now.
class Snapshot::Part final : public KeyWatcher {
 public:
  Part(Snapshot& snapshot, Database& database, unsigned db) : snapshot_(snapshot), database_(&database), db_(db) {
    database.watch(this, snapshot.mark_);
  }
  ~Part() override {
    if (database_ != nullptr) database_->watch(nullptr, snapshot_.mark_);
    for (KeyTable& table : tables_) snapshot_.reclaimer_.take(std::move(table));
    let_go();
  }

  void before_change(Entry* entry) override {
    if (snapshot_.large_ && snapshot_.large_->entry == entry) {
      snapshot_.go_on_with_large(std::string::npos);
      return;
    }
    std::erase(snapshot_.pending_, std::pair(db_, entry));
    snapshot_.write(db_, entry);
  }
  void before_clear(std::vector<KeyTable>& tables) override {
    // The walk is through with it: what comes now is none of its matter, and may come from elsewhere.
    if (is_done_ && !snapshot_.has_large()) {
      database_->watch(nullptr, snapshot_.mark_);
      database_ = nullptr;
      return;
    }
    for (KeyTable& table : tables) {
      if (!table.empty()) tables_.push_back(std::exchange(table, KeyTable()));
    }
    // The database goes on with new keys, which are none of ours. What is written already is marked: the walk may begin anew.
    database_->watch(nullptr, snapshot_.mark_);
    database_ = nullptr;
    cursor_ = 0;
    is_done_ = tables_.empty();
  }
  void on_moved(Database& to) override { database_ = &to; }

  bool is_done() const { return is_done_; }
  unsigned db() const { return db_; }
  std::uint64_t size() const { return database_ == nullptr ? 0 : database_->size(); }
  std::uint64_t expiring() const { return database_ == nullptr ? 0 : database_->expiring(); }
  /// The keys of the next bucket that are not written.
  void walk(std::vector<Entry*>& found) {
    const auto visit = [&](Entry* entry) {
      if (entry->mark() != snapshot_.mark_) found.push_back(entry);
    };
    if (database_ != nullptr) {
      cursor_ = database_->scan(cursor_, visit);
      is_done_ = cursor_ == 0;
      return;
    }
    if (!tables_.empty()) {
      cursor_ = tables_.back().scan(cursor_, visit);
      if (cursor_ != 0) return;
      ended_.push_back(std::move(tables_.back()));
      tables_.pop_back();
    }
    is_done_ = tables_.empty();
  }
  /// Of tables that the walk is through with, when all that it found in them is written.
  void let_go() {
    for (KeyTable& table : ended_) snapshot_.reclaimer_.take(std::move(table));
    ended_.clear();
  }

 private:
  Snapshot& snapshot_;
  Database* database_;  // null: it was emptied, and what was in it is in tables_
  const unsigned db_;
  std::vector<KeyTable> tables_, ended_;
  std::uint64_t cursor_ = 0;
  bool is_done_ = false;
};

Snapshot::Snapshot(std::span<const std::unique_ptr<Database>> databases, Reclaimer& reclaimer, std::uint8_t mark, Options options)
    : reclaimer_(reclaimer), mark_(mark), options_(std::move(options)), are_sizes_said_(databases.size()) {
  rdb::write_header(out_, options_.write);
  for (const auto& [name, value] : options_.aux) rdb::write_aux(out_, name, value, options_.write);
  for (const std::string& code : options_.functions) rdb::write_function(out_, code, options_.write);
  for (unsigned db = 0; db < databases.size(); ++db) {
    keys_total_ += databases[db]->size();
    parts_.push_back(std::make_unique<Part>(*this, *databases[db], db));
  }
}

Snapshot::~Snapshot() = default;

void Snapshot::write_head(std::string& to, unsigned db, const Entry& entry) {
  if (db_ != db) {
    rdb::write_database(to, db);
    if (!are_sizes_said_[db]) rdb::write_sizes(to, parts_[db]->size(), parts_[db]->expiring());
    are_sizes_said_[db] = true;
    db_ = db;
  }
  rdb::write_key(to, entry, options_.use_of ? options_.use_of(entry) : rdb::KeyUse{}, options_.write);
  ++keys_written_;
}

void Snapshot::write(unsigned db, Entry* entry) {
  // Nothing may come between the pieces of a large value.
  std::string& to = large_ ? aside_ : out_;
  write_head(to, db, *entry);
  rdb::write_value(to, *entry, options_.write);
  entry->set_mark(mark_);
}

void Snapshot::begin_large() {
  const auto [db, entry] = pending_.back();
  pending_.pop_back();
  write_head(out_, db, *entry);
  large_.emplace(entry, rdb::ValueWriter(*entry, options_.write));
}

bool Snapshot::go_on_with_large(std::size_t octets_max) {
  if (!large_->writer.step(out_, octets_max)) return false;
  large_->entry->set_mark(mark_);
  large_.reset();
  out_ += std::exchange(aside_, {});
  return true;
}

void Snapshot::walk_on() {
  Part& part = *parts_[part_];
  part.let_go();
  found_.clear();
  part.walk(found_);
  for (Entry* entry : found_) {
    // One that is in two buckets while its table grows is found twice.
    if (entry->mark() == mark_ || std::find(pending_.begin(), pending_.end(), std::pair(part.db(), entry)) != pending_.end()) continue;
    if (is_large(*entry)) {
      pending_.emplace_back(part.db(), entry);
    } else {
      write(part.db(), entry);
    }
  }
}

bool Snapshot::step(std::size_t octets_max) {
  for (std::size_t buckets = 0; !is_complete_ && buckets < buckets_max && out_.size() < octets_max; ++buckets) {
    if (large_) {
      if (!go_on_with_large(octets_max)) break;
    } else if (!pending_.empty()) {
      begin_large();
    } else if (part_ == parts_.size()) {
      end_file();
    } else if (parts_[part_]->is_done()) {
      parts_[part_++]->let_go();
    } else {
      walk_on();
    }
  }
  return is_complete_;
}

void Snapshot::end_file() {
  checksum_ = base::crc64_jones(out_, checksum_);
  rdb::write_end(out_, options_.has_checksum ? rdb::end_checksum(checksum_) : 0);
  is_complete_ = true;
}

std::string Snapshot::take() {
  if (!is_complete_) checksum_ = base::crc64_jones(out_, checksum_);
  return std::exchange(out_, {});
}

}  // namespace chorus::cache
