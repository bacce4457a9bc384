#include "app/log/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace chorus::app {
namespace {

TEST(Logging, LinesBecomeJsonMembers) {
  const struct {
    std::string_view line, want;
  } cases[] = {
      {"session expired", R"({"message":"session expired"})"},
      {"session expired session=0x10 timeout_ms=4000", R"({"message":"session expired","session":"0x10","timeout_ms":"4000"})"},
      {R"(cannot listen address=:1 why="in use by a" retry=no)",
       R"({"address":":1","message":"cannot listen","retry":"no","why":"in use by a"})"},
      {R"(a "quoted" \ word x="open)", R"({"message":"a \"quoted\" \\ word","x":"\"open"})"},
      {"Not=a name, 1+1=2 y=", R"({"message":"Not=a name, 1+1=2","y":""})"},
      {"bad utf8 \xff", R"({"message":"bad utf8 \ufffd"})"},
      {"", R"({"message":""})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(nlohmann::json::parse("{" + json_members(c.line) + "}"), nlohmann::json::parse(c.want)) << c.line;
  }
}

TEST(Logging, JsonLinesAreWhole) {
  start_logging({.level = "info", .format = "json"}, "coord 127.0.0.1:2181");
  ::testing::internal::CaptureStderr();
  spdlog::debug("not shown");
  spdlog::info("started port={}", 2181);
  set_log_level("debug");
  spdlog::debug("shown");
  const std::string text = ::testing::internal::GetCapturedStderr();
  const std::size_t end = text.find('\n');
  const auto first = nlohmann::json::parse(text.substr(0, end));
  EXPECT_EQ(first["level"], "info");
  EXPECT_EQ(first["node"], "coord 127.0.0.1:2181");
  EXPECT_EQ(first["message"], "started");
  EXPECT_EQ(first["port"], "2181");
  EXPECT_EQ(nlohmann::json::parse(text.substr(end + 1))["message"], "shown");
}

TEST(Logging, TextLinesCarryTheIdentity) {
  start_logging({.level = "warn", .format = "text"}, "me");
  ::testing::internal::CaptureStderr();
  spdlog::info("not shown");
  spdlog::warn("slow sync ms=1200");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("warning me slow sync ms=1200\n"));
}

}  // namespace
}  // namespace chorus::app
