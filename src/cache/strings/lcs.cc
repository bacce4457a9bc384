// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <string>
#include <vector>

#include "cache/call.h"
#include "cache/strings/handlers.h"

namespace chorus::cache {
namespace {

struct Match {
  std::uint32_t first_start, first_end, second_start, second_end;
};

}  // namespace

void lcs(Call& call) {
  bool wants_length = false, wants_matches = false, with_length = false;
  std::int64_t least = 0;
  std::string_view texts[2] = {"", ""};
  NumberText scratch[2];
  for (std::size_t i = 0; i < 2; ++i) {
    const Entry* entry = call.read(call[i + 1]);
    if (entry != nullptr && entry->type() != Type::string) return call.error("ERR The specified keys must contain string values");
    if (entry != nullptr) texts[i] = entry->text(scratch[i]);
  }
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "IDX")) {
      wants_matches = true;
    } else if (call.is_word(i, "LEN")) {
      wants_length = true;
    } else if (call.is_word(i, "WITHMATCHLEN")) {
      with_length = true;
    } else if (call.is_word(i, "MINMATCHLEN") && i + 1 < call.size()) {
      const auto given = call.integer(++i);
      if (!given) return;
      least = std::max<std::int64_t>(*given, 0);
    } else {
      return call.error(errors::syntax);
    }
  }
  if (wants_length && wants_matches) {
    return call.error("ERR If you want both the length and indexes, please just use IDX.");
  }
  const std::string_view a = texts[0], b = texts[1];
  const std::size_t width = b.size() + 1;
  if (a.size() >= UINT32_MAX - 1 || b.size() >= UINT32_MAX - 1) return call.error("ERR String too long for LCS");
  if ((a.size() + 1) > call.options().bulk_octets_max / sizeof(std::uint32_t) / width) {
    return call.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  std::vector<std::uint32_t> table((a.size() + 1) * width);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      table[i * width + j] =
          a[i - 1] == b[j - 1] ? table[(i - 1) * width + j - 1] + 1 : std::max(table[(i - 1) * width + j], table[i * width + j - 1]);
    }
  }
  const std::uint32_t total = table.back();
  if (wants_length) return call.reply.integer(total);
  // Backwards along the table: runs of equal octets are the matches.
  std::string common(wants_matches ? 0 : total, '\0');
  std::vector<Match> matches;
  bool is_open = false;
  Match open{};
  std::uint32_t left = total;
  const auto close = [&] {
    if (std::exchange(is_open, false) && open.first_end - open.first_start + 1 >= least) matches.push_back(open);
  };
  std::size_t i = a.size(), j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      --left;
      if (!wants_matches) common[left] = a[i - 1];
      const auto x = static_cast<std::uint32_t>(i - 1), y = static_cast<std::uint32_t>(j - 1);
      if (is_open && open.first_start == x + 1 && open.second_start == y + 1) {
        open.first_start = x;
        open.second_start = y;
      } else {
        close();
        open = {x, x, y, y};
        is_open = true;
      }
      --i;
      --j;
    } else {
      (table[(i - 1) * width + j] > table[i * width + j - 1] ? i : j) -= 1;
    }
  }
  close();
  if (!wants_matches) return call.reply.bulk(common);
  call.reply.map(2);
  call.reply.bulk("matches");
  call.reply.array(matches.size());
  for (const Match& match : matches) {
    call.reply.array(with_length ? 3 : 2);
    call.reply.array(2);
    call.reply.integer(match.first_start);
    call.reply.integer(match.first_end);
    call.reply.array(2);
    call.reply.integer(match.second_start);
    call.reply.integer(match.second_end);
    if (with_length) call.reply.integer(match.first_end - match.first_start + 1);
  }
  call.reply.bulk("len");
  call.reply.integer(total);
}

}  // namespace chorus::cache
