// JSON as fastjson writes and reads it: what RocketMQ's clients and servers mean by JSON. One pass over the text, no tree.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::mq::rocketmq {

/// Reads forward. Taken, though not JSON: keys without quotes or in single ones, keys that are numbers, objects or arrays (given as they
/// are written), strings in single quotes, commas too many. The first failure sticks: everything after gives nothing, so that it is enough
/// to ask ok() at the end. Views are borrowed from the text, or from the reader where something was escaped.
class JsonReader {
 public:
  static constexpr int depth_max = 64;

  explicit JsonReader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  void fail() { ok_ = false; }
  /// Whether nothing but white space is left.
  bool at_end();

  /// Reads an object, calling `member(key)` for each; it reads the value with one of these functions, or leaves it, to be passed over.
  /// What is not an object: passed over, null too; returns whether it was one.
  template <class Member>
  bool object(Member&& member) {
    if (!enter('{')) return false;
    while (const auto key = next_key()) {
      const std::size_t before = at_;
      member(*key);
      if (ok_ && at_ == before) skip();
    }
    leave();
    return ok_;
  }
  /// The same for an array: `element()` for each.
  template <class Element>
  bool array(Element&& element) {
    if (!enter('[')) return false;
    while (has_element()) {
      const std::size_t before = at_;
      element();
      if (ok_ && at_ == before) skip();
    }
    leave();
    return ok_;
  }

  /// A string's text; of a number, a boolean, an object or an array what is written; null: nothing.
  std::optional<std::string_view> text();
  /// The same, with nothing as an empty text.
  std::string_view text_or_empty() { return text().value_or(std::string_view{}); }
  /// A whole number, in quotes or not; null: the fallback. Else fails.
  std::int64_t i64(std::int64_t fallback = 0);
  std::int32_t i32(std::int32_t fallback = 0);
  double f64(double fallback = 0);
  /// true and false, in quotes or not; null: the fallback. Else fails.
  bool boolean(bool fallback = false);
  /// Any value; what is written.
  std::string_view raw();
  void skip() { raw(); }

  /// Gives away what holds unescaped texts, for those who keep views longer than the reader.
  std::unique_ptr<char[]> take_unescaped() { return std::move(unescaped_); }

 private:
  void space();
  char peek();  // the next octet that is no white space; 0 at the end
  bool enter(char open);
  void leave() { --depth_; }
  std::optional<std::string_view> next_key();
  bool has_element();
  std::string_view quoted(char quote);
  std::string_view unescape(std::size_t begin, char quote);
  std::string_view word();  // up to what ends a value: a number, true, null, a bare key

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool ok_ = true;
  std::unique_ptr<char[]> unescaped_;
  std::size_t unescaped_size_ = 0;
};

/// Appends the string in double quotes, escaped as fastjson does.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON without white space; keys come in the order of the calls, which callers keep sorted as fastjson does.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    first_ = true;
  }
  /// A number as key of a map, in quotes: everybody reads that, and not everybody a bare one.
  void key(std::int64_t number);
  /// A key written already, such as an object (no JSON, but what Java's maps with objects as keys are).
  void raw_key(std::string_view written) {
    separate();
    out_.append(written).push_back(':');
    first_ = true;
  }

  void value(std::string_view text) {
    separate();
    append_json_string(out_, text);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(std::int64_t number);
  void value(std::int32_t number) { value(std::int64_t{number}); }
  void value(double number);
  void value(bool boolean) { raw(boolean ? "true" : "false"); }
  void null() { raw("null"); }
  /// A value written already.
  void raw(std::string_view written) {
    separate();
    out_.append(written);
  }

  template <class T>
  void member(std::string_view name, const T& v) {
    key(name);
    value(v);
  }
  /// Left out when there is none, as fastjson leaves out null.
  template <class T>
  void member(std::string_view name, const std::optional<T>& v) {
    if (v) member(name, *v);
  }

 private:
  void separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
  }
  void open(char mark) {
    separate();
    out_.push_back(mark);
    first_ = true;
  }
  void close(char mark) {
    out_.push_back(mark);
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace chorus::mq::rocketmq
