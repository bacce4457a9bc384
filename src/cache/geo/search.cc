// GEOSEARCH, and GEORADIUS, which came before it.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cache/geo/arguments.h"
#include "cache/geo/handlers.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache {
namespace {

enum class Order { none, near_first, far_first };

struct Query {
  bool is_search = false;  // GEOSEARCH's words; else GEORADIUS'
  bool may_store = false;  // STORE and STOREDIST
  bool is_store = false;   // GEOSEARCHSTORE
  Entry* entry = nullptr;  // of the sorted set
  Shape shape;
  bool has_centre = false, has_member = false, has_radius = false, has_box = false;
  Order order = Order::none;
  std::size_t limit = 0;  // 0: none
  bool any = false;
  bool with_distance = false, with_hash = false, with_place = false;
  std::optional<std::string_view> to;
  bool stores_distance = false;
};

bool read_member(Call& call, std::size_t i, Query& query) {
  const auto score = ZsetValue(call.options().thresholds, query.entry).score(call[i]);
  if (!score) return call.error("ERR could not decode requested zset member"), false;
  query.shape.centre = place_of(*score);
  return true;
}

bool read_radius(Call& call, std::size_t i, Query& query) {
  const auto radius = call.real(i, "ERR need numeric radius");
  if (!radius) return false;
  if (*radius < 0) return call.error("ERR radius cannot be negative"), false;
  const auto unit = unit_argument(call, i + 1);
  if (!unit) return false;
  query.shape.radius = *radius;
  query.shape.unit = *unit;
  return true;
}

bool read_box(Call& call, std::size_t i, Query& query) {
  const auto width = call.real(i, "ERR need numeric width");
  const auto height = width ? call.real(i + 1, "ERR need numeric height") : std::nullopt;
  if (!height) return false;
  if (*width < 0 || *height < 0) return call.error("ERR height or width cannot be negative"), false;
  const auto unit = unit_argument(call, i + 2);
  if (!unit) return false;
  query.shape.is_box = true;
  query.shape.width = *width;
  query.shape.height = *height;
  query.shape.unit = *unit;
  return true;
}

bool read_limit(Call& call, std::size_t i, Query& query) {
  const auto limit = call.integer(i);
  if (!limit) return false;
  if (*limit <= 0) return call.error("ERR COUNT must be > 0"), false;
  query.limit = static_cast<std::size_t>(*limit);
  return true;
}

/// A word of GEOSEARCH's own at `i`, which goes on to its last argument; false: it is none, or what it says is replied.
bool read_search_word(Call& call, std::size_t& i, Query& query, bool& is_known) {
  const std::size_t more = call.size() - i - 1;
  is_known = true;
  if (more >= 1 && call.is_word(i, "FROMMEMBER") && !query.has_centre) {
    query.has_member = true;
    return ++i, query.entry == nullptr || read_member(call, i, query);
  }
  if (more >= 2 && call.is_word(i, "FROMLONLAT") && !query.has_member) {
    const auto place = place_argument(call, i + 1);
    if (!place) return false;
    query.shape.centre = *place;
    query.has_centre = true;
    return i += 2, true;
  }
  if (more >= 2 && call.is_word(i, "BYRADIUS") && !query.has_box) {
    query.has_radius = true;
    i += 2;
    return read_radius(call, i - 1, query);
  }
  if (more >= 3 && call.is_word(i, "BYBOX") && !query.has_radius) {
    query.has_box = true;
    i += 3;
    return read_box(call, i - 2, query);
  }
  if (query.is_store && call.is_word(i, "STOREDIST")) return query.stores_distance = true, true;
  return is_known = false, true;
}

bool read_options(Call& call, std::size_t from, Query& query) {
  for (std::size_t i = from; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    if (call.is_word(i, "WITHDIST")) {
      query.with_distance = true;
    } else if (call.is_word(i, "WITHHASH")) {
      query.with_hash = true;
    } else if (call.is_word(i, "WITHCOORD")) {
      query.with_place = true;
    } else if (call.is_word(i, "ANY")) {
      query.any = true;
    } else if (call.is_word(i, "ASC")) {
      query.order = Order::near_first;
    } else if (call.is_word(i, "DESC")) {
      query.order = Order::far_first;
    } else if (has_value && call.is_word(i, "COUNT")) {
      if (!read_limit(call, ++i, query)) return false;
    } else if (has_value && query.may_store && (call.is_word(i, "STORE") || call.is_word(i, "STOREDIST"))) {
      query.stores_distance = call.is_word(i, "STOREDIST");
      query.to = call[++i];
    } else {
      bool is_known = false;
      if (query.is_search && !read_search_word(call, i, query, is_known)) return false;
      if (!is_known) return call.error(errors::syntax), false;
    }
  }
  if (query.to && (query.with_distance || query.with_hash || query.with_place)) {
    return call.error(fmt::format("ERR {} is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                                  query.is_store ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS")),
           false;
  }
  if (query.is_search && !query.has_member && !query.has_centre) {
    return call.error(fmt::format("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {}", call[0])), false;
  }
  if (query.is_search && !query.has_radius && !query.has_box) {
    return call.error(fmt::format("ERR exactly one of BYRADIUS and BYBOX can be specified for {}", call[0])), false;
  }
  if (query.any && query.limit == 0) return call.error("ERR the ANY argument requires COUNT argument"), false;
  return true;
}

struct Found {
  std::string member;
  std::size_t at;          // in the order in which it was found
  double score, distance;  // metres
  Place place;
};

std::vector<Found> find(Call& call, const Query& query) {
  const ZsetValue set(call.options().thresholds, query.entry);
  std::vector<Found> found;
  const std::size_t enough = query.any ? query.limit : 0;
  for (const ScoreRange range : ranges_of(query.shape)) {
    if (enough > 0 && found.size() >= enough) break;
    const std::size_t start = set.count_below(range.low, false), end = set.count_below(range.high, false);
    set.for_range(start, end - std::min(start, end), false, [&](std::string_view member, double score) {
      if (enough > 0 && found.size() >= enough) return;
      const Place place = place_of(score);
      if (const auto distance = query.shape.distance_to(place))
        found.push_back({std::string(member), found.size(), score, *distance, place});
    });
  }
  if (query.order != Order::none) {
    std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
      if (a.distance == b.distance) return a.at < b.at;
      return query.order == Order::near_first ? a.distance < b.distance : a.distance > b.distance;
    });
  }
  if (query.limit > 0 && found.size() > query.limit) found.resize(query.limit);
  return found;
}

void store(Call& call, const Query& query, const std::vector<Found>& found) {
  const std::string_view to = *query.to;
  const Thresholds& thresholds = call.options().thresholds;
  Entry* old = call.write(to);
  if (old != nullptr) call.erase(old);
  if (!found.empty()) {
    Entry* entry = ZsetValue::make(thresholds, to, found.front().member.size());
    ZsetValue set(thresholds, entry);
    for (const Found& each : found) set.set(each.member, query.stores_distance ? each.distance / query.shape.unit : each.score);
    call.insert(entry);
    call.changed(to, Notify::zset, query.is_search ? "geosearchstore" : "georadiusstore");
  } else if (old != nullptr) {
    call.changed(to, Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(found.size()));
}

void reply(Call& call, const Query& query, const std::vector<Found>& found) {
  const std::size_t extras = (query.with_distance ? 1U : 0U) + (query.with_hash ? 1U : 0U) + (query.with_place ? 1U : 0U);
  call.reply.array(found.size());
  for (const Found& each : found) {
    if (extras > 0) call.reply.array(extras + 1);
    call.reply.bulk(each.member);
    if (query.with_distance) reply_distance(call, each.distance / query.shape.unit);
    if (query.with_hash) call.reply.integer(static_cast<std::int64_t>(each.score));
    if (query.with_place) reply_place(call, each.place);
  }
}

void answer(Call& call, std::size_t options_at, Query& query) {
  if (!read_options(call, options_at, query)) return;
  if (query.limit > 0 && query.order == Order::none && !query.any) query.order = Order::near_first;
  const std::vector<Found> found = query.entry == nullptr ? std::vector<Found>() : find(call, query);
  query.to ? store(call, query, found) : reply(call, query, found);
}

bool read_set(Call& call, std::size_t key_at, Query& query) {
  query.entry = call.read(call[key_at]);
  return call.is(query.entry, Type::zset);
}

void radius(Call& call, bool may_store) {
  Query query{.may_store = may_store};
  if (!read_set(call, 1, query)) return;
  const auto centre = place_argument(call, 2);
  if (!centre || !read_radius(call, 4, query)) return;
  query.shape.centre = *centre;
  answer(call, 6, query);
}

void radius_by_member(Call& call, bool may_store) {
  Query query{.may_store = may_store};
  if (!read_set(call, 1, query)) return;
  if (query.entry != nullptr && (!read_member(call, 2, query) || !read_radius(call, 3, query))) return;
  answer(call, 5, query);
}

}  // namespace

void geosearch(Call& call) {
  Query query{.is_search = true};
  if (read_set(call, 1, query)) answer(call, 2, query);
}

void geosearchstore(Call& call) {
  Query query{.is_search = true, .is_store = true, .to = call[1]};
  if (read_set(call, 2, query)) answer(call, 3, query);
}

void georadius(Call& call) { radius(call, true); }
void georadius_ro(Call& call) { radius(call, false); }
void georadiusbymember(Call& call) { radius_by_member(call, true); }
void georadiusbymember_ro(Call& call) { radius_by_member(call, false); }

}  // namespace chorus::cache
