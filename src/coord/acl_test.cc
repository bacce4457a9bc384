#include "coord/acl.h"

#include <gtest/gtest.h>

namespace chorus::coord {
namespace {

using jute::ErrorCode;

TEST(Acl, ListsDoNotMultiply) {
  std::vector<AuthId> auth;
  for (int i = 0; i < 1000; ++i) auth.push_back({"digest", "user" + std::to_string(i) + ":hash"});
  std::vector<jute::Acl> acl;
  for (int i = 0; i < 30; ++i) acl.push_back({i, {"auth", ""}});
  EXPECT_EQ(fix_up_acl(acl, auth).value().size(), 30'000U);
  for (int i = 30; i < 5000; ++i) acl.push_back({i, {"auth", ""}});
  EXPECT_EQ(fix_up_acl(acl, auth).error(), ErrorCode::invalid_acl);
}

TEST(Acl, LongListsKeepTheirOrderWithoutDuplicates) {
  std::vector<jute::Acl> acl;
  for (int i = 0; i < 60'000; ++i) acl.push_back({60'000 - i, {"world", "anyone"}});
  const std::vector<jute::Acl> once = acl;
  acl.insert(acl.end(), once.begin(), once.end());
  EXPECT_EQ(fix_up_acl(acl, {}).value(), once);
}

TEST(Acl, AnEmptyListIsOpen) {
  AclTable acls;
  ASSERT_TRUE(acls.load(3, {}));
  EXPECT_TRUE(acls.allows(3, jute::perms::read, {}));
}

}  // namespace
}  // namespace chorus::coord
