#include "coord/database.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace chorus::coord
