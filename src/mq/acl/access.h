// Access control at work: what is known, and changes of it, one after the other, each known once it is kept.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mq/acl/table.h"

namespace chorus::mq::acl {

struct AccessOptions {
  bool plain = false;           // aclEnable: accounts, as RocketMQ 4
  bool authentication = false;  // authenticationEnabled: users, as RocketMQ 5
  bool authorization = false;   // authorizationEnabled: and their policies
  /// Which requests to the name server are looked at: none (as RocketMQ), those that change something, or all.
  enum class NameServer { none, changes, all };
  NameServer name_server = NameServer::changes;
  std::set<std::int32_t> authentication_whitelist, authorization_whitelist;  // codes of requests that are not looked at
  std::string cluster = "DefaultCluster";
  // Made when they are not there.
  std::optional<User> initial_user;
  std::vector<Account> accounts;
  std::vector<std::string> white_addresses;

  bool any() const { return plain || authentication || authorization; }
};

struct NotKept {
  bool changed_by_others = false;  // meanwhile, which the table knows by now: it may be asked for again
  std::string words;               // for a person
};
using Kept = std::move_only_function<void(base::Result<void, NotKept>)>;

/// Where records are kept for all brokers of a cluster.
class Records {
 public:
  virtual ~Records() = default;
  /// Completions come on the reactor, never from within the call, and in the order of the calls.
  virtual void put(const Record& record, Kept done) = 0;
};

/// Lives on one reactor.
class Access {
 public:
  /// What is to be kept, from what is known when its turn has come.
  using Change = std::move_only_function<AclResult<std::vector<Record>>(const AccessTable&)>;
  using Done = std::move_only_function<void(AclResult<void>)>;
  static constexpr std::size_t changes_max = 1024;  // that wait
  static constexpr std::size_t news_max = 1024;

  /// `records` outlives it.
  Access(AccessOptions options, Records& records, spdlog::logger& logger);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// With all that is kept; makes what the options name and is not there, and is ready then.
  void begin(const std::vector<Record>& all, std::move_only_function<void()> ready);
  /// Somebody else changed it.
  void apply(const Record& record);
  /// Whether another broker made this, or took it away (gone), and nobody has asked this one for it since; true once. An administrator's
  /// tool asks each broker of a cluster in turn, and all are to say that it is done.
  bool take_done_by_others(Kind kind, std::string_view name, bool gone);
  bool is_ready() const { return ready_; }

  const AccessOptions& options() const { return options_; }
  const AccessTable& table() const { return table_; }
  /// `done` may come from within the call when nothing has to be kept. `change` is asked again where somebody else was faster.
  void change(Change change, Done done);

 private:
  struct Waiting {
    Change change;
    Done done;
    int conflicts = 0;
  };
  struct News {
    Kind kind;
    std::string name;
    bool gone;
  };
  void next();
  void run(const std::shared_ptr<Waiting>& one);
  void put(const std::shared_ptr<Waiting>& one, std::shared_ptr<std::vector<Record>> records, std::size_t at);
  void learn(const Record& record);
  bool knows(const Record& record) const;

  const AccessOptions options_;
  Records& records_;
  spdlog::logger& log_;
  AccessTable table_;
  std::deque<Waiting> waiting_;
  std::deque<News> news_;  // of others, oldest first
  bool changing_ = false;
  bool ready_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::mq::acl
