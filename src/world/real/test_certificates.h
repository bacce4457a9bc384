// Certificates for tests, made anew each time so that none expires in the repository.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/ensure.h"

namespace chorus::world::real {

/// An authority, and what it has signed, as PEM files in a directory.
class TestAuthority {
 public:
  struct Files {
    std::string certificate;
    std::string key;
  };

  TestAuthority(std::string directory, const std::string& name) : directory_(std::move(directory)), name_(name) {
    key_.reset(EVP_EC_gen("P-256"));
    certificate_ = make(name, nullptr, key_.get());
    files_ = save(name, certificate_.get(), key_.get());
  }
  const Files& files() const { return files_; }

  /// common_name: of the subject C=FR, O=Test; alternatives: as OpenSSL writes them, "DNS:localhost,IP:127.0.0.1", or nullptr.
  Files sign(const std::string& common_name, const char* alternatives) {
    const Key key(EVP_EC_gen("P-256"));
    return save(name_ + "-" + common_name, make(common_name, alternatives, key.get()).get(), key.get());
  }

 private:
  template <auto Free>
  struct Deleter {
    template <class T>
    void operator()(T* object) const {
      Free(object);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

  Certificate make(const std::string& common_name, const char* alternatives, EVP_PKEY* key) {
    Certificate made(X509_new());
    X509* const x = made.get();
    const bool authority = !certificate_;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600L * 24);
    X509_set_pubkey(x, key);
    X509_NAME* const subject = X509_get_subject_name(x);
    add(subject, "C", "FR");
    add(subject, "O", "Test");
    add(subject, "CN", common_name.c_str());
    X509_set_issuer_name(x, authority ? subject : X509_get_subject_name(certificate_.get()));
    if (authority) extend(x, NID_basic_constraints, "critical,CA:TRUE");
    if (alternatives != nullptr) extend(x, NID_subject_alt_name, alternatives);
    ENSURE(X509_sign(x, key_.get(), EVP_sha256()) > 0);
    return made;
  }

  static void add(X509_NAME* name, const char* field, const char* value) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
  }
  static void extend(X509* x, int nid, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    ENSURE(extension != nullptr);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  Files save(const std::string& name, X509* certificate, EVP_PKEY* key) const {
    Files files{directory_ + "/" + name + ".pem", directory_ + "/" + name + ".key"};
    std::FILE* out = std::fopen(files.certificate.c_str(), "w");
    ENSURE(out != nullptr && PEM_write_X509(out, certificate) == 1 && std::fclose(out) == 0);
    out = std::fopen(files.key.c_str(), "w");
    ENSURE(out != nullptr && PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1 && std::fclose(out) == 0);
    return files;
  }

  const std::string directory_;
  const std::string name_;
  long serial_ = 0;
  Key key_;
  Certificate certificate_;
  Files files_;
};

}  // namespace chorus::world::real
