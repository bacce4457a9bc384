#include <algorithm>
#include <string>

#include "base/ensure.h"
#include "mq/filter/sql_filter.h"
#include "mq/filter/tag_filter.h"
#include "mq/message/ids.h"
#include "targets.h"

namespace chorus::fuzz {

void fuzz_mq_filter(std::string_view input) {
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string expression(input.substr(0, end)), properties(input.substr(std::min(end + 1, input.size())));
  const auto filter = mq::SqlFilter::compile(expression);
  if (filter) {
    filter->matches(mq::Properties(properties));
    ENSURE(filter->matches(mq::Properties(properties)) == filter->matches(mq::Properties(properties)));
    // A condition and its opposite are never both true. (With parentheses of its own it might end before its end.)
    const bool simple = expression.find_first_of("()") == std::string::npos;
    if (const auto opposite = mq::SqlFilter::compile("NOT (" + expression + "\n)"); simple && opposite)
      ENSURE(!(filter->matches(mq::Properties(properties)) && opposite->matches(mq::Properties(properties))));
  } else {
    ENSURE(!filter.error().empty());
  }
  if (const auto tags = mq::TagFilter::parse(expression))
    for (const std::string& tag : tags->tags()) ENSURE(tags->wants(mq::java_hash(tag)));
}

}  // namespace chorus::fuzz
