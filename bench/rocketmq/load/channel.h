// A connection to a broker: frames out without waiting, frames in as they come.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rocketmq/load/frames.h"
#include "zookeeper/load/session.h"

namespace chorus::bench::rocketmq {

class Channel {
 public:
  explicit Channel(const Target& target);

  int fd() const { return link_.fd(); }
  /// Room for `size` octets behind what is to be sent, to be written before the next call.
  char* extend(std::size_t size);
  void append(std::string_view octets) { std::memcpy(extend(octets.size()), octets.data(), octets.size()); }
  /// Sends as much as the socket takes; the rest goes when it is writable again.
  void flush();

  /// Takes in all that has arrived, by way of `scratch`, and calls use(const Answer&) with each answer. Throws when the server closed the
  /// connection, or sent what is no frame.
  template <class Use>
  void receive(std::vector<char>& scratch, Use&& use) {
    while (read_some(scratch)) {
      std::string_view octets(scratch.data(), have_);
      while (octets.size() >= 4) {
        const std::uint32_t size = frame_size(octets);
        if (octets.size() < size + 4U) break;
        const auto answer = parse_answer(octets.substr(4, size));
        if (!answer) throw std::runtime_error("a frame whose header cannot be read");
        if (answer->is_response) use(*answer);
        octets.remove_prefix(size + 4U);
      }
      carry_.assign(octets);
      if (drained_) break;
    }
  }

 private:
  static std::uint32_t frame_size(std::string_view octets);
  bool read_some(std::vector<char>& scratch);

  Link link_;
  std::string out_;
  std::size_t begin_ = 0;  // out_ from here on is to be sent
  std::string carry_;      // the beginning of a frame whose end has not arrived
  std::size_t have_ = 0;   // octets in scratch
  bool drained_ = false;   // nothing more was there
};

}  // namespace chorus::bench::rocketmq
