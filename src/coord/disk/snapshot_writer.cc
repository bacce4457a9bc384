#include <fmt/format.h>
#include <snappy.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "coord/disk/names.h"
#include "coord/disk/snapshot.h"
#include "coord/disk/snapshot_layout.h"

namespace chorus::coord::disk {
namespace {

// ZooKeeper would take "snapshot.46.tmp" for a snapshot.
constexpr std::string_view temporary_prefix = "writing.";
constexpr std::size_t write_octets = 256 << 10;
// Syncing now and then keeps the last sync, and the log's syncs meanwhile, short.
constexpr std::uint64_t sync_octets = 16 << 20;

SnapshotError failed(const world::FileError& error) {
  return {error.code == world::FileErrc::no_space ? SnapshotErrc::no_space : SnapshotErrc::failed, error.message};
}

}  // namespace

std::string_view extension_of(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return ".gz";
    case Compression::snappy:
      return ".snappy";
    case Compression::none:
      break;
  }
  return "";
}

Compression compression_of(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::gzip;
  if (path.ends_with(".snappy")) return Compression::snappy;
  return Compression::none;
}

std::optional<Compression> parse_compression(std::string_view method) {
  if (method.empty() || method == "none") return Compression::none;
  if (method == "gz") return Compression::gzip;
  if (method == "snappy") return Compression::snappy;
  return std::nullopt;
}

class SnapshotWriter::Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends to `out` what `octets` become; some may be held back until the end.
  virtual void encode(std::string_view octets, std::string& out, bool is_end) = 0;
};

class SnapshotWriter::GzipEncoder final : public Encoder {
 public:
  // Ten parts in a hundred larger than at the default level, and twice as fast.
  GzipEncoder() { ENSURE(deflateInit2(&zlib_, 4, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK); }
  ~GzipEncoder() override { deflateEnd(&zlib_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  void encode(std::string_view octets, std::string& out, bool is_end) override {
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));  // zlib does not write there
    zlib_.avail_in = static_cast<uInt>(octets.size());
    do {
      const std::size_t before = out.size();
      out.resize(before + write_octets);
      zlib_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      zlib_.avail_out = static_cast<uInt>(write_octets);
      ENSURE(deflate(&zlib_, is_end ? Z_FINISH : Z_NO_FLUSH) != Z_STREAM_ERROR);
      out.resize(out.size() - zlib_.avail_out);
    } while (zlib_.avail_out == 0);
  }

 private:
  z_stream zlib_{};
};

class SnapshotWriter::SnappyEncoder final : public Encoder {
 public:
  void encode(std::string_view octets, std::string& out, bool is_end) override {
    if (!began_) out.append("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
    began_ = true;
    held_.append(octets);
    std::size_t done = 0;
    for (; held_.size() - done >= block || (is_end && done < held_.size()); done += std::min(block, held_.size() - done)) {
      const std::size_t size = std::min(block, held_.size() - done);
      std::string compressed;
      snappy::Compress(held_.data() + done, size, &compressed);
      base::Writer writer(out);
      writer.u32(static_cast<std::uint32_t>(compressed.size()));
      writer.octets(compressed);
    }
    held_.erase(0, done);
  }

 private:
  static constexpr std::size_t block = 32 << 10;  // of the Java writer
  std::string held_;
  bool began_ = false;
};

SnapshotWriter::SnapshotWriter(world::Files& files, std::string directory, std::string name, Compression compression)
    : files_(files),
      directory_(std::move(directory)),
      name_(std::move(name)),
      temporary_(fmt::format("{}/{}{}", directory_, temporary_prefix, name_)) {
  if (compression == Compression::gzip) encoder_ = std::make_unique<GzipEncoder>();
  if (compression == Compression::snappy) encoder_ = std::make_unique<SnappyEncoder>();
}

SnapshotWriter::~SnapshotWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  // Should this fail too, the next start removes it.
  [[maybe_unused]] const auto removed = files_.remove(temporary_);
}

SnapshotResult<std::unique_ptr<SnapshotWriter>> SnapshotWriter::open(world::Files& files, const std::string& directory, std::int64_t zxid,
                                                                     Compression compression) {
  std::string name = numbered_name("snapshot", zxid);
  name += extension_of(compression);
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(files, directory, std::move(name), compression));
  auto file = files.open(writer->temporary_, world::OpenMode::create);
  if (!file) return std::unexpected(failed(file.error()));
  writer->file_ = std::move(*file);
  if (auto done = writer->file_->truncate(0); !done) return std::unexpected(failed(done.error()));
  if (auto done = writer->write(jute::encode(jute::FileHeader{snapshot_magic, snapshot_version, -1})); !done)
    return std::unexpected(done.error());
  return writer;
}

SnapshotResult<void> SnapshotWriter::write(std::string_view octets) {
  adler_ = base::adler32(octets, adler_);
  octets_ += octets.size();
  if (encoder_ != nullptr) {
    encoder_->encode(octets, out_, false);
  } else {
    out_.append(octets);
  }
  return flush(write_octets);
}

SnapshotResult<void> SnapshotWriter::flush(std::size_t keep_below) {
  if (out_.size() < keep_below) return {};
  if (auto done = file_->write_at(written_, out_); !done) return std::unexpected(failed(done.error()));
  written_ += out_.size();
  out_.clear();
  if (written_ - synced_ < sync_octets) return {};
  if (auto done = file_->sync(); !done) return std::unexpected(failed(done.error()));
  synced_ = written_;
  return {};
}

SnapshotResult<void> SnapshotWriter::seal() { return write(jute::encode(Seal{static_cast<std::int64_t>(adler_), end_of_nodes})); }

SnapshotResult<void> SnapshotWriter::end_nodes() {
  if (auto done = write(jute::encode(PathOnly{end_of_nodes})); !done) return done;
  return seal();
}

SnapshotResult<void> SnapshotWriter::digest(const SnapshotDigest& digest) {
  if (auto done = write(jute::encode(digest)); !done) return done;
  return seal();
}

SnapshotResult<void> SnapshotWriter::last_zxid(std::int64_t zxid) {
  if (auto done = write(jute::encode(LastZxid{zxid})); !done) return done;
  return seal();
}

SnapshotResult<std::string> SnapshotWriter::finish() {
  if (encoder_ != nullptr) encoder_->encode({}, out_, true);
  if (auto done = flush(1); !done) return std::unexpected(done.error());
  if (auto done = file_->sync(); !done) return std::unexpected(failed(done.error()));
  std::string path = directory_ + "/" + name_;
  if (auto done = files_.rename(temporary_, path); !done) return std::unexpected(failed(done.error()));
  file_.reset();
  if (auto done = files_.sync_directory(directory_); !done) return std::unexpected(failed(done.error()));
  return path;
}

SnapshotResult<std::vector<std::string>> remove_unfinished_snapshots(world::Files& files, const std::string& directory) {
  auto entries = files.list(directory);
  if (!entries) return std::unexpected(failed(entries.error()));
  std::vector<std::string> removed;
  for (const world::Entry& entry : *entries) {
    if (entry.is_directory || !entry.name.starts_with(std::string(temporary_prefix) + "snapshot.")) continue;
    if (auto done = files.remove(directory + "/" + entry.name); !done) return std::unexpected(failed(done.error()));
    removed.push_back(entry.name);
  }
  return removed;
}

}  // namespace chorus::coord::disk
