#include "client/translate.h"

namespace chorus::client {

std::string to_server(std::string_view chroot, std::string_view path) {
  std::string out(chroot);
  if (chroot.empty() || path != "/") out += path;
  return out;
}

std::string_view from_server(std::string_view chroot, std::string_view path) {
  if (chroot.empty() || !path.starts_with(chroot)) return path;
  const std::string_view rest = path.substr(chroot.size());
  if (rest.empty()) return "/";
  return rest.front() == '/' ? rest : path;
}

std::vector<jute::Acl> to_records(const std::vector<Acl>& acl) {
  std::vector<jute::Acl> out;
  out.reserve(acl.size());
  for (const Acl& each : acl) out.push_back({each.perms, {each.scheme, each.id}});
  return out;
}

std::vector<Acl> from_records(const std::vector<jute::Acl>& acl) {
  std::vector<Acl> out;
  out.reserve(acl.size());
  for (const jute::Acl& each : acl) out.push_back({each.perms, std::string(each.id.scheme), std::string(each.id.id)});
  return out;
}

std::vector<std::string> to_strings(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

Data to_data(const jute::GetDataResponse& response) {
  return {std::string(response.data.value_or(std::string_view())), !response.data.has_value(), response.stat};
}

jute::OpCode create_op(CreateMode mode) {
  switch (mode) {
    case CreateMode::container:
      return jute::OpCode::create_container;
    case CreateMode::persistent_with_ttl:
    case CreateMode::persistent_sequential_with_ttl:
      return jute::OpCode::create_ttl;
    default:
      return jute::OpCode::create2;
  }
}

void encode_create(std::string_view server_path, const jute::Buffer& data, const CreateOptions& options, std::string& out) {
  const auto flags = static_cast<std::int32_t>(options.mode);
  if (create_op(options.mode) == jute::OpCode::create_ttl) {
    jute::encode(jute::CreateTtlRequest{server_path, data, to_records(options.acl), flags, options.ttl.count()}, out);
  } else {
    jute::encode(jute::CreateRequest{server_path, data, to_records(options.acl), flags}, out);
  }
}

void encode_multi(std::string_view chroot, const std::vector<Op>& ops, std::string& out) {
  using jute::OpCode;
  for (const Op& op : ops) {
    const bool creates = op.op == OpCode::create2;
    const OpCode code = creates ? create_op(op.options.mode) : op.op;
    jute::encode(jute::MultiHeader{static_cast<std::int32_t>(code), false, -1}, out);
    const std::string path = to_server(chroot, op.path);
    if (creates) {
      encode_create(path, to_buffer(op.data), op.options, out);
    } else if (code == OpCode::set_data) {
      jute::encode(jute::SetDataRequest{path, to_buffer(op.data), op.version}, out);
    } else if (code == OpCode::get_data || code == OpCode::get_children) {
      jute::encode(jute::PathWatchRequest{path, false}, out);
    } else {
      jute::encode(jute::PathVersionRequest{path, op.version}, out);
    }
  }
  jute::encode(jute::MultiHeader{-1, true, -1}, out);
}

std::optional<MultiResult> decode_multi(std::string_view chroot, base::Reader& in) {
  using jute::OpCode;
  MultiResult out;
  while (true) {
    const auto header = jute::decode<jute::MultiHeader>(in);
    if (!header) return std::nullopt;
    if (header->done) return out;
    OpResult& result = out.results.emplace_back();
    switch (OpCode{header->type}) {
      case OpCode::create: {
        const auto body = jute::decode<jute::PathRecord>(in);
        if (body) result.path = from_server(chroot, body->path);
        break;
      }
      case OpCode::create2:
      case OpCode::create_container:
      case OpCode::create_ttl: {
        const auto body = jute::decode<jute::Create2Response>(in);
        if (!body) break;
        result.path = from_server(chroot, body->path);
        result.data.stat = body->stat;
        break;
      }
      case OpCode::set_data: {
        const auto body = jute::decode<jute::StatResponse>(in);
        if (body) result.data.stat = body->stat;
        break;
      }
      case OpCode::delete_:
      case OpCode::check:
        break;
      case OpCode::get_data: {
        const auto body = jute::decode<jute::GetDataResponse>(in);
        if (body) result.data = to_data(*body);
        break;
      }
      case OpCode::get_children: {
        const auto body = jute::decode<jute::PathsResponse>(in);
        if (body) result.children = to_strings(body->paths);
        break;
      }
      case OpCode::error: {
        const auto body = jute::decode<jute::ErrorResponse>(in);
        if (body) result.code = Code{body->err};
        break;
      }
      default:
        return std::nullopt;
    }
    if (!in.ok()) return std::nullopt;
  }
}

}  // namespace chorus::client
