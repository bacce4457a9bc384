#include "coord/database.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace chorus::coord {
namespace {

using jute::OpCode;

// With zookeeper.closeSessionTxn.enabled=false Java logs a closeSession without a record, with or without a digest behind it.
TEST(Database, CloseSessionWithoutARecord) {
  for (const bool with_digest : {false, true}) {
    Database database(true);
    const std::vector<jute::Acl> open = {{jute::perms::all, {"world", "anyone"}}};
    ASSERT_EQ(database.tree.create({"/e", "", open, 7, 1}, 1, 0, nullptr), jute::ErrorCode::ok);
    database.sessions[7] = 1000;
    std::string txn = jute::encode(jute::TxnHeader{7, 0, 2, 0, static_cast<std::int32_t>(OpCode::close_session)});
    if (with_digest) txn += jute::encode(jute::TxnDigest{2, 0});
    ASSERT_TRUE(database.apply(txn, nullptr, true));
    EXPECT_EQ(database.tree.find("/e"), nullptr);
    EXPECT_TRUE(database.sessions.empty());
  }
}

// Java writes the operations of a failed multi down as errors when it applies that before it logs it: their records are what they were.
TEST(Database, FailedMultiWithRecordsOfItsOperations) {
  Database database(true);
  // As logged by ZooKeeper 3.8.0: create /failing2/a, then two errors, and a digest.
  const auto txn = base::unhex(
      "02000019c5330005000000070000000100000143000001a21c9944ab0000000e00000003ffffffff000000330000000b2f6661696c696e67322f6100000000000000"
      "010000001f00000005776f726c6400000006616e796f6e650000000001ffffffff00000004ffffff99ffffffff00000004fffffffe00000002000000551926729d");
  ASSERT_TRUE(txn);
  const auto outcome = database.apply(*txn, nullptr, true);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->results.size(), 3U);
  EXPECT_EQ(database.tree.find("/failing2/a"), nullptr);
}

}  // namespace
}  // namespace chorus::coord
