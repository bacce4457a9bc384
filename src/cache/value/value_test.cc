#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "cache/memory.h"
#include "cache/value/entry.h"
#include "cache/value/intset.h"
#include "cache/value/listpack.h"
#include "cache/value/quicklist.h"
#include "cache/value/ranked_set.h"

namespace chorus::cache {
namespace {

std::string octets_of(const void* block, std::size_t size) { return {static_cast<const char*>(block), size}; }

// source: DUMP of valkey-server 8.0.1, which writes the block as it is in memory
TEST(Listpack, IsRedisOctetForOctet) {
  const struct {
    std::vector<std::string> values;
    std::string_view hex;
  } cases[] = {
      {{"1", "a"}, "0c00000002000101816102ff"},
      {{"5000", "-5000", "70000", "-9000000", "3000000000"}, "240000000500f1881303f178ec03f270110104f3c0ab76ff05f4005ed0b20000000009ff"},
      {{"f", "v", "n", "7"}, "120000000400816602817602816e020701ff"},
  };
  for (const auto& c : cases) {
    Listpack pack = Listpack::make();
    for (const std::string& value : c.values) pack.append(value);
    EXPECT_EQ(base::hex(octets_of(pack.block(), pack.octets())), c.hex);
    pack.destroy();
  }
}

std::string any_value(base::Random& random) {
  switch (random.below(8)) {
    case 0:
      return std::to_string(random.between(-130, 130));
    case 1:
      return std::to_string(random.between(-5000, 5000));
    case 2:
      return std::to_string(static_cast<std::int64_t>(random.next()) >> random.below(60));
    case 3:
      return std::string(random.below(70), 'x');
    case 4:
      return std::string(random.chance(0.1) ? random.below(20'000) : random.below(200), 'y');
    default:
      return "w" + std::to_string(random.below(20));
  }
}

TEST(Listpack, BehavesAsAList) {
  base::Random random(5);
  Listpack pack = Listpack::make();
  std::vector<std::string> model;
  NumberText scratch;
  for (int i = 0; i < 8'000; ++i) {
    const std::size_t index = random.below(model.size() + 1);
    const auto at = pack.seek(static_cast<std::int64_t>(index));
    const auto place = model.begin() + static_cast<std::ptrdiff_t>(index);
    const std::uint64_t what = random.below(10);
    if (what < 5 && model.size() < 200) {
      const std::string value = any_value(random);
      pack.insert(at, value);
      model.insert(place, value);
    } else if (index < model.size() && what < 7) {
      const std::string value = any_value(random);
      pack.replace(at, value);
      *place = value;
    } else if (index < model.size()) {
      const std::size_t count = 1 + random.below(3);
      pack.erase(at, count);
      model.erase(place, place + static_cast<std::ptrdiff_t>(std::min(count, model.size() - index)));
    }
    ASSERT_EQ(pack.count(), model.size());
    if (i % 50 != 0) continue;
    std::vector<std::string> forward, backward;
    for (auto p = pack.begin(); p != pack.end(); p = pack.next(p)) forward.emplace_back(pack.get(p).in(scratch));
    for (auto p = pack.count() == 0 ? pack.end() : pack.last(); p != pack.end(); p = pack.previous(p))
      backward.emplace_back(pack.get(p).in(scratch));
    std::reverse(backward.begin(), backward.end());
    ASSERT_EQ(forward, model);
    ASSERT_EQ(backward, model);
    const std::string wanted = any_value(random);
    const auto found = std::find(model.begin(), model.end(), wanted);
    EXPECT_EQ(pack.find(wanted, pack.begin()), found == model.end() ? pack.end() : pack.seek(found - model.begin()));
  }
  pack.destroy();
}

TEST(Intset, BehavesAsASetAndIsRedisOctetForOctet) {
  Intset golden = Intset::make();
  for (const std::int64_t value : {300, 1, 2}) golden.add(value);
  EXPECT_EQ(base::hex(octets_of(golden.block(), golden.octets())), "0200000003000000010002002c01");  // source: DUMP of valkey-server 8.0.1
  golden.destroy();
  base::Random random(9);
  for (int round = 0; round < 20; ++round) {
    Intset set = Intset::make();
    std::set<std::int64_t> model;
    for (int i = 0; i < 300; ++i) {
      const std::int64_t value = static_cast<std::int64_t>(random.next()) >> (i < 100 ? 56 : i < 200 ? 36 : random.below(60));
      ASSERT_EQ(set.contains(value), model.contains(value));
      if (random.chance(0.6)) {
        ASSERT_EQ(set.add(value), model.insert(value).second);
      } else {
        ASSERT_EQ(set.remove(value), model.erase(value) == 1);
      }
    }
    ASSERT_EQ(set.count(), model.size());
    std::size_t index = 0;
    for (const std::int64_t value : model) ASSERT_EQ(set.at(index++), value);
    set.destroy();
  }
}

TEST(RankedSet, BehavesAsASortedVector) {
  base::Random random(13);
  RankedSet* set = RankedSet::make();
  std::map<std::string, double> scores;
  for (int i = 0; i < 20'000; ++i) {
    const std::string member = "m" + std::to_string(random.below(400));
    const auto score = static_cast<double>(random.between(-20, 20));
    auto* node = set->find(member);
    ASSERT_EQ(node != nullptr, scores.contains(member));
    if (node == nullptr) {
      set->insert(member, score);
      scores[member] = score;
    } else if (random.chance(0.4)) {
      set->remove(node);
      scores.erase(member);
    } else {
      set->set_score(node, score);
      scores[member] = score;
    }
    ASSERT_EQ(set->size(), scores.size());
    if (i % 500 != 0) continue;
    std::vector<std::pair<double, std::string>> model;
    for (const auto& [m, s] : scores) model.emplace_back(s, m);
    std::sort(model.begin(), model.end());
    std::size_t rank = 0;
    for (auto at = set->first(); at.node() != nullptr; at.next(), ++rank) {
      ASSERT_EQ(std::pair(at.node()->score, std::string(at.node()->member())), model[rank]);
      ASSERT_EQ(set->rank(at.node()), rank);
      ASSERT_EQ(set->at(rank).node(), at.node());
      auto before = at;
      before.previous();
      ASSERT_EQ(before.node(), rank == 0 ? nullptr : set->at(rank - 1).node());
    }
    ASSERT_EQ(rank, model.size());
    ASSERT_EQ(set->at(rank).node(), nullptr);
    for (double bound = -21; bound <= 21; bound += 0.5) {
      for (const bool beyond : {false, true}) {
        const auto want =
            std::find_if(model.begin(), model.end(), [&](const auto& each) { return beyond ? each.first > bound : each.first >= bound; });
        ASSERT_EQ(set->lower_bound(bound, beyond), static_cast<std::size_t>(want - model.begin()));
      }
    }
  }
  std::size_t items = 7;
  EXPECT_FALSE(set->drain(items));
  EXPECT_EQ(items, 0U);
  RankedSet::destroy(set);
}

TEST(RankedSet, OfManyPages) {
  constexpr std::size_t many = 40'000;
  base::Random random(19);
  for (const bool ascending : {true, false}) {
    RankedSet* set = RankedSet::make();
    std::vector<std::size_t> order(many);
    for (std::size_t i = 0; i < many; ++i) order[i] = i;
    const auto shuffle = [&] {
      for (std::size_t i = many; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    };
    if (!ascending) shuffle();
    // Of a score each ten members, in the order of their names.
    for (const std::size_t i : order) set->insert(std::to_string(100'000 + i), static_cast<double>(i / 10));
    const std::size_t full = set->index_octets();
    for (std::size_t i = 0; i < many; i += 17) {
      ASSERT_EQ(set->at(i).node()->member(), std::to_string(100'000 + i));
      ASSERT_EQ(set->rank(set->find(std::to_string(100'000 + i))), i);
      ASSERT_EQ(set->lower_bound(static_cast<double>(i / 10), false), i / 10 * 10);
    }
    if (ascending) EXPECT_LT(full, many * 48) << "pages are full, of 16 octets a member, and the table";
    shuffle();
    std::set<std::size_t> left(order.begin(), order.end());
    for (std::size_t n = 0; n < many; ++n) {
      set->remove(set->find(std::to_string(100'000 + order[n])));
      left.erase(order[n]);
      if (n % 1000 != 0) continue;
      std::size_t rank = 0;
      auto at = set->first();
      for (const std::size_t i : left) {
        ASSERT_EQ(at.node()->member(), std::to_string(100'000 + i));
        if (rank % 37 == 0) ASSERT_EQ(set->at(rank).node(), at.node());
        ++rank;
        at.next();
      }
      ASSERT_EQ(at.node(), nullptr);
      ASSERT_EQ(set->size(), left.size());
    }
    EXPECT_LT(set->index_octets(), 4096U) << "pages go with what was in them";
    RankedSet::destroy(set);
  }
}

TEST(Quicklist, BehavesAsADeque) {
  base::Random random(17);
  const NodeLimit limit{4};
  Quicklist* list = Quicklist::make();
  std::deque<std::string> model;
  NumberText scratch;
  for (int i = 0; i < 10'000; ++i) {
    const std::string value = any_value(random);
    const std::size_t index = random.below(model.size() + 1);
    const auto place = model.begin() + static_cast<std::ptrdiff_t>(index);
    switch (model.size() > 100 ? 5 : random.below(6)) {
      case 0:
        list->push_front(value, limit);
        model.push_front(value);
        break;
      case 1:
        list->push_back(value, limit);
        model.push_back(value);
        break;
      case 2:
        if (index == model.size()) break;
        list->insert_before(list->seek(static_cast<std::int64_t>(index)), value, limit);
        model.insert(place, value);
        break;
      case 3:
        if (index == model.size()) break;
        list->replace(list->seek(static_cast<std::int64_t>(index)), value, limit);
        *place = value;
        break;
      default:
        if (index == model.size()) break;
        const std::size_t count = 1 + random.below(6);
        list->erase(list->seek(static_cast<std::int64_t>(index)), count);
        model.erase(place, place + static_cast<std::ptrdiff_t>(std::min(count, model.size() - index)));
    }
    ASSERT_EQ(list->size(), model.size());
    if (i % 100 != 0) continue;
    std::deque<std::string> forward, backward;
    for (auto at = list->seek(0); at; at = list->next(at)) forward.emplace_back(list->get(at).in(scratch));
    for (auto at = list->seek(-1); at; at = list->previous(at)) backward.emplace_front(list->get(at).in(scratch));
    ASSERT_EQ(forward, model);
    ASSERT_EQ(backward, model);
  }
  Quicklist::destroy(list);
}

TEST(Entries, KeepWhatTheyAreGiven) {
  memory::Account account;
  {
    const memory::Scope scope(account);
    NumberText scratch;
    for (const std::size_t key_size : {0, 1, 254, 255, 70'000}) {
      for (const std::size_t value_size : {0, 1, 20, 44, 45, 2048, 2049}) {
        for (const bool expires : {false, true}) {
          const std::string key(key_size, 'k'), value(value_size, 'v');
          Entry* entry = Entry::make_string(key, value, expires ? std::optional<std::int64_t>(1234) : std::nullopt);
          EXPECT_EQ(entry->key(), key);
          EXPECT_EQ(entry->text(scratch), value);
          EXPECT_EQ(entry->expiry(), expires ? std::optional<std::int64_t>(1234) : std::nullopt);
          Entry* other = Entry::remake(*entry, "other", std::optional<std::int64_t>(99));
          EXPECT_EQ(other->key(), "other");
          EXPECT_EQ(other->text(scratch), value);
          EXPECT_EQ(other->expiry(), 99);
          if (entry->encoding() == Encoding::raw) memory::release(entry->payload<void>());
          Entry::release_shell(entry);
          Entry::release_shell(other);
        }
      }
    }
  }
  EXPECT_EQ(account.used, 0U);
}

}  // namespace
}  // namespace chorus::cache
