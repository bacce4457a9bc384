#include "zookeeper/load/frames.h"

#include "base/bytes.h"

namespace chorus::bench {
namespace {

void buffer(base::Writer& out, std::string_view octets) {
  out.u32(static_cast<std::uint32_t>(octets.size()));
  out.octets(octets);
}

template <class Body>
std::string frame(std::int32_t xid, Op op, Body body) {
  std::string octets;
  base::Writer out(octets);
  out.u32(0);
  out.i32(xid);
  out.i32(static_cast<std::int32_t>(op));
  body(out);
  out.patch_u32(0, static_cast<std::uint32_t>(octets.size() - 4));
  return octets;
}

}  // namespace

std::string connect_frame(std::int32_t timeout_ms, const SessionId& session, std::uint64_t last_zxid) {
  std::string octets;
  base::Writer out(octets);
  out.u32(45);
  out.u32(0);  // protocol version
  out.u64(last_zxid);
  out.i32(timeout_ms);
  out.u64(session.id);
  buffer(out, session.password);
  out.u8(0);  // not read-only
  return octets;
}

std::string bare_frame(std::int32_t xid, Op op) {
  return frame(xid, op, [](base::Writer&) {});
}

std::string path_frame(std::int32_t xid, Op op, std::string_view path) {
  return frame(xid, op, [&](base::Writer& out) {
    buffer(out, path);
    if (op == Op::remove) out.i32(-1);
    if (op == Op::get || op == Op::children) out.u8(0);  // no watch
  });
}

std::string write_frame(std::int32_t xid, Op op, std::string_view path, std::string_view value) {
  return frame(xid, op, [&](base::Writer& out) {
    buffer(out, path);
    buffer(out, value);
    if (op == Op::set) {
      out.i32(-1);
      return;
    }
    out.u32(1);  // one ACL: all permissions
    out.u32(31);
    buffer(out, "world");
    buffer(out, "anyone");
    out.u32(0);  // persistent
  });
}

Stamp::Stamp(Op op, char letter, std::string_view value)
    : frame_(op == Op::get ? path_frame(0, op, path(letter, 0)) : write_frame(0, op, path(letter, 0), value)) {}

std::string Stamp::path(char letter, std::uint64_t number) {
  std::string digits(kDigits, '0');
  write_digits(digits.data(), number);
  return std::string(kBase) + '/' + letter + digits;
}

}  // namespace chorus::bench
