// What a broker knows of POP consumption beside messages and offsets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mq/broker/offsets.h"
#include "mq/broker/pop_entries.h"
#include "mq/broker/pop_handles.h"
#include "mq/broker/pop_orders.h"

namespace chorus::mq {

/// Part of the broker's state: made by entries of the log alone.
class PopState {
 public:
  /// Messages of `at` were given to a group: its offset moves on, and it holds them.
  bool popped(Position at, std::string_view payload, Offsets& offsets);
  bool ended(std::string_view payload);
  void ended(Position id) { handles_.end(id); }
  bool changed(std::string_view payload);
  bool order_popped(std::string_view payload, Offsets& offsets);
  bool order_acked(std::string_view payload, Offsets& offsets);
  bool order_changed(std::string_view payload);
  bool order_cleared(std::string_view payload);
  bool request_mode(std::string_view payload);
  void remove_topic(std::string_view topic);
  void remove_group(std::string_view group);

  const PopHandles& handles() const { return handles_; }
  const PopOrders& orders() const { return orders_; }
  using Modes = std::map<std::pair<std::string, std::string>, RequestMode>;  // by topic and group
  const Modes& modes() const { return modes_; }
  std::optional<RequestMode> mode(std::string_view topic, std::string_view group) const;
  /// Whether anything is known of the group.
  bool has_group(std::string_view group) const;

  void write(base::Writer& out) const;
  bool read(base::Reader& in);

 private:
  PopHandles handles_;
  PopOrders orders_;
  Modes modes_;
};

}  // namespace chorus::mq
