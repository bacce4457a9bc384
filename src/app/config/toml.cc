#include <toml++/toml.h>

#include "app/config/load.h"
#include "app/config/property.h"
#include "base/text.h"

namespace chorus::app {
namespace {

std::string scalar(const toml::node& node) {
  if (const auto* s = node.as_string()) return s->get();
  if (const auto* i = node.as_integer()) return std::to_string(i->get());
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  return {};
}

bool is_scalar(const toml::node& node) { return node.is_string() || node.is_integer() || node.is_boolean(); }

/// Empty when the value's type is the one that the property wants.
std::string wrong_type(const toml::node& node, const Property& property) {
  switch (property.kind) {
    case Kind::integer:
      return node.is_integer() ? "" : "wants a whole number, without quotes";
    case Kind::boolean:
      return node.is_boolean() ? "" : "wants true or false, without quotes";
    case Kind::list:
      return node.is_array() || node.is_string() ? "" : "wants a list: [\"a\", \"b\"]";
    default:
      return node.is_string() ? "" : "wants text in quotes";
  }
}

void read_table(const toml::table& table, const std::string& prefix, const std::string& name, Entries& out) {
  for (const auto& [toml_key, node] : table) {
    const std::string key = prefix + std::string(toml_key.str());
    const std::string place = name + ":" + std::to_string(toml_key.source().begin.line);
    const Property* property = find_property(key);
    if (property == nullptr && node.is_table()) {
      read_table(*node.as_table(), key + ".", name, out);
      continue;
    }
    if (property == nullptr) {
      out.problems.push_back(place + ": " + unknown_key(key));
      continue;
    }
    if (const std::string wrong = wrong_type(node, *property); !wrong.empty()) {
      out.problems.push_back(place + ": " + key + " " + wrong);
      continue;
    }
    std::string text = scalar(node);
    if (const auto* array = node.as_array()) {
      for (const toml::node& item : *array) {
        if (!is_scalar(item)) out.problems.push_back(place + ": " + key + " wants a list of plain values");
        text += (text.empty() ? "" : ",") + scalar(item);
      }
    }
    out.entries.push_back({key, std::move(text), place});
  }
}

}  // namespace

Entries read_toml(std::string_view text, const std::string& name) {
  Entries out;
  try {
    read_table(toml::parse(text), "", name, out);
  } catch (const toml::parse_error& e) {
    out.problems.push_back(name + ":" + std::to_string(e.source().begin.line) + ": not valid TOML: " + std::string(e.description()));
  }
  return out;
}

}  // namespace chorus::app
