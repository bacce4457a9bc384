#include "world/real/errors.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace chorus::world::real {
namespace {

std::string words(int error) { return std::generic_category().message(error); }

}  // namespace

NetError listen_error(const Address& address, int error) {
  const std::string where = to_string(address);
  switch (error) {
    case EADDRINUSE:
      return {NetErrc::address_in_use,
              fmt::format("cannot listen on {}: another process has taken that port; `ss -ltnp 'sport = :{}'` names it: end it, or choose "
                          "another port",
                          where, address.port)};
    case EACCES:
    case EPERM:
      return {
          NetErrc::not_permitted,
          fmt::format("cannot listen on {}: ports below 1024 need the capability CAP_NET_BIND_SERVICE; choose a higher port or grant it",
                      where)};
    case EADDRNOTAVAIL:
      return {NetErrc::not_permitted,
              fmt::format("cannot listen on {}: no interface of this machine has that address (`ip address` lists them)", where)};
    case EAFNOSUPPORT:
      return {NetErrc::invalid, fmt::format("cannot listen on {}: this machine has no such address family", where)};
    default:
      return {NetErrc::invalid, fmt::format("cannot listen on {}: {}", where, words(error))};
  }
}

NetError connect_error(const Address& address, int error) {
  const std::string where = to_string(address);
  switch (error) {
    case ECONNREFUSED:
      return {NetErrc::refused, fmt::format("cannot connect to {}: nobody listens there", where)};
    case ETIMEDOUT:
      return {NetErrc::timed_out, fmt::format("cannot connect to {}: no answer; is a firewall in between?", where)};
    case ECONNRESET:
      return {NetErrc::reset, fmt::format("cannot connect to {}: broken off by the other side", where)};
    case EACCES:
    case EPERM:
      return {NetErrc::not_permitted, fmt::format("cannot connect to {}: {} (a firewall rule of this machine?)", where, words(error))};
    case EINVAL:
    case EAFNOSUPPORT:
      return {NetErrc::invalid, fmt::format("cannot connect to {}: {}", where, words(error))};
    default:
      return {NetErrc::unreachable, fmt::format("cannot connect to {}: {}", where, words(error))};
  }
}

NetError stream_error(const Address& peer, int error) {
  if (error == ETIMEDOUT) return {NetErrc::timed_out, fmt::format("connection with {} lost: it no longer answers", to_string(peer))};
  return {NetErrc::reset, fmt::format("connection with {} broken off: {}", to_string(peer), words(error))};
}

}  // namespace chorus::world::real
