#include "mq/broker/tree_catalogue.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "mq/broker/config_json.h"

namespace chorus::mq {

using client::Code;

namespace {

std::map<std::string, std::string> texts_of(const nlohmann::json& object) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) texts[name] = value.get<std::string>();
  }
  return texts;
}

std::string dump(const nlohmann::json& value) { return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

}  // namespace

TreeCatalogue::TreeCatalogue(world::World& world, client::ClientOptions options, const BrokerKey& broker, spdlog::logger& logger)
    : world_(world), options_(std::move(options)), base_(mq::path_of(broker)), log_(logger) {
  connect();
}

TreeCatalogue::~TreeCatalogue() = default;

std::string TreeCatalogue::path_of(std::string_view kind, std::string_view name) const {
  return fmt::format("{}/{}/{}", base_, kind, name);
}

void TreeCatalogue::connect() {
  is_live_ = false;
  live_watch_ = client::make_watcher(guarded([this](const client::WatchEvent& event) {
    if (event.type != client::EventType::none && !is_ended()) keep_announced();
  }));
  client_ = std::make_unique<client::Client>(world_, options_);
  client_->on_state(guarded([this](client::State state, const std::string& why) {
    if (closing_) return;
    if (state == client::State::connected) log_.info("connected to the tree server={}", to_string(client_->server()));
    if (!client::is_final(state)) return;
    log_.warn("the session with the tree has ended: a new one begins state={} why={}", client::name_of(state), why);
    // Not from within its own call.
    world_.after(std::chrono::milliseconds(200), guarded([this] {
                   connect();
                   if (loaded_) begin_load();
                   if (!announced_.empty()) announce_now();  // the former session's may still be there
                 }));
  }));
  client_->start();
}

void TreeCatalogue::load(std::move_only_function<void(CatalogueContents)> done) {
  loaded_ = std::move(done);
  begin_load();
}

void TreeCatalogue::load_failed(const client::Error& why) {
  if (!loaded_ || client::is_final(client_->state())) return;  // a new session begins anew
  log_.warn("topics and groups cannot be read yet: {}", why.message);
  world_.after(std::chrono::milliseconds(500), guarded([this] {
                 if (loaded_ && !client::is_final(client_->state())) begin_load();
               }));
}

void TreeCatalogue::begin_load() {
  // Each parent in turn; the answers come in order, so the last tells of all.
  std::string path;
  for (const std::string_view part : base::split(base_.substr(1), '/')) {
    path += fmt::format("/{}", part);
    client_->create(path, "", {}, [](client::Result<client::Created>) {});
  }
  client_->create(base_ + "/topics", "", {}, [](client::Result<client::Created>) {});
  client_->create(base_ + "/groups", "", {}, guarded([this](client::Result<client::Created> made) {
                    if (!made && made.error().code != Code::node_exists) return load_failed(made.error());
                    read_all("topics", [this](std::vector<std::string> topics) {
                      read_all("groups", [this, topics = std::move(topics)](std::vector<std::string> groups) mutable {
                        read_settings([this, topics = std::move(topics), groups = std::move(groups)](const std::string& settings) {
                          read(topics, groups, settings);
                        });
                      });
                    });
                  }));
}

void TreeCatalogue::read(const std::vector<std::string>& topics, const std::vector<std::string>& groups, const std::string& settings) {
  CatalogueContents contents;
  if (const auto json = nlohmann::json::parse(settings, nullptr, false); json.is_object()) {
    contents.settings = texts_of(json);
  } else {
    log_.error("what is at {}/settings in the tree cannot be read: {}", base_, settings);
  }
  for (const std::string& json : topics) {
    if (auto topic = topic_from_json(json)) {
      contents.topics.push_back(std::move(*topic));
    } else {
      log_.error("a topic in the tree cannot be read: {}", json);
    }
  }
  for (const std::string& json : groups) {
    if (auto group = group_from_json(json)) {
      contents.groups.push_back(std::move(*group));
    } else {
      log_.error("a group in the tree cannot be read: {}", json);
    }
  }
  auto loaded = std::exchange(loaded_, nullptr);
  if (loaded) loaded(std::move(contents));
}

void TreeCatalogue::read_settings(std::move_only_function<void(std::string json)> done) {
  client_->get(base_ + "/settings", guarded([this, done = std::move(done)](client::Result<client::Data> data) mutable {
                 if (!data && data.error().code != Code::no_node) return load_failed(data.error());
                 done(data ? std::move(data->data) : "{}");
               }));
}

void TreeCatalogue::read_all(const std::string& kind, std::move_only_function<void(std::vector<std::string>)> done) {
  client_->children(fmt::format("{}/{}", base_, kind),
                    guarded([this, kind, done = std::move(done)](client::Result<client::Children> children) mutable {
                      if (!children) return load_failed(children.error());
                      struct Gathering {
                        std::vector<std::string> values;
                        std::size_t left = 0;
                        bool failed = false;
                        decltype(done) done;
                      };
                      auto gathering = std::make_shared<Gathering>(Gathering{.left = children->names.size(), .done = std::move(done)});
                      if (gathering->left == 0) return gathering->done({});
                      for (const std::string& name : children->names) {
                        client_->get(path_of(kind, name), guarded([this, gathering](client::Result<client::Data> data) {
                                       if (data) {
                                         gathering->values.push_back(std::move(data->data));
                                       } else if (data.error().code != Code::no_node && !std::exchange(gathering->failed, true)) {
                                         load_failed(data.error());
                                       }
                                       if (--gathering->left == 0 && !gathering->failed) gathering->done(std::move(gathering->values));
                                     }));
                      }
                    }));
}

void TreeCatalogue::announce(const Announcement& announcement) {
  std::string json = to_json(announcement);
  if (announced_ == json) return;
  const bool is_first = announced_.empty();
  announcement_ = announcement;
  announced_ = std::move(json);
  if (is_live_) {
    tell();
  } else if (is_first) {
    announce_now();
  }
}

void TreeCatalogue::announce_now() {
  client_->create(base_ + "/live", announced_, {.mode = client::CreateMode::ephemeral},
                  guarded([this, json = announced_](client::Result<client::Created> made) {
                    if (is_ended()) return;
                    if (!made && made.error().code == Code::node_exists) return take_place();
                    if (!made) return announce_again_in(std::chrono::milliseconds(500));
                    is_live_ = was_live_ = true;
                    if (!std::exchange(other_, {}).empty()) log_.info("the name of the broker is free, and taken now");
                    if (json != announced_) tell();
                    keep_announced();
                  }));
}

void TreeCatalogue::take_place() {
  client_->get(base_ + "/live", guarded([this](client::Result<client::Data> data) {
                 if (is_ended()) return;
                 if (!data) return announce_again_in(std::chrono::milliseconds(data.error().code == Code::no_node ? 0 : 500));
                 if (data->stat.ephemeral_owner == client_->session_id().id) {  // the answer was lost
                   is_live_ = was_live_ = true;
                   if (data->data != announced_) tell();
                   return keep_announced();
                 }
                 const auto there = announcement_from_json(data->data);
                 if (there && (there->address != announcement_.address || was_live_)) {
                   if (std::exchange(other_, there->address) != there->address) {
                     log_.error("another broker of this name runs at {}, so that name servers are not told of this one: set mq.broker_name",
                                there->address);
                   }
                   return keep_announced();
                 }
                 // An earlier run's, whose session has not ended yet.
                 client_->remove(base_ + "/live", data->stat.version, guarded([this](client::Result<void>) {
                                   if (!is_ended()) announce_now();
                                 }));
               }));
}

void TreeCatalogue::tell() {
  client_->set(base_ + "/live", announced_, -1, guarded([this](client::Result<client::Stat> set) {
                 if (set || is_ended() || set.error().code == Code::no_node) return;  // keep_announced() sees to that
                 world_.after(std::chrono::milliseconds(500), guarded([this] {
                                if (is_live_ && !is_ended()) tell();
                              }));
               }));
}

void TreeCatalogue::keep_announced() {
  client_->exists(base_ + "/live", guarded([this](client::Result<std::optional<client::Stat>> there) {
                    if (is_ended()) return;
                    if (!there) {
                      world_.after(std::chrono::milliseconds(500), guarded([this] {
                                     if (!is_ended()) keep_announced();
                                   }));
                      return;
                    }
                    if (*there && (*there)->ephemeral_owner == client_->session_id().id) return;
                    if (!*there && is_live_) log_.warn("the announcement of the broker was taken from the tree: it is made again");
                    is_live_ = false;
                    if (!*there) return announce_now();
                    if (other_.empty()) take_place();
                  }),
                  live_watch_);
}

void TreeCatalogue::announce_again_in(std::chrono::milliseconds delay) {
  world_.after(delay, guarded([this] {
                 if (!is_ended()) announce_now();
               }));
}

void TreeCatalogue::close(world::Callback done) {
  closing_ = true;
  client_->close(std::move(done));
}

void TreeCatalogue::put(std::string path, std::string json, Stored done) {
  client_->set(path, json, -1, guarded([this, path, json, done = std::move(done)](client::Result<client::Stat> set) mutable {
                 if (set) return done({});
                 if (set.error().code != Code::no_node) return done(std::unexpected(set.error().message));
                 client_->create(path, json, {}, guarded([done = std::move(done)](client::Result<client::Created> made) mutable {
                                   if (!made && made.error().code != Code::node_exists) return done(std::unexpected(made.error().message));
                                   done({});
                                 }));
               }));
}

void TreeCatalogue::remove(std::string path, Stored done) {
  client_->remove(path, -1, guarded([done = std::move(done)](client::Result<void> removed) mutable {
                    if (!removed && removed.error().code != Code::no_node) return done(std::unexpected(removed.error().message));
                    done({});
                  }));
}

void TreeCatalogue::put(const TopicConfig& topic, Stored done) { put(path_of("topics", topic.name), to_json(topic), std::move(done)); }
void TreeCatalogue::remove_topic(const std::string& topic, Stored done) { remove(path_of("topics", topic), std::move(done)); }
void TreeCatalogue::put(const GroupConfig& group, Stored done) { put(path_of("groups", group.name), to_json(group), std::move(done)); }
void TreeCatalogue::remove_group(const std::string& group, Stored done) { remove(path_of("groups", group), std::move(done)); }
void TreeCatalogue::put(const std::map<std::string, std::string>& settings, Stored done) {
  put(base_ + "/settings", dump(nlohmann::json(settings)), std::move(done));
}

}  // namespace chorus::mq
