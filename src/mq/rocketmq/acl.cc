#include "mq/rocketmq/acl.h"

#include <absl/strings/escaping.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <map>

#include "base/ensure.h"

namespace chorus::mq::rocketmq {

std::string signed_content(const Command& command) {
  std::map<std::string_view, std::string_view> sorted;
  for (const HeaderField& field : command.fields()) {
    if (field.name == signature_field) continue;
    if (field.name == unique_key_query_field && command.version <= version_v4_9_3) continue;
    sorted[field.name] = field.value;
  }
  std::string content;
  for (const auto& [name, value] : sorted) content.append(value);
  return content.append(command.body);
}

std::string signature_of(std::string_view content, std::string_view secret_key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const unsigned char* const done = HMAC(EVP_sha1(), secret_key.data(), static_cast<int>(secret_key.size()),
                                         reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(), &size);
  ENSURE(done != nullptr);
  return absl::Base64Escape({reinterpret_cast<const char*>(digest.data()), size});
}

std::optional<std::string_view> access_key_of(const Command& command) { return command.field(access_key_field); }

bool is_signed_with(const Command& command, std::string_view secret_key) {
  const auto claimed = command.field(signature_field);
  if (!claimed) return false;
  const std::string real = signature_of(signed_content(command), secret_key);
  return claimed->size() == real.size() && CRYPTO_memcmp(claimed->data(), real.data(), real.size()) == 0;
}

}  // namespace chorus::mq::rocketmq
