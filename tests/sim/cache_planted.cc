#include "cache_planted.h"

#include <utility>

namespace chorus::cache_sim {
namespace {

enum class Bug {
  lease_without_end,  // a lease that was had once is taken for good
  change_not_sent,    // of what changes while slots are handed over, some is not sent on
  early_end,          // a handover's end is answered before all has come
  migrated_lost,      // some keys that MIGRATE sends do not arrive, and are said to have
};

/// What goes to the node that takes slots over.
class PlantedLink final : public world::Connection {
 public:
  PlantedLink(Bug bug, std::unique_ptr<world::Connection> inner) : bug_(bug), inner_(std::move(inner)) {}

  void start(world::ConnectionHandler& handler) override { inner_->start(handler); }
  void write(std::string octets) override {
    if (bug_ == Bug::change_not_sent) {
      // An INCR on its own is an effect; what is there already goes as SET.
      static constexpr std::string_view effect = "$4\r\nINCR\r\n";
      if (octets.find(effect) != std::string::npos && octets.find("HANDOVER") == std::string::npos) return;
    }
    if (bug_ == Bug::early_end) {
      // Keys that were sent behind the last mark; marks are answered, and one that is missing would be noticed.
      static constexpr std::string_view mark = "*3\r\n$7\r\nCLUSTER\r\n$8\r\nHANDOVER\r\n$4\r\nMARK\r\n";
      static constexpr std::string_view last = "*4\r\n$7\r\nCLUSTER\r\n$8\r\nHANDOVER\r\n$3\r\nEND\r\n";
      const std::size_t end = octets.find(last);
      if (end != std::string::npos) {
        const std::size_t marked = octets.rfind(mark, end);
        const std::size_t from = marked == std::string::npos ? 0 : marked + mark.size();
        octets.erase(from, end - from);
      }
    }
    if (bug_ == Bug::migrated_lost) {
      // Under another name it is taken as well, and nobody asks for it.
      static constexpr std::string_view restores = "RESTORE-ASKING\r\n";
      const std::size_t found = octets.find(restores);
      const std::size_t name = found == std::string::npos ? found : octets.find("}k", found);
      if (name != std::string::npos) octets[name + 1] = 'q';
    }
    inner_->write(std::move(octets));
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
  const Bug bug_;
  const std::unique_ptr<world::Connection> inner_;
};

class PlantedWorld final : public world::World {
 public:
  PlantedWorld(Bug bug, world::World& inner) : bug_(bug), inner_(inner), began_(inner.now()) {}

  world::Instant now() override {
    // A clock that hardly goes: what is to end after a while does not.
    if (bug_ == Bug::lease_without_end) return began_ + (inner_.now() - began_) / 100;
    return inner_.now();
  }
  world::WallTime wall_now() override { return inner_.wall_now(); }
  base::Random& random() override { return inner_.random(); }
  world::TimerId after(world::Duration delay, world::Callback callback) override { return inner_.after(delay, std::move(callback)); }
  void cancel(world::TimerId timer) override { inner_.cancel(timer); }
  void post(world::Callback callback) override { inner_.post(std::move(callback)); }
  world::NetResult<std::unique_ptr<world::Listener>> listen(const world::Address& address, const world::ListenOptions& options,
                                                            world::OnAccept on_accept) override {
    return inner_.listen(address, options, std::move(on_accept));
  }
  void connect(const world::Address& address, const world::ConnectOptions& options, world::OnConnect on_connect) override {
    if (address.port != redis_port) return inner_.connect(address, options, std::move(on_connect));
    inner_.connect(address, options, [bug = bug_, on_connect = std::move(on_connect)](auto connection) mutable {
      if (!connection) return on_connect(std::move(connection));
      on_connect(std::make_unique<PlantedLink>(bug, std::move(*connection)));
    });
  }
  world::Files& files() override { return inner_.files(); }
  void run_on_disk(world::Callback job, world::Callback done) override { inner_.run_on_disk(std::move(job), std::move(done)); }
  void run_in_background(world::Callback job, world::Callback done) override { inner_.run_in_background(std::move(job), std::move(done)); }

 private:
  static constexpr std::uint16_t redis_port = 6379;
  const Bug bug_;
  world::World& inner_;
  const world::Instant began_;
};

constexpr std::string_view disk_plant = "no-sync";

struct Named {
  coord_sim::Plant plant;
  Bug bug;
};
constexpr Named all[] = {
    {{"lease-without-end", "a node takes its lease to last a hundred times as long"}, Bug::lease_without_end},
    {{"change-not-sent", "a change is not sent to the node that takes the slot over"}, Bug::change_not_sent},
    {{"migrated-lost", "a key that MIGRATE sends is not there afterwards"}, Bug::migrated_lost},
    {{"early-end", "a handover ends before the last keys were sent"}, Bug::early_end},
};

}  // namespace

const std::vector<coord_sim::Plant>& plants() {
  static const std::vector<coord_sim::Plant> list = [] {
    std::vector<coord_sim::Plant> found;
    for (const Named& named : all) found.push_back(named.plant);
    for (const coord_sim::Plant& each : coord_sim::plants()) {
      if (std::string_view(each.name) == disk_plant) found.push_back(each);
    }
    return found;
  }();
  return list;
}

std::unique_ptr<world::World> plant(const std::string& name, world::World& inner) {
  if (name == disk_plant) return coord_sim::plant(name, inner);
  for (const Named& named : all) {
    if (name == named.plant.name) return std::make_unique<PlantedWorld>(named.bug, inner);
  }
  return nullptr;
}

}  // namespace chorus::cache_sim
