// Whether what clients of counters were told can be true: nothing acknowledged is lost, and no two nodes count the same key.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace chorus::cache_sim {

/// INCR of a key gives each number once, and later ones to those who ask later; GET gives no less than what was acknowledged before it was
/// asked. A key whose node died, or whose slot was given away without it, begins a new era.
class CounterJudge {
 public:
  /// An operation that was begun.
  struct Begun {
    std::string key;
    bool is_increment = false;
    std::int64_t least = 0;  // what was acknowledged by then
    std::uint64_t era = 0;   // of the key
    bool is_judged = true;
  };

  Begun begin(const std::string& key, bool is_increment);
  /// It was answered, with that number.
  void answered(const Begun& begun, std::int64_t value);

  /// It was refused, so it was not done; one whose answer was lost is told of by nothing.
  void refused(const Begun& begun);

  /// The key will be set anew: what overlaps is not judged.
  void begin_era(const std::string& key);
  /// From now on it counts from there.
  void end_era(const std::string& key, std::int64_t from);
  /// What its node has of it after a crash, and what a snapshot was known to have.
  void revived(const std::string& key, std::int64_t value, std::int64_t saved);
  std::int64_t acknowledged(const std::string& key) const;
  /// It is judged no more.
  void taint(const std::string& key);
  bool is_tainted(const std::string& key) const;
  bool is_between_eras(const std::string& key) const;

  const std::vector<std::string>& faults() const { return faults_; }
  std::uint64_t judged() const { return judged_; }

 private:
  struct Key {
    std::int64_t greatest = 0;         // acknowledged
    std::int64_t base = 0, begun = 0;  // where it began, and how many increments there may have been since
    std::int64_t open = 0;             // increments whose end is not known
    std::set<std::int64_t> given;
    std::uint64_t era = 0;
    bool is_changing = false, is_tainted = false;
  };
  void fault(std::string words);
  std::map<std::string, Key> keys_;
  std::vector<std::string> faults_;
  std::uint64_t judged_ = 0;
};

}  // namespace chorus::cache_sim
