#include "mq/rocketmq/body/topic_config.h"

#include <fmt/format.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/ensure.h"

namespace chorus::mq::rocketmq {
namespace {

std::optional<std::string> inflate_all(std::string_view deflated, std::size_t octets_max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() < octets_max) {
    const std::size_t had = out.size();
    out.resize(std::min(octets_max, std::max<std::size_t>(4096, 2 * had)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    stream.avail_out = static_cast<uInt>(out.size() - had);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) break;  // cut
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return out;
}

std::string deflate_all(std::string_view plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  std::string out(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
                               static_cast<uLong>(plain.size()), Z_BEST_COMPRESSION);
  ENSURE(status == Z_OK, status);
  out.resize(size);
  return out;
}

// "name read write perm SINGLE_TAG {attributes}"; brokers before 5.0 write no attributes, and a space inside of them ends them for Java,
// too.
std::optional<TopicConfig> parse_line(std::string_view line) {
  const std::vector<std::string_view> parts = base::split(line, ' ');
  if (parts.size() < 5 || parts[0].empty()) return std::nullopt;
  TopicConfig config{.name = std::string(parts[0])};
  std::int32_t* const numbers[] = {&config.read_queues, &config.write_queues, &config.perm};
  for (int i = 0; i < 3; ++i) {
    const auto number = base::parse_int(parts[static_cast<std::size_t>(i) + 1]);
    if (!number || *number != static_cast<std::int32_t>(*number)) return std::nullopt;
    *numbers[i] = static_cast<std::int32_t>(*number);
  }
  if (parts[4] == "MULTI_TAG") config.filter_type = TopicFilterType::multi_tag;
  if (parts.size() > 5) {
    JsonReader in(parts[5]);
    std::map<std::string, std::string> attributes;
    read(in, attributes);
    if (in.ok()) config.attributes = std::move(attributes);
  }
  return config;
}

std::string line_of(const TopicConfig& config) {
  std::string attributes;
  JsonWriter out(attributes);
  write(out, config.attributes);
  return fmt::format("{} {} {} {} {} {}", config.name, config.read_queues, config.write_queues, config.perm,
                     names_of(config.filter_type)[static_cast<std::size_t>(config.filter_type)], attributes);
}

}  // namespace

std::optional<RegisterBroker> decode_compressed_registration(std::string_view body, bool with_mappings, std::size_t octets_max) {
  const auto plain = inflate_all(body, octets_max);
  if (!plain) return std::nullopt;
  base::Reader in(*plain);
  RegisterBroker registration;
  auto version = decode_body<DataVersion>(in.octets(in.u32()));
  if (!version) return std::nullopt;
  registration.topics.version = *version;
  for (std::uint32_t left = in.u32(); left > 0; --left) {
    auto config = parse_line(in.octets(in.u32()));
    if (!config) return std::nullopt;
    std::string name = config->name;
    registration.topics.topics[std::move(name)] = std::move(*config);
  }
  JsonReader servers(in.octets(in.u32()));
  read(servers, registration.filter_servers);
  for (std::uint32_t left = with_mappings ? in.u32() : 0; left > 0; --left) {
    const std::string_view text = in.octets(in.u32());
    JsonReader mapping(text);
    std::string topic;
    mapping.object([&](std::string_view key) {
      if (key == "topic") read(mapping, topic);
    });
    if (!mapping.ok() || topic.empty()) return std::nullopt;
    registration.topics.mappings[topic].text = text;
  }
  if (!in.ok()) return std::nullopt;
  return registration;
}

std::string encode_compressed_registration(const RegisterBroker& registration, bool with_mappings) {
  std::string plain;
  base::Writer out(plain);
  const auto put = [&](std::string_view text) {
    out.u32(static_cast<std::uint32_t>(text.size()));
    out.octets(text);
  };
  put(encode_body(registration.topics.version));
  out.u32(static_cast<std::uint32_t>(registration.topics.topics.size()));
  for (const auto& [name, config] : registration.topics.topics) put(line_of(config));
  std::string servers;
  JsonWriter array(servers);
  write(array, registration.filter_servers);
  put(servers);
  if (with_mappings) {
    out.u32(static_cast<std::uint32_t>(registration.topics.mappings.size()));
    for (const auto& [topic, mapping] : registration.topics.mappings) put(mapping.text);
  }
  return deflate_all(plain);
}

}  // namespace chorus::mq::rocketmq
