// Signatures of requests, of RocketMQ's ACL 1.0 and 2.0. source: client/acl/common/AclClientRPCHook.java, AclSigner.java,
// auth/authentication/builder/DefaultAuthenticationContextBuilder.java
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mq/rocketmq/command.h"

namespace chorus::mq::rocketmq {

inline constexpr std::string_view access_key_field = "AccessKey";
inline constexpr std::string_view signature_field = "Signature";
inline constexpr std::string_view security_token_field = "SecurityToken";
/// Clients of 4.9.3 and before add it after they have signed.
inline constexpr std::string_view unique_key_query_field = "_UNIQUE_KEY_QUERY";
inline constexpr std::int32_t version_v4_9_3 = 399;

/// What is signed: the values of the header fields, sorted by their names, without the signature; then the body.
std::string signed_content(const Command& command);
/// base64 of the HMAC-SHA1.
std::string signature_of(std::string_view content, std::string_view secret_key);

/// Who says to have signed: the field AccessKey.
std::optional<std::string_view> access_key_of(const Command& command);
/// Whether the field Signature is made with that key; takes equally long wherever it differs.
bool is_signed_with(const Command& command, std::string_view secret_key);

}  // namespace chorus::mq::rocketmq
