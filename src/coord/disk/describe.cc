#include "coord/disk/describe.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "jute/constants.h"

namespace chorus::coord::disk {
namespace {

using jute::OpCode;

std::string octets_text(std::string_view octets) {
  const bool printable =
      std::none_of(octets.begin(), octets.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return printable && base::is_utf8(octets) ? std::string(octets) : "hex:" + base::hex(octets);
}

void add_data(Fields& fields, const jute::Buffer& data, bool with_octets) {
  fields["data_octets"] = data ? Fields(data->size()) : Fields();
  if (with_octets && data) fields["data"] = octets_text(*data);
}

std::string perms_text(std::int32_t perms) {
  std::string text;
  for (const auto& [bit, letter] :
       {std::pair(jute::perms::create, 'c'), std::pair(jute::perms::delete_, 'd'), std::pair(jute::perms::read, 'r'),
        std::pair(jute::perms::write, 'w'), std::pair(jute::perms::admin, 'a')}) {
    if ((perms & bit) != 0) text.push_back(letter);
  }
  return text;
}

void describe_record(Fields& fields, std::int32_t type, base::Reader& in, bool data);

template <class T>
bool decode_into(base::Reader& in, T& record) {
  jute::read(in, record);
  return in.ok();
}

void describe_create(Fields& fields, base::Reader& in, bool data) {
  jute::CreateTxn txn;
  base::Reader whole = in;
  if (!decode_into(in, txn)) {
    // Logs from before ZooKeeper 3.4 lack the parent's cversion.
    jute::CreateTxnV0 old;
    in = whole;
    if (!decode_into(in, old)) return;
    txn = {old.path, old.data, old.acl, old.ephemeral, -1};
  }
  fields["path"] = txn.path;
  add_data(fields, txn.data, data);
  fields["acl"] = describe_acl(txn.acl);
  fields["ephemeral"] = txn.ephemeral;
  fields["parent_cversion"] = txn.parent_cversion;
}

void describe_multi(Fields& fields, base::Reader& in, bool data) {
  jute::MultiTxn multi;
  if (!decode_into(in, multi)) return;
  fields["operations"] = Fields::array();
  for (const jute::Txn& txn : multi.txns) {
    Fields operation;
    operation["type"] = jute::name_of(static_cast<OpCode>(txn.type));
    base::Reader part(txn.data.value_or(std::string_view()));
    describe_record(operation, txn.type, part, data);
    fields["operations"].push_back(std::move(operation));
  }
}

void describe_record(Fields& fields, std::int32_t type, base::Reader& in, bool data) {
  switch (static_cast<OpCode>(type)) {
    case OpCode::create:
    case OpCode::create2:
      describe_create(fields, in, data);
      break;
    case OpCode::create_container: {
      jute::CreateContainerTxn txn;
      if (!decode_into(in, txn)) break;
      fields["path"] = txn.path;
      add_data(fields, txn.data, data);
      fields["acl"] = describe_acl(txn.acl);
      fields["parent_cversion"] = txn.parent_cversion;
      break;
    }
    case OpCode::create_ttl: {
      jute::CreateTtlTxn txn;
      if (!decode_into(in, txn)) break;
      fields["path"] = txn.path;
      add_data(fields, txn.data, data);
      fields["acl"] = describe_acl(txn.acl);
      fields["parent_cversion"] = txn.parent_cversion;
      fields["ttl_ms"] = txn.ttl_ms;
      break;
    }
    case OpCode::delete_:
    case OpCode::delete_container: {
      jute::DeleteTxn txn;
      if (decode_into(in, txn)) fields["path"] = txn.path;
      break;
    }
    case OpCode::set_data:
    case OpCode::reconfig: {
      jute::SetDataTxn txn;
      if (!decode_into(in, txn)) break;
      fields["path"] = txn.path;
      add_data(fields, txn.data, data);
      fields["version"] = txn.version;
      break;
    }
    case OpCode::set_acl: {
      jute::SetAclTxn txn;
      if (!decode_into(in, txn)) break;
      fields["path"] = txn.path;
      fields["acl"] = describe_acl(txn.acl);
      fields["aversion"] = txn.version;
      break;
    }
    case OpCode::check: {
      jute::CheckVersionTxn txn;
      if (!decode_into(in, txn)) break;
      fields["path"] = txn.path;
      fields["version"] = txn.version;
      break;
    }
    case OpCode::create_session: {
      jute::CreateSessionTxn txn;
      if (decode_into(in, txn)) fields["timeout_ms"] = txn.timeout_ms;
      break;
    }
    case OpCode::close_session: {
      if (in.remaining() == 0) break;  // old logs have no record here
      jute::CloseSessionTxn txn;
      if (decode_into(in, txn)) fields["paths_to_delete"] = txn.paths_to_delete;
      break;
    }
    case OpCode::error: {
      jute::ErrorTxn txn;
      if (!decode_into(in, txn)) break;
      fields["error"] = jute::name_of(static_cast<jute::ErrorCode>(txn.err));
      fields["code"] = txn.err;
      break;
    }
    case OpCode::multi:
      describe_multi(fields, in, data);
      break;
    default:
      fields["fault"] = fmt::format("no transaction has type {}", type);
      return;
  }
  if (!in.ok()) fields["fault"] = "the record ends too early";
}

std::string scalar(const Fields& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Fields::error_handler_t::replace);
}

}  // namespace

std::string time_text(std::int64_t time_ms) {
  // Beyond the years 0 to 9999 calendars disagree, and a damaged file may say anything.
  constexpr std::int64_t year_0_ms = -62'167'219'200'000;
  constexpr std::int64_t year_10000_ms = 253'402'300'800'000;
  if (time_ms < year_0_ms || time_ms >= year_10000_ms) return fmt::format("{} ms", time_ms);
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(time_ms)};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds.time_since_epoch().count()), (time - seconds).count());
}

std::string hex_text(std::int64_t number) { return fmt::format("0x{:x}", static_cast<std::uint64_t>(number)); }

Fields describe_acl(const std::vector<jute::Acl>& acl) {
  Fields list = Fields::array();
  for (const jute::Acl& entry : acl) {
    // Digests of passwords are for the owner of the file; they are in it anyway.
    list.push_back(fmt::format("{}:{}:{}", octets_text(entry.id.scheme), octets_text(entry.id.id), perms_text(entry.perms)));
  }
  return list;
}

Fields describe_txn(std::string_view txn, bool data) {
  Fields fields;
  base::Reader in(txn);
  const auto header = jute::decode<jute::TxnHeader>(in);
  if (!header) {
    fields["fault"] = "the header ends too early";
    return fields;
  }
  fields["zxid"] = hex_text(header->zxid);
  fields["time"] = time_text(header->time_ms);
  fields["session"] = hex_text(header->session_id);
  fields["cxid"] = hex_text(static_cast<std::uint32_t>(header->cxid));
  fields["type"] = jute::name_of(static_cast<OpCode>(header->type));
  describe_record(fields, header->type, in, data);
  if (in.ok() && in.remaining() != 0) {
    if (const auto digest = jute::decode<jute::TxnDigest>(in)) {
      fields["digest"] = hex_text(digest->tree_digest);
      if (digest->version != 2) fields["digest_version"] = digest->version;
    }
  }
  return fields;
}

std::string path_of_txn(const Fields& txn) {
  const auto path = txn.find("path");
  return path == txn.end() ? "" : scalar(*path);
}

Fields describe_node(const SnapshotNode& node, bool data) {
  Fields fields;
  fields["path"] = node.path.empty() ? "/" : node.path;
  add_data(fields, node.data, data);
  fields["acl_id"] = node.acl_id;
  const jute::StatPersisted& stat = node.stat;
  fields["czxid"] = hex_text(stat.czxid);
  fields["mzxid"] = hex_text(stat.mzxid);
  fields["pzxid"] = hex_text(stat.pzxid);
  fields["ctime"] = time_text(stat.ctime);
  fields["mtime"] = time_text(stat.mtime);
  fields["version"] = stat.version;
  fields["cversion"] = stat.cversion;
  fields["aversion"] = stat.aversion;
  fields["ephemeral_owner"] = hex_text(stat.ephemeral_owner);
  return fields;
}

std::string to_line(const Fields& fields) {
  std::string line;
  for (const auto& [key, value] : fields.items()) {
    if (!line.empty()) line += ", ";
    line += key + " ";
    if (value.is_array()) {
      line += '[';
      for (const Fields& element : value) {
        if (line.back() != '[') line += "; ";
        line += element.is_object() ? to_line(element) : scalar(element);
      }
      line += ']';
    } else {
      line += scalar(value);
    }
  }
  return line;
}

std::string to_json_line(const Fields& fields) { return fields.dump(-1, ' ', false, Fields::error_handler_t::replace); }

}  // namespace chorus::coord::disk
