#include "cache/rdb/payload.h"

#include "base/checksum.h"
#include "cache/rdb/file_writer.h"
#include "cache/rdb/value_reader.h"
#include "cache/rdb/value_writer.h"

namespace chorus::cache::rdb {
namespace {

constexpr std::size_t version_octets = 2, checksum_octets = 8;

void write_footer(std::string& out, const WriteOptions& options) {
  write_little(out, version_octets, options.version);
  write_little(out, checksum_octets, base::crc64_jones(out));
}

/// What is before the footer; nothing: that is not whole, or not what it says.
std::optional<std::string_view> body_of(std::string_view payload) {
  if (payload.size() < version_octets + checksum_octets) return {};
  const std::size_t body = payload.size() - version_octets - checksum_octets;
  Input footer(payload.substr(body));
  std::uint64_t version = 0, checksum = 0;
  footer.little(version_octets, version);
  footer.little(checksum_octets, checksum);
  if (version > version_max || checksum != base::crc64_jones(payload.substr(0, body + version_octets))) return {};
  return payload.substr(0, body);
}

}  // namespace

std::string make_payload(const Entry& entry, const WriteOptions& options) {
  std::string out(1, static_cast<char>(value_type(entry, options)));
  write_value(out, entry, options);
  write_footer(out, options);
  return out;
}

std::optional<std::string> make_small_payload(const Entry& entry, const WriteOptions& options, std::size_t octets_max) {
  std::string out(1, static_cast<char>(value_type(entry, options)));
  if (!ValueWriter(entry, options).step(out, octets_max)) return {};
  write_footer(out, options);
  return out;
}

base::Result<Entry*, PayloadErrc> read_payload(std::string_view payload, std::string_view key, std::optional<std::int64_t> expiry,
                                               const Thresholds& thresholds) {
  const auto body = body_of(payload);
  if (!body) return std::unexpected(PayloadErrc::checksum);
  Input input(*body);
  std::uint8_t type = 0;
  ValueReader reader(thresholds);
  if (!input.u8(type) || !reader.begin(type, key, expiry)) return std::unexpected(PayloadErrc::format);
  const auto is_whole = reader.step(input);
  Entry* entry = is_whole && *is_whole ? reader.take() : nullptr;
  if (entry == nullptr) return std::unexpected(PayloadErrc::format);
  return entry;
}

std::string make_functions_payload(std::span<const std::string_view> codes, const WriteOptions& options) {
  std::string out;
  for (const std::string_view code : codes) write_function(out, code, options);
  write_footer(out, options);
  return out;
}

base::Result<std::vector<std::string>, FunctionsErrc> read_functions_payload(std::string_view payload) {
  const auto body = body_of(payload);
  if (!body) return std::unexpected(FunctionsErrc::checksum);
  std::vector<std::string> codes;
  Input input(*body);
  while (input.remaining() > 0) {
    std::uint8_t type = 0;
    Token code;
    if (!input.u8(type) || type != static_cast<std::uint8_t>(Opcode::function)) return std::unexpected(FunctionsErrc::type);
    if (!input.string(code)) return std::unexpected(FunctionsErrc::format);
    codes.emplace_back(code.view());
  }
  return codes;
}

}  // namespace chorus::cache::rdb
