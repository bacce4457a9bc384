#include "zab/packet_stream.h"

#include <fmt/format.h>

#include "base/ensure.h"

namespace chorus::zab {
namespace {

// What is kept for the next item after a large one has gone.
constexpr std::size_t spare_max = 1 << 20;

}  // namespace

void PacketStream::feed(std::string_view octets) {
  ENSURE(rest_.empty());
  if (kept_.empty()) {
    rest_ = octets;
    return;
  }
  kept_ += octets;
  rest_ = kept_;
}

void PacketStream::keep_rest() {
  if (kept_.empty()) {
    kept_ = rest_;
  } else {
    kept_.erase(0, kept_.size() - rest_.size());
    if (kept_.size() < spare_max && kept_.capacity() > 2 * spare_max) kept_.shrink_to_fit();
  }
  rest_ = {};
}

base::Result<std::optional<PacketStream::Item>, std::string> PacketStream::next() { return sink_ ? take_snapshot() : next_packet(); }

base::Result<std::optional<PacketStream::Item>, std::string> PacketStream::next_packet() {
  if (rest_.empty()) {
    keep_rest();
    return std::nullopt;
  }
  auto read = decode_packet(rest_, had_packet_ ? limits_.packet : limits_.first_packet);
  if (!read) return std::unexpected(std::move(read.error()));
  if (!*read) {
    keep_rest();
    return std::nullopt;
  }
  had_packet_ = true;
  rest_.remove_prefix((*read)->used);
  return Item(std::move((*read)->packet));
}

base::Result<std::optional<PacketStream::Item>, std::string> PacketStream::take_snapshot() {
  while (!sink_->is_complete()) {
    const auto used = sink_->feed(rest_);
    if (!used) return std::unexpected("a snapshot that cannot be loaded: " + used.error());
    ENSURE(*used <= rest_.size(), *used, rest_.size());
    rest_.remove_prefix(*used);
    if (sink_->is_complete()) break;
    if (*used > 0 && !rest_.empty()) continue;
    if (rest_.size() > limits_.record_octets)
      return std::unexpected(fmt::format("a record of more than {} octets in a snapshot", limits_.record_octets));
    keep_rest();
    return std::nullopt;
  }
  const std::size_t length = std::min(rest_.size(), snapshot_signature.size());
  if (rest_.substr(0, length) != snapshot_signature.substr(0, length))
    return std::unexpected("a snapshot without the signature at its end");
  if (length < snapshot_signature.size()) {
    keep_rest();
    return std::nullopt;
  }
  rest_.remove_prefix(length);
  sink_->finish();
  sink_.reset();
  return Item(SnapshotTaken{});
}

}  // namespace chorus::zab
