// Between records, which borrow, and the types of this module, which own; between a client's paths and the server's. Private.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/types.h"
#include "jute/records.h"

namespace chorus::client {

/// "/a" below the chroot "/c" is "/c/a" to the server, "/" is "/c".
std::string to_server(std::string_view chroot, std::string_view path);
/// The reverse. A path outside of the chroot stays as it is.
std::string_view from_server(std::string_view chroot, std::string_view path);

std::vector<jute::Acl> to_records(const std::vector<Acl>& acl);
std::vector<Acl> from_records(const std::vector<jute::Acl>& acl);
std::vector<std::string> to_strings(const std::vector<std::string_view>& views);
inline jute::Buffer to_buffer(const std::optional<std::string>& data) { return data ? jute::Buffer(*data) : std::nullopt; }
Data to_data(const jute::GetDataResponse& response);

/// The operation that makes a node of this kind and answers with its stat.
jute::OpCode create_op(CreateMode mode);
void encode_create(std::string_view server_path, const jute::Buffer& data, const CreateOptions& options, std::string& out);
/// Body of a multi or multiRead.
void encode_multi(std::string_view chroot, const std::vector<Op>& ops, std::string& out);
std::optional<MultiResult> decode_multi(std::string_view chroot, base::Reader& in);

}  // namespace chorus::client
