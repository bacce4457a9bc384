#include "base/java_properties.h"

#include "base/text.h"

namespace chorus::base {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\f'; }
bool is_newline(char c) { return c == '\n' || c == '\r'; }

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<JavaProperty> run() {
    std::vector<JavaProperty> out;
    while (at_ < text_.size()) {
      skip_blank_and_newlines();
      if (at_ == text_.size()) break;
      if (text_[at_] == '#' || text_[at_] == '!') {
        while (at_ < text_.size() && !is_newline(text_[at_])) ++at_;
        continue;
      }
      JavaProperty property{.key = {}, .value = {}, .line = line_, .begin = at_};
      property.key = token(true);
      skip_blank();
      if (at_ < text_.size() && (text_[at_] == '=' || text_[at_] == ':')) {
        ++at_;
        skip_blank();
      }
      property.value = trim(token(false));
      if (at_ < text_.size()) newline();
      property.end = at_;
      out.push_back(std::move(property));
    }
    return out;
  }

 private:
  /// One line end; "\r\n" is one.
  void newline() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  void skip_blank_and_newlines() {
    while (at_ < text_.size() && (is_space(text_[at_]) || is_newline(text_[at_]))) {
      if (is_newline(text_[at_])) {
        newline();
      } else {
        ++at_;
      }
    }
  }

  bool at_continuation() const { return text_[at_] == '\\' && at_ + 1 < text_.size() && is_newline(text_[at_ + 1]); }

  void skip_blank() {
    while (at_ < text_.size() && (is_space(text_[at_]) || at_continuation())) {
      if (text_[at_] == '\\') {
        ++at_;
        newline();
      } else {
        ++at_;
      }
    }
  }

  std::string token(bool is_key) {
    std::string out;
    while (at_ < text_.size() && !is_newline(text_[at_])) {
      const char c = text_[at_];
      if (is_key && (is_space(c) || c == '=' || c == ':')) break;
      if (c != '\\') {
        append_utf8(out, static_cast<unsigned char>(c));
        ++at_;
      } else if (at_continuation()) {
        skip_blank();  // the white space that leads the next line goes too
      } else {
        ++at_;
        escape(out);
      }
    }
    return out;
  }

  void escape(std::string& out) {
    if (at_ == text_.size()) return;
    const char c = text_[at_++];
    switch (c) {
      case 't':
        out += '\t';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 'f':
        out += '\f';
        return;
      case 'u': {
        const auto octets = unhex(text_.substr(at_, 4));
        if (octets && octets->size() == 2) {
          append_utf8(out, static_cast<unsigned>(static_cast<unsigned char>((*octets)[0]) << 8 | static_cast<unsigned char>((*octets)[1])));
          at_ += 4;
          return;
        }
        out += "\\u";
        return;
      }
      default:
        append_utf8(out, static_cast<unsigned char>(c));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<JavaProperty> parse_java_properties(std::string_view text) { return Parser(text).run(); }

}  // namespace chorus::base
