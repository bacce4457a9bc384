// Subscriptions by tag: `A || B`, or `*` for all. source: remoting/protocol/filter/FilterAPI.java
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::mq {

/// Whether RocketMQ takes that type of expression for tags: none, "" or "TAG".
bool is_tag_type(std::string_view expression_type);

class TagFilter {
 public:
  /// Everything.
  TagFilter() = default;
  /// Empty when nothing but separators is there, as RocketMQ refuses.
  static std::optional<TagFilter> parse(std::string_view expression);

  bool wants_all() const { return wants_all_; }
  /// By the hash that the index keeps (Java's String.hashCode; 0: no tag). Tags of one hash pass together; consumers compare the text
  /// again.
  bool wants(std::int32_t tag_hash) const;

  /// In the order of the expression, each once.
  const std::vector<std::string>& tags() const { return tags_; }
  const std::vector<std::int32_t>& hashes() const { return hashes_; }  // rising

 private:
  bool wants_all_ = true;
  std::vector<std::string> tags_;
  std::vector<std::int32_t> hashes_;
};

}  // namespace chorus::mq
