// How a row of the table of properties is tied to its place in Settings.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config/property.h"
#include "base/text.h"

namespace chorus::app {

inline constexpr std::int64_t unlimited = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

template <class T>
struct Duration : std::false_type {};
template <class Rep, class Period>
struct Duration<std::chrono::duration<Rep, Period>> : std::true_type {};

template <class T>
concept List = std::same_as<T, std::set<std::string>> || std::same_as<T, std::vector<std::string>>;

inline std::string read_integer(std::string_view text, const Property& property, std::int64_t& to) {
  const auto number = base::parse_int(base::trim(text));
  if (!number) return fmt::format("wants a whole number, not '{}'", text);
  if (*number < property.min || *number > property.max) return fmt::format("wants {} to {}, not {}", property.min, property.max, *number);
  to = *number;
  return {};
}

template <class T>
std::string read(std::string_view text, const Property& property, T& to) {
  if constexpr (std::same_as<T, bool>) {
    const std::string word = base::lower(base::trim(text));
    if (word != "true" && word != "false") return fmt::format("wants true or false, not '{}'", text);
    to = word == "true";
  } else if constexpr (std::integral<T>) {
    std::int64_t number = 0;
    if (std::string wrong = read_integer(text, property, number); !wrong.empty()) return wrong;
    to = static_cast<T>(number);
  } else if constexpr (Duration<T>::value) {
    std::int64_t number = 0;
    if (std::string wrong = read_integer(text, property, number); !wrong.empty()) return wrong;
    to = T(number);
  } else if constexpr (std::same_as<T, std::optional<std::chrono::milliseconds>>) {
    std::int64_t number = 0;
    if (std::string wrong = read_integer(text, property, number); !wrong.empty()) return wrong;
    to = number == 0 ? T{} : T{number};
  } else if constexpr (std::same_as<T, std::optional<world::Address>>) {
    to = world::parse_address(base::trim(text));
    // Port 0 is what "no port given" reads as, and also asks the system for a free one: only the written "…:0" may mean the latter.
    if (to && to->port == 0 && !base::trim(text).ends_with(":0")) to.reset();
    if (!to && !base::trim(text).empty()) return fmt::format("wants host:port (\"127.0.0.1:2181\", \"[::1]:2181\"), not '{}'", text);
  } else if constexpr (std::same_as<T, cache::EvictionPolicy>) {
    const auto policy = cache::parse_eviction_policy(base::trim(text));
    if (!policy) return fmt::format("wants one of {}, not '{}'", fmt::join(base::split(property.choices, '|'), ", "), text);
    to = *policy;
  } else if constexpr (std::same_as<T, cache::ProtectedAccess>) {
    using enum cache::ProtectedAccess;
    const std::string word = base::lower(base::trim(text));
    if (word != "no" && word != "yes" && word != "local") return fmt::format("wants no, yes or local, not '{}'", text);
    to = word == "yes" ? yes : word == "local" ? local : no;
  } else if constexpr (std::same_as<T, cache::SyncPolicy>) {
    using enum cache::SyncPolicy;
    const std::string word = base::lower(base::trim(text));
    if (word != "no" && word != "always" && word != "everysec") return fmt::format("wants no, always or everysec, not '{}'", text);
    to = word == "always" ? always : word == "everysec" ? everysec : no;
  } else if constexpr (List<T>) {
    to.clear();
    for (const std::string_view part : base::split(text, ',')) {
      if (const std::string_view word = base::trim(part); !word.empty()) to.insert(to.end(), std::string(word));
    }
  } else {
    static_assert(std::same_as<T, std::string>);
    if (!property.choices.empty()) {
      const auto choices = base::split(property.choices, '|');
      if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
        return fmt::format("wants one of {}, not '{}'", fmt::join(choices, ", "), text);
      }
    }
    to = text;
  }
  return {};
}

template <class T>
std::string show(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::integral<T>) {
    return std::to_string(value);
  } else if constexpr (Duration<T>::value) {
    return std::to_string(value.count());
  } else if constexpr (std::same_as<T, std::optional<std::chrono::milliseconds>>) {
    return std::to_string(value ? value->count() : 0);
  } else if constexpr (std::same_as<T, std::optional<world::Address>>) {
    return value ? to_string(*value) : "";
  } else if constexpr (std::same_as<T, cache::EvictionPolicy>) {
    return std::string(name_of(value));
  } else if constexpr (std::same_as<T, cache::ProtectedAccess>) {
    using enum cache::ProtectedAccess;
    return value == yes ? "yes" : value == local ? "local" : "no";
  } else if constexpr (std::same_as<T, cache::SyncPolicy>) {
    using enum cache::SyncPolicy;
    return value == always ? "always" : value == everysec ? "everysec" : "no";
  } else if constexpr (List<T>) {
    return fmt::format("{}", fmt::join(value, ","));
  } else {
    return value;
  }
}

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::same_as<T, bool>) return Kind::boolean;
  if constexpr (std::same_as<T, std::string> || std::same_as<T, cache::EvictionPolicy> || std::same_as<T, cache::ProtectedAccess> ||
                std::same_as<T, cache::SyncPolicy>) {
    return Kind::text;
  }
  if constexpr (std::same_as<T, std::optional<world::Address>>) return Kind::address;
  if constexpr (List<T>) return Kind::list;
  return Kind::integer;
}

/// The member of Settings that is reached through Fields, one below the other.
template <auto... Fields>
constexpr Property bind(Property property) {
  using T = std::remove_cvref_t<decltype((std::declval<Settings&>().*....*Fields))>;
  property.kind = kind_of<T>();
  property.set = [](Settings& settings, std::string_view text, const Property& self) { return read(text, self, (settings.*....*Fields)); };
  property.get = [](const Settings& settings) { return show((settings.*....*Fields)); };
  return property;
}

}  // namespace chorus::app
