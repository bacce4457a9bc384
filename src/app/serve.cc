#include "app/serve.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <vector>

#include "admin/health.h"
#include "admin/http.h"
#include "app/cache_role.h"
#include "app/coord_metrics.h"
#include "app/log/logging.h"
#include "app/mq_role.h"
#include "app/version.h"
#include "coord/node.h"
#include "world/real/reactor.h"

namespace chorus::app {
namespace {

/// Each connection is a descriptor: take as many as the owner of the machine allows.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit of open files to={}", limit.rlim_max);
}

std::string identity(const Settings& settings) {
  if (!settings.node.roles.contains("coord")) {
    if (!settings.node.roles.contains("mq")) return "cache@" + to_string(*settings.cache.address);
    return "mq@" + (settings.mq.broker_address ? to_string(*settings.mq.broker_address) : "name-server");
  }
  const auto& address = settings.coord.client_address ? settings.coord.client_address : settings.coord.secure_client_address;
  return "coord@" + to_string(*address);
}

class Service {
 public:
  explicit Service(const Sources& sources) : sources_(sources), loaded_(load(sources)), reactor_("chorus") {}

  int run() {
    start_logging(loaded_.settings.log, identity(loaded_.settings));
    spdlog::info("starting version={} commit={} pid={} config={}", version, version_commit, getpid(),
                 sources_.file.empty() ? "none" : sources_.file);
    for (const std::string& note : loaded_.notes) spdlog::warn("configuration: {}", note);
    raise_open_files();
    reactor_.poll_disk(loaded_.settings.node.disk_poll);
    // From here on, so that a signal during a long recovery ends the process in order once that is done.
    reactor_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    const auto& roles = loaded_.settings.node.roles;
    if (roles.contains("coord") && !start_coord()) return 1;
    if (roles.contains("mq") && !start_mq()) return 1;
    if (roles.contains("cache") && !start_cache()) return 1;
    if (!start_admin()) return 1;
    metrics_.collect(admin::collect_process);
    metrics_.gauge("chorus_build_info", "What runs.", {{"version", version}, {"commit", version_commit}}).Set(1);
    reactor_.run();
    http_.clear();
    cache_.reset();
    mq_.reset();
    node_.reset();
    spdlog::info("ended");
    return failed_ ? 1 : 0;
  }

 private:
  bool start_coord() {
    coord::Options options = loaded_.settings.coord;
    options.build = fmt::format("{}-{}, built on {}", version, version_commit, version_date);
    auto node = coord::Node::start(reactor_, options, *spdlog::default_logger());
    if (!node) {
      spdlog::error("cannot start: {}", node.error().message);
      return false;
    }
    node_ = std::move(*node);
    node_->on_failure([this](const std::string& why) {
      spdlog::error("cannot go on: {}", why);
      failed_ = true;
      problem_ = why;
      stop();
    });
    health_.check("coord", [this] { return problem_; });
    health_.gate("coord", [this]() -> std::optional<std::string> {
      if (stopping_) return "stopping";
      if (!node_->is_serving()) return "looks for a leader";
      if (node_->is_read_only()) return "looks for a leader and serves reads only";
      return std::nullopt;
    });
    metrics_.collect([this](admin::MetricWriter& out) { collect_coord(*node_, out); });
    return true;
  }

  bool start_mq() {
    auto role = MqRole::start(loaded_.settings.mq, [this](const std::string& why) {
      reactor_.post([this, why] {
        failed_ = true;
        problem_ = why;
        stop();
      });
    });
    if (!role) {
      spdlog::error("cannot start: {}", role.error());
      return false;
    }
    mq_ = std::move(*role);
    health_.gate("mq", [this]() -> std::optional<std::string> {
      if (stopping_) return "stopping";
      if (!mq_->facts().ready) return "waits for the tree";
      return std::nullopt;
    });
    metrics_.collect([this](admin::MetricWriter& out) { collect_mq(mq_->facts(), *mq_->samples(), out); });
    return true;
  }

  bool start_cache() {
    auto role = CacheRole::start(
        loaded_.settings.cache,
        [this](const std::string& why) {
          reactor_.post([this, why] {
            failed_ = true;
            problem_ = why;
            stop();
          });
        },
        [this] { reactor_.post([this] { stop(); }); });
    if (!role) {
      spdlog::error("cannot start: {}", role.error());
      return false;
    }
    cache_ = std::move(*role);
    health_.gate("cache", [this]() -> std::optional<std::string> {
      if (stopping_) return "stopping";
      if (cache_->facts().save.is_loading) return "loads its data";
      return std::nullopt;
    });
    metrics_.collect([this](admin::MetricWriter& out) { collect_cache(cache_->facts(), out); });
    return true;
  }

  bool start_admin() {
    const AdminSettings& admin = loaded_.settings.admin;
    for (const auto& address : {admin.address, admin.metrics_address}) {
      if (!address) continue;
      auto server = std::make_unique<admin::HttpServer>(reactor_, admin::HttpOptions{.address = *address});
      admin::add_standard_routes(*server, metrics_, health_);
      if (const auto started = server->start(); !started) {
        spdlog::error("cannot start: {} (admin.address; empty: no HTTP)", started.error().message);
        return false;
      }
      spdlog::info("answering health and metrics address={}", to_string(server->address()));
      http_.push_back(std::move(server));
    }
    return true;
  }

  void on_signal(int signal) {
    if (signal == SIGHUP) return reload();
    if (stopping_) {
      // A terminal and `make run` both pass one Ctrl-C on: that is not a person who asks twice.
      if (reactor_.now() - stopping_since_ < std::chrono::milliseconds(500)) return;
      spdlog::warn("ending at once signal={}", signal);
      _exit(1);
    }
    spdlog::info("stopping signal={}", signal);
    stop();
  }

  void stop() {
    if (stopping_) return;
    stopping_ = true;
    stopping_since_ = reactor_.now();
    if (!cache_) return stop_mq();
    cache_->stop([this] { reactor_.post([this] { stop_mq(); }); });
  }

  void stop_mq() {
    // Before the tree, to which it says good-bye.
    if (!mq_) return stop_coord();
    mq_->stop([this] { reactor_.post([this] { stop_coord(); }); });
  }

  void stop_coord() {
    if (!node_) return reactor_.stop();
    node_->stop([this] { reactor_.stop(); });
  }

  /// Applies what may change at run time, and says so of nothing else.
  void reload() {
    try {
      Loaded again = load(sources_);
      set_log_level(again.settings.log.level);
      spdlog::info("configuration read anew log_level={}", again.settings.log.level);
    } catch (const ConfigError& e) {
      for (const std::string& problem : e.problems()) spdlog::error("configuration kept as it was: {}", problem);
    }
  }

  const Sources sources_;
  const Loaded loaded_;
  world::real::Reactor reactor_;
  admin::Metrics metrics_;
  admin::Health health_;
  std::unique_ptr<coord::Node> node_;
  std::unique_ptr<MqRole> mq_;
  std::unique_ptr<CacheRole> cache_;
  std::vector<std::unique_ptr<admin::HttpServer>> http_;
  std::optional<std::string> problem_;
  bool stopping_ = false;
  world::Instant stopping_since_;
  bool failed_ = false;
};

}  // namespace

int serve(const Sources& sources) { return Service(sources).run(); }

}  // namespace chorus::app
