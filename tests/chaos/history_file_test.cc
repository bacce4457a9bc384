#include "history_file.h"

#include <gtest/gtest.h>

namespace chorus::chaos {
namespace {

using coord_sim::History;
using jute::OpCode;

History history() {
  History made;
  made.requests.push_back({.op = {.code = OpCode::set_data, .path = "/a", .data = std::string("x\0y", 3), .version = 4},
                           .session = 0x1001,
                           .xid = 7,
                           .connection = 0,
                           .sent_ns = 10,
                           .answered_ns = 30});
  made.requests.push_back({.op = {.code = OpCode::multi, .parts = {{.code = OpCode::delete_, .path = "/b"}, {.code = OpCode::check}}},
                           .session = -5,
                           .connection = 0,
                           .sent_ns = 20});
  made.connections.push_back(
      {.client = "anna", .session = 0x1001, .requests = {0, 1}, .frames = {{.request = 0, .zxid = 9, .err = -101, .body = "b"}}});
  made.connections.back().frames.push_back({.zxid = 10, .event_type = 3, .event_path = "/a"});
  made.sessions[0x1001] = {.timeout_ms = 4000, .abandoned = true, .heard_ns = {10}, .refused_ns = 99};
  made.faults.push_back("something");
  return made;
}

TEST(HistoryFile, KeepsEverything) {
  const auto back = decode(encode(history()));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), encode(history()));
  EXPECT_EQ(back->requests[0].op.data, std::string("x\0y", 3));
  EXPECT_EQ(back->requests[1].answered_ns, -1);
  EXPECT_EQ(back->requests[1].session, -5);
  EXPECT_EQ(back->requests[1].op.parts.at(1).code, OpCode::check);
  EXPECT_EQ(back->requests[1].op.data, std::nullopt);
  EXPECT_EQ(back->connections[0].frames[1].request, coord_sim::Frame::no_request);
  EXPECT_EQ(back->connections[0].frames[0].err, -101);
  EXPECT_TRUE(back->sessions.at(0x1001).abandoned);
  EXPECT_EQ(back->faults.at(0), "something");
}

TEST(HistoryFile, RefusesWhatIsNotWhole) {
  const std::string whole = encode(history());
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(decode(whole.substr(0, size))) << size;
  EXPECT_FALSE(decode(whole + "x"));
}

}  // namespace
}  // namespace chorus::chaos
