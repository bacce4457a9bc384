// Which connection must be told what, when something changes. source: WatchManager, DataTree
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "jute/constants.h"
#include "model.h"

namespace chorus::coord_sim {

struct Event {
  std::int64_t zxid = 0;
  jute::EventType type = jute::EventType::none;
  std::string path;
  friend bool operator==(const Event&, const Event&) = default;
};

class WatchTables {
 public:
  using Tell = std::function<void(std::size_t connection, const Event& event)>;

  /// What the answered request of that connection registers, or removes. catch_up receives what setWatches makes up for.
  void register_for(std::size_t connection, const Op& op, bool found, const Model& model, std::vector<Event>& catch_up);
  /// False when there was none to remove.
  bool remove(std::size_t connection, const std::string& path, jute::WatcherType type);
  void trigger(const Change& change, std::int64_t zxid, const Tell& tell);
  void forget(std::size_t connection);

 private:
  enum Mode : unsigned { standard = 1, persistent = 2, recursive = 4 };
  using Table = std::map<std::string, std::map<std::size_t, unsigned>>;

  Table data_;
  Table child_;
};

}  // namespace chorus::coord_sim
