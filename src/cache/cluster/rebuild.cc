#include "cache/cluster/rebuild.h"

#include <string>
#include <utility>
#include <vector>

#include "cache/hashes/hash_value.h"
#include "cache/lists/list_value.h"
#include "cache/resp/number.h"
#include "cache/sets/set_value.h"
#include "cache/value/stream.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache::cluster {
namespace {

/// Gathers words behind a command and its key, and gives them on some at a time.
class Batch {
 public:
  Batch(std::string_view command, std::string_view key, const std::function<void(Arguments)>& visit)
      : command_(command), key_(key), visit_(visit) {}
  ~Batch() { flush(); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  /// Those of one call stay together.
  void add(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      words_.emplace_back(word);
      octets_ += word.size();
    }
    if (words_.size() >= words_max || octets_ >= octets_max) flush();
  }

 private:
  static constexpr std::size_t words_max = 512, octets_max = 64 << 10;
  void flush() {
    if (words_.empty()) return;
    std::vector<std::string_view> all{command_, key_};
    all.insert(all.end(), words_.begin(), words_.end());
    visit_(all);
    words_.clear();
    octets_ = 0;
  }
  std::string_view command_, key_;
  const std::function<void(Arguments)>& visit_;
  std::vector<std::string> words_;
  std::size_t octets_ = 0;
};

using Say = std::function<void(std::initializer_list<std::string_view>)>;

void rebuild_group(std::string_view key, std::string_view name, const StreamGroup& group, const Say& say) {
  say({"XGROUP", "CREATE", key, name, group.last_id.text(), "ENTRIESREAD", std::to_string(group.entries_read)});
  for (const auto& [consumer, facts] : group.consumers) say({"XGROUP", "CREATECONSUMER", key, name, consumer});
  for (const auto& [id, pending] : group.pending) {
    say({"XCLAIM", key, name, pending.consumer->name, "0", id.text(), "TIME", std::to_string(pending.delivered_ms), "RETRYCOUNT",
         std::to_string(pending.deliveries), "FORCE", "JUSTID", "LASTID", group.last_id.text()});
  }
}

/// source: how Redis rewrites its append-only file
void rebuild_stream(std::string_view key, const Stream& stream, const Say& say, const std::function<void(Arguments)>& visit) {
  std::vector<std::string> words;
  for (StreamCursor cursor(stream, StreamId{}, StreamId::last()); cursor.next();) {
    words = {"XADD", std::string(key), cursor.id().text()};
    cursor.for_each([&](std::string_view field, std::string_view value) {
      words.emplace_back(field);
      words.emplace_back(value);
    });
    visit(std::vector<std::string_view>(words.begin(), words.end()));
  }
  // One that is empty is made by an entry that goes at once.
  if (stream.length == 0) say({"XADD", key, "MAXLEN", "0", stream.last_id.is_zero() ? "0-1" : stream.last_id.text(), "x", "y"});
  say({"XSETID", key, stream.last_id.text(), "ENTRIESADDED", std::to_string(stream.entries_added), "MAXDELETEDID",
       stream.max_deleted_id.text()});
  for (const auto& [name, group] : stream.groups) rebuild_group(key, name, group, say);
}

}  // namespace

void rebuild(const Thresholds& thresholds, Entry* entry, const std::function<void(Arguments)>& visit) {
  const std::string_view key = entry->key();
  const auto say = [&](std::initializer_list<std::string_view> words) { visit(Arguments(words.begin(), words.size())); };
  say({"DEL", key});
  switch (entry->type()) {
    case Type::string: {
      NumberText scratch;
      say({"SET", key, entry->text(scratch)});
      break;
    }
    case Type::list: {
      Batch batch("RPUSH", key, visit);
      const ListValue list(thresholds, entry);
      list.for_range(0, list.size(), false, [&](std::string_view element) { batch.add({element}); });
      break;
    }
    case Type::set: {
      Batch batch("SADD", key, visit);
      SetValue(thresholds, entry).for_each([&](std::string_view member) { batch.add({member}); });
      break;
    }
    case Type::hash: {
      Batch batch("HSET", key, visit);
      HashValue(thresholds, entry).for_each([&](std::string_view field, std::string_view value) { batch.add({field, value}); });
      break;
    }
    case Type::zset: {
      Batch batch("ZADD", key, visit);
      const ZsetValue zset(thresholds, entry);
      zset.for_range(0, zset.size(), false, [&](std::string_view member, double score) { batch.add({double_text(score), member}); });
      break;
    }
    case Type::stream:
      rebuild_stream(key, *entry->payload<Stream>(), say, visit);
      break;
  }
  if (const auto expiry = entry->expiry()) say({"PEXPIREAT", key, std::to_string(*expiry)});
}

}  // namespace chorus::cache::cluster
