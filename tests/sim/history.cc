#include "history.h"

#include <fmt/format.h>

#include "jute/codec.h"
#include "jute/records.h"

namespace chorus::coord_sim {

using jute::OpCode;

namespace {

jute::Buffer buffer(const std::optional<std::string>& data) {
  if (!data) return std::nullopt;
  return std::string_view(*data);
}

const std::vector<jute::Acl> open_acl{{.perms = jute::perms::all, .id = {"world", "anyone"}}};

std::vector<std::string_view> views(const std::vector<std::string>& paths) { return {paths.begin(), paths.end()}; }

void encode_body(const Op& op, std::string& out) {
  switch (op.code) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
      jute::encode(jute::CreateRequest{op.path, buffer(op.data), open_acl, op.flags}, out);
      break;
    case OpCode::create_ttl:
      jute::encode(jute::CreateTtlRequest{op.path, buffer(op.data), open_acl, op.flags, op.ttl_ms}, out);
      break;
    case OpCode::delete_:
    case OpCode::check:
      jute::encode(jute::PathVersionRequest{op.path, op.version}, out);
      break;
    case OpCode::set_data:
      jute::encode(jute::SetDataRequest{op.path, buffer(op.data), op.version}, out);
      break;
    case OpCode::set_acl:
      jute::encode(jute::SetAclRequest{op.path, open_acl, op.version}, out);
      break;
    case OpCode::get_data:
    case OpCode::exists:
    case OpCode::get_children:
    case OpCode::get_children2:
      jute::encode(jute::PathWatchRequest{op.path, op.watch}, out);
      break;
    case OpCode::get_acl:
    case OpCode::sync:
    case OpCode::get_ephemerals:
    case OpCode::get_all_children_number:
      jute::encode(jute::PathRecord{op.path}, out);
      break;
    case OpCode::add_watch:
    case OpCode::remove_watches:
      jute::encode(jute::PathTypeRequest{op.path, op.flags}, out);
      break;
    case OpCode::reconfig:
      jute::encode(jute::ReconfigRequest{buffer(op.joining), buffer(op.leaving), buffer(op.members), -1}, out);
      break;
    case OpCode::set_watches2:
      jute::encode(jute::SetWatches2Request{op.relative_zxid, views(op.data_watches), views(op.exist_watches), views(op.child_watches),
                                            views(op.persistent_watches), views(op.recursive_watches)},
                   out);
      break;
    case OpCode::multi:
      for (const Op& part : op.parts) {
        jute::encode(jute::MultiHeader{static_cast<std::int32_t>(part.code), false, -1}, out);
        encode_body(part, out);
      }
      jute::encode(jute::MultiHeader{-1, true, -1}, out);
      break;
    default:
      break;  // ping and closeSession have no body
  }
}

}  // namespace

bool is_write(OpCode code) {
  switch (code) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
    case OpCode::delete_:
    case OpCode::set_data:
    case OpCode::set_acl:
    case OpCode::multi:
    case OpCode::reconfig:
    case OpCode::close_session:
      return true;
    default:
      return false;
  }
}

void encode(const Op& op, std::int32_t xid, std::string& out) {
  const std::size_t start = out.size();
  base::Writer writer(out);
  writer.u32(0);
  jute::encode(jute::RequestHeader{xid, static_cast<std::int32_t>(op.code)}, out);
  encode_body(op, out);
  writer.patch_u32(start, static_cast<std::uint32_t>(out.size() - start - 4));
}

std::string describe(const Op& op) {
  std::string text = fmt::format("{} {}", jute::name_of(op.code), op.path);
  if (op.data) text += " '" + *op.data + "'";
  if (op.version != -1) text += fmt::format(" v{}", op.version);
  if (op.flags != 0) text += fmt::format(" flags {}", op.flags);
  if (op.watch) text += " watch";
  if (op.joining) text += " joining " + *op.joining;
  if (op.leaving) text += " leaving " + *op.leaving;
  if (op.members) text += " members " + *op.members;
  for (const Op& part : op.parts) text += "; " + describe(part);
  return text;
}

}  // namespace chorus::coord_sim
