#include "cache/effect_commands.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace chorus::cache {
namespace {

void append_length(std::string& out, char kind, std::size_t length) {
  char digits[20];
  char* const end = std::to_chars(std::begin(digits), std::end(digits), length).ptr;
  out += kind;
  out.append(std::begin(digits), end);
  out += "\r\n";
}

template <class Words>
void append_words(std::string& out, const Words& words) {
  append_length(out, '*', words.size());
  for (const auto& word : words) {
    append_length(out, '$', word.size());
    out += word;
    out += "\r\n";
  }
}

}  // namespace

void append_request(std::string& out, std::span<const std::string_view> words) { append_words(out, words); }
void append_request(std::string& out, std::initializer_list<std::string_view> words) { append_words(out, words); }
void append_request(std::string& out, std::span<const std::string> words) { append_words(out, words); }

bool EffectCommands::is_for_it(const Effect& effect) const {
  if (for_ == For::replicas || effect.arguments.empty()) return true;
  const std::string& name = effect.arguments.front();
  constexpr std::string_view publish = "publish", spublish = "spublish";
  if (name.size() != publish.size() && name.size() != spublish.size()) return true;
  const std::string word = base::lower(name);
  return word != publish && word != spublish;
}

void EffectCommands::select(unsigned db, std::string& out) {
  if (db_ == db) return;
  append_request(out, {"SELECT", std::to_string(db)});
  db_ = db;
}

void EffectCommands::append(std::span<const Effect> unit, std::string& out) {
  const auto count = std::count_if(unit.begin(), unit.end(), [&](const Effect& effect) { return is_for_it(effect); });
  // Redis 7.0 says the database before MULTI, as its test suite wants it; Valkey 8 behind. Readers take both.
  const bool is_together = count > 1;
  bool has_begun = false;
  for (const Effect& effect : unit) {
    if (!is_for_it(effect)) continue;
    select(effect.db, out);
    if (is_together && !std::exchange(has_begun, true)) append_request(out, {"MULTI"});
    append_request(out, effect.arguments);
  }
  if (is_together) append_request(out, {"EXEC"});
}

}  // namespace chorus::cache
