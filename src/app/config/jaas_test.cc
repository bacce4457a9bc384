#include "app/config/jaas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr const char* digest = "org.apache.zookeeper.server.auth.DigestLoginModule";

// source: sun.security.provider.ConfigFile, java.io.StreamTokenizer
TEST(Jaas, ReadsWhatJavaReads) {
  const auto file = parse_jaas(R"(/* two
lines **/ Empty { };
"A b" {
  x.Module required
    debug=true // to the end
    bare=a-b.c_1
    quoted="a \"b\" c\\d; }"
    single='it is "so"'
    octal="\101\12"
    empty="";
  y.Module Optional;
};)");
  ASSERT_TRUE(file) << file.error();
  EXPECT_TRUE(file->at("Empty").empty());
  const auto& modules = file->find("A b")->second;
  ASSERT_EQ(modules.size(), 2U);
  EXPECT_EQ(modules[0].name, "x.Module");
  EXPECT_THAT(modules[0].options, ElementsAre(Pair("bare", "a-b.c_1"), Pair("debug", "true"), Pair("empty", ""), Pair("octal", "A\n"),
                                              Pair("quoted", R"(a "b" c\d; })"), Pair("single", R"(it is "so")")));
  EXPECT_EQ(modules[1].name, "y.Module");
  EXPECT_TRUE(parse_jaas("")->empty());
  EXPECT_TRUE(parse_jaas("// nothing")->empty());
}

TEST(Jaas, SaysWhereItIsWrongAndNoSecret) {
  const struct {
    const char *text, *want;
  } cases[] = {
      {"A", "line 1: { is missing"},
      {"A {\n x", "line 2: required, requisite, sufficient or optional is missing"},
      {"A {\n x maybe;", "line 2: required, requisite, sufficient or optional is missing"},
      {"A {\n x required user_a=\"sesame\"\n}", "line 3: an option, or ; at the end of the module is missing"},
      {"A {\n x required user_a \"sesame\";\n};", "line 2: = is missing"},
      {"A {\n x required user_a=\"sesame\n;\n};", "line 2: a value is missing"},
      {"A {\n x required user_a=\"sesame${home}\";\n};", "line 2: the value of user_a has ${...}"},
      {"A {\n x required;\n}\n", "line 4: ; is missing"},
      {"A {};\nA {};", "line 2: section A is there twice"},
      {"A { /* sesame", "line 1: the class of a login module is missing"},
      {"A { / };", "line 1: the class of a login module is missing"},
  };
  for (const auto& c : cases) {
    const auto file = parse_jaas(c.text);
    ASSERT_FALSE(file) << c.text;
    EXPECT_THAT(file.error(), HasSubstr(c.want)) << c.text;
    EXPECT_THAT(file.error(), Not(HasSubstr("sesame")));
  }
}

TEST(Jaas, CredentialsOfASection) {
  const auto section = [](const std::string& body) { return *parse_jaas("S { " + body + " };"); };
  const std::string module = std::string(digest) + " required ";
  EXPECT_THAT(*server_users(section(module + "user_a=x user_=y; " + module + "user_b=z;"), "S"),
              ElementsAre(Pair("", "y"), Pair("a", "x"), Pair("b", "z")));
  EXPECT_EQ(learner_credentials(section(module + "debug=true; " + module + "username=a password=x;"), "S")->username, "a");
  for (const auto& file : {section(""), section(module + "user_a=\"\";"), section(module + "username=a;"), section("x.Module required;"),
                           section("com.sun.security.auth.module.Krb5LoginModule required;")}) {
    const auto users = server_users(file, "S");
    const auto credentials = learner_credentials(file, "S");
    ASSERT_FALSE(users || credentials);
    EXPECT_THAT(users.error(), HasSubstr("section S"));
    EXPECT_THAT(credentials.error(), HasSubstr("section S"));
  }
}

}  // namespace
}  // namespace chorus::app
