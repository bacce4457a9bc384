#include "registers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "jute/codec.h"
#include "jute/records.h"

namespace chorus::coord_sim {

using jute::ErrorCode;
using jute::OpCode;
using Kind = RegisterOperation::Kind;

namespace {

constexpr std::string_view prefix = "/register-";

std::int64_t epoch_of(std::int64_t zxid) { return zxid >> 32; }

std::optional<Kind> kind_of(OpCode code) {
  switch (code) {
    case OpCode::create:
    case OpCode::create2:
      return Kind::create;
    case OpCode::set_data:
      return Kind::set;
    case OpCode::delete_:
      return Kind::remove;
    case OpCode::get_data:
      return Kind::read;
    default:
      return std::nullopt;
  }
}

/// The register was not even looked at.
bool is_refused(std::int32_t err) {
  return err == static_cast<std::int32_t>(ErrorCode::session_expired) || err == static_cast<std::int32_t>(ErrorCode::session_moved);
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::create:
      return "create";
    case Kind::set:
      return "set";
    case Kind::remove:
      return "delete";
    case Kind::read:
      break;
  }
  return "read";
}

/// Of one connection: which of its reads are behind a sync that the only leader answered, and when that was asked for.
std::unordered_map<std::size_t, std::int64_t> linearizable_reads(const History& history, const ConnectionHistory& connection) {
  std::map<std::int64_t, std::size_t> last_commit;  // epoch -> place among the frames
  for (std::size_t i = 0; i < connection.frames.size(); ++i) {
    const Frame& frame = connection.frames[i];
    if (frame.request == Frame::no_request || frame.err != 0 || !is_write(history.requests[frame.request].op.code)) continue;
    last_commit[epoch_of(frame.zxid)] = i;
  }
  std::unordered_map<std::size_t, std::int64_t> reads;
  std::optional<std::int64_t> asked_ns;
  for (std::size_t i = 0; i < connection.frames.size(); ++i) {
    const Frame& frame = connection.frames[i];
    if (frame.request == Frame::no_request) continue;
    const Request& request = history.requests[frame.request];
    if (request.op.code == OpCode::sync && frame.err == 0) {
      const auto commit = last_commit.find(epoch_of(frame.zxid));
      asked_ns.reset();
      if (commit != last_commit.end() && commit->second > i) asked_ns = request.sent_ns;
    }
    if (asked_ns && request.op.code == OpCode::get_data) reads.emplace(frame.request, *asked_ns);
  }
  return reads;
}

}  // namespace

std::string register_path(std::uint64_t generation, std::uint64_t number) { return fmt::format("{}{}-{}", prefix, generation, number); }

bool is_register(const std::string& path) { return path.starts_with(prefix); }

std::optional<std::int32_t> version_told(const Op& op, const Frame& reply) {
  if (reply.err != 0) return std::nullopt;
  if (op.code == OpCode::set_data) {
    if (const auto stat = jute::decode<jute::Stat>(reply.body)) return stat->version;
  } else if (op.code == OpCode::get_data) {
    if (const auto got = jute::decode<jute::GetDataResponse>(reply.body)) return got->stat.version;
  }
  return std::nullopt;
}

RegisterHistory register_history(const History& history) {
  RegisterHistory out;
  std::unordered_map<std::size_t, std::int64_t> reads;
  std::unordered_map<std::size_t, const Frame*> answer_of;
  for (const ConnectionHistory& connection : history.connections) {
    reads.merge(linearizable_reads(history, connection));
    for (const Frame& frame : connection.frames) {
      if (frame.request != Frame::no_request) answer_of.emplace(frame.request, &frame);
    }
  }
  for (std::size_t i = 0; i < history.requests.size(); ++i) {
    const Request& request = history.requests[i];
    const auto kind = kind_of(request.op.code);
    if (!kind || !is_register(request.op.path)) continue;
    RegisterOperation operation{.kind = *kind,
                                .path = request.op.path,
                                .client = history.connections[request.connection].client,
                                .value = request.op.data.value_or(""),
                                .version = request.op.version,
                                .called_ns = request.sent_ns};
    const auto answer = answer_of.find(i);
    if (*kind == Kind::read) {
      const auto read = reads.find(i);
      if (read == reads.end()) {
        ++out.reads_left_out;
        continue;
      }
      operation.called_ns = read->second;
      if (const auto got = jute::decode<jute::GetDataResponse>(answer->second->body); got && answer->second->err == 0) {
        operation.found = std::string(got->data.value_or(""));
      }
    }
    if (answer != answer_of.end()) {
      if (is_refused(answer->second->err)) continue;
      operation.returned_ns = request.answered_ns;
      operation.err = answer->second->err;
      operation.found_version = version_told(request.op, *answer->second).value_or(-1);
    }
    out.operations.push_back(std::move(operation));
  }
  return out;
}

std::string to_json_lines(const RegisterHistory& history) {
  std::string out;
  for (const RegisterOperation& operation : history.operations) {
    nlohmann::ordered_json line{{"client", operation.client}, {"register", operation.path}, {"kind", name_of(operation.kind)}};
    if (operation.kind == Kind::create || operation.kind == Kind::set) line["value"] = operation.value;
    if (operation.kind == Kind::set || operation.kind == Kind::remove) line["version"] = operation.version;
    line["called_ns"] = operation.called_ns;
    if (operation.returned_ns) {
      line["returned_ns"] = *operation.returned_ns;
      line["error"] = operation.err == 0 ? "" : jute::name_of(static_cast<ErrorCode>(operation.err));
      if (operation.kind == Kind::read && operation.err == 0) line["found"] = operation.found;
      if (operation.found_version >= 0) line["found_version"] = operation.found_version;
    }
    out += line.dump() + "\n";
  }
  return out;
}

}  // namespace chorus::coord_sim
