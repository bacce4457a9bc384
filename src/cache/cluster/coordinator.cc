#include "cache/cluster/coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace chorus::cache::cluster {
namespace {

using client::Code;
using std::chrono::milliseconds;

constexpr std::string_view root = "/chorus/cache", leases_root = "/chorus/cache-leases";
constexpr milliseconds retry_delay{200};
constexpr std::int64_t longest_lease_ms = 24 * 3600 * 1000;

client::ClientOptions with_timeout(client::ClientOptions options, const Options& own) {
  options.session.timeout = milliseconds(own.node_timeout_ms);
  return options;
}

}  // namespace

std::string map_path(std::string_view cluster) { return fmt::format("{}/{}/map", root, client::path_part(cluster)); }
std::string nodes_path(std::string_view cluster) { return fmt::format("{}/{}/nodes", root, client::path_part(cluster)); }
std::string lease_path(std::string_view cluster, std::string_view id) {
  return fmt::format("{}/{}/{}", leases_root, client::path_part(cluster), id);
}
std::string life_path(std::string_view cluster, std::string_view id) { return lease_path(cluster, id) + "-life"; }
std::vector<std::string> parent_paths(std::string_view cluster) {
  const std::string part = client::path_part(cluster);
  return {"/chorus",           std::string(root),        fmt::format("{}/{}", root, part),
          nodes_path(cluster), std::string(leases_root), fmt::format("{}/{}", leases_root, part)};
}

Coordinator::Coordinator(world::World& world, client::ClientOptions tree, const Membership& membership, Step step, spdlog::logger& logger)
    : world_(world),
      membership_(membership),
      step_(std::move(step)),
      log_(logger),
      watch_(world, with_timeout(std::move(tree), membership.options()), {fmt::format("{}/{}", root, client::path_part(name()))},
             {.changed = [this](const std::string& path, const std::string* data) { changed(path, data); },
              .loaded =
                  [this] {
                    log_.info("cluster known name={} id={}", name(), membership_.self());
                    begin_life();
                  },
              .trouble = [this](const std::string& words) { log_.warn("cluster: {}", words); }}) {}

void Coordinator::start() {
  watch_.start();
  beat();
}

void Coordinator::changed(const std::string& path, const std::string* data) {
  if (path == map_path(name())) return read_map(0);
  const std::string nodes = nodes_path(name()) + "/";
  if (!path.starts_with(nodes)) return;
  const std::string id = path.substr(nodes.size());
  if (id == membership_.self()) {
    if (data == nullptr) is_enlisted_ = false;
    if (data == nullptr && !is_closing_) enlist();
  } else {
    log_.info("{} id={}", data == nullptr ? "a node of the cluster is gone" : "a node of the cluster is there", id);
  }
  step_(event::NodeSeen{.id = id, .endpoint = data == nullptr ? std::nullopt : std::optional(*data)});
}

void Coordinator::read_map(std::uint64_t read) {
  // The server that a new session is with may be behind what this node has heard before.
  if (read != 0) watch_.client().sync(map_path(name()), [](client::Result<void>) {});
  watch_.client().get(map_path(name()), guarded([this, read](client::Result<client::Data> data) {
                        if (is_closing_) return;
                        if (data) {
                          return step_(event::MapRead{.text = std::move(data->data), .version = data->stat.version, .read = read});
                        }
                        if (data.error().code == Code::no_node) return step_(event::MapRead{.text = {}, .version = -1, .read = read});
                        // The watch does not tell again of what it has told. One such reading in time is as good as several.
                        if (read == 0 && std::exchange(is_reading_again_, true)) return;
                        world_.after(retry_delay, guarded([this, read] {
                                       if (read == 0) is_reading_again_ = false;
                                       read_map(read);
                                     }));
                      }));
}

void Coordinator::perform(const Action& action) {
  if (const auto* read = std::get_if<action::ReadMap>(&action)) return read_map(read->read);
  if (const auto* write = std::get_if<action::WriteMap>(&action)) return write->version < 0 ? create_map(*write) : write_map(*write);
  if (const auto* lease = std::get_if<action::ReadLease>(&action)) return read_lease(lease->id);
}

void Coordinator::make_parents() {
  for (const std::string& path : parent_paths(name())) {
    // The answers come in order: what stands on these tells of them.
    watch_.client().create(path, "", {}, [](client::Result<client::Created>) {});
  }
}

void Coordinator::written(event::Written how, std::int32_t version) {
  if (!is_closing_) step_(event::MapWritten{.how = how, .version = version});
}

void Coordinator::create_map(const action::WriteMap& write) {
  make_parents();
  watch_.client().create(map_path(name()), write.text, {}, guarded([this](client::Result<client::Created> made) {
                           if (made) return written(event::Written::done, 0);
                           if (made.error().code == Code::node_exists) return written(event::Written::conflict, -1);
                           log_.warn("the slot map cannot be made yet why=\"{}\"", made.error().message);
                           world_.after(retry_delay, guarded([this] { written(event::Written::unknown, -1); }));
                         }));
}

void Coordinator::write_map(const action::WriteMap& write) {
  // What a life before this one has sent, and the tree has not seen yet, must not give slots away that this one serves.
  std::vector<client::Op> ops{client::Op::check(life_path(name(), membership_.self()), membership_.life().value_or(-1))};
  for (const auto& [id, life] : write.lives) ops.push_back(client::Op::check(life_path(name(), id), life));
  const std::size_t leases_at = ops.size();
  for (const auto& [id, version] : write.leases) ops.push_back(client::Op::check(lease_path(name(), id), version));
  ops.push_back(client::Op::set(map_path(name()), write.text, write.version));
  watch_.client().multi(ops, guarded([this, leases_at](client::Result<client::MultiResult> done) {
                          if (done && !done->failed()) return written(event::Written::done, done->results.back().data.stat.version);
                          if (done) return written(*done->failed() < leases_at ? event::Written::outlived : event::Written::conflict, -1);
                          log_.warn("it is not known whether the slot map was written why=\"{}\"", done.error().message);
                          world_.after(retry_delay, guarded([this] { written(event::Written::unknown, -1); }));
                        }));
}

void Coordinator::read_lease(const NodeId& id) {
  watch_.client().get(
      lease_path(name(), id), guarded([this, id](client::Result<client::Data> data) {
        if (is_closing_) return;
        if (data) {
          // Nothing in it: it was made so that there is a version, and never held.
          const auto length_ms = data->data.empty() ? 0 : base::parse_int(data->data).value_or(longest_lease_ms);
          return step_(event::LeaseRead{
              .id = id, .version = data->stat.version, .lease_us = std::clamp<std::int64_t>(length_ms, 0, longest_lease_ms) * 1000});
        }
        if (data.error().code != Code::no_node) return;
        // It never had one: there has to be a version to write against.
        watch_.client().create(lease_path(name(), id), "", {}, [](client::Result<client::Created>) {});
      }));
}

void Coordinator::beat() {
  if (is_closing_) return;
  if (membership_.life() && watch_.client().state() == client::State::connected) {
    if (!is_enlisted_) enlist();
    renew();
  }
  world_.after(milliseconds(membership_.options().node_timeout_ms) / 5, guarded([this] { beat(); }));
}

void Coordinator::renew() {
  if (std::exchange(is_renewing_, true)) return;
  const auto sent = std::chrono::duration_cast<std::chrono::microseconds>(world_.now().time_since_epoch()).count();
  const std::uint32_t length_ms = membership_.options().node_timeout_ms;
  watch_.client().set(lease_path(name(), membership_.self()), std::to_string(length_ms), -1,
                      guarded([this, sent, length_ms](client::Result<client::Stat> set) {
                        is_renewing_ = false;
                        if (is_closing_) return;
                        if (set) return step_(event::Renewed{.sent_us = sent, .lease_us = std::int64_t{length_ms} * 1000});
                        if (set.error().code != Code::no_node) return log_.warn("the lease is not renewed why=\"{}\"", set.error().message);
                        make_parents();
                        watch_.client().create(lease_path(name(), membership_.self()), "", {},
                                               guarded([this](client::Result<client::Created> made) {
                                                 if (made && !is_closing_) renew();
                                               }));
                      }));
}

/// Each life has a number of its own: how often one was begun. Before anything else is written.
void Coordinator::begin_life() {
  if (is_closing_ || membership_.life()) return;
  const std::string path = life_path(name(), membership_.self());
  watch_.client().set(path, "", -1, guarded([this, path](client::Result<client::Stat> set) {
                        if (is_closing_) return;
                        if (set) return live(set->version);
                        if (set.error().code != Code::no_node) {
                          world_.after(retry_delay, guarded([this] { begin_life(); }));
                          return;
                        }
                        make_parents();
                        watch_.client().create(path, "", {}, guarded([this](client::Result<client::Created>) { begin_life(); }));
                      }));
}

void Coordinator::live(std::int32_t number) {
  step_(event::Life{number});
  step_(event::Loaded{});
  enlist();
  renew();
}

void Coordinator::enlist() {
  if (is_closing_ || !membership_.life() || std::exchange(is_enlisting_, true)) return;
  watch_.client().get(own_path(), guarded([this](client::Result<client::Data> data) {
                        is_enlisting_ = false;
                        if (is_closing_) return;
                        if (!data && data.error().code == Code::no_node) return create_own();
                        if (!data) return;  // with the next beat
                        if (data->stat.ephemeral_owner == watch_.client().session_id().id) {
                          is_enlisted_ = true;
                          return;
                        }
                        if (data->data != format_endpoint(membership_.endpoint())) {
                          return log_.error("another node runs with this id id={} there={}: each needs a cluster_config_file of its own",
                                            membership_.self(), data->data);
                        }
                        // Of this node's life before.
                        watch_.client().remove(own_path(), data->stat.version, guarded([this](client::Result<void>) {
                                                 if (!is_closing_) create_own();
                                               }));
                      }));
}

void Coordinator::create_own() {
  if (std::exchange(is_enlisting_, true)) return;
  make_parents();
  watch_.client().create(own_path(), format_endpoint(membership_.endpoint()), {.mode = client::CreateMode::ephemeral},
                         guarded([this](client::Result<client::Created> made) {
                           is_enlisting_ = false;
                           if (made) is_enlisted_ = true;
                         }));
}

void Coordinator::close(world::Callback done) {
  is_closing_ = true;
  watch_.close(std::move(done));
}

}  // namespace chorus::cache::cluster
