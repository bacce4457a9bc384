#include "planted.h"

#include <utility>

#include "base/bytes.h"

namespace chorus::coord_sim {

using world::FileResult;
using namespace std::chrono_literals;

namespace {

enum class Bug {
  no_sync,            // sync() does nothing: acknowledged octets may be lost
  late_sync,          // acknowledged first, synced 5 ms later
  no_directory_sync,  // names may be lost
  drop_writes,        // one write in 500 never happens
  wrong_reply,        // a bit of a reply is flipped
  swap_replies,       // two replies change places
  drop_event,
  late_event,  // comes after the reply that follows it
};

class PlantedFile final : public world::File {
 public:
  PlantedFile(Bug bug, world::World& world, std::unique_ptr<world::File> inner) : bug_(bug), world_(world), inner_(std::move(inner)) {}

  FileResult<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) override { return inner_->read_at(offset, to, size); }
  FileResult<void> write_at(std::uint64_t offset, std::string_view octets) override {
    if (bug_ == Bug::drop_writes && ++writes_ % 50 == 0) return {};
    return inner_->write_at(offset, octets);
  }
  FileResult<void> sync() override {
    if (bug_ == Bug::no_sync) return {};
    if (bug_ != Bug::late_sync) return inner_->sync();
    world_.post([&world = world_, inner = inner_] { world.after(5ms, [inner] { (void)inner->sync(); }); });
    return {};
  }
  FileResult<std::uint64_t> size() override { return inner_->size(); }
  FileResult<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
  FileResult<void> allocate(std::uint64_t size) override { return inner_->allocate(size); }

 private:
  const Bug bug_;
  world::World& world_;
  const std::shared_ptr<world::File> inner_;
  std::uint64_t writes_ = 0;
};

class PlantedFiles final : public world::Files {
 public:
  PlantedFiles(Bug bug, world::World& world) : bug_(bug), world_(world), inner_(world.files()) {}

  FileResult<std::unique_ptr<world::File>> open(const std::string& path, world::OpenMode mode) override {
    auto file = inner_.open(path, mode);
    if (!file || mode == world::OpenMode::read) return file;
    return std::make_unique<PlantedFile>(bug_, world_, std::move(*file));
  }
  FileResult<std::vector<world::Entry>> list(const std::string& directory) override { return inner_.list(directory); }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  FileResult<void> make_directories(const std::string& path) override { return inner_.make_directories(path); }
  FileResult<void> rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  FileResult<void> remove(const std::string& path) override { return inner_.remove(path); }
  FileResult<void> sync_directory(const std::string& path) override {
    if (bug_ == Bug::no_directory_sync) return {};
    return inner_.sync_directory(path);
  }
  FileResult<std::uint64_t> free_space(const std::string& path) override { return inner_.free_space(path); }
  FileResult<std::uint64_t> total_space(const std::string& path) override { return inner_.total_space(path); }
  FileResult<std::unique_ptr<world::DirectoryLock>> lock(const std::string& directory) override { return inner_.lock(directory); }

 private:
  const Bug bug_;
  world::World& world_;
  world::Files& inner_;
};

/// Looks at the frames that the server sends, and harms some.
class PlantedConnection final : public world::Connection {
 public:
  PlantedConnection(Bug bug, base::Random& random, std::unique_ptr<world::Connection> inner)
      : bug_(bug), random_(random), inner_(std::move(inner)) {}

  void start(world::ConnectionHandler& handler) override { inner_->start(handler); }
  void write(std::string octets) override {
    rest_ += octets;
    std::vector<std::string> frames;
    std::size_t at = 0;
    while (rest_.size() - at >= 4) {
      base::Reader in(std::string_view(rest_).substr(at));
      const std::size_t length = 4 + in.u32();
      if (rest_.size() - at < length) break;
      frames.push_back(rest_.substr(at, length));
      at += length;
    }
    rest_.erase(0, at);
    if (frames.empty()) return;
    if (greeted_) {
      harm(frames);
    } else {
      greeted_ = true;  // the connect response is no reply
    }
    std::string out;
    for (const std::string& frame : frames) out += frame;
    inner_->write(std::move(out));
  }
  std::size_t unsent() const override { return inner_->unsent(); }
  void pause_reading() override { inner_->pause_reading(); }
  void resume_reading() override { inner_->resume_reading(); }
  void close() override { inner_->close(); }
  void abort() override { inner_->abort(); }
  const world::Address& local() const override { return inner_->local(); }
  const world::Address& peer() const override { return inner_->peer(); }
  std::string peer_subject() const override { return inner_->peer_subject(); }
  bool is_tls() const override { return inner_->is_tls(); }

 private:
  static bool is_event(const std::string& frame) { return frame.compare(4, 4, "\xff\xff\xff\xff") == 0; }
  void harm(std::vector<std::string>& frames) {
    const std::size_t at = static_cast<std::size_t>(random_.below(frames.size()));
    switch (bug_) {
      case Bug::wrong_reply:
        if (frames[at].size() > 24 && random_.below(20) == 0) frames[at].back() = static_cast<char>(frames[at].back() ^ 1);
        break;
      case Bug::swap_replies:
        if (at + 1 < frames.size()) std::swap(frames[at], frames[at + 1]);
        break;
      case Bug::drop_event:
        if (is_event(frames[at]) && random_.below(10) == 0) frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case Bug::late_event:
        if (is_event(frames[at]) && at + 1 < frames.size()) std::swap(frames[at], frames[at + 1]);
        break;
      default:
        break;
    }
  }

  const Bug bug_;
  base::Random& random_;
  const std::unique_ptr<world::Connection> inner_;
  std::string rest_;
  bool greeted_ = false;
};

class PlantedWorld final : public world::World {
 public:
  PlantedWorld(Bug bug, world::World& inner) : bug_(bug), inner_(inner), files_(bug, inner) {}

  world::Instant now() override { return inner_.now(); }
  world::WallTime wall_now() override { return inner_.wall_now(); }
  base::Random& random() override { return inner_.random(); }
  world::TimerId after(world::Duration delay, world::Callback callback) override { return inner_.after(delay, std::move(callback)); }
  void cancel(world::TimerId timer) override { inner_.cancel(timer); }
  void post(world::Callback callback) override { inner_.post(std::move(callback)); }
  world::NetResult<std::unique_ptr<world::Listener>> listen(const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept) override {
    if (!harms_replies()) return inner_.listen(address, options, std::move(on_accept));
    return inner_.listen(address, options, [this, on_accept = std::move(on_accept)](std::unique_ptr<world::Connection> connection) {
      on_accept(std::make_unique<PlantedConnection>(bug_, inner_.random(), std::move(connection)));
    });
  }
  void connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) override {
    inner_.connect(address, options, std::move(on_connect));
  }
  world::Files& files() override { return files_; }
  void run_on_disk(world::Callback job, world::Callback done) override { inner_.run_on_disk(std::move(job), std::move(done)); }
  void run_in_background(world::Callback job, world::Callback done) override { inner_.run_in_background(std::move(job), std::move(done)); }

 private:
  bool harms_replies() const {
    return bug_ == Bug::wrong_reply || bug_ == Bug::swap_replies || bug_ == Bug::drop_event || bug_ == Bug::late_event;
  }

  const Bug bug_;
  world::World& inner_;
  PlantedFiles files_;
};

const std::vector<std::pair<Plant, Bug>> bugs{
    {{"no-sync", "writes are acknowledged and never synced"}, Bug::no_sync},
    {{"late-sync", "writes are acknowledged before they are synced"}, Bug::late_sync},
    {{"no-directory-sync", "new files are not synced into their directory"}, Bug::no_directory_sync},
    {{"drop-writes", "one write in fifty to a file never happens"}, Bug::drop_writes},
    {{"wrong-reply", "a bit of a reply is flipped"}, Bug::wrong_reply},
    {{"swap-replies", "two replies change places"}, Bug::swap_replies},
    {{"drop-event", "a watch event is forgotten"}, Bug::drop_event},
    {{"late-event", "a watch event comes after what it announces"}, Bug::late_event},
};

}  // namespace

const std::vector<Plant>& plants() {
  static const std::vector<Plant> all = [] {
    std::vector<Plant> names;
    for (const auto& [plant, bug] : bugs) names.push_back(plant);
    return names;
  }();
  return all;
}

std::unique_ptr<world::World> plant(const std::string& name, world::World& inner) {
  for (const auto& [plant, bug] : bugs) {
    if (name == plant.name) return std::make_unique<PlantedWorld>(bug, inner);
  }
  return nullptr;
}

}  // namespace chorus::coord_sim
