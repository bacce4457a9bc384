#include "cache/append/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cache/resp/number.h"
#include "cache/resp/parser.h"
#include "cache/resp/quote.h"

namespace chorus::cache::append {
namespace {

bool has_plain_letters(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\'; });
}

std::string line_of(const Manifest::File& file, char type) {
  return fmt::format("file {} seq {} type {}\n", has_plain_letters(file.name) ? file.name : cache::quoted(file.name), file.sequence, type);
}

std::uint64_t last_of(const std::vector<Manifest::File>& files) {
  std::uint64_t last = 0;
  for (const Manifest::File& file : files) last = std::max(last, file.sequence);
  return last;
}

struct Line {
  Manifest::File file;
  char type = 0;
};

base::Result<Line, std::string> parse_line(std::string_view text) {
  std::vector<std::string> words;
  constexpr std::size_t words_least = 6;
  if (!split_words(text, words) || words.size() < words_least || words.size() % 2 != 0)
    return std::unexpected("it is not of names and values");
  Line line;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string name = base::lower(words[i]);
    const std::string& value = words[i + 1];
    if (name == "file") {
      // It comes from outside, and is put behind the name of a directory.
      if (!is_file_name(value) || value.ends_with(".manifest")) {
        return std::unexpected("a file has to be a name within the directory");
      }
      line.file.name = value;
    } else if (name == "seq") {
      const auto number = parse_integer(value);
      if (!number || *number < 1) return std::unexpected("seq has to be a number from 1");
      line.file.sequence = static_cast<std::uint64_t>(*number);
    } else if (name == "type") {
      if (value != "b" && value != "i" && value != "h") return std::unexpected("type has to be b, i or h");
      line.type = value.front();
    }
  }
  if (line.file.name.empty() || line.file.sequence == 0 || line.type == 0) return std::unexpected("file, seq or type is missing");
  return line;
}

}  // namespace

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

bool Manifest::names(std::string_view name) const {
  const auto is_it = [&](const File& file) { return file.name == name; };
  return (base && is_it(*base)) || std::any_of(increments.begin(), increments.end(), is_it) ||
         std::any_of(history.begin(), history.end(), is_it);
}

std::uint64_t Manifest::next_base() const { return std::max(base ? base->sequence : 0, last_of(history)) + 1; }
std::uint64_t Manifest::next_increment() const { return std::max(last_of(increments), last_of(history)) + 1; }

base::Result<Manifest, std::string> parse_manifest(std::string_view text) {
  Manifest manifest;
  std::size_t number = 0;
  for (const std::string_view each : base::split(text, '\n')) {
    ++number;
    const std::string_view trimmed = base::trim(each);
    if (trimmed.empty() || trimmed.starts_with('#')) continue;
    const auto wrong = [&](std::string_view why) { return std::unexpected(fmt::format("line {}: {}", number, why)); };
    auto line = parse_line(trimmed);
    if (!line) return wrong(line.error());
    if (manifest.names(line->file.name)) return wrong("the file is named already");
    if (line->type == 'b') {
      if (manifest.base) return wrong("there is a base already");
      manifest.base = std::move(line->file);
    } else if (line->type == 'h') {
      manifest.history.push_back(std::move(line->file));
    } else {
      if (!manifest.increments.empty() && line->file.sequence <= manifest.increments.back().sequence) {
        return wrong("increments have to be in order of their numbers");
      }
      manifest.increments.push_back(std::move(line->file));
    }
  }
  if (manifest.empty() && manifest.history.empty()) return std::unexpected("it names no file");
  return manifest;
}

std::string to_string(const Manifest& manifest) {
  std::string out;
  if (manifest.base) out += line_of(*manifest.base, 'b');
  for (const Manifest::File& file : manifest.history) out += line_of(file, 'h');
  for (const Manifest::File& file : manifest.increments) out += line_of(file, 'i');
  return out;
}

std::string manifest_name(std::string_view file) { return fmt::format("{}.manifest", file); }
std::string base_name(std::string_view file, std::uint64_t sequence) { return fmt::format("{}.{}.base.rdb", file, sequence); }
std::string increment_name(std::string_view file, std::uint64_t sequence) { return fmt::format("{}.{}.incr.aof", file, sequence); }

}  // namespace chorus::cache::append
