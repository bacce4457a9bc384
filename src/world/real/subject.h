// The subject of a certificate as text.
#pragma once

#include <string>

struct X509_name_st;

namespace chorus::world::real {

/// RFC 2253, to the character as Java's X500Principal.getName() writes it, since access lists compare this text: the attributes that RFC
/// names by their keyword, every other one by its number and DER; parts of one RDN in the order of the certificate.
std::string rfc2253(const X509_name_st* name);

}  // namespace chorus::world::real
