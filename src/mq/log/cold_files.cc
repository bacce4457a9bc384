#include "mq/log/cold_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "mq/log/frame.h"

namespace chorus::mq::log {
namespace {

constexpr std::uint64_t gap_octets_max = 32 << 10;  // reading over it is quicker than reading twice
constexpr std::uint64_t stretch_octets_max = 4 << 20;

}  // namespace

StoreError store_error(const world::FileError& error) {
  switch (error.code) {
    case world::FileErrc::no_space:
      return {StoreErrc::no_space, error.message};
    case world::FileErrc::not_found:
      return {StoreErrc::not_found, error.message};
    default:
      return {StoreErrc::failed, error.message};
  }
}

world::FileResult<world::File*> OpenFiles::get(const std::string& name) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const auto& file) { return file.first == name; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
    return open_.front().second.get();
  }
  auto file = files_->open(directory_ + "/" + name, world::OpenMode::read);
  if (!file) return std::unexpected(file.error());
  open_.emplace_front(name, std::move(*file));
  if (open_.size() > files_max_) open_.pop_back();
  return open_.front().second.get();
}

void OpenFiles::forget(const std::string& name) {
  std::erase_if(open_, [&](const auto& file) { return file.first == name; });
}

StoreResult<std::string> read_octets(world::File& file, std::uint64_t offset, std::size_t size) {
  std::string octets(size, '\0');
  auto count = file.read_at(offset, octets.data(), size);
  if (!count) return std::unexpected(store_error(count.error()));
  octets.resize(*count);
  return octets;
}

StoreResult<std::uint64_t> read_places(OpenFiles& files, Position base, const std::vector<Place>& places, Batch& batch) {
  auto file = files.get(log_name(base));
  if (!file) return std::unexpected(store_error(file.error()));
  for (auto first = places.begin(); first != places.end();) {
    auto last = first;  // of the stretch that is read at once
    const auto end_of = [](auto place) {
      return place->entry.position + static_cast<Position>(framed_octets(place->head, place->entry.size));
    };
    while (std::next(last) != places.end() &&
           static_cast<std::uint64_t>(std::next(last)->entry.position - end_of(last)) <= gap_octets_max &&
           static_cast<std::uint64_t>(end_of(std::next(last)) - first->entry.position) <= stretch_octets_max)
      ++last;
    const Position from = first->entry.position;
    auto octets = read_octets(**file, static_cast<std::uint64_t>(from - base), static_cast<std::size_t>(end_of(last) - from));
    if (!octets) return std::unexpected(octets.error());
    for (; first != std::next(last); ++first) {
      const auto at = static_cast<std::size_t>(first->entry.position - from);
      const auto view = check_entry(at < octets->size() ? std::string_view(*octets).substr(at) : std::string_view(), first->entry.position);
      if (!view || view->payload.size() != first->entry.size) {
        if (batch.entries.empty()) {
          batch.status = Batch::Status::lost;
          batch.next = first->entry.offset + first->entry.count;
        } else {
          batch.next = first->entry.offset;
        }
        return 1;
      }
      batch.entries.push_back(first->entry);
      batch.payloads += view->payload;
    }
  }
  return 0;
}

}  // namespace chorus::mq::log
