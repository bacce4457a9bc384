#include "mq/broker/topic_attributes.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "base/text.h"

namespace chorus::mq {
namespace {

struct Attribute {
  std::string_view name;
  bool is_changeable = false;
  std::array<std::string_view, 6> values{};  // none: a number from -1 on
};
constexpr Attribute known[] = {
    {"queue.type", false, {"BatchCQ", "SimpleCQ"}},
    {"cleanup.policy", false, {"DELETE", "COMPACTION"}},
    {"message.type", true, {"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"}},
    {"reserve.time", true, {}},
};

/// What is wrong with the value; empty: nothing.
std::string refused(const Attribute& attribute, const std::string& value) {
  if (attribute.values.front().empty()) {
    std::int64_t number = 0;
    if (!absl::SimpleAtoi(value, &number)) return fmt::format("For input string: \"{}\"", value);
    return number < -1 ? "value is not in range(-1, 9223372036854775807)" : "";
  }
  if (!value.empty() && std::ranges::find(attribute.values, value) != attribute.values.end()) return {};
  std::string all;
  for (const std::string_view each : attribute.values) {
    if (!each.empty()) all += fmt::format("{}{}", all.empty() ? "" : ", ", each);
  }
  return fmt::format("value is not in set: [{}]", all);
}

}  // namespace

base::Result<TopicAttributes, std::string> altered_attributes(TopicAttributes current, std::string_view changes, bool is_new) {
  std::set<std::string, std::less<>> seen;
  for (const std::string_view part : base::split(changes, ',')) {
    const std::size_t equals = part.find('=');
    const bool is_set = equals != std::string_view::npos;
    if (part.size() < 2 || part.front() != (is_set ? '+' : '-')) {
      return std::unexpected(is_set ? "add/alter attribute format is wrong: " + std::string(part.substr(0, equals))
                                    : "delete attribute format is wrong: " + std::string(part));
    }
    const std::string name(is_set ? part.substr(1, equals - 1) : part.substr(1));
    if (name.empty() || name.find_first_of("+-") != std::string::npos) return std::unexpected("kv string format wrong.");
    if (!seen.insert(name).second) return std::unexpected("alter duplication key. key: " + name);
    if (!is_set && is_new) return std::unexpected("only add attribute is supported while creating topic. key: " + name);
    if (!is_set && !current.contains(name)) return std::unexpected("attempt to delete a nonexistent key: " + name);
    const auto* const attribute = std::ranges::find(known, name, &Attribute::name);
    if (attribute == std::end(known)) return std::unexpected("unsupported key: " + name);
    if (!is_new && !attribute->is_changeable) return std::unexpected("attempt to update an unchangeable attribute. key: " + name);
    if (!is_set) {
      current.erase(name);
      continue;
    }
    std::string value(part.substr(equals + 1));
    if (std::string why = refused(*attribute, value); !why.empty()) return std::unexpected(std::move(why));
    current[name] = std::move(value);
  }
  return current;
}

}  // namespace chorus::mq
