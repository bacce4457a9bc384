#include "mq/acl/access.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <memory>

namespace chorus::mq::acl {
namespace {

/// Keeps nothing until it is told to.
struct FakeRecords : Records {
  void put(const Record& record, Kept done) override { asked.emplace_back(record, std::move(done)); }
  /// Completes the first that waits.
  void complete(base::Result<void, NotKept> how = {}) {
    auto [record, done] = std::move(asked.front());
    asked.pop_front();
    done(std::move(how));
  }
  std::deque<std::pair<Record, Kept>> asked;
};

struct AccessTest : testing::Test {
  AccessTest() : log("null", std::make_shared<spdlog::sinks::null_sink_mt>()) {}
  static Access::Change creates(std::string name) {
    return [name](const AccessTable& table) -> AclResult<std::vector<Record>> {
      auto record = table.create_user({.name = name, .password = "p"});
      if (!record) return std::unexpected(record.error());
      return std::vector{*record};
    };
  }
  Access::Done notes(std::string name) {
    return [this, name](AclResult<void> done) { told.push_back(name + (done ? "" : ": " + done.error().message)); };
  }
  spdlog::logger log;
  FakeRecords records;
  std::vector<std::string> told;
};

TEST_F(AccessTest, MakesWhatTheConfigurationNames) {
  const Account account{.access_key = "access-key", .secret_key = "secret-key"};
  Access access({.plain = true, .initial_user = User{"root", "p", UserType::super}, .accounts = {account}, .white_addresses = {"10.0.0.*"}},
                records, log);
  access.begin({}, [this] { told.emplace_back("ready"); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(access.is_ready());
    ASSERT_EQ(records.asked.size(), 1u);
    records.complete();
  }
  EXPECT_TRUE(access.is_ready());
  EXPECT_EQ(told, std::vector<std::string>{"ready"});
  EXPECT_EQ(access.table().user("root")->type, UserType::super);
  EXPECT_NE(access.table().account("access-key"), nullptr);
  EXPECT_TRUE(access.table().is_white("10.0.0.1"));
}

TEST_F(AccessTest, LeavesWhatIsThere) {
  const User changed{"root", "changed", UserType::normal, UserStatus::disable};
  Access access({.authentication = true, .initial_user = User{"root", "p", UserType::super}}, records, log);
  access.begin({{Kind::user, "root", to_json(changed)}}, [this] { told.emplace_back("ready"); });
  EXPECT_TRUE(records.asked.empty());
  EXPECT_TRUE(access.is_ready());
  EXPECT_EQ(*access.table().user("root"), changed);
}

TEST_F(AccessTest, ChangesComeOneAfterTheOther) {
  Access access({.authentication = true}, records, log);
  access.begin({}, [] {});
  access.change(creates("u"), notes("first"));
  access.change(creates("u"), notes("second"));
  access.change(creates("v"), notes("third"));
  EXPECT_EQ(records.asked.size(), 1u);
  EXPECT_EQ(access.table().user("u"), nullptr);  // it is not kept yet
  records.complete();
  // The second saw what the first made.
  EXPECT_EQ(told, (std::vector<std::string>{"first", "second: The user is existed"}));
  records.complete(std::unexpected(NotKept{.words = "the tree is gone"}));
  EXPECT_EQ(told.back(), "third: the tree is gone");
  EXPECT_EQ(access.table().user("v"), nullptr);
}

TEST_F(AccessTest, WhatOthersDidMeanwhileIsLookedAtAnew) {
  Access access({.authentication = true}, records, log);
  access.begin({}, [] {});
  const NotKept conflict{true, "somebody was faster"};
  access.change(creates("u"), notes("u"));
  access.apply({Kind::user, "u", to_json(User{.name = "u", .password = "theirs"})});
  records.complete(std::unexpected(conflict));
  EXPECT_EQ(told, std::vector<std::string>{"u: The user is existed"});
  // Somebody who is always faster ends it.
  access.change(creates("v"), notes("v"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(told.size(), 1u);
    ASSERT_EQ(records.asked.size(), 1u);
    records.complete(std::unexpected(conflict));
  }
  EXPECT_EQ(told.back(), "v: somebody was faster");
  EXPECT_TRUE(records.asked.empty());
}

TEST_F(AccessTest, KnowsOnceWhatOthersHaveDone) {
  const Record made{Kind::user, "u", to_json(User{.name = "u", .password = "p"})}, gone{Kind::user, "u", std::nullopt};
  Access access({.authentication = true}, records, log);
  access.begin({{Kind::user, "old", to_json(User{.name = "old", .password = "p"})}}, [] {});
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "old", false)) << "it was there before";
  access.apply(made);
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "u", true));
  EXPECT_FALSE(access.take_done_by_others(Kind::policies, "u", false));
  EXPECT_TRUE(access.take_done_by_others(Kind::user, "u", false));
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "u", false));
  access.apply(made);
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "u", false)) << "changed, not made";
  access.apply(gone);
  access.apply(made);
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "u", true)) << "and made again";
  access.apply(gone);
  EXPECT_TRUE(access.take_done_by_others(Kind::user, "u", true));
  // What this broker did itself is no news.
  access.apply(made);
  access.change([](const AccessTable& table) -> AclResult<std::vector<Record>> { return table.remove_user("u"); }, notes("removed"));
  records.complete();
  EXPECT_EQ(told, std::vector<std::string>{"removed"});
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "u", false));
  for (std::size_t i = 0; i <= Access::news_max; ++i) {
    const std::string name = std::to_string(i);
    access.apply({Kind::user, name, to_json(User{.name = name, .password = "p"})});
  }
  EXPECT_FALSE(access.take_done_by_others(Kind::user, "0", false)) << "too long ago";
  EXPECT_TRUE(access.take_done_by_others(Kind::user, "1", false));
}

TEST_F(AccessTest, ChangesThatWaitAreBounded) {
  Access access({.authentication = true}, records, log);
  access.begin({}, [] {});
  for (std::size_t i = 0; i < Access::changes_max + 1; ++i) access.change(creates(std::to_string(i)), notes(""));
  EXPECT_TRUE(told.empty());
  access.change(creates("one more"), notes("last"));
  EXPECT_EQ(told, std::vector<std::string>{"last: too many changes of access control wait to be kept"});
}

}  // namespace
}  // namespace chorus::mq::acl
