#include "cache/replication/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cache/server.h"

namespace chorus::cache::replication {
namespace {

/// A step makes about so much.
constexpr std::size_t step_octets = 256U << 10;
/// Of a replica, before more is made.
constexpr std::size_t untaken_octets_max = 1U << 20;
constexpr unsigned writes_under_way_max = 4;

}  // namespace

Transfer::Transfer(Server& server, std::unique_ptr<Snapshot> snapshot, std::int64_t end, std::string mark, std::vector<ClientId> to)
    : server_(server), snapshot_(std::move(snapshot)), end_(end), mark_(std::move(mark)), to_(std::move(to)) {
  if (!is_by_file()) return;
  actions_.push_back({.what = FileAction::What::create});
  ++unanswered_;
}

Transfer::~Transfer() {
  if (snapshot_ != nullptr) server_.end_snapshot(std::move(snapshot_));
}

bool Transfer::have_room() {
  return std::all_of(to_.begin(), to_.end(), [&](ClientId id) {
    const Client* client = server_.find_client(id);
    return client == nullptr || client->unsent + client->out.size() < untaken_octets_max;
  });
}

void Transfer::send(std::string_view octets) {
  for (const ClientId id : to_) server_.send(id, octets);
}

void Transfer::begin_with(const std::string& line) {
  if (!std::exchange(has_begun_, true)) send(line);
}

bool Transfer::step() {
  if (is_complete_ || !failure_.empty()) return false;
  if (is_by_file()) {
    if (snapshot_ == nullptr) {
      if (unanswered_ > 0) return false;
      begin_with(fmt::format("${}\r\n", size_));
      if (!have_room()) return false;
      actions_.push_back({.what = FileAction::What::read});
      ++unanswered_;
      return false;
    }
    if (unanswered_ >= writes_under_way_max) return false;
  } else if (!have_room()) {
    return false;
  }
  const bool is_all = snapshot_->step(step_octets);
  std::string octets = snapshot_->take();
  size_ += octets.size();
  if (is_all) server_.end_snapshot(std::move(snapshot_));
  if (is_by_file()) {
    actions_.push_back({.what = FileAction::What::write, .octets = std::move(octets), .is_last = is_all});
    ++unanswered_;
    return true;
  }
  begin_with(fmt::format("$EOF:{}\r\n", mark_));
  send(octets);
  if (is_all) send(mark_);
  is_complete_ = is_all;
  return !is_complete_;
}

void Transfer::file_written() { --unanswered_; }

void Transfer::file_read(std::string octets) {
  --unanswered_;
  sent_ += octets.size();
  if (octets.empty() || sent_ > size_) return file_failed("the file of the snapshot is not as it was written");
  send(octets);
  is_complete_ = sent_ == size_;
}

void Transfer::file_failed(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

}  // namespace chorus::cache::replication
