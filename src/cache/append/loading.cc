// What the append log has when the node starts.
#include <fmt/format.h>

#include <algorithm>

#include "cache/append/append_log.h"

namespace chorus::cache {
namespace {

constexpr std::size_t chunk_octets = std::size_t{256} << 10;

}  // namespace

struct AppendLog::Loading {
  std::optional<append::Recovered> found;
  std::string error;
  std::size_t at = 0;  // the file that is read
  std::unique_ptr<world::File> file;
  std::uint64_t offset = 0;
  std::string buffer;

  const append::Recovered::File& current() const { return found->files[at]; }
};

void AppendLog::start(std::function<void(std::string)> failed) {
  failed_ = std::move(failed);
  if (!options().is_on) return saver_.load(failed_);
  stage_ = Stage::loading;
  server_.begin_log(0, clock_());
  recover();
}

void AppendLog::recover() {
  loading_ = std::make_shared<Loading>();
  const append::Place place = append::place_of(server_.options().save.directory, options());
  world_.run_in_background(
      [loading = loading_, place, &files = world_.files(), loads_truncated = options().loads_truncated] {
        auto found = append::recover(files, place, loads_truncated);
        if (found) {
          loading->found = std::move(*found);
        } else {
          loading->error = found.error();
        }
      },
      [this, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.lock() && !is_stopped_) recovered();
      });
}

void AppendLog::recovered() {
  if (!loading_->error.empty()) return fail(loading_->error);
  if (!loading_->found) return begin_without_log();
  std::uint64_t octets = 0;
  for (const append::Cut& cut : loading_->found->cuts) {
    log_.warn("append log: an unfinished end was cut off path={} offset={} octets={} why=\"{}\"", cut.path, cut.offset, cut.octets,
              cut.why);
  }
  for (const append::Recovered::File& file : loading_->found->files) octets += file.octets;
  server_.begin_log(octets, clock_());
  load_next();
}

/// Redis would start empty where there is a snapshot but no log yet, and forget what is in it.
void AppendLog::begin_without_log() {
  loading_ = nullptr;
  server_.end_log(clock_());
  stage_ = Stage::off;
  const auto begin = [this] {
    turn_on(true);
    poll();
  };
  if (!saver_.has_file()) return begin();
  stage_ = Stage::loading;
  saver_.load(failed_, begin);
}

void AppendLog::load_next() {
  if (loading_->at == loading_->found->files.size()) return end_loading();
  server_.begin_log_file();
  loading_->file.reset();
  loading_->offset = 0;
  took_octets();
}

/// Does what was read, and reads on.
void AppendLog::took_octets() {
  const append::Recovered::File& file = loading_->current();
  const auto failed = [&](std::string_view why) {
    fail(fmt::format("cannot load {}: {}. Look at it with redis-check-aof; without the files of the log, the cache starts empty", file.path,
                     why));
  };
  if (!loading_->error.empty()) return failed(loading_->error);
  if (!loading_->buffer.empty()) {
    if (const auto done = server_.load_log(loading_->buffer, clock_()); !done) return failed(done.error());
    loading_->buffer.clear();
  }
  if (loading_->offset < file.octets) {
    world_.run_in_background(
        [loading = loading_, &files = world_.files()] {
          const append::Recovered::File& from = loading->current();
          const auto read = [&]() -> world::FileResult<void> {
            if (loading->file == nullptr) {
              auto opened = files.open(from.path, world::OpenMode::read);
              if (!opened) return std::unexpected(opened.error());
              loading->file = std::move(*opened);
            }
            loading->buffer.resize(std::min<std::uint64_t>(chunk_octets, from.octets - loading->offset));
            const auto size = loading->file->read_at(loading->offset, loading->buffer.data(), loading->buffer.size());
            if (!size) return std::unexpected(size.error());
            loading->buffer.resize(*size);
            loading->offset += *size;
            if (*size == 0) return base::error(world::FileErrc::io, "it ends before its end");
            return {};
          };
          if (const auto done = read(); !done) loading->error = done.error().message;
        },
        [this, alive = std::weak_ptr<bool>(alive_)] {
          if (alive.lock() && !is_stopped_) took_octets();
        });
    return;
  }
  const auto whole = server_.end_log_file();
  if (!whole) return failed(whole.error());
  if (*whole < file.octets) {
    // Behind a snapshot nobody has looked before.
    if (loading_->at + 1 < loading_->found->files.size() || !options().loads_truncated) {
      return failed(fmt::format("unexpected end of file after offset {}", *whole));
    }
    log_.warn("append log: an unfinished end was cut off path={} offset={} octets={}", file.path, *whole, file.octets - *whole);
    auto error = std::make_shared<std::string>();
    world_.run_in_background(
        [path = file.path, octets = *whole, error, &files = world_.files()] {
          if (const auto cut = append::cut_file(files, path, octets); !cut) *error = cut.error().message;
        },
        [this, error, octets = *whole, alive = std::weak_ptr<bool>(alive_)] {
          if (!alive.lock() || is_stopped_) return;
          if (!error->empty()) return fail(*error);
          loading_->found->files[loading_->at].octets = octets;
          ++loading_->at;
          load_next();
        });
    return;
  }
  ++loading_->at;
  load_next();
}

void AppendLog::end_loading() {
  const LogReplayed replayed = server_.end_log(clock_());
  if (replayed.failures > 0) {
    log_.warn("append log: commands failed count={} first=\"{}\"", replayed.failures, replayed.first_failure);
  }
  std::uint64_t octets = 0;
  for (const append::Recovered::File& file : loading_->found->files) octets += file.octets;
  log_.info("append log loaded files={} octets={} commands={} keys={}", loading_->found->files.size(), octets, replayed.commands,
            server_.keys());
  const std::uint64_t position = server_.effects().position().sequence;
  last_ = position;
  report_ = {.written = position, .synced = position, .octets = octets};
  octets_at_rewrite_ = octets;
  disk_ = std::make_shared<append::LogDisk>(world_.files(), append::place_of(server_.options().save.directory, options()));
  commands_.reset();
  pending_.clear();  // before a reload: it was of data that is gone
  pending_units_ = 0;
  stage_ = Stage::on;
  follow(true);
  on_disk([found = *std::exchange(loading_, nullptr)->found, position](append::LogDisk& disk) {
    disk.go_on(found, position);
    return std::string();
  });
  const bool was_reloading = std::exchange(is_reloading_, false);
  note();
  if (was_reloading) server_.end_reload();
  delivered_();
}

void AppendLog::fail(std::string why) {
  loading_ = nullptr;
  log_.error("{}", why);
  failed_(why);
}

/// DEBUG LOADAOF: all that is written is read again, in the place of what there is.
void AppendLog::reload() {
  is_reloading_ = true;
  note();  // nothing more is done
  if (has_pending()) begin_write(true);
  on_disk(
      [](append::LogDisk& disk) {
        disk.close();
        return disk.report().error;
      },
      [this](const std::string& error) {
        if (is_stopped_ || !error.empty()) {
          is_reloading_ = false;
          note();
          return server_.end_reload("ERR Error trying to load the AOF files, check server logs.");
        }
        follow(false);
        stage_ = Stage::loading;
        disk_ = nullptr;
        server_.forget_all();
        server_.begin_log(0, clock_());
        recover();
      });
}

}  // namespace chorus::cache
