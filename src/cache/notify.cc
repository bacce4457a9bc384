#include "cache/notify.h"

#include <algorithm>

namespace chorus::cache {
namespace {

constexpr std::string_view all_of = "g$lshzxetd";
constexpr std::string_view order = "g$lshzxetdmn";

}  // namespace

std::optional<NotifySettings> NotifySettings::parse(std::string_view letters) {
  NotifySettings settings;
  std::string wanted;
  for (const char letter : letters) {
    if (letter == 'K') {
      settings.keyspace = true;
    } else if (letter == 'E') {
      settings.keyevent = true;
    } else if (letter == 'A') {
      wanted += all_of;
    } else if (order.find(letter) != std::string_view::npos) {
      wanted += letter;
    } else {
      return {};
    }
  }
  for (const char letter : order) {
    if (wanted.find(letter) != std::string::npos) settings.classes += letter;
  }
  return settings;
}

std::string NotifySettings::letters() const {
  const bool all = std::all_of(all_of.begin(), all_of.end(), [&](char letter) { return classes.find(letter) != std::string::npos; });
  std::string out = all ? "A" : "";
  for (const char letter : classes) {
    if (!all || all_of.find(letter) == std::string_view::npos) out += letter;
  }
  if (keyspace) out += 'K';
  if (keyevent) out += 'E';
  return out;
}

}  // namespace chorus::cache
