#include "cache_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace chorus::cache_sim {

void CounterJudge::fault(std::string words) {
  constexpr std::size_t faults_max = 20;
  if (faults_.size() < faults_max) faults_.push_back(std::move(words));
}

CounterJudge::Begun CounterJudge::begin(const std::string& key, bool is_increment) {
  Key& it = keys_[key];
  if (is_increment) ++it.begun, ++it.open;
  return {.key = key, .is_increment = is_increment, .least = it.greatest, .era = it.era, .is_judged = !it.is_tainted && !it.is_changing};
}

void CounterJudge::answered(const Begun& begun, std::int64_t value) {
  Key& it = keys_[begun.key];
  if (begun.is_increment) --it.open;
  if (!begun.is_judged || it.is_tainted || it.is_changing || it.era != begun.era) return;
  ++judged_;
  const char* what = begun.is_increment ? "INCR" : "GET";
  if (value < begun.least + (begun.is_increment ? 1 : 0)) {
    fault(fmt::format("{} of {} gave {}, though {} had been acknowledged before it was asked", what, begun.key, value, begun.least));
  }
  if (value > it.base + it.begun) {
    fault(fmt::format("{} of {} gave {}, though only {} were asked since {}", what, begun.key, value, it.begun, it.base));
  }
  if (!begun.is_increment) return;
  if (!it.given.insert(value).second) fault(fmt::format("INCR of {} gave {} twice", begun.key, value));
  it.greatest = std::max(it.greatest, value);
}

void CounterJudge::refused(const Begun& begun) {
  Key& it = keys_[begun.key];
  if (!begun.is_increment) return;
  --it.open;
  --it.begun;
}

void CounterJudge::begin_era(const std::string& key) {
  Key& it = keys_[key];
  it.is_changing = true;
  // Those may be done behind the new beginning, as may all that are asked for from now on.
  it.begun = it.open;
}

void CounterJudge::end_era(const std::string& key, std::int64_t from) {
  Key& it = keys_[key];
  it.is_changing = false;
  ++it.era;
  it.greatest = it.base = from;
  it.given.clear();
}

void CounterJudge::revived(const std::string& key, std::int64_t value, std::int64_t saved) {
  ++judged_;
  if (value < saved) fault(fmt::format("{} is {} after its node was started again, though {} had been saved", key, value, saved));
}

std::int64_t CounterJudge::acknowledged(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? 0 : found->second.greatest;
}

void CounterJudge::taint(const std::string& key) { keys_[key].is_tainted = true; }

bool CounterJudge::is_tainted(const std::string& key) const {
  const auto found = keys_.find(key);
  return found != keys_.end() && found->second.is_tainted;
}

bool CounterJudge::is_between_eras(const std::string& key) const {
  const auto found = keys_.find(key);
  return found != keys_.end() && found->second.is_changing;
}

}  // namespace chorus::cache_sim
