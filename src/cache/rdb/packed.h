// The packed forms of values, as strangers send them: checked whole, and turned into our own.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "cache/value/intset.h"
#include "cache/value/listpack.h"

namespace chorus::cache::rdb {

using Element = Listpack::Element;
/// False: enough.
using VisitElement = std::function<bool(const Element&)>;

/// Goes over the elements of a packed list (Listpack, Redis 7.0 and later). False: it is damaged, or the visit had enough. is_ours is
/// cleared when the same elements would be laid out otherwise by our Listpack.
bool visit_listpack(std::string_view blob, bool& is_ours, const VisitElement& visit);
/// The same for the packed list of Redis 2.2 to 6.2.
bool visit_ziplist(std::string_view blob, const VisitElement& visit);
/// The same for the packed hash of Redis 2.2 to 2.4: fields and values in turn.
bool visit_zipmap(std::string_view blob, const VisitElement& visit);

/// As a block of ours, which the caller owns; empty: damaged.
std::optional<Listpack> adopt_listpack(std::string_view blob);
std::optional<Listpack> adopt_ziplist(std::string_view blob);
std::optional<Listpack> adopt_zipmap(std::string_view blob);
/// Empty: damaged, out of order, or the same number twice.
std::optional<Intset> adopt_intset(std::string_view blob);

/// Whether no element is there twice, looking at every `stride`-th.
bool has_no_duplicates(const Listpack& pack, std::size_t stride);

}  // namespace chorus::cache::rdb
