#include "cache/cluster/slot_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ensure.h"
#include "base/text.h"

namespace chorus::cache::cluster {
namespace {

constexpr std::string_view first_line = "chorus-cache-map 1";
constexpr std::size_t endpoint_part_octets_max = 255;

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

bool is_address_part(std::string_view text) {
  return !text.empty() && text.size() <= endpoint_part_octets_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-' || c == '_';
  });
}

void append_range(std::string& text, std::size_t first, std::size_t last) {
  if (!text.empty()) text += ',';
  text += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

/// False: it is no set of slots, or `visit` (of one slot) said so.
template <class Visit>
bool for_each_slot(std::string_view text, Visit visit) {
  if (text == "-") return true;
  for (const std::string_view part : base::split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = number<std::uint16_t>(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number<std::uint16_t>(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= cache::slots) return false;
    for (std::uint16_t slot = *first; slot <= *last; ++slot) {
      if (!visit(slot)) return false;
    }
  }
  return true;
}

std::unexpected<MapError> wrong(std::string_view line) {
  return std::unexpected(MapError{fmt::format("the slot map has a line that cannot be read: '{}'", line.substr(0, 128))});
}

}  // namespace

bool is_node_id(std::string_view text) { return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

std::string format_endpoint(const Endpoint& endpoint) {
  return fmt::format("{} {} {} {}", endpoint.ip, endpoint.port, endpoint.bus_port, endpoint.hostname.empty() ? "-" : endpoint.hostname);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto words = base::split(text, ' ');
  if (words.size() != 4 || !is_address_part(words[0]) || !is_address_part(words[3])) return {};
  const auto port = number<std::uint16_t>(words[1]), bus_port = number<std::uint16_t>(words[2]);
  if (!port || !bus_port) return {};
  return Endpoint{.ip = std::string(words[0]),
                  .port = *port,
                  .bus_port = *bus_port,
                  .hostname = words[3] == "-" ? std::string() : std::string(words[3])};
}

std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_of(const Slots& slots) {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges;
  for (const std::uint16_t slot : slots) {
    if (!ranges.empty() && ranges.back().second + 1 == slot) {
      ranges.back().second = slot;
    } else {
      ranges.emplace_back(slot, slot);
    }
  }
  return ranges;
}

std::string format_slots(const Slots& slots) {
  std::string text;
  for (const auto& [first, last] : ranges_of(slots)) append_range(text, first, last);
  return text.empty() ? "-" : text;
}

std::optional<Slots> parse_slots(std::string_view text) {
  Slots slots;
  if (!for_each_slot(text, [&](std::uint16_t slot) { return slots.insert(slot).second; })) return {};
  return slots;
}

const Member* SlotMap::find(std::string_view id) const {
  const auto found = members_.find(std::string(id));
  return found == members_.end() ? nullptr : &found->second;
}

Member* SlotMap::member(std::string_view id) {
  const auto found = members_.find(std::string(id));
  return found == members_.end() ? nullptr : &found->second;
}

const NodeId* SlotMap::owner(std::uint16_t slot) const { return owners_[slot] == nobody ? nullptr : &names_[owners_[slot]]; }

bool SlotMap::owns(std::string_view id, std::uint16_t slot) const {
  const NodeId* has = owner(slot);
  return has != nullptr && *has == id;
}

std::optional<std::uint16_t> SlotMap::find_index(std::string_view id) const {
  const auto found = std::find(names_.begin(), names_.end(), id);
  return found == names_.end() ? std::nullopt : std::optional(static_cast<std::uint16_t>(found - names_.begin()));
}

Slots SlotMap::slots_of(std::string_view id) const {
  Slots slots;
  const auto index = find_index(id);
  for (std::size_t slot = 0; index && slot < owners_.size(); ++slot) {
    if (owners_[slot] == *index) slots.insert(slots.end(), static_cast<std::uint16_t>(slot));
  }
  return slots;
}

void SlotMap::mark_slots_of(std::string_view id, std::array<bool, cache::slots>& out) const {
  const auto index = find_index(id);
  for (std::size_t slot = 0; slot < owners_.size(); ++slot) out[slot] = index && owners_[slot] == *index;
}

std::map<NodeId, std::size_t> SlotMap::slot_counts() const {
  std::map<NodeId, std::size_t> by_id;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) by_id.emplace(names_[i], counts_[i]);
  }
  return by_id;
}

std::size_t SlotMap::assigned_to(std::string_view id) const {
  const auto index = find_index(id);
  return index ? counts_[*index] : 0;
}

const Open* SlotMap::open(std::uint16_t slot) const {
  const auto found = open_.find(slot);
  return found == open_.end() ? nullptr : &found->second;
}

std::uint64_t SlotMap::move_of(std::uint16_t slot) const {
  const auto found = moving_.find(slot);
  return found == moving_.end() ? 0 : found->second;
}

bool SlotMap::has_ticket(std::string_view writer, std::uint64_t ticket) const {
  if (last_writer_ == writer && last_ticket_ == ticket) return true;
  const Member* member = find(writer);
  return member != nullptr && member->ticket == ticket;
}

void SlotMap::set_ticket(const NodeId& writer, std::uint64_t ticket) {
  last_writer_ = writer;
  last_ticket_ = ticket;
  if (Member* own = member(writer); own != nullptr) own->ticket = ticket;
}

bool SlotMap::add_member(const NodeId& id, const Endpoint& endpoint) {
  if (Member* there = member(id); there != nullptr) {
    there->endpoint = endpoint;
    return true;
  }
  if (members_.size() >= members_max) return false;
  // A shard of its own; nobody else is in it, so its id does.
  members_.emplace(id, Member{.shard = id, .epoch = next_epoch(), .ticket = 0, .endpoint = endpoint});
  return true;
}

void SlotMap::remove_member(std::string_view id) {
  ENSURE(assigned_to(id) == 0, id);
  std::vector<std::uint64_t> over;
  for (const auto& [number, move] : moves_) {
    if (move.from == id || move.to == id) over.push_back(number);
  }
  for (const std::uint64_t number : over) remove_move(number);
  for (auto at = open_.begin(); at != open_.end();) {
    Open& open = at->second;
    if (open.migrating_to == id) open.migrating_to.reset();
    std::erase_if(open.importing, [&](const auto& each) { return each.first == id || each.second == id; });
    at = open.is_closed() ? open_.erase(at) : std::next(at);
  }
  members_.erase(std::string(id));
}

std::uint16_t SlotMap::index_of(const NodeId& id) {
  if (const auto index = find_index(id)) return *index;
  names_.push_back(id);
  counts_.push_back(0);
  return static_cast<std::uint16_t>(names_.size() - 1);
}

void SlotMap::assign(std::uint16_t slot, std::uint16_t index) {
  if (owners_[slot] != nobody) --counts_[owners_[slot]], --assigned_;
  if (index != nobody) ++counts_[index], ++assigned_;
  owners_[slot] = index;
}

void SlotMap::set_owner(std::uint16_t slot, const NodeId* owner) {
  ENSURE(owner == nullptr || members_.contains(*owner));
  open_.erase(slot);
  if (const std::uint64_t number = move_of(slot); number != 0) {
    Slots& slots = moves_[number].slots;
    slots.erase(slot);
    moving_.erase(slot);
    if (slots.empty()) moves_.erase(number);
  }
  assign(slot, owner == nullptr ? nobody : index_of(*owner));
}

std::uint64_t SlotMap::add_move(const NodeId& from, const NodeId& to, const Slots& slots) {
  ENSURE(members_.contains(from) && members_.contains(to) && from != to && !slots.empty());
  for (const std::uint16_t slot : slots) ENSURE(owns(from, slot) && move_of(slot) == 0, slot);
  const std::uint64_t number = next_epoch();
  moves_.emplace(number, Move{.from = from, .to = to, .slots = slots});
  for (const std::uint16_t slot : slots) moving_.emplace(slot, number);
  return number;
}

void SlotMap::remove_move(std::uint64_t number) {
  const auto found = moves_.find(number);
  if (found == moves_.end()) return;
  for (const std::uint16_t slot : found->second.slots) moving_.erase(slot);
  moves_.erase(found);
}

void SlotMap::close_if_done(std::uint16_t slot) {
  const auto found = open_.find(slot);
  if (found != open_.end() && found->second.is_closed()) open_.erase(found);
}

std::string SlotMap::format() const {
  std::string text = fmt::format("{}\nepoch {}\n", first_line, epoch_);
  if (!last_writer_.empty()) text += fmt::format("last {} {}\n", last_writer_, last_ticket_);
  for (const auto& [id, member] : members_) {
    text += fmt::format("node {} {} {} {} {}\n", id, member.shard, member.epoch, member.ticket, format_endpoint(member.endpoint));
  }
  for (const auto& [id, member] : members_) {
    if (member.weight != 1) text += fmt::format("weight {} {}\n", id, member.weight);
  }
  std::vector<std::string> own(names_.size());
  for (std::size_t first = 0, last = 0; first < owners_.size(); first = ++last) {
    while (last + 1 < owners_.size() && owners_[last + 1] == owners_[first]) ++last;
    if (owners_[first] != nobody) append_range(own[owners_[first]], first, last);
  }
  for (const auto& [id, member] : members_) {
    if (const auto index = find_index(id); index && !own[*index].empty()) text += fmt::format("slots {} {}\n", id, own[*index]);
  }
  for (const auto& [slot, open] : open_) {
    if (open.migrating_to) text += fmt::format("migrating {} {}\n", slot, *open.migrating_to);
    for (const auto& [at, from] : open.importing) text += fmt::format("importing {} {} {}\n", slot, at, from);
  }
  for (const auto& [number, move] : moves_) text += fmt::format("move {} {} {} {}\n", number, move.from, move.to, format_slots(move.slots));
  return text;
}

base::Result<SlotMap, MapError> SlotMap::parse(std::string_view text) {
  if (text.size() > octets_max) return std::unexpected(MapError{"the slot map is too long"});
  SlotMap map;
  auto lines = base::split(text, '\n');
  if (lines.front() != first_line || !lines.back().empty() || lines.size() < 2) return wrong(lines.front());
  lines.pop_back();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (auto taken = map.take_line(lines[i]); !taken) return std::unexpected(taken.error());
  }
  return map;
}

base::Result<void, MapError> SlotMap::take_line(std::string_view line) {
  const auto words = base::split(line, ' ');
  const auto known = [&](std::string_view id) { return find(id) != nullptr; };
  const std::string_view kind = words[0];
  if (kind == "epoch" && words.size() == 2) {
    const auto value = number<std::uint64_t>(words[1]);
    if (!value) return wrong(line);
    epoch_ = *value;
  } else if (kind == "last" && words.size() == 3) {
    const auto ticket = number<std::uint64_t>(words[2]);
    if (!is_node_id(words[1]) || !ticket) return wrong(line);
    last_writer_ = words[1];
    last_ticket_ = *ticket;
  } else if (kind == "node" && words.size() == 9) {
    const auto epoch = number<std::uint64_t>(words[3]), ticket = number<std::uint64_t>(words[4]);
    const auto endpoint = parse_endpoint(line.substr(static_cast<std::size_t>(words[5].data() - line.data())));
    if (!is_node_id(words[1]) || !is_node_id(words[2]) || !epoch || !ticket || !endpoint || known(words[1])) return wrong(line);
    if (members_.size() >= members_max) return std::unexpected(MapError{"the slot map has too many members"});
    members_.emplace(words[1], Member{.shard = NodeId(words[2]), .epoch = *epoch, .ticket = *ticket, .endpoint = *endpoint});
  } else if (kind == "weight" && words.size() == 3) {
    const auto weight = number<std::uint32_t>(words[2]);
    Member* it = member(words[1]);
    if (!weight || *weight == 1 || it == nullptr || it->weight != 1) return wrong(line);
    it->weight = *weight;
  } else if (kind == "slots" && words.size() == 3) {
    if (!known(words[1])) return wrong(line);
    const std::uint16_t index = index_of(NodeId(words[1]));
    const auto take = [&](std::uint16_t slot) {
      if (owners_[slot] != nobody) return false;
      assign(slot, index);
      return true;
    };
    if (!for_each_slot(words[2], take)) return wrong(line);
  } else if ((kind == "migrating" && words.size() == 3) || (kind == "importing" && words.size() == 4)) {
    const auto slot = number<std::uint16_t>(words[1]);
    if (!slot || *slot >= cache::slots || !known(words[2])) return wrong(line);
    Open& open = open_[*slot];
    if (kind == "migrating") {
      if (owner(*slot) == nullptr || open.migrating_to) return wrong(line);
      open.migrating_to = NodeId(words[2]);
    } else if (!known(words[3]) || !open.importing.emplace(words[2], words[3]).second) {
      return wrong(line);
    }
  } else if (kind == "move" && words.size() == 5) {
    const auto which = number<std::uint64_t>(words[1]);
    const auto moved = parse_slots(words[4]);
    if (!which || *which == 0 || *which > epoch_ || !moved || moved->empty() || !known(words[2]) || !known(words[3]) ||
        words[2] == words[3]) {
      return wrong(line);
    }
    for (const std::uint16_t slot : *moved) {
      if (!owns(words[2], slot) || move_of(slot) != 0) return wrong(line);
    }
    if (!moves_.emplace(*which, Move{.from = NodeId(words[2]), .to = NodeId(words[3]), .slots = *moved}).second) return wrong(line);
    for (const std::uint16_t slot : *moved) moving_.emplace(slot, *which);
  } else {
    return wrong(line);
  }
  return {};
}

}  // namespace chorus::cache::cluster
