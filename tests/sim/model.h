// The tree of a coordination service, as simply as it can be said: what the real one is compared with.
// Rules: ZooKeeper's PrepRequestProcessor, DataTree and FinalRequestProcessor.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "history.h"
#include "jute/constants.h"
#include "jute/records.h"

namespace chorus::coord_sim {

/// created, deleted, or its data changed; in the order in which watches learn of it.
struct Change {
  jute::EventType type;
  std::string path;
};

struct Outcome {
  jute::ErrorCode err = jute::ErrorCode::ok;
  std::string body;  // of the reply, octet for octet; of lists of names: sorted
  std::vector<Change> changes;
};

class Model {
 public:
  Model();

  /// Who is in the ensemble before the first reconfiguration: the value of each property server.N. May not go below `voters_min`.
  void set_members(std::map<std::int64_t, std::string> members, std::size_t voters_min) {
    members_ = std::move(members);
    voters_min_ = voters_min;
  }
  void open_session(std::int64_t session) { sessions_.insert(session); }
  bool session_open(std::int64_t session) const { return sessions_.contains(session); }
  /// A transaction: decides and applies.
  Outcome write(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms);
  /// A container or TTL node that the server removes by itself; false when it may not.
  bool reap(const std::string& path, std::int64_t zxid, std::int64_t time_ms, std::vector<Change>& changes);
  /// A read of the present state. Watches are not its business.
  Outcome read(const Op& op, std::int64_t session) const;

  bool has(const std::string& path) const { return nodes_.contains(path); }
  std::int64_t mzxid(const std::string& path) const { return nodes_.at(path).mzxid; }
  std::int64_t pzxid(const std::string& path) const { return nodes_.at(path).pzxid; }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::optional<std::string> data;
    std::int64_t czxid = 0, mzxid = 0, pzxid = 0, ctime = 0, mtime = 0;
    std::int32_t version = 0, creations = 0, aversion = 0;  // creations: of children, the stored cversion
    std::int64_t owner = 0;                                 // session of an ephemeral
    bool container = false;
    std::int64_t ttl_ms = 0;
    std::set<std::string> children;
  };
  using Undo = std::vector<std::pair<std::string, std::optional<Node>>>;

  jute::Stat stat(const Node& node) const;
  void keep(const std::string& path, Undo* undo) const;
  jute::ErrorCode apply(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms, Outcome& out, Undo* undo);
  jute::ErrorCode create(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms, Outcome& out, Undo* undo);
  void remove(const std::string& path, std::int64_t zxid, std::vector<Change>& changes, Undo* undo);
  Outcome reconfig(const Op& op, std::int64_t zxid, std::int64_t time_ms);
  Outcome multi(const Op& op, std::int64_t session, std::int64_t zxid, std::int64_t time_ms);

  std::map<std::string, Node> nodes_;
  std::set<std::int64_t> sessions_;
  std::map<std::int64_t, std::string> members_;
  std::size_t voters_min_ = 1;
};

/// "/" for the nodes below it.
std::string parent_of(const std::string& path);
/// The body with the list of names at its start sorted, for replies whose order is left open.
std::string sorted_names(jute::OpCode code, const std::string& body);

}  // namespace chorus::coord_sim
