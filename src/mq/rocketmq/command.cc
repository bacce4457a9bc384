#include "mq/rocketmq/command.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/text.h"
#include "mq/rocketmq/json.h"

namespace chorus::mq::rocketmq {
namespace {

constexpr std::array<std::string_view, 14> language_names{"JAVA",  "CPP",  "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY",
                                                          "OTHER", "HTTP", "GO",     "PHP",    "OMS",    "RUST",   "NODE_JS"};

Language language_of(std::string_view name) {
  for (std::size_t i = 0; i < language_names.size(); ++i)
    if (name == language_names[i]) return static_cast<Language>(i);
  return Language::other;
}

// A code in binary has 16 bits; those of POP do not fit, and no other code is what they are cut down to.
std::int32_t whole_code(std::int16_t cut) {
  constexpr std::int32_t high = 200050 & ~0xffff;
  const std::int32_t whole = high | static_cast<std::uint16_t>(cut);
  return whole >= 200050 && !name_of(static_cast<RequestCode>(whole)).empty() ? whole : cut;
}

void append_number(std::string& out, std::int64_t number) {
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  out.append(text, end);
}

// Keys sorted, as fastjson writes them.
void write_json(const Outgoing& command, std::string& out) {
  out.append(R"({"code":)");
  append_number(out, command.code);
  if (!command.fields().empty()) {
    char before = '{';
    out.append(R"(,"extFields":)");
    for (const auto& [name, value] : command.fields()) {
      out.push_back(before);
      before = ',';
      append_json_string(out, name);
      out.push_back(':');
      append_json_string(out, value);
    }
    out.push_back('}');
  }
  out.append(R"(,"flag":)");
  append_number(out, command.flag);
  out.append(R"(,"language":")").append(name_of(command.language)).append(R"(","opaque":)");
  append_number(out, command.opaque);
  if (!command.remark.empty()) {
    out.append(R"(,"remark":)");
    append_json_string(out, command.remark);
  }
  out.append(R"(,"serializeTypeCurrentRPC":"JSON","version":)");
  append_number(out, command.version);
  out.push_back('}');
}

void write_binary(const Outgoing& command, std::string& out) {
  base::Writer writer(out);
  writer.u16(static_cast<std::uint16_t>(command.code));
  writer.u8(static_cast<std::uint8_t>(command.language));
  writer.u16(static_cast<std::uint16_t>(command.version));
  writer.i32(command.opaque);
  writer.i32(command.flag);
  writer.u32(static_cast<std::uint32_t>(command.remark.size()));
  writer.octets(command.remark);
  const std::size_t size_at = writer.size();
  writer.u32(0);
  for (const auto& [name, value] : command.fields()) {
    writer.u16(static_cast<std::uint16_t>(name.size()));
    writer.octets(name);
    writer.u32(static_cast<std::uint32_t>(value.size()));
    writer.octets(value);
  }
  writer.patch_u32(size_at, static_cast<std::uint32_t>(writer.size() - size_at - 4));
}

}  // namespace

std::string_view name_of(Language language) {
  const auto i = static_cast<std::size_t>(language);
  return language_names[i < language_names.size() ? i : static_cast<std::size_t>(Language::other)];
}

base::Result<Command, CommandErrc> Command::decode(const Frame& frame) {
  Command command;
  command.format = frame.format;
  command.body = frame.body;
  const bool good = frame.format == HeaderFormat::json ? command.decode_json(frame.header) : command.decode_binary(frame.header);
  if (!good) return std::unexpected(CommandErrc::bad_header);
  return command;
}

bool Command::decode_json(std::string_view header) {
  JsonReader in(header);
  const bool is_object = in.object([&](std::string_view key) {
    if (key == "code") {
      code = in.i32();
    } else if (key == "extFields") {
      in.object([&](std::string_view name) {
        if (const auto value = in.text()) fields_.push_back({name, *value});
      });
    } else if (key == "flag") {
      flag = in.i32();
    } else if (key == "language") {
      const std::string_view name = in.text_or_empty();
      const auto number = base::parse_int(name);
      language = number && *number >= 0 && *number < std::ssize(language_names) ? static_cast<Language>(*number) : language_of(name);
    } else if (key == "opaque") {
      opaque = in.i32();
    } else if (key == "remark") {
      remark = in.text();
    } else if (key == "version") {
      version = in.i32();
    }
  });
  unescaped_ = in.take_unescaped();
  return is_object && in.ok() && in.at_end();
}

bool Command::decode_binary(std::string_view header) {
  base::Reader in(header);
  const auto cut = static_cast<std::int16_t>(in.u16());
  const std::uint8_t number = in.u8();
  language = number < language_names.size() ? static_cast<Language>(number) : Language::other;
  version = static_cast<std::int16_t>(in.u16());
  opaque = in.i32();
  flag = in.i32();
  code = is_response() ? cut : whole_code(cut);
  if (const std::uint32_t size = in.u32(); size > 0) remark = in.octets(size);
  base::Reader fields(in.octets(in.u32()));
  if (!in.ok()) return false;
  while (fields.remaining() > 0) {
    const std::string_view name = fields.octets(fields.u16());
    const std::string_view value = fields.octets(fields.u32());
    if (!fields.ok()) return false;
    fields_.push_back({name, value});
  }
  return true;
}

std::optional<std::string_view> Command::field(std::string_view name) const {
  for (auto it = fields_.rbegin(); it != fields_.rend(); ++it)
    if (it->name == name) return it->value;
  return std::nullopt;
}

std::optional<std::string_view> HeaderReader::required(std::string_view name) {
  if (!ok()) return std::nullopt;
  const auto value = command_.field(name);
  if (!value) {
    error_ = "org.apache.rocketmq.remoting.exception.RemotingCommandException: the custom field <";
    error_.append(name).append("> is null");
  }
  return value;
}

std::int64_t HeaderReader::number(std::string_view text, std::int64_t min, std::int64_t max) {
  if (const auto value = base::parse_int(text); value && *value >= min && *value <= max) return *value;
  if (ok()) error_ = "java.lang.NumberFormatException: For input string: \"" + std::string(text.substr(0, 64)) + "\"";
  return 0;
}

std::string_view HeaderReader::required_text(std::string_view name) { return required(name).value_or(std::string_view{}); }

std::int32_t HeaderReader::required_i32(std::string_view name) {
  const auto value = required(name);
  return value
             ? static_cast<std::int32_t>(number(*value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()))
             : 0;
}

std::int64_t HeaderReader::required_i64(std::string_view name) {
  const auto value = required(name);
  return value ? number(*value, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()) : 0;
}

bool HeaderReader::required_bool(std::string_view name) {
  const auto value = required(name);
  return value && base::lower(*value) == "true";
}

std::optional<std::string_view> HeaderReader::optional_text(std::string_view name) { return ok() ? command_.field(name) : std::nullopt; }

std::int32_t HeaderReader::optional_i32(std::string_view name, std::int32_t fallback) {
  return optional_text(name) ? required_i32(name) : fallback;
}

std::int64_t HeaderReader::optional_i64(std::string_view name, std::int64_t fallback) {
  return optional_text(name) ? required_i64(name) : fallback;
}

bool HeaderReader::optional_bool(std::string_view name, bool fallback) { return optional_text(name) ? required_bool(name) : fallback; }

Outgoing Outgoing::answer(const Command& request, ResponseCode code, std::string remark) {
  Outgoing answer;
  answer.code = static_cast<std::int32_t>(code);
  answer.opaque = request.opaque;
  answer.remark = std::move(remark);
  return answer;
}

Outgoing Outgoing::request(RequestCode code, std::int32_t opaque, bool oneway) {
  Outgoing request;
  request.code = static_cast<std::int32_t>(code);
  request.opaque = opaque;
  request.flag = oneway ? flag_oneway : 0;
  return request;
}

void encode_head(const Outgoing& command, std::size_t body_size, std::string& out, HeaderFormat format) {
  const std::size_t begin = out.size();
  base::Writer writer(out);
  writer.u64(0);
  if (format == HeaderFormat::json)
    write_json(command, out);
  else
    write_binary(command, out);
  const std::size_t header_size = out.size() - begin - 8;
  ENSURE(header_size <= 0xffffff && body_size < 0x7f000000, header_size, body_size);
  writer.patch_u32(begin, static_cast<std::uint32_t>(4 + header_size + body_size));
  writer.patch_u32(begin + 4, static_cast<std::uint32_t>(format) << 24 | static_cast<std::uint32_t>(header_size));
}

void encode(const Outgoing& command, std::string& out, HeaderFormat format) {
  encode_head(command, command.body.size(), out, format);
  out.append(command.body);
}

std::string encode(const Outgoing& command, HeaderFormat format) {
  std::string out;
  encode(command, out, format);
  return out;
}

}  // namespace chorus::mq::rocketmq
