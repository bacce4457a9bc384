// XGROUP and XACK.
#include <fmt/format.h>

#include "base/text.h"
#include "cache/connection/help.h"
#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

struct GroupOptions {
  bool makes_stream = false;
  std::int64_t entries_read = -1;
};

void refuse_arguments(Call& call) {
  call.error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try XGROUP HELP.", call[1].substr(0, 128)));
}

bool read_options(Call& call, bool is_create, GroupOptions& options) {
  for (std::size_t i = 5; i < call.size(); ++i) {
    if (is_create && call.is_word(i, "MKSTREAM")) {
      options.makes_stream = true;
    } else if (i + 1 < call.size() && call.is_word(i, "ENTRIESREAD")) {
      const auto count = call.integer(++i);
      if (!count) return false;
      if (*count < -1) return call.error("ERR value for ENTRIESREAD must be positive or -1"), false;
      options.entries_read = *count;
    } else {
      return refuse_arguments(call), false;
    }
  }
  return true;
}

/// The stream of argument 2; null: replied.
Entry* need_stream(Call& call) {
  Entry* entry = call.write(call[2]);
  if (!call.is(entry, Type::stream)) return nullptr;
  if (entry == nullptr) {
    call.error(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an "
        "empty stream automatically.");
  }
  return entry;
}

/// The group of arguments 2 and 3; null: replied.
StreamGroup* need_named_group(Call& call) {
  const Entry* entry = need_stream(call);
  if (entry == nullptr) return nullptr;
  StreamGroup* group = find_group(entry, call[3]);
  if (group == nullptr) call.error(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'", call[3], call[2]));
  return group;
}

}  // namespace

void xgroup_create(Call& call) {
  GroupOptions options;
  if (!read_options(call, true, options)) return;
  Entry* entry = options.makes_stream ? call.write(call[2]) : need_stream(call);
  if (entry == nullptr && !options.makes_stream) return;
  if (!call.is(entry, Type::stream)) return;
  if (call.size() > 8) return refuse_arguments(call);
  StreamId id;
  if (call[4] != "$") {
    const auto given = stream_id(call, 4);
    if (!given) return;
    id = *given;
  } else if (entry != nullptr) {
    id = stream_in(entry).last_id;
  }
  const bool is_new = entry == nullptr;
  if (is_new) {
    entry = Entry::make(call[2], Type::stream, Encoding::stream, Stream::make());
    call.insert(entry);
    call.changed_quietly(call[2]);
  }
  const auto [at, added] = stream_in(entry).groups.try_emplace(StreamName(call[3]));
  if (!added) return call.error("BUSYGROUP Consumer Group name already exists");
  at->second.last_id = id;
  at->second.entries_read = options.entries_read;
  call.changed();
  call.event(call[2], Notify::stream, "xgroup-create");
  call.reply.ok();
}

void xgroup_setid(Call& call) {
  GroupOptions options;
  if (!read_options(call, false, options)) return;
  StreamGroup* group = need_named_group(call);
  if (group == nullptr) return;
  if (call.size() > 7) return refuse_arguments(call);
  if (call[4] == "$") {
    group->last_id = stream_in(call.peek(call[2])).last_id;
  } else {
    const auto id = stream_id(call, 4, {.takes_ends = true});
    if (!id) return;
    group->last_id = *id;
  }
  group->entries_read = options.entries_read;
  call.changed();
  call.event(call[2], Notify::stream, "xgroup-setid");
  call.reply.ok();
}

void xgroup_destroy(Call& call) {
  Entry* entry = need_stream(call);
  if (entry == nullptr) return;
  auto& groups = stream_in(entry).groups;
  const auto found = groups.find(call[3]);
  if (found == groups.end()) return call.reply.integer(0);
  groups.erase(found);
  call.changed();
  call.event(call[2], Notify::stream, "xgroup-destroy");
  call.ready(call[2]);  // its readers learn that it has gone
  call.reply.integer(1);
}

void xgroup_createconsumer(Call& call) {
  StreamGroup* group = need_named_group(call);
  if (group == nullptr) return;
  const bool is_new = group->find(call[4]) == nullptr;
  if (is_new) consumer_of(call, {call[2], call[3]}, *group, call[4]);
  call.reply.integer(is_new ? 1 : 0);
}

void xgroup_delconsumer(Call& call) {
  StreamGroup* group = need_named_group(call);
  if (group == nullptr) return;
  if (group->find(call[4]) == nullptr) return call.reply.integer(0);
  call.reply.integer(static_cast<std::int64_t>(group->remove(call[4])));
  call.changed();
  call.event(call[2], Notify::stream, "xgroup-delconsumer");
}

void xgroup_help(Call& call) {
  reply_help(call, {"CREATE <key> <groupname> <id|$> [option]", "    Create a new consumer group. Options are:", "    * MKSTREAM",
                    "      Create the empty stream if it does not exist.", "    * ENTRIESREAD entries_read",
                    "      Set the group's entries_read counter (internal use).", "CREATECONSUMER <key> <groupname> <consumer>",
                    "    Create a new consumer in the specified group.", "DELCONSUMER <key> <groupname> <consumer>",
                    "    Remove the specified consumer.", "DESTROY <key> <groupname>", "    Remove the specified group.",
                    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]", "    Set the current group ID and entries_read counter."});
}

void xack(Call& call) {
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::stream)) return;
  StreamGroup* group = find_group(entry, call[2]);
  if (group == nullptr) return call.reply.integer(0);
  const auto ids = stream_ids(call, 3);
  if (!ids) return;
  std::int64_t count = 0;
  for (const StreamId id : *ids) count += group->acknowledge(id) ? 1 : 0;
  if (count > 0) call.changed();
  call.reply.integer(count);
}

}  // namespace chorus::cache
