#include "mq/rocketmq/frame.h"

#include <algorithm>

#include "base/bytes.h"

namespace chorus::mq::rocketmq {

std::string_view to_string(FrameErrc code) {
  switch (code) {
    case FrameErrc::too_large:
      return "a frame longer than allowed";
    case FrameErrc::bad_length:
      return "a frame with an impossible length";
    case FrameErrc::bad_format:
      return "a header of an unknown format";
  }
  return "";
}

base::Result<FrameSplit, FrameErrc> split_frame(std::string_view octets, std::size_t octets_max) {
  if (octets.size() < 4) return FrameSplit{};
  base::Reader in(octets);
  const std::uint32_t total = in.u32();
  if (total < 4 || total > 0x7fffffff) return std::unexpected(FrameErrc::bad_length);
  if (std::uint64_t{total} + 4 > octets_max) return std::unexpected(FrameErrc::too_large);
  FrameSplit split{.size = total + std::size_t{4}};
  if (octets.size() >= 8) {
    const std::uint32_t mark = in.u32();
    const std::uint32_t header_size = mark & 0xffffff;
    if (header_size > total - 4) return std::unexpected(FrameErrc::bad_length);
    if (mark >> 24 > 1) return std::unexpected(FrameErrc::bad_format);
    if (octets.size() >= split.size) {
      split.complete = true;
      split.frame.format = static_cast<HeaderFormat>(mark >> 24);
      split.frame.header = in.octets(header_size);
      split.frame.body = in.octets(total - 4 - header_size);
    }
  }
  return split;
}

bool FrameDecoder::complete_kept(std::string_view& octets) {
  const auto take = [&](std::size_t until) {
    const std::size_t lacking = until - kept_.size();
    const std::size_t taken = std::min(lacking, octets.size());
    kept_.append(octets.substr(0, taken));
    octets.remove_prefix(taken);
    return taken == lacking;
  };
  if (kept_.size() < 4) return take(4);  // the total, and then the mark, are checked before anything more is kept
  if (kept_.size() < 8) return take(8);
  base::Reader in(kept_);
  return take(in.u32() + std::size_t{4});
}

}  // namespace chorus::mq::rocketmq
