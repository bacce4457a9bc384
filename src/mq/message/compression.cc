#include "mq/message/compression.h"

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/ensure.h"

namespace chorus::mq {
namespace {

constexpr int level = 5;
constexpr std::size_t first_room = 4096;

/// Makes `out` longer for what is to come, to `octets_max` and one octet at most: that one tells that there is too much.
/// Returns the room behind `used`.
std::size_t make_room(std::string& out, std::size_t used, std::size_t octets_max) {
  if (used == out.size()) out.resize(std::min(octets_max + 1, std::max(first_room, out.size() * 2)));
  return out.size() - used;
}

std::string with_zlib(std::string_view body) {
  uLongf size = compressBound(body.size());
  std::string out(size, '\0');
  ENSURE(compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(body.data()), body.size(), level) == Z_OK);
  out.resize(size);
  return out;
}

std::string with_lz4(std::string_view body) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max4MB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's reader takes no others
  std::string out(LZ4F_compressFrameBound(body.size(), &preferences), '\0');
  const std::size_t size = LZ4F_compressFrame(out.data(), out.size(), body.data(), body.size(), &preferences);
  ENSURE(!LZ4F_isError(size));
  out.resize(size);
  return out;
}

std::string with_zstd(std::string_view body) {
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), body.data(), body.size(), level);
  ENSURE(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::optional<std::string> from_zlib(std::string_view octets, std::size_t octets_max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
  stream.avail_in = static_cast<uInt>(octets.size());
  std::string out;
  std::size_t used = 0;
  int status = Z_OK;
  while (status == Z_OK && used <= octets_max) {
    const std::size_t room = make_room(out, used, octets_max);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    used = out.size() - stream.avail_out;
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) return std::nullopt;  // its end is missing
  }
  if (status != Z_STREAM_END || used > octets_max) return std::nullopt;
  out.resize(used);
  return out;
}

std::optional<std::string> from_lz4(std::string_view octets, std::size_t octets_max) {
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) return std::nullopt;
  const std::unique_ptr<LZ4F_dctx, std::size_t (*)(LZ4F_dctx*)> context(made, LZ4F_freeDecompressionContext);
  std::string out;
  std::size_t used = 0;
  bool is_whole = false;
  while (used <= octets_max) {
    std::size_t room = make_room(out, used, octets_max), taken = octets.size();
    const std::size_t wanted = LZ4F_decompress(context.get(), out.data() + used, &room, octets.data(), &taken, nullptr);
    if (LZ4F_isError(wanted)) return std::nullopt;
    used += room;
    octets.remove_prefix(taken);
    is_whole = wanted == 0;
    // Frames may follow one another. With room left and nothing read there is nothing more to come.
    if (octets.empty() && (is_whole || used < out.size())) break;
  }
  if (!is_whole || used > octets_max) return std::nullopt;
  out.resize(used);
  return out;
}

std::optional<std::string> from_zstd(std::string_view octets, std::size_t octets_max) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (context == nullptr) return std::nullopt;
  std::string out;
  std::size_t used = 0;
  ZSTD_inBuffer in{octets.data(), octets.size(), 0};
  bool is_whole = false;
  while (used <= octets_max) {
    const std::size_t room = make_room(out, used, octets_max);
    ZSTD_outBuffer to{out.data() + used, room, 0};
    const std::size_t wanted = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(wanted)) return std::nullopt;
    used += to.pos;
    is_whole = wanted == 0;
    if (in.pos == in.size && (is_whole || to.pos < to.size)) break;
  }
  if (!is_whole || used > octets_max) return std::nullopt;
  out.resize(used);
  return out;
}

}  // namespace

std::string compress(std::string_view body, Compression how) {
  switch (how) {
    case Compression::lz4:
      return with_lz4(body);
    case Compression::zstd:
      return with_zstd(body);
    case Compression::zlib:
      break;
  }
  return with_zlib(body);
}

std::optional<std::string> decompress(std::string_view octets, std::int32_t flags, std::size_t octets_max) {
  if (octets.empty()) return std::nullopt;
  switch (flags & sys_flag::compressor_mask) {
    case sys_flag::compressor_lz4:
      return from_lz4(octets, octets_max);
    case sys_flag::compressor_zstd:
      return from_zstd(octets, octets_max);
    case sys_flag::compressor_zlib_old:
    case sys_flag::compressor_zlib:
      return from_zlib(octets, octets_max);
    default:
      return std::nullopt;
  }
}

}  // namespace chorus::mq
