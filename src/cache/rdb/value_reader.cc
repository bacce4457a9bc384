#include "cache/rdb/value_reader.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "cache/hashes/hash_value.h"
#include "cache/lists/list_value.h"
#include "cache/rdb/packed.h"
#include "cache/sets/set_value.h"
#include "cache/value/destroy.h"
#include "cache/value/member.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache::rdb {
namespace {

constexpr std::string_view duplicate = "the same element twice";
constexpr std::string_view damaged = "a packed value that is damaged";

bool is_blob(ValueType type) {
  switch (type) {
    case ValueType::hash_zipmap:
    case ValueType::list_ziplist:
    case ValueType::set_intset:
    case ValueType::zset_ziplist:
    case ValueType::hash_ziplist:
    case ValueType::hash_listpack:
    case ValueType::zset_listpack:
    case ValueType::set_listpack:
      return true;
    default:
      return false;
  }
}

std::optional<double> score_of(const Element& element) {
  return element.integer ? std::optional(static_cast<double>(*element.integer)) : parse_double(element.text);
}

}  // namespace

base::Result<void, std::string> ValueReader::begin(std::uint8_t type, std::string_view key, std::optional<std::int64_t> expiry) {
  drop();
  type_ = static_cast<ValueType>(type);
  key_ = key;
  expiry_ = expiry;
  left_.reset();
  stream_.reset();
  switch (type_) {
    case ValueType::stream:
    case ValueType::stream2:
    case ValueType::stream3:
      stream_.emplace(type_);
      return {};
    case ValueType::string:
    case ValueType::list:
    case ValueType::set:
    case ValueType::zset:
    case ValueType::hash:
    case ValueType::zset2:
    case ValueType::list_quicklist:
    case ValueType::list_quicklist2:
      return {};
    case ValueType::module_before_4:
    case ValueType::module:
      return std::unexpected("the value of a module, which is not loaded here");
    default:
      if (is_blob(type_)) return {};
      return std::unexpected(fmt::format("a value of type {}, which is not known", type));
  }
}

base::Result<bool, std::string> ValueReader::step(Input& input) {
  const bool is_whole = read(input);
  if (input.has_failed()) {
    drop();
    return std::unexpected(input.error());
  }
  return is_whole;
}

Entry* ValueReader::take() { return std::exchange(entry_, nullptr); }

void ValueReader::drop() {
  if (entry_ != nullptr) destroy(std::exchange(entry_, nullptr));
}

void ValueReader::begin_entry(Type type, Encoding encoding, void* payload) { entry_ = Entry::make(key_, type, encoding, payload, expiry_); }

bool ValueReader::read(Input& input) {
  if (is_blob(type_)) return read_blob(input);
  if (stream_) {
    if (!stream_->step(input)) return false;
    begin_entry(Type::stream, Encoding::stream, stream_->take());
    return true;
  }
  if (type_ == ValueType::string) {
    if (!input.string(first_)) return false;
    entry_ = Entry::make_string(key_, first_.view(), expiry_);
    return true;
  }
  if (!left_) {
    std::uint64_t count = 0;
    if (!input.length(count)) return false;
    left_ = count;
  }
  switch (type_) {
    case ValueType::list:
      return read_elements(input, [&] {
        if (!input.string(first_)) return false;
        if (entry_ == nullptr) begin_entry(Type::list, Encoding::listpack, Listpack::make().block());
        ListValue(thresholds_, entry_).push(End::right, first_.view());
        return true;
      });
    case ValueType::set:
      return read_elements(input, [&] {
        if (!input.string(first_)) return false;
        if (entry_ == nullptr) {
          if (*left_ > thresholds_.set_intset_entries) {
            begin_entry(Type::set, Encoding::hashtable, make_member_table());
          } else {
            begin_entry(Type::set, Encoding::intset, Intset::make().block());
          }
        }
        return SetValue(thresholds_, entry_).add(first_.view()) || input.fail(duplicate);
      });
    case ValueType::hash:
      return read_elements(input, [&] {
        if (!input.string(first_) || !input.string(second_)) return false;
        if (entry_ == nullptr) {
          if (*left_ > thresholds_.hash_listpack_entries) {
            begin_entry(Type::hash, Encoding::hashtable, make_field_table());
          } else {
            begin_entry(Type::hash, Encoding::listpack, Listpack::make().block());
          }
        }
        return HashValue(thresholds_, entry_).set(first_.view(), second_.view()) || input.fail(duplicate);
      });
    case ValueType::zset:
    case ValueType::zset2:
      return read_elements(input, [&] {
        double score = 0;
        if (!input.string(first_) || !read_score(input, score)) return false;
        if (entry_ == nullptr) {
          if (*left_ > thresholds_.zset_listpack_entries || first_.view().size() > thresholds_.zset_listpack_value) {
            begin_entry(Type::zset, Encoding::skiplist, RankedSet::make());
          } else {
            begin_entry(Type::zset, Encoding::listpack, Listpack::make().block());
          }
        }
        return ZsetValue(thresholds_, entry_).set(first_.view(), score) || input.fail(duplicate);
      });
    default: {
      const bool is_whole = read_elements(input, [&] { return read_node(input); });
      if (is_whole) finish_list();
      return is_whole;
    }
  }
}

bool ValueReader::read_elements(Input& input, const std::function<bool()>& read_one) {
  for (; *left_ > 0; --*left_) {
    const std::size_t mark = input.position();
    if (read_one()) continue;
    input.rewind(mark);
    return false;
  }
  return true;
}

bool ValueReader::read_score(Input& input, double& score) {
  std::uint64_t bits = 0;
  if (type_ == ValueType::zset2) {
    if (!input.little(8, bits)) return false;
    score = std::bit_cast<double>(bits);
    return !std::isnan(score) || input.fail("a score that is not a number");
  }
  std::uint8_t size = 0;
  if (!input.u8(size)) return false;
  if (size == 253) return input.fail("a score that is not a number");
  if (size >= 254) {
    score = size == 254 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    return true;
  }
  std::string_view text;
  if (!input.octets(size, text)) return false;
  const auto value = parse_double(text);
  score = value.value_or(0);
  return value || input.fail("a score that is not a number");
}

bool ValueReader::read_node(Input& input) {
  std::uint64_t container = 2;
  if (type_ == ValueType::list_quicklist2) {
    if (!input.length(container)) return false;
    if (container != 1 && container != 2) return input.fail("a node of a list of a kind that does not exist");
  }
  if (!input.string(first_)) return false;
  const std::string_view blob = first_.view();
  std::optional<Listpack> pack;
  if (container == 1) {
    pack = Listpack::make();
    pack->append(blob);
  } else {
    pack = type_ == ValueType::list_quicklist2 ? adopt_listpack(blob) : adopt_ziplist(blob);
  }
  if (!pack) return input.fail(damaged);
  if (pack->count() == 0) {
    pack->destroy();
    return true;
  }
  if (entry_ == nullptr) begin_entry(Type::list, Encoding::quicklist, Quicklist::make());
  entry_->payload<Quicklist>()->append_pack(*pack);
  return true;
}

void ValueReader::finish_list() {
  if (entry_ == nullptr || entry_->encoding() != Encoding::quicklist) return;
  auto* list = entry_->payload<Quicklist>();
  if (list->nodes() != 1) return;
  const Listpack pack = list->first_node()->pack();
  if (!NodeLimit{thresholds_.list_listpack_size}.allows(pack.octets(), pack.count())) return;
  void* block = list->take_only_block();
  Quicklist::destroy(list);
  entry_->set_payload(Encoding::listpack, block);
}

bool ValueReader::read_blob(Input& input) {
  if (!input.string(first_)) return false;
  const std::string_view blob = first_.view();
  switch (type_) {
    case ValueType::set_intset: {
      const auto set = adopt_intset(blob);
      if (!set) return input.fail(damaged);
      Intset own = *set;
      if (own.count() == 0) {
        own.destroy();
        return true;
      }
      if (own.count() <= thresholds_.set_intset_entries) {
        begin_entry(Type::set, Encoding::intset, own.block());
        return true;
      }
      auto* table = make_member_table();
      table->reserve(own.count());
      NumberText digits;
      for (std::size_t i = 0; i < own.count(); ++i) table->insert(Member::make(digits.of(own.at(i))));
      own.destroy();
      begin_entry(Type::set, Encoding::hashtable, table);
      return true;
    }
    case ValueType::hash_zipmap:
      return adopt(input, Type::hash, adopt_zipmap(blob));
    case ValueType::hash_ziplist:
      return adopt(input, Type::hash, adopt_ziplist(blob));
    case ValueType::hash_listpack:
      return adopt(input, Type::hash, adopt_listpack(blob));
    case ValueType::zset_ziplist:
      return adopt(input, Type::zset, adopt_ziplist(blob));
    case ValueType::zset_listpack:
      return adopt(input, Type::zset, adopt_listpack(blob));
    case ValueType::set_listpack:
      return adopt(input, Type::set, adopt_listpack(blob));
    default:
      return adopt(input, Type::list, adopt_ziplist(blob));
  }
}

bool ValueReader::adopt(Input& input, Type type, std::optional<Listpack> pack) {
  if (!pack) return input.fail(damaged);
  const std::size_t count = pack->count();
  const bool has_pairs = type == Type::hash || type == Type::zset;
  if (count == 0 || (has_pairs && count % 2 != 0) || (type != Type::list && !has_no_duplicates(*pack, has_pairs ? 2 : 1))) {
    pack->destroy();
    if (count == 0) return true;
    return input.fail(has_pairs && count % 2 != 0 ? damaged : duplicate);
  }
  switch (type) {
    case Type::hash:
      return adopt_hash(input, *pack);
    case Type::zset:
      return adopt_zset(input, *pack);
    case Type::set:
      return adopt_set(input, *pack);
    default: {
      auto* list = Quicklist::make();
      list->append_pack(*pack);
      begin_entry(Type::list, Encoding::quicklist, list);
      finish_list();
      return true;
    }
  }
}

bool ValueReader::adopt_hash(Input& /*input*/, Listpack pack) {
  if (pack.count() / 2 <= thresholds_.hash_listpack_entries) {
    begin_entry(Type::hash, Encoding::listpack, pack.block());
    return true;
  }
  auto* table = make_field_table();
  table->reserve(pack.count() / 2);
  NumberText field, value;
  for (auto at = pack.begin(); at != pack.end();) {
    const auto value_at = pack.next(at);
    table->insert(Field::make(pack.get(at).in(field), pack.get(value_at).in(value)));
    at = pack.next(value_at);
  }
  pack.destroy();
  begin_entry(Type::hash, Encoding::hashtable, table);
  return true;
}

bool ValueReader::adopt_set(Input& /*input*/, Listpack pack) {
  if (pack.count() <= thresholds_.set_listpack_entries) {
    begin_entry(Type::set, Encoding::listpack, pack.block());
    return true;
  }
  auto* table = make_member_table();
  table->reserve(pack.count());
  NumberText digits;
  for (auto at = pack.begin(); at != pack.end(); at = pack.next(at)) table->insert(Member::make(pack.get(at).in(digits)));
  pack.destroy();
  begin_entry(Type::set, Encoding::hashtable, table);
  return true;
}

bool ValueReader::adopt_zset(Input& input, Listpack pack) {
  bool is_sorted = true;
  double before = -std::numeric_limits<double>::infinity();
  std::string member_before;
  NumberText digits;
  for (auto at = pack.begin(); at != pack.end();) {
    const std::string_view member = pack.get(at).in(digits);
    const auto score_at = pack.next(at);
    const auto score = score_of(pack.get(score_at));
    if (!score) {
      pack.destroy();
      return input.fail("a score that is not a number");
    }
    is_sorted = is_sorted && (*score > before || (*score == before && (at == pack.begin() || member > member_before)));
    before = *score;
    member_before = member;
    at = pack.next(score_at);
  }
  if (is_sorted && pack.count() / 2 <= thresholds_.zset_listpack_entries) {
    begin_entry(Type::zset, Encoding::listpack, pack.block());
    return true;
  }
  auto* set = RankedSet::make();
  for (auto at = pack.begin(); at != pack.end();) {
    const auto score_at = pack.next(at);
    set->insert(pack.get(at).in(digits), *score_of(pack.get(score_at)));
    at = pack.next(score_at);
  }
  pack.destroy();
  begin_entry(Type::zset, Encoding::skiplist, set);
  return true;
}

}  // namespace chorus::cache::rdb
