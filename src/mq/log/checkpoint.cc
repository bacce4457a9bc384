#include "mq/log/checkpoint.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/checksum.h"

namespace chorus::mq::log {
namespace {

constexpr std::string_view magic = "CHMQSTAT";
constexpr std::uint32_t version = 1;
constexpr std::size_t line_octets_min = 4 + 8 + 1;

}  // namespace

std::string checkpoint_name(Position position) { return fmt::format("{:020}.state", position); }

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string octets(magic);
  base::Writer out(octets);
  out.u32(version);
  out.u32(static_cast<std::uint32_t>(checkpoint.queues.size()));
  out.i64(checkpoint.position);
  out.u64(checkpoint.state.size());
  out.octets(checkpoint.state);
  for (const Checkpoint::Line& line : checkpoint.queues) {
    out.i32(line.queue);
    out.i64(line.next);
    out.u8(static_cast<std::uint8_t>(line.topic.size()));
    out.octets(line.topic);
  }
  out.u32(base::crc32c(octets));
  return octets;
}

std::optional<Checkpoint> decode_checkpoint(std::string_view octets) {
  if (octets.size() < 4) return std::nullopt;
  const std::string_view checked = octets.substr(0, octets.size() - 4);
  if (base::Reader(octets.substr(checked.size())).u32() != base::crc32c(checked)) return std::nullopt;
  base::Reader in(checked);
  if (in.octets(magic.size()) != magic || in.u32() != version) return std::nullopt;
  const std::uint32_t count = in.u32();
  Checkpoint checkpoint;
  checkpoint.position = in.i64();
  const std::uint64_t state_octets = in.u64();
  if (state_octets > in.remaining() || count > (in.remaining() - state_octets) / line_octets_min || checkpoint.position < 0)
    return std::nullopt;
  checkpoint.state = in.octets(state_octets);
  checkpoint.queues.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Checkpoint::Line line;
    line.queue = in.i32();
    line.next = in.i64();
    line.topic = in.octets(in.u8());
    if (line.next < 0) return std::nullopt;
    checkpoint.queues.push_back(std::move(line));
  }
  if (!in.ok() || in.remaining() != 0) return std::nullopt;
  return checkpoint;
}

}  // namespace chorus::mq::log
