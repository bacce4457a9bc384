#include "rocketmq/load/channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/bytes.h"

namespace chorus::bench::rocketmq {
namespace {

constexpr std::uint32_t frame_octets_max = 16 << 20;
constexpr std::size_t receive_octets = 256 << 10;

}  // namespace

Channel::Channel(const Target& target) : link_(target) { ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK); }

char* Channel::extend(std::size_t size) {
  if (begin_ > 0 && begin_ * 2 >= out_.size()) {
    out_.erase(0, begin_);
    begin_ = 0;
  }
  const std::size_t at = out_.size();
  // libstdc++ 12 tells the capacity where it should tell the size.
  out_.resize_and_overwrite(at + size, [&](char*, std::size_t) { return at + size; });
  return out_.data() + at;
}

void Channel::flush() {
  while (begin_ < out_.size()) {
    const ssize_t count = ::send(fd(), out_.data() + begin_, out_.size() - begin_, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN) return;
      throw std::system_error(errno, std::generic_category(), "cannot send");
    }
    begin_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  begin_ = 0;
}

std::uint32_t Channel::frame_size(std::string_view octets) {
  const std::uint32_t size = base::Reader(octets).u32();
  if (size > frame_octets_max) throw std::runtime_error(fmt::format("a frame of {} octets", size));
  return size;
}

bool Channel::read_some(std::vector<char>& scratch) {
  if (scratch.size() < carry_.size() + receive_octets) scratch.resize(carry_.size() + receive_octets);
  std::ranges::copy(carry_, scratch.begin());
  const std::size_t room = scratch.size() - carry_.size();
  const ssize_t got = ::recv(fd(), scratch.data() + carry_.size(), room, 0);
  if (got < 0) {
    if (errno == EAGAIN) return false;
    throw std::system_error(errno, std::generic_category(), "cannot receive");
  }
  if (got == 0) throw std::runtime_error("the server closed a connection under load");
  have_ = carry_.size() + static_cast<std::size_t>(got);
  // What comes after it had nothing more is told anew.
  drained_ = static_cast<std::size_t>(got) < room;
  return true;
}

}  // namespace chorus::bench::rocketmq
