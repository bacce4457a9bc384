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

TreeCatalogue::TreeCatalogue(world::World& world, client::ClientOptions options, std::string cluster, std::string broker,
                             spdlog::logger& logger)
    : world_(world), options_(std::move(options)), base_(fmt::format("/chorus/mq/{}/{}", cluster, broker)), log_(logger) {
  connect();
}

TreeCatalogue::~TreeCatalogue() = default;

std::string TreeCatalogue::path_of(std::string_view kind, std::string_view name) const {
  return fmt::format("{}/{}/{}", base_, kind, name);
}

void TreeCatalogue::connect() {
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
                   if (!announced_.empty()) announce_now();
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
                        read_json(
                            base_ + "/settings", [this, topics = std::move(topics), groups = std::move(groups)](auto settings) mutable {
                              read_json(base_ + "/key-values",
                                        [this, topics = std::move(topics), groups = std::move(groups),
                                         settings = std::move(settings)](auto key_values) { read(topics, groups, settings, key_values); });
                            });
                      });
                    });
                  }));
}

void TreeCatalogue::read(const std::vector<std::string>& topics, const std::vector<std::string>& groups, const nlohmann::json& settings,
                         const nlohmann::json& key_values) {
  CatalogueContents contents{.key_values = {}, .settings = texts_of(settings)};
  for (const auto& [space, table] : key_values.items()) {
    if (table.is_object()) contents.key_values[space] = texts_of(table);
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

void TreeCatalogue::read_json(const std::string& path, std::move_only_function<void(nlohmann::json)> done) {
  client_->get(path, guarded([this, path, done = std::move(done)](client::Result<client::Data> data) mutable {
                 if (!data && data.error().code != Code::no_node) return load_failed(data.error());
                 auto json = data ? nlohmann::json::parse(data->data, nullptr, false) : nlohmann::json::object();
                 if (!json.is_object()) {
                   log_.error("what is at {} in the tree cannot be read: {}", path, data->data);
                   json = nlohmann::json::object();
                 }
                 done(std::move(json));
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

void TreeCatalogue::announce(std::string address) {
  announced_ = std::move(address);
  announce_now();
}

void TreeCatalogue::announce_now() {
  const std::string path = base_ + "/live";
  const std::string json = nlohmann::json{{"address", announced_}, {"id", 0}}.dump();
  client_->create(path, json, {.mode = client::CreateMode::ephemeral}, guarded([this, path, json](client::Result<client::Created> made) {
                    if (made || closing_ || client::is_final(client_->state())) return;
                    if (made.error().code == Code::node_exists) {
                      // An earlier run's, whose session has not ended yet: ours takes its place.
                      client_->remove(path, -1, guarded([this](client::Result<void>) {
                                        if (!closing_ && !client::is_final(client_->state())) announce_now();
                                      }));
                      return;
                    }
                    world_.after(std::chrono::milliseconds(500), guarded([this] {
                                   if (!closing_ && !client::is_final(client_->state())) announce_now();
                                 }));
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
void TreeCatalogue::put_key_values(const KeyValues& all, Stored done) {
  put(base_ + "/key-values", dump(nlohmann::json(all)), std::move(done));
}

}  // namespace chorus::mq
