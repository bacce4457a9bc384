#include "rocketmq/load/frames.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace chorus::bench::rocketmq {
namespace {

constexpr std::int32_t version_v5_5_0 = 513;
constexpr std::size_t topic_digits = 5, queue_digits = 4, born_digits = 13, offset_digits = 16, opaque_digits = 10;
constexpr std::size_t unique_size = 32, unique_digits = 12;
constexpr std::uint64_t hold_ms = 15'000;  // what a push consumer asks for

/// A header whose fields are written one by one, told where each value begins.
class HeaderText {
 public:
  explicit HeaderText(Code code) : text_(fmt::format(R"({{"code":{},"extFields":{{)", static_cast<std::int32_t>(code))) {}

  /// Where the value begins.
  std::size_t field(std::string_view name, std::string_view value) {
    if (text_.back() != '{') text_ += ',';
    text_ += fmt::format(R"("{}":")", name);
    const std::size_t at = text_.size();
    text_ += value;
    text_ += '"';
    return at;
  }
  /// Nothing may be added after it; where the opaque begins.
  std::size_t end(std::uint32_t opaque) {
    text_ += R"(},"flag":0,"language":"JAVA","opaque":)";
    const std::size_t at = text_.size();
    text_ += fmt::format(R"({},"serializeTypeCurrentRPC":"JSON","version":{}}})", opaque, version_v5_5_0);
    return at;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

constexpr std::size_t header_at = 8;

std::string framed(const std::string& header, std::string_view body) {
  std::string frame;
  base::Writer out(frame);
  out.u32(static_cast<std::uint32_t>(4 + header.size() + body.size()));
  out.u32(static_cast<std::uint32_t>(header.size()));  // its first octet, the format, is 0: JSON
  out.octets(header);
  out.octets(body);
  return frame;
}

/// As long as what Java makes of address, process and counter; the last digits are stamped.
std::string unique_id(std::uint64_t producer) { return fmt::format("7F00000100000000{:04X}{:0>{}}", producer & 0xffff, 0, unique_digits); }

std::string zeros(std::size_t count) { return std::string(count, '0'); }

std::string body_text(std::uint32_t octets) { return std::string(stamp_octets, '\0') + std::string(octets - stamp_octets, 'x'); }

void write_u64(char* to, std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t swapped = std::byteswap(value);
  std::memcpy(to, &swapped, sizeof swapped);
}

/// What a field is written as before its value.
std::size_t after_name(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(name); at != std::string_view::npos; at = header.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if (at > 0 && header[at - 1] == '"' && header.substr(end, 2) == "\":") return end + 2;
  }
  return std::string_view::npos;
}

}  // namespace

std::string topic_name(std::string_view prefix, std::uint64_t number) { return fmt::format("{}-{:0>{}}", prefix, number, topic_digits); }

std::string request_frame(Code code, std::uint32_t opaque, const Fields& fields, std::string_view body) {
  HeaderText header(code);
  for (const auto& [name, value] : fields) header.field(name, value);
  header.end(opaque);
  return framed(header.text(), body);
}

std::optional<std::string_view> text_field(std::string_view header, std::string_view name) {
  const std::size_t at = after_name(header, name);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = header.substr(at);
  const bool quoted = rest.starts_with('"');
  if (quoted) rest.remove_prefix(1);
  const std::size_t end = quoted ? rest.find('"') : rest.find_first_of(",}");
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

std::optional<std::int64_t> number_field(std::string_view header, std::string_view name) {
  const auto text = text_field(header, name);
  std::int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ptr != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<Answer> parse_answer(std::string_view frame) {
  base::Reader in(frame);
  const std::uint32_t mark = in.u32();
  Answer answer{.header = in.octets(mark & 0xff'ffff), .body = in.rest()};
  if (!in.ok() || mark >> 24 != 0) return std::nullopt;
  const auto code = number_field(answer.header, "code");
  const auto flag = number_field(answer.header, "flag");
  const auto opaque = number_field(answer.header, "opaque");
  if (!code || !flag || !opaque) return std::nullopt;
  answer.code = static_cast<std::int32_t>(*code);
  answer.opaque = static_cast<std::uint32_t>(*opaque);
  answer.is_response = *flag & 1;
  return answer;
}

std::optional<Pulled> next_pulled(std::string_view& octets) {
  constexpr std::uint32_t born_ipv6 = 16, store_ipv6 = 32;
  base::Reader in(octets);
  const std::uint32_t size = in.u32();
  in.octets(16);  // magic, body CRC, queue, flag
  Pulled pulled{.offset = in.i64()};
  in.octets(8);  // position
  const std::uint32_t sys_flag = in.u32();
  in.octets(8);
  in.octets(sys_flag & born_ipv6 ? 20 : 8);
  in.octets(8);
  in.octets(sys_flag & store_ipv6 ? 20 : 8);
  in.octets(12);  // reconsume times, position of the half message
  pulled.body = in.octets(in.u32());
  if (!in.ok() || size < in.offset() || size > octets.size()) return std::nullopt;
  octets.remove_prefix(size);
  return pulled;
}

std::optional<std::uint64_t> stamp_of(std::string_view body) {
  base::Reader in(body);
  const std::uint64_t stamp = in.u64();
  if (!in.ok()) return std::nullopt;
  return stamp;
}

void write_digits(char* to, std::size_t width, std::uint64_t number) {
  for (std::size_t i = width; i > 0; number /= 10) to[--i] = static_cast<char>('0' + number % 10);
}

SendStamp::SendStamp(const SendShape& shape) {
  const std::string id = unique_id(shape.producer);
  HeaderText header(shape.batch > 1 ? Code::send_batch : Code::send);
  header.field("a", shape.group);
  topic_at_ = header.field("b", topic_name(shape.topic, 0)) + shape.topic.size() + 1;
  header.field("c", "TBW102");
  header.field("d", "4");
  queue_at_ = header.field("e", zeros(queue_digits));
  header.field("f", shape.half ? "4" : "0");
  born_at_ = header.field("g", zeros(born_digits));
  header.field("h", "0");
  // Octets 1 and 2 part names, values and pairs of the properties.
  std::string properties = shape.half ? fmt::format(R"(TRAN_MSG\u0001true\u0002PGROUP\u0001{}\u0002)", shape.group) : "";
  properties += R"(UNIQ_KEY\u0001)";
  const std::size_t unique_in_properties = properties.size();
  properties += id + R"(\u0002WAIT\u0001true\u0002)";
  unique_at_.push_back(header.field("i", properties) + unique_in_properties + unique_size - unique_digits);
  header.field("j", "0");
  header.field("k", "false");
  header.field("m", shape.batch > 1 ? "true" : "false");
  header.field("n", "broker-a");
  opaque_at_ = header.end(opaque_base);
  for (std::size_t* at : {&topic_at_, &queue_at_, &born_at_, &unique_at_.front(), &opaque_at_}) *at += header_at;

  std::string body;
  const std::size_t body_at = header_at + header.text().size();
  if (shape.batch == 1) {
    stamp_at_.push_back(body_at);
    body = body_text(shape.body_octets);
  } else {
    const std::string own = std::string("UNIQ_KEY\1") + id + "\2WAIT\1true\2";
    base::Writer out(body);
    for (std::uint32_t i = 0; i < shape.batch; ++i) {
      out.u32(static_cast<std::uint32_t>(22 + shape.body_octets + own.size()));
      out.octets(std::string(12, '\0'));  // magic, CRC, flag
      out.u32(shape.body_octets);
      stamp_at_.push_back(body_at + out.size());
      out.octets(body_text(shape.body_octets));
      out.u16(static_cast<std::uint16_t>(own.size()));
      unique_at_.push_back(body_at + out.size() + std::strlen("UNIQ_KEY\1") + unique_size - unique_digits);
      out.octets(own);
    }
  }
  frame_ = framed(header.text(), body);
}

void SendStamp::write(char* to, const SendNumbers& numbers) const {
  std::memcpy(to, frame_.data(), frame_.size());
  write_digits(to + opaque_at_, opaque_digits, opaque_base + numbers.slot);
  write_digits(to + topic_at_, topic_digits, numbers.topic);
  write_digits(to + queue_at_, queue_digits, numbers.queue);
  write_digits(to + born_at_, born_digits, numbers.born_ms);
  // The header of a batch has the id of its first message.
  std::uint64_t unique = numbers.unique;
  write_digits(to + unique_at_.front(), unique_digits, unique);
  for (std::size_t i = 1; i < unique_at_.size(); ++i) write_digits(to + unique_at_[i], unique_digits, unique++);
  for (const std::size_t at : stamp_at_) write_u64(to + at, numbers.stamp_ns);
}

EndStamp::EndStamp(const SendShape& shape) {
  const std::string id = unique_id(shape.producer);
  HeaderText header(Code::end_transaction);
  header.field("producerGroup", shape.group);
  header.field("bname", "broker-a");
  position_at_ = header.field("commitLogOffset", zeros(offset_digits));
  topic_at_ = header.field("topic", topic_name(shape.topic, 0)) + shape.topic.size() + 1;
  unique_at_.push_back(header.field("msgId", id) + unique_size - unique_digits);
  offset_at_ = header.field("tranStateTableOffset", zeros(offset_digits));
  header.field("commitOrRollback", "8");
  unique_at_.push_back(header.field("transactionId", id) + unique_size - unique_digits);
  header.field("fromTransactionCheck", "false");
  opaque_at_ = header.end(opaque_base);
  for (std::size_t* at : {&position_at_, &topic_at_, &unique_at_[0], &offset_at_, &unique_at_[1], &opaque_at_}) *at += header_at;
  frame_ = framed(header.text(), {});
}

void EndStamp::write(char* to, std::uint32_t slot, std::uint32_t topic, std::uint64_t unique, std::int64_t half_offset,
                     std::int64_t half_position) const {
  std::memcpy(to, frame_.data(), frame_.size());
  write_digits(to + opaque_at_, opaque_digits, opaque_base + slot);
  write_digits(to + topic_at_, topic_digits, topic);
  write_digits(to + offset_at_, offset_digits, static_cast<std::uint64_t>(half_offset));
  write_digits(to + position_at_, offset_digits, static_cast<std::uint64_t>(half_position));
  for (const std::size_t at : unique_at_) write_digits(to + at, unique_digits, unique);
}

std::optional<std::int64_t> position_of_id(std::string_view id) {
  constexpr std::size_t host_digits = 16;
  if (id.size() != 2 * host_digits) return std::nullopt;
  std::int64_t position = 0;
  const auto [end, error] = std::from_chars(id.data() + host_digits, id.data() + id.size(), position, 16);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return position;
}

PullStamp::PullStamp(std::string_view group, std::string_view topic, std::uint32_t queue, std::uint32_t slot, bool held) {
  HeaderText header(Code::pull);
  header.field("queueId", std::to_string(queue));
  header.field("maxMsgBytes", "262144");
  header.field("maxMsgNums", "32");
  // 1: the committed offset is given, 2: may be held, 4: the subscription is given.
  header.field("sysFlag", held ? "7" : "4");
  header.field("suspendTimeoutMillis", std::to_string(held ? hold_ms : 0));
  commit_at_ = header.field("commitOffset", zeros(offset_digits)) + header_at;
  header.field("bname", "broker-a");
  header.field("topic", topic);
  offset_at_ = header.field("queueOffset", zeros(offset_digits)) + header_at;
  header.field("expressionType", "TAG");
  header.field("subscription", "*");
  header.field("subVersion", "0");
  header.field("consumerGroup", group);
  header.end(opaque_base + slot);
  frame_ = framed(header.text(), {});
}

std::string_view PullStamp::at(std::int64_t offset) {
  write_digits(frame_.data() + offset_at_, offset_digits, static_cast<std::uint64_t>(offset));
  write_digits(frame_.data() + commit_at_, offset_digits, static_cast<std::uint64_t>(offset));
  return frame_;
}

}  // namespace chorus::bench::rocketmq
