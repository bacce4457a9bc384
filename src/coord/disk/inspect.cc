#include "coord/disk/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "coord/disk/describe.h"
#include "coord/disk/names.h"
#include "coord/disk/snapshot.h"
#include "coord/disk/txn_log.h"

namespace chorus::coord::disk {
namespace {

using store::Scan;
using store::SegmentReader;
using store::Tail;

std::string text_line(Fields fields) {
  // What every line has comes first and without its name.
  std::string line;
  for (const char* key : {"zxid", "time", "session", "cxid", "type"}) {
    const auto field = fields.find(key);
    if (field == fields.end()) continue;
    if (key == std::string_view("session") || key == std::string_view("cxid")) line += std::string(key) + " ";
    line += field->get<std::string>() + "  ";
    fields.erase(key);
  }
  return line + to_line(fields);
}

class LogInspection {
 public:
  LogInspection(SegmentReader reader, const InspectOptions& options, std::ostream& out)
      : reader_(std::move(reader)), options_(options), out_(out) {}

  InspectOutcome run() {
    if (!options_.json) out_ << reader_.path() << ": ZooKeeper transaction log, " << reader_.size() << " octets\n";
    InspectOutcome outcome = InspectOutcome::sound;
    for (;;) {
      const std::uint64_t offset = reader_.offset();
      auto scan = reader_.next();
      if (!scan) return unusable(scan.error().message);
      if (scan->kind == Scan::Kind::complete) {
        entry(*scan, offset);
        continue;
      }
      auto tail = store::judge_tail(reader_, format_, *scan, last_);
      if (!tail) return unusable(tail.error().message);
      if (tail->kind == Tail::Kind::clean) break;
      outcome = InspectOutcome::damaged;
      damage(offset, *tail);
      auto found = options_.all ? find_next() : LogResult<bool>(false);
      if (!found) return unusable(found.error().message);
      if (!*found) break;
      out_line(options_.json ? to_json_line(Fields{{"skipped_octets", reader_.offset() - offset}, {"offset", offset}})
                             : fmt::format("-- passed over {} octets", reader_.offset() - offset));
    }
    summary(outcome);
    return outcome;
  }

 private:
  void out_line(std::string_view line) { out_ << line << '\n'; }

  void entry(const Scan& scan, std::uint64_t offset) {
    if (entries_++ == 0) first_ = scan.id;
    last_ = scan.id;
    if (scan.id < options_.from_zxid || scan.id > options_.to_zxid) return;
    Fields fields = describe_txn(scan.payload, options_.data);
    if (options_.paths) {
      paths(fields);
      return;
    }
    fields["offset"] = offset;
    fields["octets"] = scan.payload.size();
    fields["checksum"] = "ok";
    out_line(options_.json ? to_json_line(fields) : text_line(std::move(fields)));
  }

  void paths(const Fields& fields) {
    for (const char* list : {"operations", "paths_to_delete"}) {
      const auto found = fields.find(list);
      if (found == fields.end()) continue;
      for (const Fields& element : *found) path(fields, element.is_string() ? element.get<std::string>() : path_of_txn(element));
      return;
    }
    path(fields, path_of_txn(fields));
  }
  void path(const Fields& fields, const std::string& path) {
    if (path.empty()) return;
    out_line(options_.json ? to_json_line(Fields{{"zxid", fields["zxid"]}, {"type", fields["type"]}, {"path", path}}) : path);
  }

  void damage(std::uint64_t offset, const Tail& tail) {
    const bool torn = tail.kind == Tail::Kind::torn;
    if (options_.json) {
      out_line(to_json_line(Fields{{"damage", tail.why}, {"offset", offset}, {"octets", tail.octets}, {"torn_tail", torn}}));
    } else if (torn) {
      out_line(
          fmt::format("-- torn at offset {}, {} octets: {}. A crash leaves this; when this is the newest log, the next start cuts it off",
                      offset, tail.octets, tail.why));
    } else {
      out_line(
          fmt::format("-- damaged at offset {}: {}{}", offset, tail.why, options_.all ? "" : " (--all looks for whole entries behind it)"));
    }
  }

  /// Moves the reader to the next place where a whole entry stands, if any.
  LogResult<bool> find_next() {
    constexpr std::size_t search_octets = 1 << 20;
    for (std::uint64_t from = reader_.offset() + 1; from < reader_.size(); from += search_octets) {
      // An entry that begins in the searched part may end behind it.
      auto octets = reader_.octets_at(from, 2 * search_octets);
      if (!octets) return std::unexpected(octets.error());
      for (std::size_t at = 0; at < std::min(search_octets, octets->size()); ++at) {
        const std::size_t data = octets->find_first_not_of('\0', at);
        if (data == std::string_view::npos) break;
        at = std::max(at, data - std::min(data, format_.frame_size()));  // an entry may begin with some zeros
        if (at >= search_octets) break;
        if (format_.scan(octets->substr(at)).kind != Scan::Kind::complete) continue;
        reader_.skip(from + at - reader_.offset());
        return true;
      }
    }
    return false;
  }

  void summary(InspectOutcome outcome) {
    if (options_.json) {
      Fields fields{{"summary", reader_.path()},
                    {"transactions", entries_},
                    {"first_zxid", hex_text(first_)},
                    {"last_zxid", hex_text(last_)},
                    {"end_offset", reader_.offset()},
                    {"file_octets", reader_.size()},
                    {"sound", outcome == InspectOutcome::sound}};
      out_line(to_json_line(fields));
    } else if (!options_.paths) {
      out_line(fmt::format("{} transactions{}; entries end at offset {} of {}; {}", entries_,
                           entries_ == 0 ? "" : fmt::format(", {} to {}", hex_text(first_), hex_text(last_)), reader_.offset(),
                           reader_.size(), outcome == InspectOutcome::sound ? "all checksums right" : "DAMAGED"));
    }
  }

  InspectOutcome unusable(const std::string& why) {
    out_line(options_.json ? to_json_line(Fields{{"error", why}}) : why);
    return InspectOutcome::unusable;
  }

  TxnFormat format_;
  SegmentReader reader_;
  const InspectOptions& options_;
  std::ostream& out_;
  std::uint64_t entries_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

class SnapshotInspection final : public SnapshotSink {
 public:
  SnapshotInspection(const std::string& path, const InspectOptions& options, std::ostream& out)
      : path_(path), options_(options), out_(out) {}

  InspectOutcome run(world::Files& files) {
    if (!options_.json) out_ << path_ << ": ZooKeeper snapshot\n";
    auto done = read_snapshot(files, path_, *this);
    if (!done) {
      line(Fields{{"damage", done.error().message}}, "-- " + done.error().message);
      return done.error().code == SnapshotErrc::invalid ? InspectOutcome::damaged : InspectOutcome::unusable;
    }
    if (options_.sizes) sizes();
    const std::string digest =
        digest_ ? fmt::format("tree digest {} at {}", hex_text(digest_->tree_digest), hex_text(digest_->zxid)) : "no tree digest";
    Fields summary{{"summary", path_}, {"nodes", nodes_}, {"data_octets", data_octets_}, {"sessions", sessions_}, {"acls", acls_}};
    summary["digest"] = digest_ ? Fields(hex_text(digest_->tree_digest)) : Fields();
    summary["digest_zxid"] = digest_ ? Fields(hex_text(digest_->zxid)) : Fields();
    summary["last_zxid"] = last_zxid_ ? Fields(hex_text(*last_zxid_)) : Fields();
    summary["sound"] = true;
    if (options_.json || !options_.paths) {
      line(summary, fmt::format("{} nodes with {} octets of data, {} sessions, {} ACLs; {}; all checksums right", nodes_, data_octets_,
                                sessions_, acls_, digest));
    }
    return InspectOutcome::sound;
  }

  void begin() override {}
  void session(const SnapshotSession& session) override {
    ++sessions_;
    if (listing()) line(Fields{{"session", hex_text(session.id)}, {"timeout_ms", session.timeout_ms}});
  }
  void acl(const SnapshotAcl& acl) override {
    ++acls_;
    if (listing()) line(Fields{{"acl_id", acl.id}, {"acl", describe_acl(acl.acl)}});
  }
  std::string node(const SnapshotNode& node) override {
    ++nodes_;
    const std::size_t octets = node.data ? node.data->size() : 0;
    data_octets_ += octets;
    if (options_.sizes) {
      add_size(node.path, octets);
      return "";
    }
    if (node.stat.mzxid < options_.from_zxid || node.stat.mzxid > options_.to_zxid) return "";
    Fields fields = describe_node(node, options_.data);
    if (!options_.paths) {
      line(fields);
    } else {
      line(Fields{{"path", fields["path"]}}, fields["path"].get<std::string>());
    }
    return "";
  }
  void digest(const SnapshotDigest& digest) override { digest_ = digest; }
  void last_zxid(std::int64_t zxid) override { last_zxid_ = zxid; }

 private:
  struct Size {
    std::uint64_t nodes = 0;
    std::uint64_t octets = 0;
  };

  bool listing() const { return !options_.paths && !options_.sizes; }
  void line(const Fields& fields) { line(fields, to_line(fields)); }
  void line(const Fields& fields, const std::string& text) { out_ << (options_.json ? to_json_line(fields) : text) << '\n'; }

  /// Counts the node for itself and for every node above it.
  void add_size(std::string_view path, std::size_t octets) {
    for (;;) {
      Size& size = sizes_[std::string(path.empty() ? "/" : path)];
      ++size.nodes;
      size.octets += octets;
      if (path.empty()) return;
      const std::size_t slash = path.rfind('/');
      path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
  }
  void sizes() {
    for (const auto& [path, size] : sizes_) {
      line(Fields{{"path", path}, {"nodes", size.nodes}, {"data_octets", size.octets}},
           fmt::format("{:>10} nodes {:>14} octets  {}", size.nodes, size.octets, path));
    }
  }

  const std::string& path_;
  const InspectOptions& options_;
  std::ostream& out_;
  std::uint64_t nodes_ = 0, data_octets_ = 0, sessions_ = 0, acls_ = 0;
  std::optional<SnapshotDigest> digest_;
  std::optional<std::int64_t> last_zxid_;
  std::map<std::string, Size> sizes_;
};

}  // namespace

InspectOutcome inspect(world::Files& files, const std::string& path, const InspectOptions& options, std::ostream& out) {
  const auto unusable = [&](const std::string& why) {
    out << (options.json ? to_json_line(Fields{{"error", why}}) : why) << '\n';
    return InspectOutcome::unusable;
  };
  if (compression_of(path) != Compression::none) return SnapshotInspection(path, options, out).run(files);
  const std::string name = path.substr(path.rfind('/') + 1);
  const TxnFormat format;
  auto reader = SegmentReader::open(files, format, path, format.first_of(name).value_or(0));
  if (!reader) return unusable(reader.error().message);
  auto magic = reader->octets_at(0, 4);
  if (!magic) return unusable(magic.error().message);
  if (*magic == "ZKSN") return SnapshotInspection(path, options, out).run(files);
  auto refusal = reader->check_header();
  if (!refusal) return unusable(refusal.error().message);
  if (!refusal->empty())
    return unusable(fmt::format("{} is neither a transaction log (ZKLG) nor a snapshot (ZKSN) of ZooKeeper: {}", path, *refusal));
  return LogInspection(std::move(*reader), options, out).run();
}

}  // namespace chorus::coord::disk
