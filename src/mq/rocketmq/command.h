// A remoting command: what a frame says. Requests come from both sides; the one who is asked answers with the same `opaque`.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "mq/rocketmq/codes.h"
#include "mq/rocketmq/frame.h"

namespace chorus::mq::rocketmq {

/// source: remoting/protocol/LanguageCode.java; a name in JSON, the number in binary.
enum class Language : std::uint8_t { java, cpp, dotnet, python, delphi, erlang, ruby, other, http, go, php, oms, rust, node_js };
std::string_view name_of(Language language);

inline constexpr std::int32_t flag_response = 1;
inline constexpr std::int32_t flag_oneway = 2;

/// The version we stand for: 5.3.0's ordinal. source: common/MQVersion.java
inline constexpr std::int32_t version_v5_3_0 = 473;
/// From here on clients want standard JSON in the answer to GET_ROUTEINFO_BY_TOPIC.
inline constexpr std::int32_t version_v4_9_4 = 401;

/// A header field; the value is text, whatever the sender wrote (a number or boolean in JSON: as it is written, which is what signatures
/// cover).
struct HeaderField {
  std::string_view name;
  std::string_view value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

enum class CommandErrc { bad_header };

/// Decoded; borrowed from the frame, but for what was escaped in it, which the command owns.
class Command {
 public:
  std::int32_t code = 0;
  Language language = Language::java;
  std::int32_t version = 0;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  HeaderFormat format = HeaderFormat::json;
  std::optional<std::string_view> remark;
  std::string_view body;

  /// `bad_header` when it is no object or not complete; the connection cannot go on then, as for RocketMQ.
  static base::Result<Command, CommandErrc> decode(const Frame& frame);

  RequestCode request() const { return static_cast<RequestCode>(code); }
  bool is_response() const { return flag & flag_response; }
  bool is_oneway() const { return flag & flag_oneway; }

  /// In their order; a name that comes twice counts as it came last.
  std::span<const HeaderField> fields() const { return fields_; }
  std::optional<std::string_view> field(std::string_view name) const;

 private:
  bool decode_json(std::string_view header);
  bool decode_binary(std::string_view header);

  absl::InlinedVector<HeaderField, 16> fields_;
  std::unique_ptr<char[]> unescaped_;
};

/// Reads the header fields of one request; the first that is missing or ill-formed is remembered, and later ones give nothing.
class HeaderReader {
 public:
  explicit HeaderReader(const Command& command) : command_(command) {}

  std::string_view required_text(std::string_view name);
  std::int32_t required_i32(std::string_view name);
  std::int64_t required_i64(std::string_view name);
  bool required_bool(std::string_view name);
  std::optional<std::string_view> optional_text(std::string_view name);
  std::string_view optional_text(std::string_view name, std::string_view fallback) { return optional_text(name).value_or(fallback); }
  std::int32_t optional_i32(std::string_view name, std::int32_t fallback = 0);
  std::int64_t optional_i64(std::string_view name, std::int64_t fallback = 0);
  bool optional_bool(std::string_view name, bool fallback = false);

  bool ok() const { return error_.empty(); }
  /// The remark of the answer, which has code 1 (SYSTEM_ERROR).
  const std::string& error() const { return error_; }

 private:
  std::optional<std::string_view> required(std::string_view name);
  std::int64_t number(std::string_view text, std::int64_t min, std::int64_t max);

  const Command& command_;
  std::string error_;
};

/// What we say: an answer, or a request to a client.
class Outgoing {
 public:
  std::int32_t code = 0;
  std::int32_t opaque = 0;
  std::int32_t flag = flag_response;
  Language language = Language::java;
  std::int32_t version = version_v5_3_0;
  std::string remark;  // empty: none
  std::string body;

  static Outgoing answer(const Command& request, ResponseCode code = ResponseCode::success, std::string remark = {});
  static Outgoing request(RequestCode code, std::int32_t opaque, bool oneway = false);

  /// Adds a header field; the name is borrowed (mostly it is a literal). All values travel as strings: Go's client reads nothing else.
  Outgoing& field(std::string_view name, std::string value) {
    fields_.emplace_back(name, std::move(value));
    return *this;
  }
  Outgoing& field(std::string_view name, std::string_view value) { return field(name, std::string(value)); }
  Outgoing& field(std::string_view name, const char* value) { return field(name, std::string(value)); }
  Outgoing& field(std::string_view name, std::int64_t value) { return field(name, std::to_string(value)); }
  Outgoing& field(std::string_view name, std::int32_t value) { return field(name, std::int64_t{value}); }
  Outgoing& field(std::string_view name, bool value) { return field(name, value ? "true" : "false"); }

  std::span<const std::pair<std::string_view, std::string>> fields() const { return fields_; }

 private:
  absl::InlinedVector<std::pair<std::string_view, std::string>, 8> fields_;
};

/// Appends lengths and header of a frame whose body of `body_size` octets the caller writes after it (so that a body can be gathered, not
/// copied). JSON is right for every client, whatever it asked in.
void encode_head(const Outgoing& command, std::size_t body_size, std::string& out, HeaderFormat format = HeaderFormat::json);
/// Appends the whole frame with the command's own body.
void encode(const Outgoing& command, std::string& out, HeaderFormat format = HeaderFormat::json);
std::string encode(const Outgoing& command, HeaderFormat format = HeaderFormat::json);

}  // namespace chorus::mq::rocketmq
