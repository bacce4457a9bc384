#include "cache/zsets/zset_value.h"

namespace chorus::cache {
namespace {

/// What a score takes there, at most.
constexpr std::size_t score_octets_max = 32;

/// Scores in a packed list are text, or integers.
double score_at(const Listpack& pack, Listpack::Position at) {
  const auto element = pack.get(at);
  return element.integer ? static_cast<double>(*element.integer) : parse_double(element.text).value_or(0);
}

}  // namespace

Entry* ZsetValue::make(const Thresholds& thresholds, std::string_view key, std::size_t first_member_size) {
  if (thresholds.zset_listpack_entries == 0 || first_member_size > thresholds.zset_listpack_value) {
    return Entry::make(key, Type::zset, Encoding::skiplist, RankedSet::make());
  }
  return Entry::make(key, Type::zset, Encoding::listpack, Listpack::make().block());
}

std::size_t ZsetValue::size() const { return is_packed() ? Listpack(entry_->payload<void>()).count() / 2 : ranked().size(); }

Listpack::Position ZsetValue::find(std::string_view member, std::size_t& rank) const {
  const Listpack pack(entry_->payload<void>());
  rank = 0;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(pack.next(at)), ++rank) {
    if (pack.equals(at, member)) return at;
  }
  return pack.end();
}

std::optional<double> ZsetValue::score(std::string_view member) const {
  if (!is_packed()) {
    const auto* node = ranked().find(member);
    return node == nullptr ? std::nullopt : std::optional(node->score);
  }
  const Listpack pack(entry_->payload<void>());
  const auto at = pack.find(member, pack.begin(), 2);
  if (at == pack.end()) return {};
  return score_at(pack, pack.next(at));
}

bool ZsetValue::set(std::string_view member, double score) {
  if (is_packed() && !Listpack(entry_->payload<void>()).has_room(Listpack::size_of(member) + score_octets_max)) unpack();
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    const auto at = pack.find(member, pack.begin(), 2);
    const bool is_new = at == pack.end();
    if (!is_new) {
      if (score_at(pack, pack.next(at)) == score) return false;
      pack.erase(at, 2);
      entry_->set_payload(Encoding::listpack, pack.block());
    } else if (size() + 1 > thresholds_->zset_listpack_entries || member.size() > thresholds_->zset_listpack_value) {
      unpack();
      ranked().insert(member, score);
      return true;
    }
    insert_packed(member, score);
    return is_new;
  }
  auto* node = ranked().find(member);
  if (node == nullptr) {
    ranked().insert(member, score);
    return true;
  }
  if (node->score != score) ranked().set_score(node, score);
  return false;
}

void ZsetValue::insert_packed(std::string_view member, double score) {
  Listpack pack(entry_->payload<void>());
  NumberText scratch;
  auto at = pack.begin();
  for (; at != pack.end(); at = pack.next(pack.next(at))) {
    const double there = score_at(pack, pack.next(at));
    if (there > score || (there == score && pack.get(at).in(scratch) > member)) break;
  }
  const auto member_at = pack.insert(at, member);
  pack.insert(pack.next(member_at), double_text(score));
  entry_->set_payload(Encoding::listpack, pack.block());
}

bool ZsetValue::remove(std::string_view member) {
  if (!is_packed()) {
    auto* node = ranked().find(member);
    if (node != nullptr) ranked().remove(node);
    return node != nullptr;
  }
  Listpack pack(entry_->payload<void>());
  const auto at = pack.find(member, pack.begin(), 2);
  if (at == pack.end()) return false;
  pack.erase(at, 2);
  entry_->set_payload(Encoding::listpack, pack.block());
  return true;
}

std::optional<std::size_t> ZsetValue::rank(std::string_view member) const {
  if (!is_packed()) {
    const auto* node = ranked().find(member);
    return node == nullptr ? std::nullopt : std::optional(ranked().rank(node));
  }
  std::size_t rank = 0;
  if (find(member, rank) == Listpack(entry_->payload<void>()).end()) return {};
  return rank;
}

std::size_t ZsetValue::count_below(double score, bool or_equal) const {
  if (!is_packed()) return ranked().lower_bound(score, or_equal);
  const Listpack pack(entry_->payload<void>());
  std::size_t count = 0;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(pack.next(at)), ++count) {
    const double there = score_at(pack, pack.next(at));
    if (or_equal ? there > score : there >= score) break;
  }
  return count;
}

std::size_t ZsetValue::count_below_lex(std::string_view member, bool or_equal) const {
  if (!is_packed()) return ranked().lower_bound_lex(member, or_equal);
  const Listpack pack(entry_->payload<void>());
  NumberText scratch;
  std::size_t count = 0;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(pack.next(at)), ++count) {
    const std::string_view there = pack.get(at).in(scratch);
    if (or_equal ? there > member : there >= member) break;
  }
  return count;
}

void ZsetValue::for_range(std::size_t start, std::size_t count, bool reverse, const Visit& visit) const {
  if (count == 0) return;
  if (!is_packed()) {
    auto at = ranked().at(start);
    for (; at.node() != nullptr && count > 0; --count) {
      visit(at.node()->member(), at.node()->score);
      reverse ? at.previous() : at.next();
    }
    return;
  }
  const Listpack pack(entry_->payload<void>());
  NumberText scratch;
  for (auto at = pack.seek(static_cast<std::int64_t>(start) * 2); at != pack.end() && count > 0; --count) {
    visit(pack.get(at).in(scratch), score_at(pack, pack.next(at)));
    if (!reverse) {
      at = pack.next(pack.next(at));
    } else {
      const auto before = pack.previous(at);
      if (before == pack.end()) break;
      at = pack.previous(before);
    }
  }
}

void ZsetValue::erase_range(std::size_t start, std::size_t count) {
  if (count == 0) return;
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    pack.erase(pack.seek(static_cast<std::int64_t>(start) * 2), count * 2);
    return entry_->set_payload(Encoding::listpack, pack.block());
  }
  for (; count > 0 && start < ranked().size(); --count) ranked().remove(start);
}

std::uint64_t ZsetValue::scan(std::uint64_t cursor, const Visit& visit) const {
  if (!is_packed()) return ranked().scan(cursor, [&](const RankedSet::Node* node) { visit(node->member(), node->score); });
  for_range(0, size(), false, visit);
  return 0;
}

void ZsetValue::unpack() {
  auto* set = RankedSet::make();
  for_range(0, size(), false, [&](std::string_view member, double score) { set->insert(member, score); });
  Listpack(entry_->payload<void>()).destroy();
  entry_->set_payload(Encoding::skiplist, set);
}

}  // namespace chorus::cache
