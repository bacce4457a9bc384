#include "cache/value/stream.h"
#include "cache/value/stream_node.h"

namespace chorus::cache {

StreamCursor::StreamCursor(const Stream& stream, StreamId first, StreamId last, bool reverse)
    : nodes_(stream.nodes()), first_(first), last_(last), reverse_(reverse), is_over_(nodes_.empty() || first > last) {
  if (is_over_) return;
  // The node that may hold where it begins is the last one that does not begin behind it.
  node_ = nodes_.upper_bound(reverse ? last : first);
  if (node_ == nodes_.begin()) {
    is_over_ = reverse;
  } else {
    --node_;
  }
  if (!is_over_) enter();
}

void StreamCursor::enter() {
  pack_.emplace(node_->second);
  const StreamNodeHead head(*pack_);
  node_id_ = node_->first;
  node_fields_ = head.fields();
  node_names_ = head.names();
  begin_ = head.entries();
  at_ = reverse_ ? pack_->end() : begin_;
}

void StreamCursor::parse(Listpack::Position at) {
  const StreamNodeEntry entry(*pack_, node_fields_, node_id_, at);
  id_ = entry.id;
  fields_ = entry.fields;
  shares_fields_ = entry.shares_fields;
  is_deleted_ = entry.is_deleted;
  names_ = node_names_;
  values_ = entry.values;
  at_ = reverse_ ? at : entry.end;
}

bool StreamCursor::step_forward() {
  while (at_ == pack_->end()) {
    if (++node_ == nodes_.end()) return false;
    enter();
  }
  parse(at_);
  // Ids of deleted entries may lie anywhere: XSETID lowers the last id below them.
  return is_deleted_ || id_ <= last_;
}

bool StreamCursor::step_back() {
  while (at_ == begin_) {
    if (node_ == nodes_.begin()) return false;
    --node_;
    enter();
  }
  // Before an entry's begin, or the end, stands the number of elements of the one before.
  auto at = at_ == pack_->end() ? pack_->last() : pack_->previous(at_);
  for (std::int64_t back = number_at(*pack_, at); back > 0; --back) at = pack_->previous(at);
  parse(at);
  return is_deleted_ || id_ >= first_;
}

bool StreamCursor::next() {
  while (!is_over_) {
    if (!(reverse_ ? step_back() : step_forward())) {
      is_over_ = true;
      break;
    }
    if (!is_deleted_ && id_ >= first_ && id_ <= last_) return true;
  }
  return false;
}

}  // namespace chorus::cache
