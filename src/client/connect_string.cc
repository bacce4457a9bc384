#include "client/connect_string.h"

#include <fmt/format.h>

#include "base/text.h"

namespace chorus::client {

Result<ConnectString> parse_connect_string(std::string_view text) {
  ConnectString out;
  const std::size_t slash = text.find('/');
  std::string_view chroot = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
  if (chroot == "/") chroot = {};
  if (!chroot.empty()) {
    if (const std::string problem = path_problem(chroot); !problem.empty()) {
      return base::error(Code::bad_arguments, fmt::format("the path \"{}\" after the servers is not valid: {}", chroot, problem));
    }
    out.chroot = chroot;
  }
  for (std::string_view part : base::split(text.substr(0, slash), ',')) {
    part = base::trim(part);
    if (part.empty()) continue;
    auto address = world::parse_address(part, 2181);
    if (!address || address->host.empty() || address->port == 0) {
      return base::error(Code::bad_arguments, fmt::format("\"{}\" is not a server: write host:port, host or [v6 address]:port", part));
    }
    out.servers.push_back(std::move(*address));
  }
  if (out.servers.empty()) {
    return base::error(Code::bad_arguments, fmt::format("\"{}\" names no server: write host:port[,host:port]...[/chroot]", text));
  }
  return out;
}

namespace {

/// Code points that a path may not hold, found in UTF-8: U+0000-001F, U+007F-009F, U+D800-F8FF, U+FFF0-FFFF.
bool has_forbidden_character(std::string_view path) {
  const auto octet = [&](std::size_t i) { return i < path.size() ? static_cast<unsigned char>(path[i]) : 0u; };
  for (std::size_t i = 0; i < path.size(); ++i) {
    const unsigned a = octet(i), b = octet(i + 1), c = octet(i + 2);
    if (a < 0x20 || a == 0x7f || (a == 0xc2 && b < 0xa0)) return true;
    if (a == 0xed && b >= 0xa0) return true;                // U+D800..DFFF
    if (a == 0xee || (a == 0xef && b < 0xa4)) return true;  // U+E000..F8FF
    if (a == 0xef && b == 0xbf && c >= 0xb0) return true;   // U+FFF0..FFFF
    if (a >= 0xf0) return true;                             // Java sees a pair of surrogates
  }
  return false;
}

}  // namespace

std::string path_problem(std::string_view path, bool sequential) {
  if (path.empty()) return "it is empty";
  if (path.front() != '/') return "it must begin with '/'";
  if (path == "/") return {};
  if (!sequential && path.back() == '/') return "it must not end with '/'";
  if (path.find("//") != std::string_view::npos) return "it has an empty part (\"//\")";
  const auto parts = base::split(path.substr(1), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (sequential && i + 1 == parts.size()) break;
    if (parts[i] == "." || parts[i] == "..") return "relative parts (\".\", \"..\") are not allowed";
  }
  if (!base::is_utf8(path) || has_forbidden_character(path)) return "it holds a character that ZooKeeper does not allow in paths";
  return {};
}

}  // namespace chorus::client
