#include "cache/replication/spool.h"

#include <utility>

#include "world/files.h"

namespace chorus::cache::replication {
namespace {

constexpr std::size_t read_octets = 256U << 10;

}  // namespace

struct Spool::File {
  world::Files& files;
  std::string path;
  std::unique_ptr<world::File> file;
  std::uint64_t written = 0, read = 0;
  std::string octets;  // of the last read
  std::string error;

  bool keep(const auto& result) {
    if (!result && error.empty()) error = result.error().message;
    return result.has_value();
  }
  void create() {
    if (!keep(world::make_durable_directories(files, world::parent_directory(path)))) return;
    auto opened = files.open(path, world::OpenMode::create);
    if (!keep(opened)) return;
    file = std::move(*opened);
    keep(file->truncate(0));
  }
  void write(std::string_view more) {
    if (error.empty() && keep(file->write_at(written, more))) written += more.size();
  }
  void read_on() {
    octets.resize(read_octets);
    const auto size = file->read_at(read, octets.data(), octets.size());
    keep(size);
    octets.resize(size.value_or(0));
    read += octets.size();
  }
  void remove() {
    file.reset();
    if (files.exists(path)) keep(files.remove(path));
  }
};

Spool::Spool(world::World& world, std::string path, Done done) : world_(world), path_(std::move(path)), done_(std::move(done)) {}

void Spool::perform(FileAction action) {
  using What = FileAction::What;
  if (action.what == What::create) file_ = std::make_shared<File>(File{.files = world_.files(), .path = path_});
  if (file_ == nullptr) return;
  auto work = [file = file_, what = action.what, octets = std::move(action.octets)] {
    switch (what) {
      case What::create:
        return file->create();
      case What::write:
        return file->write(octets);
      case What::read:
        if (file->error.empty()) file->read_on();
        return;
      case What::remove:
        return file->remove();
    }
  };
  auto done = [this, file = file_, what = action.what, transfer = action.transfer, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) done_(what, transfer, std::exchange(file->octets, {}), file->error);
  };
  world_.run_in_background(std::move(work), std::move(done));
  if (action.what == What::remove) file_.reset();
}

}  // namespace chorus::cache::replication
