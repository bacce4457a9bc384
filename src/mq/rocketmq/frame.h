// Frames of RocketMQ's remoting: where one command ends and the next begins. source: remoting/netty/NettyDecoder.java
//
//   total    4 octets, big-endian: octets that follow (4 + header + body)
//   mark     4 octets: the first is the header's format (0 JSON, 1 binary), the other three its length
//   header, body
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace chorus::mq::rocketmq {

enum class HeaderFormat : std::uint8_t { json = 0, binary = 1 };

/// Borrowed.
struct Frame {
  HeaderFormat format = HeaderFormat::json;
  std::string_view header;
  std::string_view body;
};

/// Each ends the connection.
enum class FrameErrc { too_large, bad_length, bad_format };
std::string_view to_string(FrameErrc code);

/// Octets of a whole frame, the total included. RocketMQ's default (com.rocketmq.remoting.frameMaxLength)
inline constexpr std::size_t frame_octets_max = 16 << 20;

/// Finds the frame at the front of a stream.
struct FrameSplit {
  std::size_t size = 0;  // of the whole frame; 0: not even its length is there
  bool complete = false;
  Frame frame;  // if complete
};
base::Result<FrameSplit, FrameErrc> split_frame(std::string_view octets, std::size_t octets_max = frame_octets_max);

/// Cuts a connection's input into frames, in whatever pieces it comes. Keeps less than one frame, and never more than came.
class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t octets_max = frame_octets_max) : octets_max_(octets_max) {}

  /// Calls `use(const Frame&)` with each frame that these octets complete; it is borrowed until `use` returns. After an error nothing more
  /// is to be given.
  template <class Use>
  base::Result<void, FrameErrc> receive(std::string_view octets, Use&& use) {
    while (!octets.empty() || !kept_.empty()) {
      if (!kept_.empty()) {
        if (!complete_kept(octets)) return {};
        auto split = split_frame(kept_, octets_max_);
        if (!split) return std::unexpected(split.error());
        if (!split->complete) continue;  // the length is known now
        use(static_cast<const Frame&>(split->frame));
        kept_.clear();
        if (kept_.capacity() > (1 << 16)) kept_.shrink_to_fit();
        continue;
      }
      auto split = split_frame(octets, octets_max_);
      if (!split) return std::unexpected(split.error());
      if (!split->complete) {
        kept_.assign(octets);
        return {};
      }
      use(static_cast<const Frame&>(split->frame));
      octets.remove_prefix(split->size);
    }
    return {};
  }

  /// Octets of a frame that has begun.
  std::size_t kept() const { return kept_.size(); }

 private:
  // Takes from `octets` what the kept beginning lacks of its length or, once that is known, of its whole; false: there was too little.
  bool complete_kept(std::string_view& octets);

  std::size_t octets_max_;
  std::string kept_;
};

}  // namespace chorus::mq::rocketmq
