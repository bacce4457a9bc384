// Places: added, and read one by one.
#include <fmt/format.h>

#include <utility>

#include "cache/geo/arguments.h"
#include "cache/geo/handlers.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache {

std::optional<Place> place_argument(Call& call, std::size_t i) {
  const auto longitude = call.real(i);
  const auto latitude = longitude ? call.real(i + 1) : std::nullopt;
  if (!latitude) return {};
  const Place place{*longitude, *latitude};
  if (has_geohash(place)) return place;
  call.error(fmt::format("ERR invalid longitude,latitude pair {:f},{:f}", place.longitude, place.latitude));
  return {};
}

std::optional<double> unit_argument(Call& call, std::size_t i) {
  constexpr std::pair<std::string_view, double> units[] = {{"M", 1}, {"KM", 1000}, {"FT", 0.3048}, {"MI", 1609.34}};
  for (const auto& [name, metres] : units) {
    if (call.is_word(i, name)) return metres;
  }
  call.error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return {};
}

void reply_distance(Call& call, double distance) { call.reply.bulk(fmt::format("{:.4f}", distance)); }

void reply_place(Call& call, Place place) {
  call.reply.array(2);
  for (const double degrees : {place.longitude, place.latitude}) {
    const std::string text = long_double_text(degrees);
    // A double of RESP3, with more digits than its shortest text has.
    if (call.reply.protocol() > 2) {
      call.reply.out() += ',' + text + "\r\n";
    } else {
      call.reply.bulk(text);
    }
  }
}

void geoadd(Call& call) {
  bool is_new = false, is_there = false;
  std::vector<std::string> words{"ZADD", std::string(call[1])};
  std::size_t i = 2;
  for (; i < call.size(); ++i) {
    if (call.is_word(i, "NX")) {
      is_new = true;
    } else if (call.is_word(i, "XX")) {
      is_there = true;
    } else if (!call.is_word(i, "CH")) {
      break;
    }
    words.emplace_back(call[i]);
  }
  if ((call.size() - i) % 3 != 0 || (is_new && is_there)) return call.error(errors::syntax);
  for (; i < call.size(); i += 3) {
    const auto place = place_argument(call, i);
    if (!place) return;
    words.push_back(std::to_string(geohash_of(*place)));
    words.emplace_back(call[i + 2]);
  }
  call.run_instead(std::vector<std::string_view>(words.begin(), words.end()));
}

namespace {

/// The sorted set of argument 1 for reading; false: replied with WRONGTYPE. Null: there is none.
bool read_set(Call& call, Entry*& entry) {
  entry = call.read(call[1]);
  return call.is(entry, Type::zset);
}

std::optional<double> score_of(Call& call, Entry* entry, std::string_view member) {
  return entry == nullptr ? std::nullopt : ZsetValue(call.options().thresholds, entry).score(member);
}

}  // namespace

void geodist(Call& call) {
  double unit = 1;
  if (call.size() > 5) return call.error(errors::syntax);
  if (call.size() == 5) {
    const auto given = unit_argument(call, 4);
    if (!given) return;
    unit = *given;
  }
  Entry* entry = nullptr;
  if (!read_set(call, entry)) return;
  const auto from = score_of(call, entry, call[2]), to = score_of(call, entry, call[3]);
  if (!from || !to) return call.reply.null();
  reply_distance(call, distance_between(place_of(*from), place_of(*to)) / unit);
}

void geohash(Call& call) {
  Entry* entry = nullptr;
  if (!read_set(call, entry)) return;
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const auto score = score_of(call, entry, call[i]);
    score ? call.reply.bulk(geohash_text(*score)) : call.reply.null();
  }
}

void geopos(Call& call) {
  Entry* entry = nullptr;
  if (!read_set(call, entry)) return;
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const auto score = score_of(call, entry, call[i]);
    score ? reply_place(call, place_of(*score)) : call.reply.null_array();
  }
}

}  // namespace chorus::cache
