// Ids of the scheme x509: the subjects of certificates.
#pragma once

#include <string_view>

namespace chorus::coord {

/// Whether `text` is a name such as "CN=worker,O=Trees,C=SE", as freely written as Java's X500Principal takes it. Ids are compared by their
/// text though: only what RFC 2253 makes of the certificate's subject ever matches. source: X509AuthenticationProvider.isValid
bool is_distinguished_name(std::string_view text);

}  // namespace chorus::coord
