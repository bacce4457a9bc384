#include "coord/disk/decode_stream.h"

#include <fmt/format.h>
#include <snappy.h>
#include <zlib.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/ensure.h"

namespace chorus::coord::disk {
namespace {

constexpr std::size_t step = 64 << 10;

SnapshotError failed(const world::FileError& error) {
  return {error.code == world::FileErrc::no_space ? SnapshotErrc::no_space : SnapshotErrc::failed, error.message};
}

class PlainStream final : public DecodeStream {
 public:
  explicit PlainStream(std::unique_ptr<world::File> file) : file_(std::move(file)) {}

  SnapshotResult<std::size_t> read(std::string& out) override {
    const std::size_t before = out.size();
    out.resize(before + step);
    auto count = file_->read_at(offset_, out.data() + before, step);
    out.resize(before + (count ? *count : 0));
    if (!count) return std::unexpected(failed(count.error()));
    offset_ += *count;
    return *count;
  }

 private:
  std::unique_ptr<world::File> file_;
  std::uint64_t offset_ = 0;
};

class GzipStream final : public DecodeStream {
 public:
  GzipStream(std::unique_ptr<world::File> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {
    ENSURE(inflateInit2(&zlib_, 16 + MAX_WBITS) == Z_OK);  // fails for want of memory alone
  }
  ~GzipStream() override { inflateEnd(&zlib_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  SnapshotResult<std::size_t> read(std::string& out) override {
    const std::size_t before = out.size();
    while (!at_end_ && out.size() == before) {
      if (zlib_.avail_in == 0) {
        in_.clear();
        if (auto count = file_.read(in_); !count) return count;
        zlib_.next_in = reinterpret_cast<Bytef*>(in_.data());
        zlib_.avail_in = static_cast<uInt>(in_.size());
        if (in_.empty()) return base::error(SnapshotErrc::invalid, path_ + " is not a whole snapshot: its compressed stream is cut short");
      }
      out.resize(before + step);
      zlib_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      zlib_.avail_out = static_cast<uInt>(step);
      const int status = inflate(&zlib_, Z_NO_FLUSH);
      out.resize(before + step - zlib_.avail_out);
      if (status == Z_STREAM_END) {
        at_end_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return base::error(SnapshotErrc::invalid,
                           fmt::format("{} is not a sound gzip file: {}", path_, zlib_.msg != nullptr ? zlib_.msg : "damaged"));
      }
    }
    return out.size() - before;
  }

 private:
  PlainStream file_;
  std::string path_;
  z_stream zlib_{};
  std::string in_;
  bool at_end_ = false;
};

/// The framing of org.xerial.snappy.SnappyOutputStream: a header, then blocks, each an int length and raw snappy.
class SnappyStream final : public DecodeStream {
 public:
  SnappyStream(std::unique_ptr<world::File> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  SnapshotResult<std::size_t> read(std::string& out) override {
    if (!began_) {
      constexpr std::string_view magic("\x82SNAPPY\0", 8);
      auto header = take(16);
      if (!header) return std::unexpected(header.error());
      if (!header->starts_with(magic)) return invalid("it does not begin as a snappy stream");
      began_ = true;
    }
    for (;;) {
      auto size = take(4);
      if (!size) return std::unexpected(size.error());
      if (size->empty()) return 0;
      const std::uint32_t length = base::Reader(*size).u32();
      if (length > block_max) return invalid("a block is impossibly long");
      auto block = take(length);
      if (!block) return std::unexpected(block.error());
      std::size_t plain = 0;
      if (!snappy::GetUncompressedLength(block->data(), block->size(), &plain) || plain > block_max) return invalid("a block is damaged");
      const std::size_t before = out.size();
      out.resize(before + plain);
      if (!snappy::RawUncompress(block->data(), block->size(), out.data() + before)) {
        out.resize(before);
        return invalid("a block is damaged");
      }
      if (plain != 0) return plain;
    }
  }

 private:
  static constexpr std::size_t block_max = 1 << 20;  // the writer's default is 32 KiB

  std::unexpected<SnapshotError> invalid(std::string_view why) const {
    return base::error(SnapshotErrc::invalid, fmt::format("{} is not a sound snappy file: {}", path_, why));
  }
  /// The next `size` octets, none at the end of the file. Borrowed until the next call.
  SnapshotResult<std::string_view> take(std::size_t size) {
    in_.erase(0, taken_);
    taken_ = 0;
    while (in_.size() < size) {
      auto count = file_.read(in_);
      if (!count) return std::unexpected(count.error());
      if (*count != 0) continue;
      if (in_.empty()) return std::string_view();
      return invalid("it is cut short");
    }
    taken_ = size;
    return std::string_view(in_).substr(0, size);
  }

  PlainStream file_;
  std::string path_;
  std::string in_;
  std::size_t taken_ = 0;
  bool began_ = false;
};

}  // namespace

SnapshotResult<std::unique_ptr<DecodeStream>> open_decode_stream(world::Files& files, const std::string& path) {
  auto file = files.open(path, world::OpenMode::read);
  if (!file) return std::unexpected(failed(file.error()));
  switch (compression_of(path)) {
    case Compression::gzip:
      return std::make_unique<GzipStream>(std::move(*file), path);
    case Compression::snappy:
      return std::make_unique<SnappyStream>(std::move(*file), path);
    case Compression::none:
      break;
  }
  return std::make_unique<PlainStream>(std::move(*file));
}

}  // namespace chorus::coord::disk
