// What commands of streams have in common: ids, options of trimming, replies of entries, effects.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/call.h"
#include "cache/value/stream.h"

namespace chorus::cache {

namespace errors {
inline constexpr std::string_view stream_id = "ERR Invalid stream ID specified as stream command argument";
}

struct StreamIdOptions {
  std::uint64_t missing_seq = 0;  // what "ms" alone stands for
  bool takes_ends = false;        // "-" and "+"
  bool* has_seq = nullptr;        // where given, "ms-*" is taken: false then
};
std::optional<StreamId> parse_stream_id(std::string_view text, const StreamIdOptions& options);
/// The same of argument `i`; empty: the error is replied.
std::optional<StreamId> stream_id(Call& call, std::size_t i, const StreamIdOptions& options = {});
/// An end of an interval, "(" before it leaves itself out. Empty: replied.
std::optional<StreamId> interval_start(Call& call, std::size_t i);
std::optional<StreamId> interval_end(Call& call, std::size_t i);
/// All arguments from `from` on; empty: replied.
std::optional<std::vector<StreamId>> stream_ids(Call& call, std::size_t from);

inline Stream& stream_in(const Entry* entry) { return *entry->payload<Stream>(); }
/// Null: there is none.
StreamGroup* find_group(const Entry* entry, std::string_view name);
/// The same of the key and group at arguments 1 and 2; null: replied, with NOGROUP or WRONGTYPE.
StreamGroup* need_group(Call& call, Entry* entry);

/// MAXLEN and MINID of XADD and XTRIM, and what else stands there.
struct TrimOptions {
  std::optional<StreamTrim> trim;  // none was asked for
  bool makes_no_stream = false;
  std::optional<StreamId> id;  // XADD: none is "*"
  bool has_seq = true;
  std::size_t end = 0;  // XADD: of the id; XTRIM: behind all
};
/// False: replied.
bool read_trim_options(Call& call, bool is_xadd, TrimOptions& options);
/// The trimming as it came out, to be repeated: "MAXLEN", "=", "10".
std::vector<std::string> exact_trim(const Stream& stream, const StreamTrim& trim);

void reply_entry(Call& call, const StreamCursor& entry);
/// Whether there was one.
bool reply_entry(Call& call, const Stream& stream, StreamId id);

/// A group, as effects need it.
struct GroupName {
  std::string_view key, group;
};
/// Says who is to have which entries, since when and how often: one effect for up to some hundred entries that share all but their ids, so
/// that handing out a backlog takes little beside the entries themselves.
class ClaimEffects {
 public:
  /// All are borrowed as long as this lives.
  ClaimEffects(Call& call, GroupName name, const StreamGroup& group) : call_(call), name_(name), group_(group) {}
  ClaimEffects(const ClaimEffects&) = delete;
  ClaimEffects& operator=(const ClaimEffects&) = delete;
  /// What is left is said at the end.
  ~ClaimEffects() { say(); }
  void add(StreamId id, const StreamPending& pending);

 private:
  void say();

  Call& call_;
  const GroupName name_;
  const StreamGroup& group_;
  StreamPending shared_{};
  std::vector<StreamId> ids_;
};
void group_id_effect(Call& call, GroupName name, const StreamGroup& group);
/// The consumer, made if there is none.
StreamConsumer& consumer_of(Call& call, GroupName name, StreamGroup& group, std::string_view consumer);

}  // namespace chorus::cache
