#include "app/config/ensemble.h"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "app/config/jaas.h"
#include "app/config/property.h"
#include "coord/disk/data_dir.h"
#include "coord/disk/dynamic_config.h"

namespace chorus::app {
namespace {

using zab::EnsembleConfig;

bool is_numeric(const std::string& host) {
  return host.find(':') != std::string::npos || (!host.empty() && std::isdigit(static_cast<unsigned char>(host.back())) != 0);
}
bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

class Forming {
 public:
  Forming(world::Files& files, const std::string& config_file, Loaded& loaded, std::vector<std::string>& problems)
      : files_(files),
        file_(config_file),
        loaded_(loaded),
        options_(loaded.settings.coord),
        out_(loaded.settings.coord.ensemble),
        problems_(problems) {}

  void run() {
    if (!loaded_.settings.ensemble.tls.certificate_file.empty()) out_.tls = loaded_.settings.ensemble.tls;
    place_of_reconfigurations();
    auto members = read_members();
    if (!members) return problem(members.error());
    if (!*members) return alone();
    out_.members = std::move(**members);
    if (!check_sizes()) return;
    if (out_.is_distributed() && (!identify() || !check_member())) return;
    client_address();
  }

 private:
  const Entry& entry(std::string_view key) const { return loaded_.values.find(key)->second; }
  bool is_given(std::string_view key) const { return !entry(key).place.starts_with("default"); }
  void problem(std::string words) { problems_.push_back(std::move(words)); }
  void problem(std::string_view key, std::string_view words) { problem(fmt::format("{}: {} {}", entry(key).place, key, words)); }
  void note(std::string words) { loaded_.notes.push_back(std::move(words)); }

  bool is_zoo_cfg() const { return !file_.empty() && !file_.ends_with(".toml"); }
  /// Where the members were read from, for messages.
  const std::string& place() const { return from_file_.empty() ? entry("coord.members").place : from_file_; }

  void place_of_reconfigurations() {
    if (!out_.reconfig_enabled) return;
    out_.config_is_zoo_cfg = is_zoo_cfg();
    out_.config_path = std::filesystem::absolute(is_zoo_cfg() ? file_ : options_.data_dir + "/ensemble").lexically_normal();
  }

  /// Empty: none are given.
  coord::disk::ConfigResult<std::optional<EnsembleConfig>> read_members() {
    const EnsembleSettings& written = loaded_.settings.ensemble;
    from_file_ = written.dynamic_config_file;
    if (!from_file_.empty() && !written.members.empty()) {
      return std::unexpected(
          fmt::format("{}: coord.members has to stand in the file that coord.dynamic_config_file names", entry("coord.members").place));
    }
    if (out_.reconfig_enabled && !is_zoo_cfg()) {
      // What the ensemble agreed on later counts for more than what its first configuration was.
      auto newest = coord::disk::newest_dynamic_config(files_, out_.config_path);
      if (!newest) return std::unexpected(newest.error().message);
      if (*newest) {
        from_file_ = **newest;
        note(fmt::format("the members are those of {}, as reconfigured", from_file_));
      }
    }
    if (!from_file_.empty()) {
      auto config = coord::disk::read_dynamic_config(files_, from_file_);
      if (!config) return std::unexpected(config.error());
      if (!out_.config_path.empty()) {
        auto last_seen = coord::disk::read_last_seen_config(files_, out_.config_path);
        if (!last_seen) return std::unexpected(last_seen.error());
        out_.last_seen = std::move(*last_seen);
      }
      return std::move(*config);
    }
    if (written.members.empty()) return std::nullopt;
    std::string text;
    for (const auto& [family, items] :
         {std::pair("server.", &written.members), std::pair("group.", &written.groups), std::pair("weight.", &written.weights)}) {
      for (const std::string& item : *items) text += family + item + "\n";
    }
    auto config = zab::parse_config(text);
    if (!config) return std::unexpected(fmt::format("{}: coord.members: {}", place(), config.error()));
    return std::move(*config);
  }

  void alone() {
    if (!options_.ensemble.standalone_enabled) {
      problem("coord.standalone_enabled", "is false, so coord.members (zoo.cfg: server.N) must name the members");
    }
    if (loaded_.settings.ensemble.peer_type == "observer") problem("coord.peer_type", "is observer, but no ensemble is named to observe");
  }

  bool check_sizes() {
    const std::size_t voters = out_.members.voters();
    if (voters == 1 && out_.standalone_enabled) {
      if (out_.members.members.size() > 1) {
        problem(fmt::format("{}: observers need at least two voters (or standaloneEnabled=false)", place()));
        return false;
      }
      note(fmt::format("{}: names one server: the node serves alone", place()));
    } else if (voters == 2) {
      note(fmt::format("{}: two voters bear the failure of none; at least three are needed", place()));
    } else if (voters % 2 == 0) {
      note(fmt::format("{}: {} voters bear the failure of no more than {} do; consider an odd number", place(), voters, voters - 1));
    }
    for (const auto& [id, member] : out_.members.members) {
      if (member.quorum_addresses.size() > 1 && !out_.multi_address_enabled) {
        problem(fmt::format("{}: server {} has several addresses, which needs coord.multi_address_enabled (zoo.cfg: multiAddress.enabled)",
                            place(), id));
        return false;
      }
    }
    return true;
  }

  bool identify() {
    const std::string path = options_.data_dir + "/myid";
    auto kept = coord::disk::read_my_id(files_, options_.data_dir);
    if (!kept) {
      problem(kept.error().message);
      return false;
    }
    if (*kept && is_given("coord.server_id") && **kept != options_.server_id) {
      problem("coord.server_id",
              fmt::format("is {}, but {} says {}: the data there is another member's", options_.server_id, path, **kept));
      return false;
    }
    if (!*kept && !is_given("coord.server_id")) {
      problem(fmt::format("{} is missing: write this member's number into it, or set coord.server_id", path));
      return false;
    }
    if (*kept) {
      if (**kept > find_property("coord.server_id")->max) {
        problem(fmt::format("{}: {} is more than the largest number of a member, {}", path, **kept, find_property("coord.server_id")->max));
        return false;
      }
      options_.server_id = **kept;
      loaded_.values.find("coord.server_id")->second = {"coord.server_id", std::to_string(**kept), path};
    }
    if (out_.members.members.contains(options_.server_id)) return true;
    std::string names;
    for (const auto& [id, member] : out_.members.members) names += fmt::format("{}{}", names.empty() ? "" : ", ", id);
    problem(fmt::format("{}: this server's number is {} ({}), which is not among the members {}", place(), options_.server_id,
                        entry("coord.server_id").place, names));
    return false;
  }

  bool check_member() {
    const std::size_t before = problems_.size();
    out_.is_observer = out_.members.members.at(options_.server_id).is_observer;
    if (const std::string& type = loaded_.settings.ensemble.peer_type;
        is_given("coord.peer_type") && (type == "observer") != out_.is_observer) {
      note(fmt::format("{}: coord.peer_type is {}, but the list of members makes this server {}, which counts",
                       entry("coord.peer_type").place, type, out_.is_observer ? "an observer" : "a participant"));
    }
    if (out_.init_limit == 0) problem("coord.init_limit_ticks is not set (zoo.cfg: initLimit)");
    if (out_.sync_limit == 0) problem("coord.sync_limit_ticks is not set (zoo.cfg: syncLimit)");
    if ((out_.tls_enabled || out_.port_unification) && !out_.tls) {
      problem(
          "TLS between members is asked for without a certificate: set coord.quorum_tls_certificate_file and coord.quorum_tls_key_file "
          "(zoo.cfg: ssl.quorum.keyStore.location)");
    } else if (out_.tls) {
      if (out_.tls->key_file.empty()) problem("coord.quorum_tls_certificate_file needs coord.quorum_tls_key_file beside it");
      if (out_.tls->verify_peer && out_.tls->ca_file.empty()) {
        problem(
            "coord.quorum_tls_verify_peer needs coord.quorum_tls_ca_file, or set it to false (zoo.cfg: ssl.quorum.trustStore.location, "
            "ssl.quorum.clientAuth)");
      }
    }
    sasl();
    return problems_.size() == before;
  }

  // source: QuorumPeerConfig.checkValidity
  void sasl() {
    const QuorumSaslSettings& sasl = loaded_.settings.ensemble.sasl;
    if (!sasl.enabled) {
      if (sasl.learner_required) problem("coord.quorum_sasl_learner_required", "needs coord.quorum_sasl_enabled");
      if (sasl.server_required) problem("coord.quorum_sasl_server_required", "needs coord.quorum_sasl_enabled");
      return;
    }
    if (sasl.server_required && !sasl.learner_required) {
      problem("coord.quorum_sasl_server_required",
              "needs coord.quorum_sasl_learner_required (zoo.cfg: quorum.auth.learnerRequireSasl), or this member would be refused itself");
    }
    if (sasl.jaas_file.empty()) {
      return problem("coord.quorum_sasl_enabled",
                     "needs coord.quorum_sasl_jaas_file (zoo.cfg: java.security.auth.login.config), which Java servers are given as a "
                     "system property");
    }
    const auto text = world::read_file(files_, sasl.jaas_file, 1 << 20);
    if (!text) return problem("coord.quorum_sasl_jaas_file", text.error().message);
    const auto file = parse_jaas(*text);
    if (!file) return problem("coord.quorum_sasl_jaas_file", fmt::format("{}: {}", sasl.jaas_file, file.error()));
    if (auto users = server_users(*file, sasl.server_context)) {
      out_.auth.users = std::move(*users);
    } else {
      problem("coord.quorum_sasl_jaas_file", fmt::format("{}: {}", sasl.jaas_file, users.error()));
    }
    out_.auth.required = sasl.server_required;
    if (!sasl.learner_required) return;
    if (auto shown = learner_credentials(*file, sasl.learner_context)) {
      out_.auth.learner = std::move(*shown);
    } else {
      problem("coord.quorum_sasl_jaas_file", fmt::format("{}: {}", sasl.jaas_file, shown.error()));
    }
  }

  /// The member's line may say where clients connect; it wins over the default, and must not contradict what was set.
  void client_address() {
    const auto self = out_.is_distributed() ? out_.members.members.find(options_.server_id) : out_.members.members.begin();
    const std::optional<world::Address>& in_line = self->second.client_address;
    if (!in_line) return;
    const std::optional<world::Address>& set = options_.client_address;
    if (is_given("coord.client_address") && set) {
      const bool hosts_differ = !is_any(set->host) && set->host != in_line->host && is_numeric(set->host) && is_numeric(in_line->host);
      if (set->port != in_line->port || hosts_differ) {
        return problem("coord.client_address",
                       fmt::format("is {}, but {} has {} for server {}", to_string(*set), place(), to_string(*in_line), self->first));
      }
    }
    options_.client_address = in_line;
    loaded_.values.find("coord.client_address")->second = {"coord.client_address", to_string(*in_line), place()};
  }

  world::Files& files_;
  const std::string& file_;
  Loaded& loaded_;
  coord::Options& options_;
  coord::EnsembleOptions& out_;
  std::vector<std::string>& problems_;
  std::string from_file_;
};

}  // namespace

void form_ensemble(world::Files& files, const std::string& config_file, Loaded& loaded, std::vector<std::string>& problems) {
  Forming(files, config_file, loaded, problems).run();
}

}  // namespace chorus::app
