#include "cache/append/log_disk.h"

#include <numeric>
#include <tuple>
#include <utility>

namespace chorus::cache::append {

using world::FileErrc;

std::string system_words(const world::FileError& error) {
  switch (error.code) {
    case FileErrc::no_space:
      return "No space left on device";
    case FileErrc::not_permitted:
      return "Permission denied";
    case FileErrc::not_found:
      return "No such file or directory";
    default:
      return "Input/output error";
  }
}

LogDisk::Report LogDisk::report() const {
  const bool is_named = file_ != nullptr && !fresh_;
  return {.error = error_,
          .is_full = is_full_,
          .written = written_,
          .synced = synced_,
          .octets = base_octets_ + std::accumulate(sealed_octets_.begin(), sealed_octets_.end(), std::uint64_t{0}) +
                    (is_named ? file_->octets() : 0),
          .base_octets = base_octets_,
          .syncs = syncs_};
}

void LogDisk::fail(const world::FileError& why) {
  error_ = system_words(why);
  is_full_ = why.code == FileErrc::no_space;
  if (is_full_) return;
  is_broken_ = true;
  waiting_.clear();  // a base that is begun later has what they did
}

/// Whatever the reason: the system may take for written what it could not write, and the next sync would succeed without it.
void LogDisk::fail_sync(const world::FileError& why) {
  fail({FileErrc::io, why.message});
  error_ = system_words(why);
}

void LogDisk::go_on(const Recovered& log, std::uint64_t position) {
  manifest_ = log.manifest;
  written_ = synced_ = position;
  for (const Recovered::File& file : log.files) {
    if (file.is_base) {
      base_octets_ = file.octets;
    } else {
      sealed_octets_.push_back(file.octets);
    }
  }
  remove_history();
  remove_first_mark();
  if (!log.may_append) {
    if (const std::string why = begin_increment(); !why.empty() && !is_full_) is_broken_ = true;
    return;
  }
  auto opened = AppendFile::open(files_, log.files.back().path);
  if (!opened) return fail(opened.error());
  file_ = std::move(*opened);
  sealed_octets_.pop_back();
}

/// Of a new increment, whose name no other file has.
std::uint64_t LogDisk::free_number() const {
  std::uint64_t number = manifest_.next_increment();
  while (manifest_.names(increment_name(place_.file, number))) ++number;
  return number;
}

/// A new increment, named by the manifest before anything is in it.
std::string LogDisk::begin_increment() {
  const std::uint64_t number = free_number();
  const Manifest::File named{.name = increment_name(place_.file, number), .sequence = number};
  const auto failed = [&](const world::FileError& why) {
    error_ = system_words(why);
    is_full_ = why.code == FileErrc::no_space;
    return why.message;
  };
  auto made = AppendFile::create(files_, place_.path(named.name));
  if (!made) return failed(made.error());
  if (auto done = files_.sync_directory(place_.log_directory()); !done) return failed(done.error());
  Manifest next = manifest_;
  next.increments.push_back(named);
  if (std::string why = keep(next); !why.empty()) return why;
  if (file_ != nullptr) sealed_octets_.push_back(file_->octets());
  file_ = std::move(*made);
  kept_from_ = number;
  return {};
}

std::string LogDisk::keep(const Manifest& manifest) {
  if (auto done = world::write_file(files_, place_.manifest(), to_string(manifest)); !done) {
    error_ = system_words(done.error());
    is_full_ = done.error().code == FileErrc::no_space;
    return done.error().message;
  }
  manifest_ = manifest;
  return {};
}

std::string LogDisk::begin_anew(bool appends, std::uint64_t position) {
  const auto failed = [&](const world::FileError& why) {
    fail(why);
    return why.message;
  };
  file_.reset();
  fresh_.reset();
  waiting_.clear();
  sealed_octets_.clear();
  error_.clear();
  is_full_ = is_broken_ = false;
  written_ = position;
  base_octets_ = 0;
  if (auto done = world::make_durable_directories(files_, place_.log_directory()); !done) return failed(done.error());
  auto found = read_manifest(files_, place_);
  if (!found) return failed({FileErrc::io, found.error()});
  manifest_ = std::move(*found);
  if (manifest_.empty()) {
    if (auto done = world::write_file(files_, place_.first_mark(), "The first base of this log is being written.\n"); !done) {
      return failed(done.error());
    }
  }
  kept_from_ = free_number();
  if (!appends) return {};
  fresh_ = Manifest::File{.name = increment_name(place_.file, kept_from_), .sequence = kept_from_};
  auto made = AppendFile::create(files_, place_.path(fresh_->name));
  if (!made) return failed(made.error());
  if (auto done = files_.sync_directory(place_.log_directory()); !done) return failed(done.error());
  file_ = std::move(*made);
  return {};
}

std::string LogDisk::roll() {
  sync();
  if (!error_.empty()) return error_;
  std::string why = begin_increment();
  if (why.empty()) return why;
  // Where only room was missing, all goes on as before. Else nobody knows what the manifest is.
  is_broken_ = !is_full_;
  if (std::exchange(is_full_, false)) error_.clear();
  return why;
}

std::string LogDisk::commit(const Manifest::File& base, std::uint64_t octets) {
  if (fresh_ || file_ != nullptr) {
    drain();
    if (!error_.empty()) return error_;
    if (auto done = file_->sync(); !done) {
      fail_sync(done.error());
      return done.error().message;
    }
  }
  Manifest next{.base = base, .increments = {}, .history = manifest_.history};
  std::vector<std::uint64_t> sealed;
  if (manifest_.base) next.history.push_back(*manifest_.base);
  for (std::size_t i = 0; i < manifest_.increments.size(); ++i) {
    const Manifest::File& each = manifest_.increments[i];
    if (each.sequence < kept_from_) {
      next.history.push_back(each);
    } else {
      next.increments.push_back(each);
      if (i < sealed_octets_.size()) sealed.push_back(sealed_octets_[i]);
    }
  }
  if (fresh_) next.increments.push_back(*fresh_);
  const std::string before = error_;
  if (std::string why = keep(next); !why.empty()) {
    error_ = before;  // what is appended to is as well as it was
    is_full_ = false;
    return why;
  }
  fresh_.reset();
  sealed_octets_ = std::move(sealed);
  base_octets_ = octets;
  synced_ = written_;
  remove_history();
  remove_first_mark();
  return {};
}

void LogDisk::remove_first_mark() {
  if (files_.exists(place_.first_mark())) std::ignore = files_.remove(place_.first_mark());
}

/// What is left is removed after the next base, or at the next start.
void LogDisk::remove_history() {
  if (manifest_.history.empty()) return;
  Manifest next = manifest_;
  std::erase_if(next.history, [&](const Manifest::File& file) {
    const std::string path = place_.path(file.name);
    return !files_.exists(path) || files_.remove(path).has_value();
  });
  if (next.history.size() == manifest_.history.size()) return;
  if (auto done = files_.sync_directory(place_.log_directory()); !done) return;
  if (auto done = world::write_file(files_, place_.manifest(), to_string(next)); done) manifest_ = std::move(next);
}

void LogDisk::drain() {
  if (is_broken_ || file_ == nullptr) return;
  error_.clear();
  is_full_ = false;
  for (; !waiting_.empty(); waiting_.pop_front()) {
    if (auto done = file_->append(waiting_.front().group); !done) return fail(done.error());
    written_ = waiting_.front().last;
  }
}

void LogDisk::write(std::string group, std::uint64_t last) {
  if (is_broken_) return;
  if (!group.empty()) waiting_.push_back({std::move(group), last});
  if (file_ == nullptr && !fresh_ && !manifest_.empty()) std::ignore = begin_increment();
  drain();
}

void LogDisk::sync() {
  if (is_broken_ || file_ == nullptr) return;
  drain();
  if (is_broken_) return;
  if (auto done = file_->sync(); !done) return fail_sync(done.error());
  ++syncs_;
  // A file that no manifest names is found by nobody.
  if (!fresh_) synced_ = written_;
}

void LogDisk::close() {
  if (is_broken_ || file_ == nullptr) return;
  sync();
  if (!error_.empty() || fresh_) return;
  if (auto done = file_->seal(); !done) fail_sync(done.error());
}

}  // namespace chorus::cache::append
