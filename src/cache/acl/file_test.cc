// The file of users.
#include "cache/acl/acl.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

TEST(AclFile, IsReadAsAWholeOrNotAtAll) {
  acl::Acl users({});
  const std::string before = users.file_text();
  EXPECT_EQ(before, "user default on nopass sanitize-payload ~* &* +@all\n");
  const struct {
    std::string_view text, error;
  } cases[] = {
      {"alice on", "f:1 should start with user keyword followed by the username. "},
      {"\nuser", "f:2 should start with user keyword followed by the username. "},
      {"user a on\nuser a off", "WARNING: Duplicate user 'a' found on line 2. "},
      {"user a\tb on", "'f:1: username 'a\tb' contains invalid characters. "},
      {"user a on (+get", "f:1: Unmatched parenthesis in selector definition. "},
      {"user a on +nope +none",
       "f:1: Error in applying operation '+nope': Unknown command or category name in ACL. "
       "f:1: Error in applying operation '+none': Unknown command or category name in ACL. "},
      {"user a #secret bogus\nuser b on",
       "f:1: The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters. "},
  };
  for (const auto& c : cases) {
    const auto loaded = users.load(c.text, "f", false);
    ASSERT_FALSE(loaded) << c.text;
    EXPECT_EQ(loaded.error(),
              std::string(c.error) + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
    EXPECT_EQ(users.file_text(), before);
  }
  EXPECT_TRUE(users.load("\n  user alice on  nopass ~k* +get (+set ~s*)\t\r\nuser default off\n", "f", true));
  const std::string after = users.file_text();
  EXPECT_EQ(after,
            "user alice on nopass sanitize-payload ~k* &* -@all +get (~s* &* -@all +set)\n"
            "user default off sanitize-payload &* -@all\n");
  acl::Acl others({});
  EXPECT_TRUE(others.load(after, "f", false));
  EXPECT_EQ(others.file_text(), after) << "what is written is read as it was";
  EXPECT_TRUE(users.load("", "f", false));
  EXPECT_EQ(users.file_text(), before);
}

class AclFileTest : public ServerTest {
 protected:
  AclFileTest() : ServerTest({.acl_file = "users.acl"}) {}
  /// The shell's part.
  void finish(const base::Result<std::string, std::string>& outcome) {
    server.end_acl_file_task(outcome, now);
    collect();
  }
};

TEST_F(AclFileTest, ClientsWaitForTheDisk) {
  ask("acl setuser alice on >secret +@all ~*");
  EXPECT_EQ(ask("acl save"), "");
  EXPECT_EQ(ask("acl save", 2), "");
  const auto task = server.take_acl_file_task();
  ASSERT_TRUE(task);
  EXPECT_TRUE(task->saves);
  EXPECT_EQ(task->text, server.acl().file_text());
  EXPECT_FALSE(server.take_acl_file_task()) << "one after the other";
  finish("");
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(take(2), "");
  ASSERT_TRUE(server.take_acl_file_task());
  finish(std::unexpected("no space"));
  EXPECT_EQ(take(2), "-ERR There was an error trying to save the ACLs. Please check the server logs for more information|");
  EXPECT_FALSE(server.take_acl_file_task());
}

TEST_F(AclFileTest, WhoeverHasAUserThatIsGoneIsLetGo) {
  ask("acl setuser alice on nopass +@all ~* &*");
  ask("acl setuser bob on nopass +@all ~* &*");
  ask("auth alice x", 2);
  ask("auth bob x", 3);
  ask("subscribe c", 3);
  EXPECT_EQ(ask("acl load"), "");
  ASSERT_TRUE(server.take_acl_file_task());
  finish("user bob on nopass +ping ~* &*\nuser carol on nopass +@all\n");
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(take(2), "<end>");
  EXPECT_EQ(take(3), "") << "it may still listen";
  EXPECT_EQ(ask("acl users"), "*3|$3|bob|$5|carol|$7|default|");
  ask("acl load");
  ASSERT_TRUE(server.take_acl_file_task());
  finish("user bob on nopass +ping ~*\n");
  EXPECT_EQ(take(3), "<end>") << "it may not listen any more";
}

TEST_F(AclFileTest, AFileThatIsWrongChangesNothing) {
  ask("acl setuser alice on nopass");
  EXPECT_EQ(ask("acl load"), "");
  server.take_acl_file_task();
  finish("user\n");
  EXPECT_EQ(take(1),
            "-ERR users.acl:1 should start with user keyword followed by the username. WARNING: ACL errors detected, no change to the "
            "previously active ACL rules was performed|");
  EXPECT_EQ(ask("acl load"), "");
  server.take_acl_file_task();
  finish(std::unexpected("No such file or directory"));
  EXPECT_EQ(take(1), "-ERR Error loading ACLs, opening file 'users.acl': No such file or directory|");
  EXPECT_EQ(ask("acl users"), "*2|$5|alice|$7|default|");
  EXPECT_EQ(ask("multi\r\nacl save\r\nexec"),
            "+OK|+QUEUED|*1|-ERR ACL LOAD and ACL SAVE are not possible inside a transaction: they take their time|");
  EXPECT_EQ(ask("config get aclfile"), "*2|$7|aclfile|$9|users.acl|");
}

}  // namespace
}  // namespace chorus::cache
