#include "mq/log/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "mq/log/checkpoint.h"
#include "mq/log/index_file.h"
#include "mq/log/scan_segment.h"
#include "mq/message/message.h"
#include "store/segment.h"

namespace chorus::mq::log {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> magics{"CHORUSMQ", "CHMQINDX", "CHMQSTAT"};
constexpr std::array<std::string_view, 4> kind_names{"", "message", "batch", "own"};
// source: mq/broker/state.h, EntryType
constexpr std::array<std::string_view, 11> type_names{"",         "offsets",   "half",     "transaction end", "rollback", "half checked",
                                                      "delivery", "delivered", "recalled", "topic removed",   "skipped"};

std::string magic_of(world::Files& files, const std::string& path) {
  const auto file = files.open(path, world::OpenMode::read);
  if (!file) return {};
  std::string octets(8, '\0');
  const auto read = (*file)->read_at(0, octets.data(), octets.size());
  return read && *read == octets.size() ? octets : std::string();
}

template <std::size_t N>
std::string named(const std::array<std::string_view, N>& names, std::size_t value) {
  return value < N && !names[value].empty() ? std::string(names[value]) : std::to_string(value);
}

class Inspector {
 public:
  Inspector(world::Files& files, const std::string& path, const InspectOptions& options, std::ostream& out)
      : files_(files), path_(path), options_(options), out_(out) {
    const std::size_t slash = path.rfind('/');
    directory_ = slash == std::string::npos ? "." : path.substr(0, slash);
    name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
  }

  InspectOutcome segment();
  InspectOutcome index();
  InspectOutcome checkpoint();
  InspectOutcome unusable(std::string_view why) {
    tell({{"file", path_}, {"unusable", why}}, fmt::format("{}: {}", path_, why));
    return InspectOutcome::unusable;
  }

 private:
  void tell(const Json& json, std::string_view text) {
    if (options_.json) {
      out_ << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    } else {
      out_ << text << '\n';
    }
  }
  void entry(const EntryView& view, std::uint64_t framed);
  /// Nothing but zeros, and the mark of the last group, from there on.
  bool is_space(std::uint64_t from, std::uint64_t size);
  InspectOutcome damaged(std::string_view why) {
    tell({{"file", path_}, {"damaged", why}}, fmt::format("  damaged: {}", why));
    return InspectOutcome::damaged;
  }

  world::Files& files_;
  const std::string path_;
  const InspectOptions& options_;
  std::ostream& out_;
  std::string directory_, name_;
};

bool Inspector::is_space(std::uint64_t from, std::uint64_t size) {
  const auto file = files_.open(path_, world::OpenMode::read);
  if (!file) return false;
  std::string octets;
  for (std::uint64_t at = from + store::mark_size; at < size;) {
    octets.resize(std::min<std::uint64_t>(size - at, 1 << 20));
    const auto read = (*file)->read_at(at, octets.data(), octets.size());
    if (!read || *read == 0) return read.has_value();
    if (std::string_view(octets).substr(0, *read).find_first_not_of('\0') != std::string_view::npos) return false;
    at += *read;
  }
  return true;
}

void Inspector::entry(const EntryView& view, std::uint64_t framed) {
  Json json = {{"position", view.index.position},
               {"octets", framed},
               {"kind", named(kind_names, static_cast<std::size_t>(view.kind))},
               {"epoch", view.epoch},
               {"time_ms", view.index.store_time_ms}};
  std::string text = fmt::format("  {:>12} {:>8} {}", view.index.position, framed, json["kind"].get<std::string>());
  if (view.type != 0) {
    json["type"] = named(type_names, view.type);
    text += fmt::format(" ({})", json["type"].get<std::string>());
  }
  if (!view.topic.empty()) {
    json["topic"] = view.topic;
    json["queue"] = view.queue;
    json["offset"] = view.index.offset;
    text += fmt::format(" {}:{} offset {}", view.topic, view.queue, view.index.offset);
    if (view.index.count != 1) {
      json["count"] = view.index.count;
      text += fmt::format(" to {}", view.index.offset + view.index.count - 1);
    }
  }
  if (view.due_ms != 0) {
    json["due_ms"] = view.due_ms;
    text += fmt::format(" due {}", view.due_ms);
  }
  const auto message = view.kind == Kind::message ? decode_message(view.payload) : std::unexpected(MessageErrc::damaged);
  if (message) {
    if (const auto id = message->properties().get("UNIQ_KEY")) {
      json["id"] = *id;
      text += fmt::format(" id {}", *id);
    }
    if (options_.data) {
      const bool is_text = base::is_utf8(message->body);
      json[is_text ? "body" : "body_hex"] = is_text ? std::string(message->body) : base::hex(message->body);
      text += fmt::format("\n    {}", is_text ? std::string(message->body) : base::hex(message->body));
    }
  }
  tell(json, text);
}

InspectOutcome Inspector::segment() {
  const auto base = position_in_name(name_, ".log");
  if (!base) return unusable("a segment of the message log by its contents, but its name is no position");
  const auto file = files_.open(path_, world::OpenMode::read);
  const auto size = file ? (*file)->size() : std::unexpected(file.error());
  if (!size) return unusable(size.error().message);
  struct Of {
    std::uint64_t entries = 0, octets = 0;
    Offset first = 0, last = 0;
  };
  std::map<std::pair<std::string, std::int32_t>, Of> queues;
  std::uint64_t entries = 0, own = 0;
  std::int64_t first_ms = 0, last_ms = 0;
  tell({{"file", path_}, {"is", "segment"}, {"position", *base}}, fmt::format("{}: segment of the message log from {}", path_, *base));
  const auto scan = scan_segment(files_, path_, *base, *size, [&](const EntryView& view, std::uint64_t framed) {
    ++entries;
    if (first_ms == 0) first_ms = view.index.store_time_ms;
    last_ms = view.index.store_time_ms;
    if (view.topic.empty()) {
      ++own;
    } else if (options_.sizes) {
      Of& of = queues[{std::string(view.topic), view.queue}];
      if (of.entries++ == 0) of.first = view.index.offset;
      of.last = view.index.offset + view.index.count - 1;
      of.octets += framed;
    }
    const bool is_asked = view.index.position >= options_.from && view.index.position <= options_.to;
    if ((options_.paths || options_.data) && is_asked) entry(view, framed);
  });
  if (!scan) return damaged(scan.error().message);
  for (const auto& [queue, of] : queues) {
    tell({{"topic", queue.first},
          {"queue", queue.second},
          {"entries", of.entries},
          {"octets", of.octets},
          {"first", of.first},
          {"last", of.last}},
         fmt::format("  {}:{} {} entries, {} octets, offsets {} to {}", queue.first, queue.second, of.entries, of.octets, of.first,
                     of.last));
  }
  auto holes = scan->holes;
  if (!holes.empty() && holes.back().second == *size && is_space(holes.back().first, *size)) holes.pop_back();
  tell({{"entries", entries},
        {"own", own},
        {"end", *base + static_cast<Position>(scan->end)},
        {"first_ms", first_ms},
        {"last_ms", last_ms},
        {"holes", holes.size()}},
       fmt::format("  {} entries, {} of them the store's own, up to {}; stored from {} to {} ms", entries, own,
                   *base + static_cast<Position>(scan->end), first_ms, last_ms));
  for (const auto& [from, to] : holes) {
    damaged(fmt::format("positions {} to {}: {} octets that are no entry", *base + static_cast<Position>(from),
                        *base + static_cast<Position>(to) - 1, to - from));
  }
  return holes.empty() ? InspectOutcome::sound : InspectOutcome::damaged;
}

InspectOutcome Inspector::index() {
  const auto base = position_in_name(name_, ".index");
  if (!base) return unusable("an index of the message log by its contents, but its name is no position");
  IndexFiles index(files_, directory_, 1 << 20);
  const auto header = index.header(*base);
  tell({{"file", path_}, {"is", "index"}, {"position", *base}}, fmt::format("{}: index of the segment from {}", path_, *base));
  if (!header) return damaged(header.error().message);
  tell(
      {{"end", header->end},
       {"queues", header->queues},
       {"entries", header->entries},
       {"keys", header->keys},
       {"dues", header->dues},
       {"marks", header->marks},
       {"holes", header->holes},
       {"first_ms", header->first_time_ms},
       {"last_ms", header->last_time_ms}},
      fmt::format("  up to {}: {} queues, {} entries, {} keys, {} due times, {} holes; stored from {} to {} ms", header->end,
                  header->queues, header->entries, header->keys, header->dues, header->holes, header->first_time_ms, header->last_time_ms));
  if (options_.paths) {
    const auto listed = index.for_each_queue(*base, [&](const IndexQueue& queue) {
      tell({{"topic", queue.topic}, {"queue", queue.queue}, {"entries", queue.entries}, {"base", queue.base}, {"next", queue.next}},
           fmt::format("  {}:{} {} entries, offsets {} to {}", queue.topic, queue.queue, queue.entries, queue.base, queue.next - 1));
    });
    if (!listed) return damaged(listed.error().message);
  }
  if (const auto checked = index.check(*base); !checked) return damaged(checked.error().message + "; it can be removed: it is made again");
  return InspectOutcome::sound;
}

InspectOutcome Inspector::checkpoint() {
  tell({{"file", path_}, {"is", "checkpoint"}}, fmt::format("{}: checkpoint of the message log", path_));
  const auto octets = world::read_file(files_, path_, checkpoint_octets_max);
  if (!octets) return unusable(octets.error().message);
  const auto checkpoint = decode_checkpoint(*octets);
  if (!checkpoint) return damaged("its checksum is wrong, or it is of another version; it can be removed: an older one is taken");
  tell({{"position", checkpoint->position}, {"queues", checkpoint->queues.size()}, {"state_octets", checkpoint->state.size()}},
       fmt::format("  of what is before {}: {} queues, {} octets of state", checkpoint->position, checkpoint->queues.size(),
                   checkpoint->state.size()));
  if (options_.paths) {
    for (const Checkpoint::Line& line : checkpoint->queues) {
      tell({{"topic", line.topic}, {"queue", line.queue}, {"next", line.next}},
           fmt::format("  {}:{} next offset {}", line.topic, line.queue, line.next));
    }
  }
  return InspectOutcome::sound;
}

}  // namespace

bool is_log_file(world::Files& files, const std::string& path) {
  const std::string magic = magic_of(files, path);
  return !magic.empty() && std::ranges::find(magics, std::string_view(magic)) != magics.end();
}

InspectOutcome inspect(world::Files& files, const std::string& path, const InspectOptions& options, std::ostream& out) {
  Inspector inspector(files, path, options, out);
  const std::string magic = magic_of(files, path);
  if (magic == magics[0]) return inspector.segment();
  if (magic == magics[1]) return inspector.index();
  if (magic == magics[2]) return inspector.checkpoint();
  return inspector.unusable("it is not there, or no file of the message log");
}

}  // namespace chorus::mq::log
