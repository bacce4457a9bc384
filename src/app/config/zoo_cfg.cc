#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "app/config/load.h"
#include "app/config/property.h"
#include "app/config/zoo_keys.h"
#include "base/java_properties.h"
#include "base/text.h"

namespace chorus::app {
namespace {

using base::JavaProperty;

/// server.N, group.N, weight.N
bool is_numbered(std::string_view key) {
  return (key.starts_with("server.") && key != "server.principal") || key.starts_with("group.") || key.starts_with("weight.");
}

class Translation {
 public:
  Translation(std::string_view text, const std::string& name) : name_(name) {
    for (JavaProperty& property : base::parse_java_properties(text)) {
      if (property.key.starts_with("zookeeper.")) property.key.erase(0, sizeof("zookeeper.") - 1);
      std::string key = property.key;
      given_.insert_or_assign(std::move(key), std::move(property));  // the last of two wins, as in java.util.Properties
    }
  }

  Entries run() {
    defaults();
    for (const auto& [key, property] : given_) one(property);
    listeners();
    admin();
    tls();
    ensemble();
    return std::move(out_);
  }

 private:
  const JavaProperty* given(const std::string& key) const {
    const auto at = given_.find(key);
    return at == given_.end() ? nullptr : &at->second;
  }
  std::string value_or(const std::string& key, std::string_view fallback) const {
    const JavaProperty* property = given(key);
    return property == nullptr ? std::string(fallback) : property->value;
  }
  bool is_true(const std::string& key, bool fallback) const {
    const JavaProperty* property = given(key);
    if (property == nullptr) return fallback;
    const std::string word = base::lower(property->value);
    return word == "true" || word == "yes";
  }
  std::string at(int line) const { return fmt::format("{}:{}", name_, line); }
  void put(std::string_view target, std::string text, const JavaProperty& from) {
    out_.entries.push_back({std::string(target), std::move(text), fmt::format("{} ({})", at(from.line), from.key)});
  }
  void problem(const JavaProperty& from, std::string words) {
    out_.problems.push_back(fmt::format("{}: {} {}", at(from.line), from.key, words));
  }
  void note(const JavaProperty& from, std::string words) { out_.notes.push_back(fmt::format("{}: {} {}", at(from.line), from.key, words)); }

  /// Where ZooKeeper's differ from ours. Listeners are only what the file asks for.
  void defaults() {
    for (const auto& [key, text] : {std::pair{"coord.client_address", ""},
                                    {"admin.address", ""},
                                    {"coord.tick_time_ms", "3000"},
                                    {"coord.init_limit_ticks", "0"},
                                    {"coord.sync_limit_ticks", "0"},
                                    {"coord.extended_types_enabled", "false"},
                                    {"coord.four_letter_words", "srvr"},
                                    {"node.roles", "coord"}}) {
      out_.entries.push_back({key, text, "default for zoo.cfg"});
    }
    if (given("dataDir") == nullptr) out_.problems.push_back(name_ + ": dataDir is missing");
  }

  void one(const JavaProperty& property) {
    if (is_numbered(property.key)) return;  // ensemble()
    const ZooKey* key = find_zoo_key(property.key);
    if (key == nullptr) {
      std::vector<std::string_view> names;
      for (const ZooKey& known : zoo_keys()) {
        if (!is_zoo_family(known.name)) names.push_back(known.name);
      }
      const std::string_view near = base::nearest(property.key, names);
      return problem(property,
                     near.empty() ? "is not a key of ZooKeeper" : fmt::format("is not a key of ZooKeeper; did you mean {}?", near));
    }
    switch (key->effect) {
      case ZooEffect::value:
        return value(property, key->target);
      case ZooEffect::flag:
        return flag(property, key->target);
      case ZooEffect::combined:
        return;
      case ZooEffect::tuning:
        return note(property, "has no effect: it tunes parts that only the Java server has");
      case ZooEffect::absent:
        return note(property, "has no effect: this version of Chorus does not have it");
      case ZooEffect::refused:
        if (base::lower(property.value) != "false") {
          problem(property, "guards the data and this version of Chorus does not have it; remove the line to start without that guard");
        }
    }
  }

  void flag(const JavaProperty& property, std::string_view target) {
    const std::string word = base::lower(property.value);
    if (word != "true" && word != "false") return problem(property, fmt::format("wants true or false, not '{}'", property.value));
    put(target, word, property);
  }

  void value(const JavaProperty& property, std::string_view target) {
    const Property& ours = *find_property(target);
    std::string text = property.value;
    if (ours.kind == Kind::boolean) text = is_true(property.key, false) ? "true" : "false";  // as Java reads it: all else is false
    if (ours.kind == Kind::integer) {
      std::optional<std::int64_t> number = base::parse_int(text);
      if (text.starts_with("0x")) {  // Integer.getInteger takes it, and examples of jute.maxbuffer use it
        const std::string digits = text.substr(2);
        number = base::unhex(digits.size() % 2 == 0 ? digits : "0" + digits) ? std::optional<std::int64_t>(std::stoll(digits, nullptr, 16))
                                                                             : std::nullopt;
      }
      // ZooKeeper replaces what is too small by the smallest or the default, so such files run there and must run here.
      if (number && *number < ours.min) {
        const bool unset = *number < 0;
        note(property, unset ? "is negative: the default is used" : fmt::format("is raised to {}", ours.min));
        if (unset) return;
        number = ours.min;
      }
      if (number) text = std::to_string(*number);
    }
    put(target, std::move(text), property);
  }

  /// host and port keys into one address of ours; empty when there is no port.
  void listener(const std::string& port_key, const std::string& host_key, std::string_view target, std::string_view default_port = {}) {
    const JavaProperty* port = given(port_key);
    const JavaProperty* host = given(host_key);
    if (port == nullptr && default_port.empty()) {
      if (host != nullptr) problem(*host, fmt::format("is set but {} is not", port_key));
      return;
    }
    const std::string number = port == nullptr ? std::string(default_port) : port->value;
    const auto parsed = base::parse_int(number);
    if (!parsed || *parsed < 0 || *parsed > 65535) return problem(*port, fmt::format("wants a port, not '{}'", number));
    // ZooKeeper without an address binds every interface: the file asked for that.
    put(target, to_string(world::Address{host == nullptr ? "0.0.0.0" : host->value, static_cast<std::uint16_t>(*parsed)}),
        port != nullptr ? *port : *host);
  }

  void listeners() {
    listener("clientPort", "clientPortAddress", "coord.client_address");
    listener("secureClientPort", "secureClientPortAddress", "coord.secure_client_address");
  }

  void admin() {
    const bool wanted = given("admin.serverPort") != nullptr || given("admin.serverAddress") != nullptr;
    if (is_true("admin.enableServer", true)) {
      if (wanted) {
        listener("admin.serverPort", "admin.serverAddress", "admin.address", "8080");
      } else if (const JavaProperty* enable = given("admin.enableServer")) {
        put("admin.address", "0.0.0.0:8080", *enable);
      }
    }
    const JavaProperty* provider = given("metricsProvider.className");
    if (provider == nullptr) return;
    if (provider->value.ends_with("PrometheusMetricsProvider")) {
      put("admin.metrics_address", value_or("metricsProvider.httpHost", "0.0.0.0") + ":" + value_or("metricsProvider.httpPort", "7000"),
          *provider);
    } else if (!provider->value.ends_with("DefaultMetricsProvider")) {
      note(*provider, "has no effect: metrics are offered in Prometheus' form only");
    }
  }

  /// PEM stores map to files of ours; Java's own formats have to be converted once.
  void store(const std::string& prefix, std::initializer_list<std::string> targets) {
    const JavaProperty* location = given(prefix + ".location");
    if (location == nullptr) return;
    const std::string type = base::lower(value_or(prefix + ".type", ""));
    if (type != "pem" && (!type.empty() || !location->value.ends_with(".pem"))) {
      return problem(
          *location,
          fmt::format(
              "is not a PEM file; convert it once (keytool -importkeystore -srckeystore {} -destkeystore s.p12 -deststoretype pkcs12; "
              "openssl pkcs12 -in s.p12 -nodes -out s.pem) and name the result",
              location->value));
    }
    for (const std::string& target : targets) put(target, location->value, *location);
  }

  void tls() {
    tls("ssl.", "coord.tls_", "verify_client");
    tls("ssl.quorum.", "coord.quorum_tls_", "verify_peer");
  }

  void tls(const std::string& from, const std::string& to, const std::string& verify) {
    store(from + "keyStore", {to + "certificate_file", to + "key_file"});
    store(from + "trustStore", {to + "ca_file"});
    if (const JavaProperty* mode = given(from + "clientAuth")) {
      const std::string word = base::lower(mode->value);
      if (word == "need" || word == "none") {
        put(to + verify, word == "need" ? "true" : "false", *mode);
      } else {
        problem(*mode, fmt::format("'{}' is not supported: use need or none", mode->value));
      }
    }
    for (const char* key : {"keyStore.password", "keyStore.passwordPath"}) {
      if (const JavaProperty* password = given(from + key)) note(*password, "has no effect: the key in the PEM file must not be encrypted");
    }
  }

  void ensemble() {
    list("server.", "coord.members");
    list("group.", "coord.groups");
    list("weight.", "coord.weights");
    if (const JavaProperty* type = given("peerType")) put("coord.peer_type", base::lower(type->value), *type);
    if (const JavaProperty* algorithm = given("electionAlg"); algorithm != nullptr && algorithm->value != "3") {
      problem(*algorithm, fmt::format("is {}; 3 is the only election that there is", algorithm->value));
    }
    if (const JavaProperty* serves = given("leaderServes")) put("coord.leader_serves", serves->value == "no" ? "false" : "true", *serves);
  }

  /// server.N and its like, into one list of ours.
  void list(std::string_view family, std::string_view target) {
    std::string items;
    const JavaProperty* first = nullptr;
    for (const auto& [key, property] : given_) {
      if (!is_numbered(key) || !key.starts_with(family)) continue;
      items += fmt::format("{}{}={}", items.empty() ? "" : ",", key.substr(family.size()), property.value);
      if (first == nullptr || property.line < first->line) first = &property;
    }
    if (first == nullptr) return;
    if (given("dynamicConfigFile") != nullptr) return problem(*first, "has to stand in the file that dynamicConfigFile names");
    put(target, std::move(items), *first);
  }

  const std::string& name_;
  std::map<std::string, JavaProperty> given_;
  Entries out_;
};

}  // namespace

Entries read_zoo_cfg(std::string_view text, const std::string& name) { return Translation(text, name).run(); }

}  // namespace chorus::app
