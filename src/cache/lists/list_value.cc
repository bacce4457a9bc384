#include "cache/lists/list_value.h"

#include <algorithm>

namespace chorus::cache {

Entry* ListValue::make(std::string_view key) { return Entry::make(key, Type::list, Encoding::listpack, Listpack::make().block()); }

std::size_t ListValue::size() const { return is_packed() ? Listpack(entry_->payload<void>()).count() : chain().size(); }

void ListValue::grow_for(std::string_view value) {
  if (!is_packed()) return;
  const Listpack pack(entry_->payload<void>());
  if (limit_.allows(pack.octets() + Listpack::size_of(value), pack.count() + 1)) return;
  auto* list = Quicklist::make();
  if (pack.count() > 0) {
    list->append_pack(pack);
  } else {
    Listpack(pack).destroy();
  }
  entry_->set_payload(Encoding::quicklist, list);
}

void ListValue::shrink() {
  if (is_packed() || chain().nodes() != 1) return;
  const Listpack pack = chain().first_node()->pack();
  if (!limit_.allows(pack.octets() * 2, pack.count() * 2)) return;
  Quicklist* list = &chain();
  void* block = list->take_only_block();
  Quicklist::destroy(list);
  entry_->set_payload(Encoding::listpack, block);
}

void ListValue::push(End end, std::string_view value) {
  grow_for(value);
  if (!is_packed()) return end == End::left ? chain().push_front(value, limit_) : chain().push_back(value, limit_);
  Listpack pack(entry_->payload<void>());
  pack.insert(end == End::left ? pack.begin() : pack.end(), value);
  entry_->set_payload(Encoding::listpack, pack.block());
}

std::string ListValue::pop(End end) {
  const std::string value = *at(end == End::left ? 0 : -1);
  erase(end == End::left ? 0 : size() - 1, 1);
  return value;
}

std::optional<std::string> ListValue::at(std::int64_t index) const {
  NumberText scratch;
  if (is_packed()) {
    const Listpack pack(entry_->payload<void>());
    const auto at = pack.seek(index);
    if (at == pack.end()) return {};
    return std::string(pack.get(at).in(scratch));
  }
  const auto place = chain().seek(index);
  if (!place) return {};
  return std::string(chain().get(place).in(scratch));
}

bool ListValue::set(std::int64_t index, std::string_view value) {
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    const auto at = pack.seek(index);
    if (at == pack.end()) return false;
    grow_for(value);
    if (is_packed()) {
      pack.replace(at, value);
      entry_->set_payload(Encoding::listpack, pack.block());
      return true;
    }
  }
  const auto place = chain().seek(index);
  if (!place) return false;
  chain().replace(place, value, limit_);
  shrink();
  return true;
}

void ListValue::for_range(std::size_t start, std::size_t count, bool reverse, const std::function<void(std::string_view)>& visit) const {
  if (count == 0) return;
  NumberText scratch;
  if (is_packed()) {
    const Listpack pack(entry_->payload<void>());
    for (auto at = pack.seek(static_cast<std::int64_t>(start)); count > 0 && at != pack.end(); --count) {
      visit(pack.get(at).in(scratch));
      at = reverse ? pack.previous(at) : pack.next(at);
    }
    return;
  }
  for (auto place = chain().seek(static_cast<std::int64_t>(start)); place && count > 0; --count) {
    visit(chain().get(place).in(scratch));
    place = reverse ? chain().previous(place) : chain().next(place);
  }
}

void ListValue::erase(std::size_t start, std::size_t count) {
  if (count == 0) return;
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    pack.erase(pack.seek(static_cast<std::int64_t>(start)), count);
    return entry_->set_payload(Encoding::listpack, pack.block());
  }
  chain().erase(chain().seek(static_cast<std::int64_t>(start)), count);
  shrink();
}

std::size_t ListValue::remove(std::string_view value, std::size_t limit, End from) {
  // One walk: what erasing gives is behind what went, and the next to look at, or the one before that.
  std::size_t count = 0;
  const auto wants_more = [&] { return limit == 0 || count < limit; };
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    for (auto at = from == End::left ? pack.begin() : pack.last(); at != pack.end() && wants_more();) {
      const bool goes = pack.equals(at, value);
      if (goes) {
        at = pack.erase(at);
        ++count;
      }
      if (from == End::right) {
        at = pack.previous(at);
      } else if (!goes) {
        at = pack.next(at);
      }
    }
    entry_->set_payload(Encoding::listpack, pack.block());
    return count;
  }
  for (auto place = chain().seek(from == End::left ? 0 : -1); place && wants_more();) {
    const bool goes = chain().equals(place, value);
    if (goes) {
      place = chain().erase(place);
      ++count;
    }
    if (from == End::right) {
      place = place ? chain().previous(place) : chain().seek(-1);
    } else if (!goes) {
      place = chain().next(place);
    }
  }
  shrink();
  return count;
}

bool ListValue::insert(std::string_view pivot, bool after, std::string_view value) {
  std::optional<std::size_t> index;
  find(pivot, End::left, 0, [&](std::size_t at) {
    index = at;
    return false;
  });
  if (!index) return false;
  const std::size_t to = *index + (after ? 1 : 0);
  if (to == size()) {
    push(End::right, value);
    return true;
  }
  grow_for(value);
  if (is_packed()) {
    Listpack pack(entry_->payload<void>());
    pack.insert(pack.seek(static_cast<std::int64_t>(to)), value);
    entry_->set_payload(Encoding::listpack, pack.block());
  } else {
    chain().insert_before(chain().seek(static_cast<std::int64_t>(to)), value, limit_);
  }
  return true;
}

void ListValue::find(std::string_view value, End from, std::size_t limit, const std::function<bool(std::size_t index)>& visit) const {
  const std::size_t total = size();
  const std::size_t looked_at = limit == 0 ? total : std::min(limit, total);
  if (total == 0) return;
  const auto index_of = [&](std::size_t i) { return from == End::left ? i : total - 1 - i; };
  if (is_packed()) {
    const Listpack pack(entry_->payload<void>());
    auto at = from == End::left ? pack.begin() : pack.last();
    for (std::size_t i = 0; i < looked_at; ++i) {
      if (pack.equals(at, value) && !visit(index_of(i))) return;
      at = from == End::left ? pack.next(at) : pack.previous(at);
    }
    return;
  }
  auto place = chain().seek(from == End::left ? 0 : -1);
  for (std::size_t i = 0; i < looked_at; ++i) {
    if (chain().equals(place, value) && !visit(index_of(i))) return;
    place = from == End::left ? chain().next(place) : chain().previous(place);
  }
}

}  // namespace chorus::cache
