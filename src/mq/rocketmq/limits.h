// How much clients may take of a server's memory.
#pragma once

#include <cstddef>

#include "mq/rocketmq/frame.h"

namespace chorus::mq::rocketmq {

struct Limits {
  std::size_t connections_max = 65'536;
  std::size_t connections_per_address_max = 16'384;
  std::size_t frame_octets_max = rocketmq::frame_octets_max;
  // Of one connection:
  std::size_t requests_max = 65'536;          // not answered yet, consumers that wait among them; one more is answered with "busy"
  std::size_t queued_octets_max = 64 << 20;   // of large requests that are not answered yet; no more is read then
  std::size_t unsent_octets_max = 256 << 20;  // of answers that it does not take; it is ended then
};

}  // namespace chorus::mq::rocketmq
