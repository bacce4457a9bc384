#include "client/tree_watch.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace chorus::client {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t reads_in_flight_max = 256;
constexpr milliseconds retry_delay{500}, ask_interval{5000}, new_session_delay{200}, refused_session_delay{5000};

}  // namespace

std::string path_part(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' ||
                       c == '@' || (c == '.' && !text.empty());
    if (plain) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

std::optional<std::string> name_of_part(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      text += part[i];
      continue;
    }
    const auto octet = i + 3 <= part.size() ? base::unhex(part.substr(i + 1, 2)) : std::nullopt;
    if (!octet || octet->size() != 1) return std::nullopt;
    text += *octet;
    i += 2;
  }
  return text;
}

TreeWatch::TreeWatch(world::World& world, ClientOptions options, std::vector<std::string> roots, Events events)
    : world_(world), options_(std::move(options)), roots_(std::move(roots)), events_(std::move(events)) {}

TreeWatch::~TreeWatch() = default;

void TreeWatch::start() { connect(); }

void TreeWatch::connect() {
  ++life_;
  watching_ = false;
  again_ = false;
  watcher_ = make_watcher(guarded([this](const WatchEvent& event) {
    if (event.type != EventType::none && !is_ended()) refresh(event.path);
  }));
  reading_.reset();
  // A request that it was given just now is refused by it in the next turn of the loop, which its end would prevent.
  former_ = std::move(client_);
  client_ = std::make_unique<Client>(world_, options_);
  client_->on_state(guarded([this](State state, const std::string& why) {
    if (closing_) return;
    if (state == State::connected) {
      if (!watching_) return watch(0);
      // What others changed while there was no connection is told by no watch.
      return read_all();
    }
    if (!is_final(state)) return;
    events_.trouble(fmt::format("the session with the tree has ended, a new one begins: {} {}", name_of(state), why));
    // Not from within its own call.
    world_.after(state == State::auth_failed ? refused_session_delay : new_session_delay, guarded([this] {
                   if (!closing_) connect();
                 }));
  }));
  client_->start();
}

void TreeWatch::watch(std::size_t root) {
  if (root == roots_.size()) {
    watching_ = true;
    return read_all();
  }
  client_->add_watch(roots_[root], AddWatchMode::persistent_recursive, watcher_, guarded([this, root](Result<void> watching) {
                       if (is_ended()) return;
                       if (!watching && watching.error().code == Code::unimplemented) {
                         can_watch_ = false;
                       } else if (!watching) {
                         if (watching.error().code == Code::connection_loss) return;  // begun again with the next connection
                         events_.trouble(fmt::format("{} cannot be watched yet: {}", roots_[root], watching.error().message));
                         return again_in(retry_delay);
                       }
                       watch(root + 1);
                     }));
}

void TreeWatch::again_in(milliseconds delay) {
  if (std::exchange(again_, true)) return;
  world_.after(delay, guarded([this, life = life_] {
                 if (life != life_) return;
                 again_ = false;
                 if (is_ended() || client_->state() != State::connected) return;
                 if (watching_) {
                   read_all();
                 } else {
                   watch(0);
                 }
               }));
}

void TreeWatch::read_all() {
  reading_ = std::make_shared<Reading>();
  reading_->waiting.assign(roots_.begin(), roots_.end());
  read_more(reading_);
}

void TreeWatch::read_more(const ReadingPtr& reading) {
  while (reading->in_flight < reads_in_flight_max && !reading->waiting.empty()) {
    const std::string path = std::move(reading->waiting.front());
    reading->waiting.pop_front();
    ++reading->in_flight;
    read(reading, path);
  }
  if (reading->in_flight == 0) read_done();
}

bool TreeWatch::pass_over(const ReadingPtr& reading, const Error& why) {
  if (reading != reading_) return false;
  if (why.code == Code::no_node || why.code == Code::no_auth) return true;
  reading_.reset();
  if (is_ended() || why.code == Code::connection_loss) return false;
  events_.trouble(fmt::format("the tree cannot be read, and what is known of it stays: {}", why.message));
  again_in(retry_delay);
  return false;
}

void TreeWatch::read(const ReadingPtr& reading, const std::string& path) {
  client_->get(path, guarded([this, reading, path](Result<Data> data) {
                 if (!data) {
                   if (!pass_over(reading, data.error())) return;
                 } else if (reading != reading_) {
                   return;
                 } else {
                   reading->seen.insert(path);
                   found(path, *data);
                   if (data->stat.num_children > 0) return read_children(reading, path);
                 }
                 --reading->in_flight;
                 read_more(reading);
               }));
}

void TreeWatch::read_children(const ReadingPtr& reading, const std::string& path) {
  client_->children(path, guarded([this, reading, path](Result<Children> children) {
                      if (!children) {
                        if (!pass_over(reading, children.error())) return;
                      } else if (reading != reading_) {
                        return;
                      } else {
                        for (const std::string& name : children->names) reading->waiting.push_back(fmt::format("{}/{}", path, name));
                      }
                      --reading->in_flight;
                      read_more(reading);
                    }));
}

void TreeWatch::read_done() {
  const ReadingPtr reading = std::exchange(reading_, nullptr);
  std::vector<std::string> missing;
  for (const auto& [path, changed] : known_) {
    if (!reading->seen.contains(path)) missing.push_back(path);
  }
  for (const std::string& path : missing) gone(path);
  if (!can_watch_) again_in(ask_interval);
  if (!std::exchange(loaded_, true)) events_.loaded();
}

void TreeWatch::refresh(const std::string& path) {
  // Asked for even when it is said to be gone: an answer that was on its way may say what was before.
  client_->get(path, guarded([this, path](Result<Data> data) {
                 if (is_ended()) return;
                 if (data) {
                   if (reading_) reading_->seen.insert(path);
                   return found(path, *data);
                 }
                 if (data.error().code == Code::no_node || data.error().code == Code::no_auth) return gone(path);
                 if (data.error().code != Code::connection_loss) again_in(retry_delay);
               }));
}

void TreeWatch::found(const std::string& path, const Data& data) {
  const auto [known, is_new] = known_.try_emplace(path, data.stat.mzxid);
  if (!is_new && data.stat.mzxid <= known->second) return;
  known->second = data.stat.mzxid;
  events_.changed(path, &data.data);
}

void TreeWatch::gone(const std::string& path) {
  if (reading_) reading_->seen.erase(path);
  if (known_.erase(path) > 0) events_.changed(path, nullptr);
}

void TreeWatch::close(world::Callback done) {
  closing_ = true;
  if (!client_) return world_.post(std::move(done));
  client_->close(std::move(done));
}

}  // namespace chorus::client
