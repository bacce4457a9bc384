// The file that Java programs take names and passwords from (java.security.auth.login.config):
//   Section {
//     module.Class flag option="value" ...;
//     ...
//   };
// source: javax.security.auth.login.Configuration
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "zab/quorum_auth_options.h"

namespace chorus::app {

struct JaasModule {
  std::string name;
  std::map<std::string, std::string> options;
};
/// Modules by section.
using JaasFile = std::map<std::string, std::vector<JaasModule>, std::less<>>;

/// The words of an error name the line and quote no value.
base::Result<JaasFile, std::string> parse_jaas(std::string_view text);

/// What the module org.apache.zookeeper.server.auth.DigestLoginModule has in a section: `username` and `password` of who connects, one
/// `user_NAME` with a password for each who may. The words of an error begin with the section's name.
base::Result<zab::QuorumAuthOptions::Credentials, std::string> learner_credentials(const JaasFile& file, std::string_view section);
base::Result<std::map<std::string, std::string>, std::string> server_users(const JaasFile& file, std::string_view section);

}  // namespace chorus::app
