#include "cache/rdb/file_reader.h"

#include <fmt/format.h>

#include <limits>

#include "base/checksum.h"
#include "cache/resp/number.h"

namespace chorus::cache::rdb {
namespace {

constexpr std::size_t header_octets = 9;
constexpr unsigned valkey_version_least = 80, valkey_version_max = 81;

}  // namespace

base::Result<bool, std::string> FileReader::feed(std::string_view octets) {
  rest_ = {};
  if (!error_.empty()) return std::unexpected(error_);
  if (has_ended()) {
    rest_ = octets;
    return true;
  }
  const std::size_t kept = buffer_.size();
  if (kept > 0) {
    buffer_ += octets;
    octets_ = buffer_;
  } else {
    octets_ = octets;
  }
  committed_ = 0;
  Input input(octets_);
  for (;;) {
    const Progress progress = read(input);
    if (!progress) {
      error_ = fmt::format("{} (at octet {})", progress.error(), offset_ + input.position() - committed_);
      return std::unexpected(error_);
    }
    commit(input);
    if (!*progress || has_ended()) break;
  }
  if (has_ended()) {
    rest_ = octets.substr(octets.size() - (octets_.size() - committed_));
    buffer_.clear();
    return true;
  }
  if (kept > 0) {
    buffer_.erase(0, committed_);
  } else {
    buffer_ = octets.substr(committed_);
  }
  return false;
}

void FileReader::commit(Input& input) {
  const std::string_view used = octets_.substr(committed_, input.position() - committed_);
  // The checksum itself is not in it.
  if (!has_ended()) checksum_ = base::crc64_jones(used, checksum_);
  offset_ += used.size();
  committed_ = input.position();
}

FileReader::Progress FileReader::read(Input& input) {
  const std::size_t mark = input.position();
  Progress progress = false;
  switch (state_) {
    case State::header:
      progress = read_header(input);
      break;
    case State::opcode:
      progress = read_opcode(input);
      break;
    case State::module_aux:
      progress = read_module_aux(input);
      break;
    case State::value:
      // Keeps by itself what it has used.
      return read_value(input);
    case State::checksum:
      progress = read_checksum(input);
      break;
    case State::ended:
      return true;
  }
  if (input.has_failed()) return std::unexpected(input.error());
  if (progress && !*progress) input.rewind(mark);
  return progress;
}

FileReader::Progress FileReader::read_header(Input& input) {
  std::string_view header;
  if (!input.octets(header_octets, header)) return false;
  const bool is_valkey = header.starts_with("VALKEY");
  if (!is_valkey && !header.starts_with("REDIS")) return std::unexpected("Wrong signature trying to load DB from file");
  unsigned version = 0;
  for (const char digit : header.substr(is_valkey ? 6 : 5)) {
    if (digit < '0' || digit > '9') return std::unexpected("Wrong signature trying to load DB from file");
    version = version * 10 + static_cast<unsigned>(digit - '0');
  }
  const bool is_known =
      is_valkey ? version >= valkey_version_least && version <= valkey_version_max : version >= 1 && version <= version_max;
  if (!is_known) return std::unexpected(fmt::format("Can't handle RDB format version {}", version));
  version_ = version;
  state_ = State::opcode;
  return true;
}

FileReader::Progress FileReader::skip_lengths(Input& input, std::size_t count) {
  std::uint64_t ignored = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!input.length(ignored)) return false;
  }
  return true;
}

FileReader::Progress FileReader::read_opcode(Input& input) {
  std::uint8_t code = 0;
  if (!input.u8(code)) return false;
  std::uint64_t first = 0, second = 0;
  switch (static_cast<Opcode>(code)) {
    case Opcode::end:
      state_ = version_ >= version_with_checksum ? State::checksum : State::ended;
      return true;
    case Opcode::database: {
      if (!input.length(first)) return false;
      if (auto outcome = sink_.on_database(first); !outcome) return std::unexpected(outcome.error());
      return true;
    }
    case Opcode::expiry_s:
      if (!input.little(4, first)) return false;
      expiry_ = static_cast<std::int64_t>(static_cast<std::int32_t>(first)) * 1000;
      return true;
    case Opcode::expiry_ms:
      if (!input.little(8, first)) return false;
      expiry_ = static_cast<std::int64_t>(first);
      return true;
    case Opcode::sizes:
      if (!input.length(first) || !input.length(second)) return false;
      sink_.on_sizes(first, second);
      return true;
    case Opcode::aux:
      if (!input.string(first_) || !input.string(second_)) return false;
      sink_.on_aux(first_.view(), second_.view());
      return true;
    case Opcode::frequency: {
      std::uint8_t frequency = 0;
      if (!input.u8(frequency)) return false;
      use_.frequency = frequency;
      return true;
    }
    case Opcode::idle:
      if (!input.length(first)) return false;
      use_.idle_s = first;
      return true;
    case Opcode::module_aux:
      if (!input.length(first)) return false;
      state_ = State::module_aux;
      return true;
    case Opcode::function_before_release:
      return std::unexpected("Pre-release function format not supported");
    case Opcode::function: {
      if (!input.string(first_)) return false;
      if (auto outcome = sink_.on_function(first_.view()); !outcome) return std::unexpected(outcome.error());
      return true;
    }
    case Opcode::slot_info:
      return skip_lengths(input, 3);
    case Opcode::slot_import: {
      if (!input.string(first_) || !input.length(first)) return false;
      if (first > 16384) return std::unexpected("more ranges of slots than there are slots");
      return skip_lengths(input, 2 * first);
    }
  }
  return read_key(input, code);
}

FileReader::Progress FileReader::read_key(Input& input, std::uint8_t type) {
  if (!input.string(first_)) return false;
  auto begun = value_.begin(type, first_.view(), expiry_);
  if (!begun) return std::unexpected(begun.error());
  state_ = State::value;
  return true;
}

/// What a module keeps beside keys: numbers, floats and strings up to a zero. Without that module nobody misses it.
FileReader::Progress FileReader::read_module_aux(Input& input) {
  std::uint64_t kind = 0, number = 0;
  std::string_view octets;
  if (!input.length(kind)) return false;
  switch (kind) {
    case 0:
      state_ = State::opcode;
      return true;
    case 1:
    case 2:
      return input.length(number);
    case 3:
      return input.octets(4, octets);
    case 4:
      return input.octets(8, octets);
    case 5:
      return input.string(first_);
    default:
      return std::unexpected("data of a module that is damaged");
  }
}

FileReader::Progress FileReader::read_value(Input& input) {
  auto progress = value_.step(input);
  if (!progress || !*progress) return progress;
  state_ = State::opcode;
  Entry* entry = value_.take();
  const KeyUse use = std::exchange(use_, {});
  expiry_.reset();
  if (entry == nullptr) return true;  // empty, as bugs of old versions left some behind
  if (auto outcome = sink_.on_key(entry, use); !outcome) return std::unexpected(outcome.error());
  return true;
}

FileReader::Progress FileReader::read_checksum(Input& input) {
  std::uint64_t stored = 0;
  if (!input.little(8, stored)) return false;
  // All zero: it was not computed.
  if (stored != 0 && stored != checksum_) {
    return std::unexpected(fmt::format("Wrong RDB checksum expected: ({:x}) but got ({:x})", checksum_, stored));
  }
  state_ = State::ended;
  return true;
}

}  // namespace chorus::cache::rdb
