#include "mq/filter/tag_filter.h"

#include <algorithm>

#include "base/text.h"
#include "mq/message/ids.h"

namespace chorus::mq {

bool is_tag_type(std::string_view expression_type) { return expression_type.empty() || expression_type == "TAG"; }

std::optional<TagFilter> TagFilter::parse(std::string_view expression) {
  TagFilter filter;
  if (expression.empty() || expression == "*") return filter;
  filter.wants_all_ = false;
  bool has_part = false;
  while (true) {
    const std::size_t end = expression.find("||");
    const std::string_view part = expression.substr(0, end);
    has_part |= !part.empty();
    if (const std::string_view tag = base::trim(part); !tag.empty() && std::ranges::find(filter.tags_, tag) == filter.tags_.end()) {
      filter.tags_.emplace_back(tag);
      filter.hashes_.push_back(java_hash(tag));
    }
    if (end == std::string_view::npos) break;
    expression.remove_prefix(end + 2);
  }
  if (!has_part) return std::nullopt;
  std::ranges::sort(filter.hashes_);
  filter.hashes_.erase(std::ranges::unique(filter.hashes_).begin(), filter.hashes_.end());
  return filter;
}

bool TagFilter::wants(std::int32_t tag_hash) const { return wants_all_ || std::ranges::binary_search(hashes_, tag_hash); }

}  // namespace chorus::mq
