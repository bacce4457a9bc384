#include "app/config/jaas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace chorus::app {
namespace {

constexpr std::string_view digest_module = "org.apache.zookeeper.server.auth.DigestLoginModule";

/// Words, quoted strings, and the marks { } ; = with the comments of C++ between them.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) { next(); }

  enum class Kind { end, word, mark, bad };
  Kind kind() const { return kind_; }
  const std::string& value() const { return value_; }
  bool at_end() const { return kind_ == Kind::end; }
  bool is(char mark) const { return kind_ == Kind::mark && value_.front() == mark; }
  int line() const { return line_; }

  void next() {
    skip();
    line_ = line_at_;
    value_.clear();
    if (at_ == text_.size()) {
      kind_ = Kind::end;
    } else if (text_[at_] == '"' || text_[at_] == '\'') {
      quoted(text_[at_++]);
    } else if (std::string_view("{};=").find(text_[at_]) != std::string_view::npos) {
      kind_ = Kind::mark;
      value_ = text_[at_++];
    } else {
      kind_ = Kind::word;
      while (at_ < text_.size() && !ends_word(text_[at_])) value_ += text_[at_++];
      if (value_.empty()) kind_ = Kind::bad;
    }
  }

 private:
  static bool ends_word(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0 || std::string_view("{};=\"'/").find(c) != std::string_view::npos;
  }

  void skip() {
    for (; at_ < text_.size(); ++at_) {
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      } else if (rest.starts_with("/*")) {
        const std::size_t end = std::min(text_.find("*/", at_ + 2), text_.size() - 2);
        line_at_ += static_cast<int>(std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(end - at_), '\n'));
        at_ = end + 1;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) == 0) {
        return;
      } else if (text_[at_] == '\n') {
        ++line_at_;
      }
    }
  }

  // As java.io.StreamTokenizer reads them: within one line, with the escapes of C.
  void quoted(char quote) {
    kind_ = Kind::bad;
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_++];
      if (c == quote) {
        kind_ = Kind::word;
        return;
      }
      value_ += c == '\\' ? escaped() : c;
    }
  }
  char escaped() {
    if (at_ == text_.size()) return '\\';
    const auto is_octal = [this] { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; };
    if (is_octal()) {
      int code = 0;
      for (int digits = 0; digits < 3 && is_octal() && code * 8 + (text_[at_] - '0') < 256; ++digits)
        code = code * 8 + (text_[at_++] - '0');
      return static_cast<char>(code);
    }
    const char c = text_[at_++];
    constexpr std::string_view from = "abfnrtv", to = "\a\b\f\n\r\t\v";
    const std::size_t known = from.find(c);
    return known == std::string_view::npos ? c : to[known];
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int line_at_ = 1;
  Kind kind_ = Kind::end;
  std::string value_;
  int line_ = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text) {}

  base::Result<JaasFile, std::string> run() {
    JaasFile file;
    while (!in_.at_end()) {
      const int line = in_.line();
      const std::string name = word("the name of a section");
      auto [at, is_new] = file.try_emplace(name);
      if (wrong_.empty() && !is_new) wrong_ = fmt::format("line {}: section {} is there twice", line, name);
      mark('{');
      while (wrong_.empty() && !in_.is('}')) at->second.push_back(module());
      mark('}');
      mark(';');
      if (!wrong_.empty()) return std::unexpected(wrong_);
    }
    return file;
  }

 private:
  JaasModule module() {
    JaasModule out{.name = word("the class of a login module"), .options = {}};
    const std::string flag = base::lower(word("required, requisite, sufficient or optional"));
    if (wrong_.empty() && flag != "required" && flag != "requisite" && flag != "sufficient" && flag != "optional")
      wrong("required, requisite, sufficient or optional");
    while (wrong_.empty() && !in_.is(';')) {
      const std::string key = word("an option, or ; at the end of the module");
      mark('=');
      std::string value = word("a value");
      if (wrong_.empty() && value.find("${") != std::string::npos)
        wrong_ = fmt::format("line {}: the value of {} has ${{...}}, a property of the Java machine: write out what it stands for",
                             in_.line(), key);
      out.options[key] = std::move(value);
    }
    mark(';');
    return out;
  }

  std::string word(std::string_view what) {
    std::string out = in_.value();
    if (in_.kind() != Tokens::Kind::word) return wrong(what), "";
    in_.next();
    return out;
  }
  void mark(char c) {
    if (!in_.is(c)) return wrong(std::string_view(&c, 1));
    in_.next();
  }
  void wrong(std::string_view wanted) {
    if (wrong_.empty()) wrong_ = fmt::format("line {}: {} is missing", in_.line(), wanted);
  }

  Tokens in_;
  std::string wrong_;
};

/// The section's modules, if they are such that we know.
base::Result<const std::vector<JaasModule>*, std::string> digest_modules(const JaasFile& file, std::string_view section) {
  const auto at = file.find(section);
  if (at == file.end()) return std::unexpected(fmt::format("section {} is missing", section));
  for (const JaasModule& module : at->second) {
    if (module.name.ends_with("Krb5LoginModule")) {
      return std::unexpected(fmt::format(
          "section {} is for Kerberos (GSSAPI), which Chorus does not have: let all members use {}, or TLS (coord.quorum_tls_enabled)",
          section, digest_module));
    }
    if (module.name != digest_module)
      return std::unexpected(fmt::format("section {} has the login module {}; only {} is known", section, module.name, digest_module));
  }
  return &at->second;
}

}  // namespace

base::Result<JaasFile, std::string> parse_jaas(std::string_view text) { return Parser(text).run(); }

base::Result<zab::QuorumAuthOptions::Credentials, std::string> learner_credentials(const JaasFile& file, std::string_view section) {
  const auto modules = digest_modules(file, section);
  if (!modules) return std::unexpected(modules.error());
  for (const JaasModule& module : **modules) {
    const auto name = module.options.find("username"), password = module.options.find("password");
    if (name != module.options.end() && password != module.options.end() && !name->second.empty() && !password->second.empty())
      return zab::QuorumAuthOptions::Credentials{name->second, password->second};
  }
  return std::unexpected(fmt::format("section {} needs username=\"...\" and password=\"...\"", section));
}

base::Result<std::map<std::string, std::string>, std::string> server_users(const JaasFile& file, std::string_view section) {
  constexpr std::string_view prefix = "user_";
  const auto modules = digest_modules(file, section);
  if (!modules) return std::unexpected(modules.error());
  std::map<std::string, std::string> users;
  for (const JaasModule& module : **modules) {
    for (const auto& [key, value] : module.options) {
      if (!key.starts_with(prefix)) continue;
      if (value.empty()) return std::unexpected(fmt::format("section {}: the password of {} is empty", section, key));
      users[key.substr(prefix.size())] = value;
    }
  }
  if (users.empty())
    return std::unexpected(fmt::format("section {} needs user_NAME=\"password\" for each name that members show", section));
  return users;
}

}  // namespace chorus::app
