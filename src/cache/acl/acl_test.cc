// Users: what rules mean, what they refuse, and what is kept of it.
#include "cache/acl/acl.h"

#include <fmt/format.h>

#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

// source: redis-server 7.0, ACL SETUSER
TEST(AclUser, WrongRulesChangeNothing) {
  acl::Acl users({});
  const struct {
    std::string_view rule, error;
  } cases[] = {
      {"+foo", "ERR Error in ACL SETUSER modifier '+foo': Unknown command or category name in ACL"},
      {"+@foo", "ERR Error in ACL SETUSER modifier '+@foo': Unknown command or category name in ACL"},
      {"+config|foo", "ERR Error in ACL SETUSER modifier '+config|foo': Unknown command or category name in ACL"},
      {"+config|get|x", "ERR Error in ACL SETUSER modifier '+config|get|x': Allowing first-arg of a subcommand is not supported"},
      {"%Q~a", "ERR Error in ACL SETUSER modifier '%Q~a': Syntax error"},
      {"foo", "ERR Error in ACL SETUSER modifier 'foo': Syntax error"},
      {"!abc",
       "ERR Error in ACL SETUSER modifier '!abc': The password hash must be exactly 64 characters and contain only lowercase "
       "hexadecimal characters"},
      {"<nope", "ERR Error in ACL SETUSER modifier '<nope': The password you are trying to remove from the user does not exist"},
      {"(+get", "ERR Unmatched parenthesis in acl selector starting at '(+get'."},
  };
  for (const auto& c : cases) {
    const std::string_view rules[] = {"on", "+get", c.rule};
    const auto done = users.set("u", rules, false);
    ASSERT_FALSE(done) << c.rule;
    EXPECT_EQ(done.error(), c.error);
    EXPECT_EQ(users.find("u"), nullptr);
  }
  const std::string_view rules[] = {"~*", "~b"};
  EXPECT_TRUE(users.set("u", rules, false).error().starts_with("ERR Error in ACL SETUSER modifier '~b': Adding a pattern after the * "));
  EXPECT_EQ(users.set("a b", {}, false).error(), "ERR Usernames can't contain spaces or null characters");
}

TEST(AclUser, RulesAreKeptAsTheyWereGiven) {
  const struct {
    std::vector<std::string_view> rules;
    std::string_view want;
  } cases[] = {
      {{}, "user u off sanitize-payload resetchannels -@all"},
      {{"on", "nopass", "~*", "&*", "+@all"}, "user u on nopass sanitize-payload ~* &* +@all"},
      {{"+@read", "-get", "+set", "~a*", "%R~b*", "%W~c*", "&ch*"},
       "user u off sanitize-payload ~a* %R~b* %W~c* resetchannels &ch* -@all +@read -get +set"},
      {{"+get", "-get", "+get"}, "user u off sanitize-payload resetchannels -@all +get"},
      {{"+config|get", "+config"}, "user u off sanitize-payload resetchannels -@all +config"},
      {{"+@all", "-@dangerous", "+config|get"}, "user u off sanitize-payload resetchannels +@all -@dangerous +config|get"},
      {{"%R~x", "%W~x"}, "user u off sanitize-payload ~x resetchannels -@all"},
      {{"(+set", "~k*)"}, "user u off sanitize-payload resetchannels -@all (~k* resetchannels -@all +set)"},
      {{"(~a)", "clearselectors", "skip-sanitize-payload"}, "user u off skip-sanitize-payload resetchannels -@all"},
      {{"on", "~*", "+@all", "reset"}, "user u off sanitize-payload resetchannels -@all"},
      {{">p"}, "user u off sanitize-payload #148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940 resetchannels -@all"},
  };
  for (const auto& c : cases) {
    acl::Acl users({});
    ASSERT_TRUE(users.set("u", c.rules, false));
    EXPECT_EQ(users.find("u")->describe(), c.want);
  }
}

class AclTest : public ServerTest {
 protected:
  AclTest() { ask("ping"); }
  std::string as(std::string_view rules, std::string_view command) {
    EXPECT_EQ(ask(fmt::format("acl setuser u reset on nopass {}", rules)), "+OK|");
    EXPECT_EQ(ask("auth u x", 2), "+OK|");
    return ask(command, 2);
  }
};

constexpr std::string_view no_key = "-NOPERM No permissions to access a key|";

TEST_F(AclTest, CommandsAreAllowedByNameAndCategory) {
  EXPECT_EQ(as("~* +@all", "set a 1"), "+OK|");
  EXPECT_EQ(as("~* +@all -set", "set a 1"), "-NOPERM User u has no permissions to run the 'set' command|");
  EXPECT_EQ(as("~* +@read", "get a"), "$1|1|");
  EXPECT_EQ(as("~* +@read", "set a 1"), "-NOPERM User u has no permissions to run the 'set' command|");
  EXPECT_EQ(as("+config|get", "config set maxmemory 0"), "-NOPERM User u has no permissions to run the 'config|set' command|");
  EXPECT_EQ(as("+config|get", "config get port"), "*2|$4|port|$4|6379|");
  EXPECT_EQ(as("+config -config|get", "config get port"), "-NOPERM User u has no permissions to run the 'config|get' command|");
  EXPECT_EQ(as("+select|3", "select 3"), "+OK|");
  EXPECT_EQ(as("+select|3", "select 4"), "-NOPERM User u has no permissions to run the 'select' command|");
  EXPECT_EQ(as("", "auth default x"), "+OK|");
}

TEST_F(AclTest, KeysAreAllowedByWhatIsDoneToThem) {
  ask("set read:a 1");
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "get read:a"), "$1|1|");
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "set read:a 2"), no_key);
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "set write:a 2"), "+OK|");
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "set write:a 2 get"), no_key);  // returns what was there
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "copy read:a write:b"), ":1|");
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "copy write:a write:b"), no_key);
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "incr write:a"), no_key);
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "mget read:a other"), no_key);
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "zunionstore write:z 2 read:x read:y"), ":0|");
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "zunionstore write:z 2 read:x nope"), no_key);
  EXPECT_EQ(as("+@all %R~read:* %W~write:*", "type write:a"), "+string|");  // says nothing of what users have put into it
  EXPECT_EQ(as("+@all", "strlen x"), no_key);
  // A command is allowed as a whole by one of them.
  EXPECT_EQ(as("+get ~a (+set ~b)", "set b 1"), "+OK|");
  EXPECT_EQ(as("+get ~a (+set ~b)", "set a 1"), no_key);
  EXPECT_EQ(as("+get ~a (+set ~b)", "get b"), no_key);
}

TEST_F(AclTest, ChannelsAreAllowedByPattern) {
  EXPECT_EQ(as("+@all &news:*", "publish news:1 m"), ":0|");
  EXPECT_EQ(as("+@all &news:*", "publish other m"), "-NOPERM No permissions to access a channel|");
  EXPECT_EQ(as("+@all &news:*", "psubscribe news:1*"), "-NOPERM No permissions to access a channel|");
  EXPECT_EQ(as("+@all &news:*", "psubscribe news:*"), "*3|$10|psubscribe|$6|news:*|:1|");
  // Who listens to what it may no longer hear is let go.
  EXPECT_EQ(ask("acl setuser u resetchannels &other"), "+OK|");
  EXPECT_EQ(take(2), "<end>");
}

TEST_F(AclTest, UsersComeAndGo) {
  EXPECT_EQ(ask("acl setuser u on >secret ~* +@all\r\nacl users\r\nacl whoami"), "+OK|*2|$7|default|$1|u|$7|default|");
  EXPECT_EQ(ask("auth u wrong", 2), "-WRONGPASS invalid username-password pair or user is disabled.|");
  EXPECT_EQ(ask("auth u secret", 2), "+OK|");
  EXPECT_EQ(ask("acl whoami", 2), "$1|u|");
  EXPECT_NE(ask("client list").find(" user=u "), std::string::npos);
  EXPECT_EQ(ask("client kill user nobody"), "-ERR No such user 'nobody'|");
  ask("acl setuser u off");
  EXPECT_EQ(ask("hello 2 auth u secret", 3), "-WRONGPASS invalid username-password pair or user is disabled.|");
  EXPECT_EQ(ask("ping", 2), "+PONG|");  // who is there stays
  EXPECT_EQ(ask("acl deluser u nobody"), ":1|");
  EXPECT_EQ(take(2), "<end>");
  EXPECT_EQ(ask("acl deluser default"), "-ERR The 'default' user cannot be removed|");
  EXPECT_EQ(ask("acl getuser u"), "$-1|");
  EXPECT_TRUE(
      ask("acl getuser default").starts_with("*12|$5|flags|*3|$2|on|$6|nopass|$16|sanitize-payload|$9|passwords|*0|$8|commands|$5|+@all|"));
}

TEST_F(AclTest, TheDefaultUserHasRequirepass) {
  EXPECT_EQ(ask("config set requirepass pw"), "+OK|");
  EXPECT_EQ(ask("ping"), "+PONG|");
  EXPECT_EQ(ask("ping", 2), "-NOAUTH Authentication required.|");
  EXPECT_EQ(ask("auth pw", 2), "+OK|");
  EXPECT_EQ(ask("reset\r\nping", 2), "+RESET|-NOAUTH Authentication required.|");
  EXPECT_EQ(ask("hello 3 auth default pw", 2).substr(0, 3), "%7|");
  ask("config set requirepass \"\"");
  EXPECT_EQ(ask("ping", 3), "+PONG|");
  EXPECT_TRUE(ask("auth x", 3).starts_with("-ERR AUTH <password> called without any password configured for the default user."));
}

TEST_F(AclTest, WhatIsRefusedIsLogged) {
  as("+get ~a", "get b");
  as("+get ~a", "get b");
  as("+get ~a", "set a 1");
  ask("auth u2 x", 3);
  const std::string log = ask("acl log");
  EXPECT_TRUE(log.starts_with("*3|*20|$5|count|:1|$6|reason|$4|auth|$7|context|$8|toplevel|$6|object|$4|AUTH|$8|username|$2|u2|")) << log;
  EXPECT_NE(log.find("$5|count|:2|$6|reason|$3|key|$7|context|$8|toplevel|$6|object|$1|b|$8|username|$1|u|$11|age-seconds|$1|0|"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("$6|reason|$7|command|$7|context|$8|toplevel|$6|object|$3|set|"), std::string::npos);
  EXPECT_NE(ask("info stats").find("acl_access_denied_key:2|"), std::string::npos);
  as("+get +multi ~a", "multi\r\nget b");
  EXPECT_TRUE(ask("acl log 1").contains("$5|multi|"));
  ask("config set acllog-max-len 1");
  ask("auth u3 x", 3);
  EXPECT_TRUE(ask("acl log").starts_with("*1|"));
  EXPECT_EQ(ask("acl log reset\r\nacl log"), "+OK|*0|");
}

TEST_F(AclTest, AnExecIsCheckedOnceMore) {
  as("+@all ~*", "multi\r\nget a\r\nset a 1");
  ask("acl setuser u -set");
  EXPECT_EQ(
      ask("exec", 2),
      "*2|$-1|-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer "
      "allowed for the following reason: no permission to execute the command or subcommand|");
}

TEST_F(AclTest, DryRunNamesWhatIsRefused) {
  ask("acl setuser u on ~a* +get +publish");
  EXPECT_EQ(ask("acl dryrun u get abc"), "+OK|");
  EXPECT_TRUE(ask("acl dryrun u get b").ends_with("|User u has no permissions to access the 'b' key|"));
  EXPECT_TRUE(ask("acl dryrun u publish c m").ends_with("|User u has no permissions to access the 'c' channel|"));
  EXPECT_TRUE(ask("acl dryrun u set a b").ends_with("|User u has no permissions to run the 'set' command|"));
  EXPECT_EQ(ask("acl dryrun nope get a"), "-ERR User 'nope' not found|");
  EXPECT_EQ(ask("acl dryrun u nope a"), "-ERR Command 'nope' not found|");
  EXPECT_EQ(ask("acl dryrun u get"), "-ERR wrong number of arguments for 'get' command|");
}

TEST_F(AclTest, TheRestOfIt) {
  EXPECT_TRUE(ask("acl cat").starts_with("*21|$8|keyspace|$4|read|"));
  EXPECT_NE(ask("acl cat pubsub").find("|publish|"), std::string::npos);
  EXPECT_EQ(ask("acl cat foo"), "-ERR Unknown category 'foo'|");
  EXPECT_EQ(ask("acl genpass").size(), 4 + 64 + 1U);
  EXPECT_EQ(ask("acl genpass 5").substr(0, 3), "$2|");
  EXPECT_TRUE(ask("acl genpass 0").starts_with("-ERR ACL GENPASS argument must be"));
  EXPECT_TRUE(ask("acl save").starts_with("-ERR This instance is not configured to use an ACL file."));
  EXPECT_EQ(ask("config set acl-pubsub-default allchannels\r\nacl setuser u2\r\nacl list"),
            "+OK|+OK|*2|$51|user default on nopass sanitize-payload ~* &* +@all|$37|user u2 off sanitize-payload &* -@all|");
  EXPECT_EQ(ask("command getkeysandflags set a b get"), "*1|*2|$1|a|*3|+RW|+access|+update|");
  EXPECT_EQ(ask("command getkeysandflags set a b"), "*1|*2|$1|a|*2|+OW|+update|");
  EXPECT_EQ(ask("command getkeysandflags zunionstore d 2 a b"), "*3|*2|$1|d|*2|+OW|+update|*2|$1|a|*2|+RO|+access|*2|$1|b|*2|+RO|+access|");
  EXPECT_EQ(ask("command getkeysandflags xread streams a b 0 0"), "*2|*2|$1|a|*2|+RO|+access|*2|$1|b|*2|+RO|+access|");
}

}  // namespace
}  // namespace chorus::cache
