// FUNCTION DUMP and RESTORE.
#include "base/checksum.h"
#include "base/text.h"
#include "cache/rdb/payload.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class FunctionRestoreTest : public ServerTest {
 protected:
  std::string send(std::initializer_list<std::string_view> words) {
    ask("PING");
    std::string request = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) request += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
    server.receive(ClientId(1), request, now);
    collect();
    return take(1);
  }
  static std::string code(std::string_view library, std::string_view function, std::string_view returned) {
    return "#!lua name=" + std::string(library) + "\nredis.register_function('" + std::string(function) + "', function() return '" +
           std::string(returned) + "' end)";
  }
  void load(std::string_view library, std::string_view function, std::string_view returned) {
    EXPECT_EQ(send({"FUNCTION", "LOAD", code(library, function, returned)}),
              "$" + std::to_string(library.size()) + "|" + std::string(library) + "|");
  }
  static std::string payload(std::initializer_list<std::string> codes) {
    const std::vector<std::string_view> views(codes.begin(), codes.end());
    return rdb::make_functions_payload(views, {});
  }
  std::string restore(std::string_view octets) { return send({"FUNCTION", "RESTORE", octets}); }
  std::string restore(std::string_view octets, std::string_view policy) { return send({"FUNCTION", "RESTORE", octets, policy}); }
};

TEST_F(FunctionRestoreTest, WhatWasDumpedComesBack) {
  load("a", "fa", "1");
  load("b", "fb", "2");
  const std::string reply = send({"FUNCTION", "DUMP"});
  const std::string octets = payload({code("a", "fa", "1"), code("b", "fb", "2")});
  // The codes' line ends are "\n", so that nothing of the payload was changed.
  EXPECT_EQ(reply, "$" + std::to_string(octets.size()) + "|" + octets + "|");
  ask("FUNCTION FLUSH");
  effects();
  EXPECT_EQ(restore(octets), "+OK|");
  EXPECT_EQ(effects(), "FUNCTION RESTORE " + octets);
  EXPECT_EQ(ask("FCALL fa 0"), "$1|1|");
  EXPECT_EQ(ask("FCALL fb 0"), "$1|2|");
}

TEST_F(FunctionRestoreTest, PoliciesDecideOverWhatIsThere) {
  load("a", "fa", "old");
  load("c", "fc", "3");
  const std::string fresh = payload({code("a", "fa", "new"), code("b", "fb", "2")});
  EXPECT_EQ(restore(fresh), "-ERR Library a already exists|");
  EXPECT_EQ(restore(fresh, "append"), "-ERR Library a already exists|");
  EXPECT_EQ(ask("FCALL fa 0"), "$3|old|");
  EXPECT_EQ(ask("FCALL fb 0"), "-ERR Function not found|");
  EXPECT_EQ(restore(fresh, "replace"), "+OK|");
  EXPECT_EQ(ask("FCALL fa 0"), "$3|new|");
  EXPECT_EQ(ask("FCALL fb 0"), "$1|2|");
  EXPECT_EQ(ask("FCALL fc 0"), "$1|3|");
  // A function that another library has, which stays.
  EXPECT_EQ(restore(payload({code("d", "fc", "x")}), "REPLACE"), "-ERR Function fc already exists|");
  EXPECT_EQ(restore(payload({code("d", "fc", "x")}), "FLUSH"), "+OK|");
  EXPECT_EQ(ask("FCALL fc 0"), "$1|x|");
  EXPECT_EQ(ask("FCALL fa 0"), "-ERR Function not found|");
  EXPECT_EQ(restore(payload({}), "FLUSH"), "+OK|");
  EXPECT_EQ(ask("FUNCTION LIST"), "*0|");
}

TEST_F(FunctionRestoreTest, AFunctionMayGoToAnotherLibrary) {
  load("a", "f", "1");
  load("b", "g", "2");
  EXPECT_EQ(restore(payload({code("a", "g", "3"), code("b", "f", "4")}), "REPLACE"), "+OK|");
  EXPECT_EQ(ask("FCALL f 0"), "$1|4|");
  EXPECT_EQ(ask("FCALL g 0"), "$1|3|");
}

TEST_F(FunctionRestoreTest, AllOrNothing) {
  load("a", "fa", "1");
  const struct {
    std::string octets, error;
  } cases[] = {
      {payload({code("b", "fb", "2"), code("b", "fc", "3")}), "-ERR Library 'b' already exists|"},
      {payload({code("b", "fb", "2"), code("c", "fb", "3")}), "-ERR Function fb already exists|"},
      {payload({code("b", "fb", "2"), "#!lua name=c\nreturn 1"}), "-ERR No functions registered|"},
      {payload({code("b", "fb", "2"), "return 1"}), "-ERR Missing library metadata|"},
      {"", "-ERR DUMP payload version or checksum are wrong|"},
      {payload({code("b", "fb", "2")}).substr(1), "-ERR DUMP payload version or checksum are wrong|"},
  };
  for (const auto& each : cases) {
    for (const char* policy : {"APPEND", "REPLACE", "FLUSH"}) EXPECT_EQ(restore(each.octets, policy), each.error);
  }
  EXPECT_EQ(restore(payload({}), "bogus"), "-ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.|");
  EXPECT_EQ(send({"FUNCTION", "RESTORE", payload({}), "FLUSH", "x"}),
            "-ERR unknown subcommand or wrong number of arguments for 'RESTORE'. Try FUNCTION HELP.|");
  EXPECT_EQ(ask("FCALL fa 0"), "$1|1|");
  EXPECT_EQ(ask("FCALL fb 0"), "-ERR Function not found|");
}

TEST_F(FunctionRestoreTest, OnlyLibrariesAreTaken) {
  const auto with_footer = [](std::string body) {
    body += std::string("\x0b\x00", 2);
    const std::uint64_t checksum = base::crc64_jones(body);
    for (int i = 0; i < 8; ++i) body += static_cast<char>(checksum >> 8 * i);
    return body;
  };
  EXPECT_EQ(restore(with_footer(std::string("\x00\xc0\x0a", 3))), "-ERR given type is not a function|");
  EXPECT_EQ(restore(with_footer("\xf5\x05"
                                "abc")),
            "-ERR failed loading the given functions payload|");
  EXPECT_EQ(restore(with_footer("\xf5\x80\xff\xff\xff\xff"
                                "abc")),
            "-ERR failed loading the given functions payload|");
}

}  // namespace
}  // namespace chorus::cache
