#include "cache/persistence/saver.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::cache {
namespace {

/// A step makes about this much, in a millisecond or two, and then others have their turn.
constexpr std::size_t chunk_octets = std::size_t{256} << 10;
constexpr std::size_t chunks_in_flight_max = 4;
constexpr std::uint64_t autosync_octets = 4U << 20;
constexpr world::Duration pause_least = std::chrono::microseconds(500);

}  // namespace

struct Saver::Target {
  world::Files& files;
  std::string directory, path, temporary;
  std::unique_ptr<world::File> file;
  bool syncs_often = false;
  std::uint64_t offset = 0, unsynced = 0;
  std::string error;

  bool keep(const auto& result) {
    if (!result && error.empty()) error = result.error().message;
    return result.has_value();
  }
  void open() {
    if (!keep(world::make_durable_directories(files, directory))) return;
    auto opened = files.open(temporary, world::OpenMode::create);
    if (!keep(opened)) return;
    file = std::move(*opened);
    keep(file->truncate(0));
  }
  void write(std::string_view octets) {
    if (!error.empty() || !keep(file->write_at(offset, octets))) return;
    offset += octets.size();
    unsynced += octets.size();
    // So that the sync at the end does not keep the disk from others for long. source: Redis' REDIS_AUTOSYNC_BYTES
    if (syncs_often && unsynced >= autosync_octets && keep(file->sync())) unsynced = 0;
  }
  void finish() {
    if (!error.empty() || !keep(file->sync())) return;
    file.reset();
    if (keep(files.rename(temporary, path))) keep(files.sync_directory(directory));
  }
  /// Nobody wants it. A file that stays is written over by the next.
  void remove() {
    file.reset();
    if (files.exists(temporary)) keep(files.remove(temporary));
  }
};

struct Saver::Source {
  std::string path;
  std::unique_ptr<world::File> file;
  std::uint64_t offset = 0;
  std::string buffer;
  std::string error;
};

Saver::Saver(world::World& world, Server& server, spdlog::logger& logger, Clock clock, std::function<void()> delivered)
    : world_(world), server_(server), log_(logger), clock_(std::move(clock)), delivered_(std::move(delivered)) {}
Saver::~Saver() = default;

void Saver::in_background(world::Callback work, std::function<void()> done) {
  world_.run_in_background(std::move(work), [done = std::move(done), alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) done();
  });
}

void Saver::poll() {
  if (is_save_wanted_ && target_ == nullptr && !server_.has_snapshot()) {
    is_save_wanted_ = false;
    server_.begin_save();
  }
  if (server_.is_saving_file() && target_ == nullptr) begin_file();
  if (server_.wants_reload() && source_ == nullptr) reload();
}

void Saver::reload() {
  failed_ = [this](const std::string& why) {
    server_.end_reload(why, clock_());
    delivered_();
  };
  server_.begin_loading(0, clock_());
  open_source(server_.options().save.directory + "/" + server_.options().save.file);
}

void Saver::begin_file() {
  const SaveOptions& options = server_.options().save;
  begin(options.directory + "/" + options.file, false);
}

void Saver::write_base(std::string path, bool syncs_often, std::function<void(std::string, std::uint64_t)> done) {
  base_done_ = std::move(done);
  begin(std::move(path), syncs_often);
}

void Saver::abandon_base() {
  if (base_done_ == nullptr || target_ == nullptr || is_all_submitted_) return;
  is_all_submitted_ = true;
  ++in_flight_;
  in_background(
      [target = target_] {
        if (target->error.empty()) target->error = "it was given up";
      },
      [this] { wrote(true); });
}

void Saver::save_then(std::function<void(std::string)> done) {
  saved_ = std::move(done);
  is_save_wanted_ = true;
  poll();
}

void Saver::begin(std::string path, bool syncs_often) {
  target_ = std::make_shared<Target>(Target{.files = world_.files(),
                                            .directory = world::parent_directory(path),
                                            .path = path,
                                            .temporary = path + ".tmp",
                                            .file = nullptr,
                                            .syncs_often = syncs_often,
                                            .error = {}});
  is_all_submitted_ = false;
  log_.info("snapshot began keys={}", server_.keys());
  ++in_flight_;
  in_background([target = target_] { target->open(); }, [this] { wrote(false); });
}

void Saver::schedule(world::Duration pause) {
  if (std::exchange(is_scheduled_, true)) return;
  world_.after(stopped_ ? world::Duration{} : pause, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    is_scheduled_ = false;
    go_on();
  });
}

void Saver::go_on() {
  if (target_ == nullptr || is_all_submitted_ || in_flight_ >= chunks_in_flight_max) return;
  const auto begun = world_.now();
  const bool is_complete = server_.step_save(chunk_octets);
  if (std::string octets = server_.take_save(); !octets.empty() || is_complete) submit(std::move(octets), is_complete);
  // At most half of the time goes to it.
  if (!is_complete) schedule(std::max<world::Duration>(pause_least, world_.now() - begun));
}

void Saver::submit(std::string octets, bool is_last) {
  ++in_flight_;
  is_all_submitted_ = is_last;
  in_background(
      [target = target_, octets = std::move(octets), is_last] {
        target->write(octets);
        if (is_last) target->finish();
      },
      [this, is_last] { wrote(is_last); });
}

void Saver::wrote(bool is_last) {
  --in_flight_;
  if (!target_->error.empty() || is_last) {
    // What else is on its way ends first, and finds the same error.
    is_all_submitted_ = true;
    if (in_flight_ == 0) end(target_->error);
    return;
  }
  if (!is_all_submitted_) schedule({});
}

void Saver::end(std::string error) {
  const auto target = std::exchange(target_, nullptr);
  if (error.empty()) {
    log_.info("snapshot kept path={} octets={}", target->path, target->offset);
  } else {
    log_.error("snapshot failed why=\"{}\"", error);
    in_background([target] { target->remove(); }, [] {});
  }
  server_.end_save(error, clock_());
  if (auto done = std::exchange(base_done_, nullptr)) {
    done(error, target->offset);
  } else if (saved_ && !is_save_wanted_) {
    std::exchange(saved_, nullptr)(error);
  }
  delivered_();
  if (stopped_) stop(saves_at_stop_, std::exchange(stopped_, nullptr));
}

void Saver::stop(AtStop saves, std::function<void()> done) {
  const SaveState& state = server_.save_state();
  saves_at_stop_ = saves;
  const bool is_asked_for = saves == AtStop::always || (saves == AtStop::by_points && !server_.options().save.points.empty());
  const bool is_wanted = is_asked_for && !state.is_loading && !state.has_failed && state.changes > 0;
  if (target_ == nullptr && (!is_wanted || server_.has_snapshot())) {
    world_.post([done = std::move(done)] { done(); });
    return;
  }
  stopped_ = std::move(done);
  if (target_ != nullptr) return schedule({});
  server_.begin_save();
  begin_file();
}

bool Saver::has_file() const {
  const SaveOptions& options = server_.options().save;
  return world_.files().exists(options.directory + "/" + options.file);
}

void Saver::load(std::function<void(std::string)> failed, std::function<void()> loaded) {
  const SaveOptions& options = server_.options().save;
  const std::string path = options.directory + "/" + options.file;
  if (!has_file()) return;
  failed_ = std::move(failed);
  loaded_ = std::move(loaded);
  server_.begin_loading(0, clock_());
  open_source(path);
}

void Saver::open_source(const std::string& path) {
  source_ = std::make_shared<Source>();
  source_->path = path;
  in_background(
      [source = source_, &files = world_.files()] {
        auto file = files.open(source->path, world::OpenMode::read);
        if (file) {
          source->file = std::move(*file);
        } else {
          source->error = file.error().message;
        }
      },
      [this] { took(0); });
}

void Saver::read_next() {
  in_background(
      [source = source_] {
        source->buffer.resize(chunk_octets);
        const auto size = source->file->read_at(source->offset, source->buffer.data(), source->buffer.size());
        if (!size) source->error = size.error().message;
        source->buffer.resize(size.value_or(0));
        source->offset += source->buffer.size();
        if (size && source->buffer.empty()) source->error = "it ends before its end";
      },
      [this] { took(source_->buffer.size()); });
}

void Saver::took(std::size_t octets) {
  std::string error = source_->error;
  if (error.empty() && octets > 0) {
    const auto ended = server_.load(source_->buffer, clock_());
    if (ended && *ended) {
      const SaveState& state = server_.save_state();
      log_.info("snapshot loaded path={} octets={} keys={} expired={}", source_->path, state.load_octets_done, state.keys_loaded,
                state.keys_expired);
      source_ = nullptr;
      delivered_();
      if (loaded_) std::exchange(loaded_, nullptr)();
      return;
    }
    if (!ended) error = ended.error();
  }
  if (error.empty()) return read_next();
  error =
      fmt::format("cannot load {}: {}. Look at it with redis-check-rdb; without the file, the cache starts empty", source_->path, error);
  source_ = nullptr;
  log_.error("{}", error);
  failed_(error);
}

}  // namespace chorus::cache
