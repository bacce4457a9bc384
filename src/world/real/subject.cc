#include "world/real/subject.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace chorus::world::real {
namespace {

// RFC 2253 section 2.3
constexpr std::array<std::pair<int, std::string_view>, 9> keywords = {{{NID_commonName, "CN"},
                                                                       {NID_localityName, "L"},
                                                                       {NID_stateOrProvinceName, "ST"},
                                                                       {NID_organizationName, "O"},
                                                                       {NID_organizationalUnitName, "OU"},
                                                                       {NID_countryName, "C"},
                                                                       {NID_streetAddress, "STREET"},
                                                                       {NID_domainComponent, "DC"},
                                                                       {NID_userId, "UID"}}};

std::string_view keyword_of(const ASN1_OBJECT* attribute) {
  const int nid = OBJ_obj2nid(attribute);
  for (const auto& [known, keyword] : keywords) {
    if (known == nid) return keyword;
  }
  return {};
}

bool is_text(int type) {
  switch (type) {
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_UTF8STRING:
    case V_ASN1_T61STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_GENERALSTRING:
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING:
      return true;
    default:
      return false;
  }
}

std::string hexadecimal_der(const ASN1_STRING* value) {
  BIO* const out = BIO_new(BIO_s_mem());
  ASN1_STRING_print_ex(out, value, ASN1_STRFLGS_DUMP_ALL | ASN1_STRFLGS_DUMP_DER);
  std::string text(BIO_ctrl_pending(out), '\0');
  if (!text.empty()) BIO_read(out, text.data(), static_cast<int>(text.size()));
  BIO_free(out);
  return base::lower(text);
}

// source: sun.security.x509.AVA.toRFC2253String
void append_escaped(std::string& text, std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \r");
  const std::size_t last = value.find_last_not_of(" \r");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\0') {
      text += "\\00";
      continue;
    }
    const bool outside = first == std::string_view::npos || i < first || i > last;
    if (outside || std::string_view(",=+<>#;\"\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
}

void append(std::string& text, const X509_NAME_ENTRY* entry) {
  const ASN1_OBJECT* const attribute = X509_NAME_ENTRY_get_object(entry);
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(entry);
  const std::string_view keyword = keyword_of(attribute);
  if (keyword.empty()) {
    std::array<char, 128> number{};
    OBJ_obj2txt(number.data(), number.size(), attribute, 1);
    text += number.data();
  } else {
    text += keyword;
  }
  text += '=';
  if (keyword.empty() || !is_text(ASN1_STRING_type(value))) {
    text += hexadecimal_der(value);
  } else {
    append_escaped(text,
                   {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<std::size_t>(ASN1_STRING_length(value))});
  }
}

}  // namespace

std::string rfc2253(const X509_name_st* name) {
  const auto rdn_of = [name](int at) { return X509_NAME_ENTRY_set(X509_NAME_get_entry(name, at)); };
  std::string text;
  for (int end = X509_NAME_entry_count(name); end > 0;) {
    int begin = end - 1;
    while (begin > 0 && rdn_of(begin - 1) == rdn_of(end - 1)) --begin;
    if (!text.empty()) text += ',';
    for (int i = begin; i < end; ++i) {
      if (i > begin) text += '+';
      append(text, X509_NAME_get_entry(name, i));
    }
    end = begin;
  }
  return text;
}

}  // namespace chorus::world::real
