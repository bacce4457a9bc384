// Which operations on registers are given to another judge, and as what.
#include "registers.h"

#include <gmock/gmock.h>

#include "story.h"

namespace chorus::coord_sim {
namespace {

using jute::OpCode;
using testing::SizeIs;

const std::string path = register_path(1, 2);

Op set(const std::string& data, std::int32_t version = -1) {
  return {.code = OpCode::set_data, .path = path, .data = data, .version = version};
}
Op get() { return {.code = OpCode::get_data, .path = path}; }
Op sync() { return {.code = OpCode::sync, .path = path}; }

class RegistersTest : public testing::Test {
 protected:
  RegistersTest() {
    story.open(1);
    connection = story.connect(1);
    story.write(connection, {.code = OpCode::create, .path = path, .data = "first"});
  }
  std::vector<RegisterOperation> reads() const {
    std::vector<RegisterOperation> found;
    for (const auto& operation : register_history(story.history).operations) {
      if (operation.kind == RegisterOperation::Kind::read) found.push_back(operation);
    }
    return found;
  }
  Story story;
  std::size_t connection = 0;
};

TEST_F(RegistersTest, WritesAreToldWithTheirOutcome) {
  story.write(connection, set("second"));
  story.write(connection, set("third", 7));
  story.ask(connection, set("fourth"));
  const std::string lines = to_json_lines(register_history(story.history));
  EXPECT_THAT(lines, testing::HasSubstr(R"("kind":"create","value":"first","called_ns")"));
  EXPECT_THAT(lines, testing::HasSubstr(R"("kind":"set","value":"second","version":-1)"));
  EXPECT_THAT(lines, testing::HasSubstr(R"("error":"","found_version":1)"));
  EXPECT_THAT(lines, testing::HasSubstr(R"("error":"BADVERSION")"));
  const auto history = register_history(story.history);
  ASSERT_THAT(history.operations, SizeIs(4));
  EXPECT_FALSE(history.operations[3].returned_ns);
}

TEST_F(RegistersTest, AReadCountsBehindASyncThatALaterCommitConfirms) {
  const std::size_t asked = story.read(connection, sync());
  story.read(connection, get());
  EXPECT_THAT(reads(), SizeIs(0)) << "nothing shows that the leader was still one";
  story.write(connection, set("second"));
  ASSERT_THAT(reads(), SizeIs(1));
  EXPECT_EQ(reads()[0].called_ns, story.history.requests[asked].sent_ns);
  EXPECT_EQ(reads()[0].found, "first");
  EXPECT_EQ(reads()[0].found_version, 0);
}

TEST_F(RegistersTest, AReadWithoutASyncDoesNotCount) {
  story.read(connection, get());
  story.write(connection, set("second"));
  EXPECT_THAT(reads(), SizeIs(0));
  EXPECT_EQ(register_history(story.history).reads_left_out, 1U);
}

TEST_F(RegistersTest, ACommitOfALaterLeaderConfirmsNothing) {
  story.read(connection, sync());
  story.read(connection, get());
  story.new_epoch();
  story.write(connection, set("second"));
  EXPECT_THAT(reads(), SizeIs(0));
}

TEST_F(RegistersTest, AWriteThatWasRefusedForItsSessionIsNone) {
  const std::size_t request = story.ask(connection, set("second"));
  story.refuse(request, jute::ErrorCode::session_moved);
  story.answer(request);
  EXPECT_THAT(register_history(story.history).operations, SizeIs(1));
}

}  // namespace
}  // namespace chorus::coord_sim
