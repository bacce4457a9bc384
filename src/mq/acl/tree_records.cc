#include "mq/acl/tree_records.h"

#include <fmt/format.h>

#include <array>

#include "client/tree_watch.h"

namespace chorus::mq::acl {
namespace {

using client::Code;

constexpr std::array<std::string_view, 4> kinds{"users", "policies", "accounts", "settings"};  // as Kind counts
constexpr std::array all_kinds{Kind::user, Kind::policies, Kind::account, Kind::setting};

std::string_view folder_of(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

}  // namespace

TreeRecords::TreeRecords(world::World& world, client::ClientOptions options, std::string cluster, std::string credentials,
                         spdlog::logger& logger)
    : world_(world),
      options_(std::move(options)),
      base_(fmt::format("/chorus/mq-acl/{}", client::path_part(cluster))),
      credentials_(std::move(credentials)),
      log_(logger) {
  if (credentials_.empty()) {
    log_.warn("secrets of access control can be read by whoever reaches the tree: set mq.tree_credentials to keep them to the brokers");
  }
}

TreeRecords::~TreeRecords() = default;

std::string TreeRecords::path_of(const Key& key) const {
  return fmt::format("{}/{}/{}", base_, folder_of(key.first), client::path_part(key.second));
}

std::optional<TreeRecords::Key> TreeRecords::key_of(std::string_view path) const {
  if (!path.starts_with(base_) || path.size() <= base_.size() + 1) return std::nullopt;
  path.remove_prefix(base_.size() + 1);
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  for (const Kind kind : all_kinds) {
    if (folder_of(kind) != path.substr(0, slash)) continue;
    auto name = client::name_of_part(path.substr(slash + 1));
    if (name) return Key{kind, std::move(*name)};
  }
  return std::nullopt;
}

bool TreeRecords::is_ended() const { return closing_ || client::is_final(client_->state()); }

void TreeRecords::load(std::move_only_function<void(std::vector<Record>)> done, std::function<void(const Record&)> on_change) {
  loaded_ = std::move(done);
  on_change_ = std::move(on_change);
  connect();
}

void TreeRecords::connect() {
  client_ = std::make_unique<client::Client>(world_, options_);
  reading_.reset();
  client_->on_state(guarded([this](client::State state, const std::string& why) {
    if (closing_) return;
    if (state == client::State::connected && made_) {
      // What others changed while there was no connection is not told by a watch.
      return read_all();
    }
    if (!client::is_final(state)) return;
    log_.warn("the session for access control has ended: a new one begins state={} why={}", client::name_of(state), why);
    world_.after(std::chrono::milliseconds(state == client::State::auth_failed ? 5000 : 200), guarded([this] { connect(); }));
  }));
  client_->start();
  if (!credentials_.empty()) client_->add_auth("digest", credentials_, [](client::Result<void>) {});
  made_ = false;
  make_parents();
}

void TreeRecords::make_parents() {
  // Each in turn; the answers come in order, so the last tells of all.
  for (const std::string_view path : {"/chorus", "/chorus/mq-acl"}) client_->create(path, "", {}, [](client::Result<client::Created>) {});
  client_->create(base_, "", {.acl = acl()}, [](client::Result<client::Created>) {});
  for (const std::string_view kind : kinds) {
    client_->create(fmt::format("{}/{}", base_, kind), "", {.acl = acl()}, guarded([this, kind](client::Result<client::Created> made) {
                      if (kind != kinds.back() || is_ended()) return;
                      if (!made && made.error().code != Code::node_exists) {
                        log_.warn("access control cannot be read yet: {}", made.error().message);
                        return again_in(std::chrono::milliseconds(500));
                      }
                      made_ = true;
                      // From a time when there were no credentials.
                      if (!credentials_.empty()) {
                        client_->set_acl(base_, acl(), -1, [](client::Result<client::Stat>) {});
                        for (const std::string_view each : kinds) {
                          client_->set_acl(fmt::format("{}/{}", base_, each), acl(), -1, [](client::Result<client::Stat>) {});
                        }
                      }
                      watch();
                    }));
  }
}

void TreeRecords::watch() {
  const auto watcher = client::make_watcher(guarded([this](const client::WatchEvent& event) {
    if (event.type != client::EventType::none && !is_ended()) refresh(event.path);
  }));
  client_->add_watch(base_, client::AddWatchMode::persistent_recursive, watcher, guarded([this](client::Result<void> watching) {
                       if (is_ended()) return;
                       if (!watching && watching.error().code == Code::unimplemented) {
                         if (std::exchange(can_watch_, false))
                           log_.info("the tree's servers are older than 3.6: asked each 5 s in place of watched");
                       } else if (!watching) {
                         made_ = false;
                         return again_in(std::chrono::milliseconds(500));
                       }
                       read_all();
                     }));
}

void TreeRecords::again_in(std::chrono::milliseconds delay) {
  world_.after(delay, guarded([this] {
                 if (is_ended()) return;
                 if (made_) {
                   read_all();
                 } else {
                   make_parents();
                 }
               }));
}

void TreeRecords::read_all() {
  reading_ = std::make_shared<Reading>();
  reading_->left = all_kinds.size();
  for (const Kind kind : all_kinds) read_kind(kind, reading_);
}

void TreeRecords::read_failed(const std::shared_ptr<Reading>& reading, const client::Error& why) {
  if (reading != reading_ || std::exchange(reading->failed, true) || is_ended()) return;
  log_.warn("access control cannot be read, and stays as it was known: {}", why.message);
  again_in(std::chrono::milliseconds(500));
}

void TreeRecords::read_kind(Kind kind, const std::shared_ptr<Reading>& reading) {
  const std::string folder = fmt::format("{}/{}", base_, folder_of(kind));
  client_->children(folder, guarded([this, kind, reading](client::Result<client::Children> children) {
                      if (!children) return read_failed(reading, children.error());
                      reading->listed[kind] = children->stat.pzxid;
                      for (const std::string& name : children->names) {
                        const auto unescaped_name = client::name_of_part(name);
                        if (!unescaped_name) continue;
                        ++reading->left;
                        const Key key{kind, *unescaped_name};
                        client_->get(path_of(key), guarded([this, key, reading](client::Result<client::Data> data) {
                                       if (!data && data.error().code != Code::no_node) return read_failed(reading, data.error());
                                       if (data) reading->found[key] = {std::move(data->data), data->stat.version, data->stat.mzxid};
                                       read_done(reading);
                                     }));
                        if (!credentials_.empty() && !known_.contains(key)) {
                          client_->set_acl(path_of(key), acl(), -1, [](client::Result<client::Stat>) {});
                        }
                      }
                      read_done(reading);
                    }));
}

void TreeRecords::read_done(const std::shared_ptr<Reading>& reading) {
  if (--reading->left > 0 || reading->failed || reading != reading_) return;
  reading_.reset();
  if (!can_watch_) again_in(std::chrono::seconds(5));
  if (loaded_) {
    known_ = std::move(reading->found);
    std::vector<Record> all;
    for (const auto& [key, known] : known_) all.push_back({key.first, key.second, known.json});
    return std::exchange(loaded_, nullptr)(std::move(all));
  }
  std::vector<Key> gone;
  for (const auto& [key, known] : known_) {
    // One that was made after the list was read is not in it.
    if (!reading->found.contains(key) && known.zxid <= reading->listed[key.first]) gone.push_back(key);
  }
  for (const Key& key : gone) found(key, std::nullopt);
  for (auto& [key, known] : reading->found) found(key, std::move(known));
}

void TreeRecords::refresh(const std::string& path) {
  const auto key = key_of(path);
  if (!key || loaded_) return;
  client_->get(path, guarded([this, key = *key](client::Result<client::Data> data) {
                 if (data) return found(key, Known{std::move(data->data), data->stat.version, data->stat.mzxid});
                 if (data.error().code == Code::no_node) return found(key, std::nullopt);
                 if (!is_ended()) again_in(std::chrono::milliseconds(500));
               }));
}

void TreeRecords::found(const Key& key, std::optional<Known> now) {
  const auto before = known_.find(key);
  if (!now) {
    if (before == known_.end()) return;
    known_.erase(before);
    return on_change_({key.first, key.second, std::nullopt});
  }
  if (before != known_.end() && now->zxid < before->second.zxid) return;  // read before the last change
  const bool same = before != known_.end() && before->second.json == now->json;
  Record record{key.first, key.second, now->json};
  known_[key] = std::move(*now);
  if (!same) on_change_(record);
}

void TreeRecords::close(world::Callback done) {
  closing_ = true;
  if (!client_) return world_.post(std::move(done));
  client_->close(std::move(done));
}

void TreeRecords::put(const Record& record, Kept done) {
  const Key key{record.kind, record.name};
  const std::string path = path_of(key);
  const auto known = known_.find(key);
  auto answer = [this, key, path, done = std::move(done)](const client::Error* error, std::optional<Known> now) mutable {
    if (error == nullptr) {
      if (now) {
        known_[key] = std::move(*now);
      } else {
        known_.erase(key);
      }
      return done({});
    }
    if (error->code != Code::bad_version && error->code != Code::node_exists && error->code != Code::no_node) {
      return done(std::unexpected(NotKept{.words = error->message}));
    }
    client_->get(path, guarded([this, key, done = std::move(done)](client::Result<client::Data> data) mutable {
                   if (data) found(key, Known{std::move(data->data), data->stat.version, data->stat.mzxid});
                   if (!data && data.error().code == Code::no_node) found(key, std::nullopt);
                   done(std::unexpected(NotKept{true, "another broker changed it at the same moment: look at it, and ask again"}));
                 }));
  };
  if (!record.json) {
    if (known == known_.end()) return world_.post(guarded([answer = std::move(answer)]() mutable { answer(nullptr, std::nullopt); }));
    return client_->remove(path, known->second.version, guarded([answer = std::move(answer)](client::Result<void> removed) mutable {
                             const bool gone = removed || removed.error().code == Code::no_node;
                             answer(gone ? nullptr : &removed.error(), std::nullopt);
                           }));
  }
  if (known == known_.end()) {
    return client_->create(path, *record.json, {.acl = acl()},
                           guarded([answer = std::move(answer), json = *record.json](client::Result<client::Created> made) mutable {
                             answer(made ? nullptr : &made.error(),
                                    made ? std::optional(Known{std::move(json), 0, made->stat.mzxid}) : std::nullopt);
                           }));
  }
  client_->set(path, *record.json, known->second.version,
               guarded([answer = std::move(answer), json = *record.json](client::Result<client::Stat> set) mutable {
                 answer(set ? nullptr : &set.error(), set ? std::optional(Known{std::move(json), set->version, set->mzxid}) : std::nullopt);
               }));
}

}  // namespace chorus::mq::acl
