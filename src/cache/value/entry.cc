#include "cache/value/entry.h"

#include <algorithm>
#include <cstring>

#include "base/ensure.h"
#include "cache/memory.h"

namespace chorus::cache {
namespace {

constexpr std::size_t short_key_max = 254;

std::size_t length_size(std::size_t key) { return key <= short_key_max ? 1 : 5; }

}  // namespace

std::string_view name_of(Type type) {
  constexpr std::string_view names[] = {"string", "list", "set", "zset", "hash", "stream"};
  return names[static_cast<std::size_t>(type)];
}

Text* make_text(std::string_view octets, std::size_t size, std::size_t capacity) {
  auto* text = static_cast<Text*>(memory::allocate(sizeof(Text) + std::max(size, capacity)));
  text->size = size;
  const std::size_t copied = std::min(octets.size(), size);
  if (copied > 0) std::memcpy(text->octets(), octets.data(), copied);
  std::memset(text->octets() + copied, 0, size - copied);
  return text;
}

Entry* Entry::allocate(std::string_view key, Type type, Encoding encoding, std::size_t value_size, std::optional<std::int64_t> expiry) {
  const std::size_t octets =
      sizeof(Entry) + (expiry ? 8 : 0) + (encoding == Encoding::embedded ? value_size : 8) + length_size(key.size()) + key.size();
  auto* entry = static_cast<Entry*>(memory::allocate(octets));
  entry->access_ = 0;
  entry->type_ = static_cast<std::uint8_t>(type) & 0xf;
  entry->encoding_ = static_cast<std::uint8_t>(encoding) & 0xf;
  entry->flags_ = expiry ? has_expiry : 0;
  entry->value_size_ = encoding == Encoding::embedded ? static_cast<std::uint16_t>(value_size) : 0;
  if (expiry) entry->set_expiry(*expiry);
  char* at = entry->base() + entry->key_at();
  if (key.size() <= short_key_max) {
    *at++ = static_cast<char>(key.size());
  } else {
    const auto size = static_cast<std::uint32_t>(key.size());
    *at++ = static_cast<char>(255);
    std::memcpy(at, &size, sizeof size);
    at += sizeof size;
  }
  if (!key.empty()) std::memcpy(at, key.data(), key.size());
  return entry;
}

Entry* Entry::make_string(std::string_view key, std::string_view value, std::optional<std::int64_t> expiry) {
  if (value.size() <= 20) {
    if (const auto number = parse_integer(value)) return make_integer(key, *number, expiry);
  }
  if (value.size() > embedded_octets_max) {
    return make(key, Type::string, Encoding::raw, make_text(value, value.size(), value.size()), expiry);
  }
  Entry* entry = allocate(key, Type::string, Encoding::embedded, value.size(), expiry);
  const std::string_view own = entry->key();
  if (!value.empty()) std::memcpy(const_cast<char*>(own.data()) + own.size(), value.data(), value.size());
  return entry;
}

Entry* Entry::make_integer(std::string_view key, std::int64_t value, std::optional<std::int64_t> expiry) {
  Entry* entry = allocate(key, Type::string, Encoding::integer, 0, expiry);
  entry->set_integer(value);
  return entry;
}

Entry* Entry::make(std::string_view key, Type type, Encoding encoding, void* payload, std::optional<std::int64_t> expiry) {
  ENSURE(encoding != Encoding::embedded && encoding != Encoding::integer);
  Entry* entry = allocate(key, type, encoding, 0, expiry);
  entry->set_payload(encoding, payload);
  return entry;
}

Entry* Entry::remake(const Entry& from, std::string_view key, std::optional<std::int64_t> expiry) {
  Entry* entry = allocate(key, from.type(), from.encoding(), from.value_size_, expiry);
  entry->access_ = from.access_;
  if (from.encoding() == Encoding::embedded) {
    const std::string_view own = entry->key(), old = from.key();
    std::memcpy(const_cast<char*>(own.data()) + own.size(), old.data() + old.size(), from.value_size_);
  } else {
    std::memcpy(entry->base() + entry->word_at(), from.base() + from.word_at(), 8);
  }
  return entry;
}

void Entry::release_shell(Entry* entry) { memory::release(entry); }

std::string_view Entry::key() const {
  const char* at = base() + key_at();
  const auto first = static_cast<unsigned char>(*at);
  if (first <= short_key_max) return {at + 1, first};
  std::uint32_t size = 0;
  std::memcpy(&size, at + 1, sizeof size);
  return {at + 5, size};
}

std::int64_t Entry::expiry_at() const {
  std::int64_t at = 0;
  std::memcpy(&at, base() + sizeof(Entry), sizeof at);
  return at;
}

std::optional<std::int64_t> Entry::expiry() const { return expires() ? std::optional(expiry_at()) : std::nullopt; }

void Entry::set_expiry(std::int64_t at) {
  ENSURE(expires());
  std::memcpy(base() + sizeof(Entry), &at, sizeof at);
}

void* Entry::pointer() const {
  void* at = nullptr;
  std::memcpy(&at, base() + word_at(), sizeof at);
  return at;
}

void Entry::set_payload(Encoding encoding, void* payload) {
  ENSURE(encoding != Encoding::embedded && this->encoding() != Encoding::embedded);
  encoding_ = static_cast<std::uint8_t>(encoding) & 0xf;
  std::memcpy(base() + word_at(), &payload, sizeof payload);
}

std::int64_t Entry::integer() const {
  std::int64_t value = 0;
  std::memcpy(&value, base() + word_at(), sizeof value);
  return value;
}

void Entry::set_integer(std::int64_t value) {
  ENSURE(encoding() == Encoding::integer);
  std::memcpy(base() + word_at(), &value, sizeof value);
}

std::string_view Entry::text(NumberText& scratch) const {
  if (encoding() == Encoding::embedded) {
    const std::string_view own = key();
    return {own.data() + own.size(), value_size_};
  }
  if (encoding() == Encoding::integer) return scratch.of(integer());
  const auto* text = payload<Text>();
  return {text->octets(), text->size};
}

std::size_t Entry::text_size() const {
  NumberText scratch;
  return text(scratch).size();
}

bool Entry::assign_embedded(std::string_view value) {
  if (encoding() != Encoding::embedded) return false;
  const std::string_view own = key();
  const auto before = static_cast<std::size_t>(own.data() + own.size() - base());
  const std::size_t room = memory::capacity(this);
  if (value.size() > embedded_octets_max || before + value.size() > room || room > 2 * (before + value.size()) + 32) return false;
  value_size_ = static_cast<std::uint16_t>(value.size());
  if (!value.empty()) std::memcpy(base() + before, value.data(), value.size());
  return true;
}

std::size_t Entry::shell_cost() const { return memory::cost(this); }

}  // namespace chorus::cache
