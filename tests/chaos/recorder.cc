#include "recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "audit.h"

namespace chorus::chaos {

using coord_sim::Client;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds progress_interval{50}, look_interval{10};

}  // namespace

Recorder::Recorder(world::World& world, RecorderOptions options, Say say)
    : world_(world),
      options_(std::move(options)),
      say_(std::move(say)),
      began_(world.now()),
      random_(options_.seed),
      workload_(random_.fork(), {.register_chance = options_.register_chance, .create2_in_multis = options_.create2_in_multis}),
      acknowledged_(options_.clients) {
  for (std::uint32_t i = 1; i <= options_.clients; ++i) {
    clients_.push_back(add_client(i, fmt::format("client{}", i), options_.servers));
    clients_.back()->on_reply = [this, i](const coord_sim::Request& request, const coord_sim::Frame&) {
      if (coord_sim::is_write(request.op.code)) ++acknowledged_[i - 1];
    };
  }
  for (std::uint32_t i = 1; i <= options_.servers.size(); ++i) {
    auditors_.push_back(add_client(1000 + i, fmt::format("auditor{}", i), {options_.servers[i - 1]}));
    auditors_.back()->quiesce();
  }
}

std::unique_ptr<Client> Recorder::add_client(std::uint32_t number, const std::string& name, std::vector<world::Address> servers) {
  coord_sim::ClientOptions options{.servers = std::move(servers)};
  options.timeout_ms =
      static_cast<std::int32_t>(random_.between(options_.session_timeout_min.count(), options_.session_timeout_max.count()));
  options.outstanding_max = static_cast<std::size_t>(1) << random_.below(5);
  options.think_max = options_.think_max;
  options.move_chance = random_.chance(0.5) ? 0.002 : 0;
  options.connect_timeout = milliseconds(random_.between(300, 1500));
  return std::make_unique<Client>(
      world_, name, [this] { return world_.now() - began_; }, number, history_, workload_, random_.fork(), options);
}

void Recorder::start() {
  for (const auto& client : clients_) client->start();
  tell_progress();
}

void Recorder::tell_progress() {
  say_(fmt::format("progress {}", fmt::join(acknowledged_, " ")));
  world_.after(progress_interval, [this] { tell_progress(); });
}

void Recorder::await(std::vector<Client*> clients, std::function<void()> then) {
  if (std::all_of(clients.begin(), clients.end(), [](const Client* client) { return client->idle(); })) return then();
  world_.after(look_interval, [this, clients = std::move(clients), then = std::move(then)] { await(clients, then); });
}

void Recorder::quiesce() {
  std::vector<Client*> clients;
  for (const auto& client : clients_) {
    client->quiesce();
    clients.push_back(client.get());
  }
  await(std::move(clients), [this] { world_.after(options_.session_timeout_max + options_.expiry_slack, [this] { say_("quiet"); }); });
}

void Recorder::audit() {
  std::vector<Client*> auditors;
  for (const auto& auditor : auditors_) {
    if (!auditors_began_) auditor->start();
    read_tree(*auditor, coord_sim::SystemNodes::left_out);
    auditors.push_back(auditor.get());
  }
  auditors_began_ = true;
  await(std::move(auditors), [this] { say_("audited"); });
}

std::string Recorder::describe() const {
  std::string text;
  for (const auto* group : {&clients_, &auditors_}) {
    for (const auto& client : *group) text += client->describe() + "\n";
  }
  return text;
}

}  // namespace chorus::chaos
