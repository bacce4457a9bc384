#include "cache/value/stream_node.h"

#include "cache/value/stream.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t flag_deleted = 1, flag_same_fields = 2;

StreamId id_at(const Listpack& pack, StreamId node, Listpack::Position ms_at) {
  // Differences wrap around: a later entry may well have the smaller sequence.
  return {node.ms + static_cast<std::uint64_t>(number_at(pack, ms_at)),
          node.seq + static_cast<std::uint64_t>(number_at(pack, pack.next(ms_at)))};
}

}  // namespace

std::int64_t number_at(const Listpack& pack, Listpack::Position at) { return pack.get(at).integer.value_or(0); }

StreamNodeHead::StreamNodeHead(const Listpack& pack) : pack_(pack) {
  auto at = pack.begin();
  count_ = number_at(pack, at);
  at = pack.next(at);
  deleted_ = number_at(pack, at);
  at = pack.next(at);
  fields_ = static_cast<std::size_t>(number_at(pack, at));
  names_ = at = pack.next(at);
  for (std::size_t i = 0; i < fields_; ++i) at = pack.next(at);
  entries_ = pack.next(at);
}

bool StreamNodeHead::has_fields(std::span<const std::string_view> fields) const {
  if (fields.size() != fields_ * 2) return false;
  auto at = names_;
  for (std::size_t i = 0; i < fields.size(); i += 2, at = pack_.next(at)) {
    if (!pack_.equals(at, fields[i])) return false;
  }
  return true;
}

void StreamNodeHead::change(Listpack& pack, std::int64_t to_count, std::int64_t to_deleted) const {
  NumberText number;
  const auto at = pack.begin();
  if (to_count != 0) pack.replace(at, number.of(count_ + to_count));
  if (to_deleted != 0) pack.replace(pack.next(at), number.of(deleted_ + to_deleted));
}

StreamNodeEntry::StreamNodeEntry(const Listpack& pack, std::size_t node_fields, StreamId node, Listpack::Position at) : at(at) {
  const std::int64_t flags = number_at(pack, at);
  is_deleted = (flags & flag_deleted) != 0;
  shares_fields = (flags & flag_same_fields) != 0;
  auto next = pack.next(at);
  id = id_at(pack, node, next);
  next = pack.next(pack.next(next));
  fields = node_fields;
  if (!shares_fields) {
    fields = static_cast<std::size_t>(number_at(pack, next));
    next = pack.next(next);
  }
  values = next;
  for (std::size_t i = 0; i < fields * (shares_fields ? 1 : 2); ++i) next = pack.next(next);
  end = pack.next(next);
}

void StreamNodeEntry::mark_deleted(Listpack& pack) const {
  NumberText number;
  pack.replace(at, number.of(flag_deleted | (shares_fields ? flag_same_fields : 0)));
}

StreamId last_of_node(const Listpack& pack, StreamId node) {
  auto at = pack.last();
  for (std::int64_t back = number_at(pack, at); back > 0; --back) at = pack.previous(at);
  return id_at(pack, node, pack.next(at));
}

std::optional<std::uint64_t> Stream::check_node(const Listpack& pack) {
  auto at = pack.begin();
  const auto end = pack.end();
  bool is_sound = true;
  const auto number = [&]() -> std::int64_t {
    if (at == end) return is_sound = false, 0;
    const auto element = pack.get(at);
    at = pack.next(at);
    if (!element.integer) is_sound = false;
    return element.integer.value_or(0);
  };
  const auto skip = [&](std::int64_t count) {
    for (; count > 0 && is_sound; --count) {
      if (at == end) {
        is_sound = false;
      } else {
        at = pack.next(at);
      }
    }
  };
  const std::int64_t count = number(), deleted = number(), fields = number();
  // None that lives is no fault: trimming within a node leaves such.
  if (!is_sound || count < 0 || deleted < 0 || fields < 1) return {};
  skip(fields);
  if (number() != 0) return {};
  std::int64_t living = 0, dead = 0;
  while (is_sound && at != end) {
    const std::int64_t flags = number();
    number();
    number();
    const bool shares = (flags & flag_same_fields) != 0;
    const std::int64_t own = shares ? fields : number();
    if (!is_sound || own < 0 || own > static_cast<std::int64_t>(pack.octets()) || (flags & ~(flag_deleted | flag_same_fields)) != 0)
      return {};
    const std::int64_t elements = shares ? 3 + own : 4 + own * 2;
    skip(shares ? own : own * 2);
    if (number() != elements) return {};
    ++((flags & flag_deleted) != 0 ? dead : living);
  }
  if (!is_sound || living != count || dead != deleted) return {};
  return static_cast<std::uint64_t>(living);
}

}  // namespace chorus::cache
