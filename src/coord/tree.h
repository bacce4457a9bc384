// The tree of znodes: what a committed transaction does to it, and what reads see. source: DataTree
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "coord/acl.h"
#include "jute/constants.h"
#include "jute/txns.h"

namespace chorus::coord {

/// Kinds of node by their stored owner. source: EphemeralType
inline constexpr std::int64_t container_owner = INT64_MIN;
inline constexpr std::uint64_t ttl_owner_mark = 0xff00'0000'0000'0000;
inline constexpr std::int64_t ttl_ms_max = 0xff'ffff'ffff;
enum class NodeKind { persistent, ephemeral, container, ttl };

struct Znode {
  std::string path;  // "" for the root
  std::string data;
  bool data_is_null = false;
  AclId acl = open_acl_id;
  jute::StatPersisted stat;
  std::uint32_t digest_prefix = 0;
  std::uint32_t digest = 0;
  std::int32_t child_count = 0;
  std::uint32_t snapshot_mark = 0;  // the last snapshot that has seen, or must not see, this node
  Znode* parent = nullptr;
  Znode* first_child = nullptr;  // children are a list, the newest first
  Znode* next_sibling = nullptr;
  Znode* previous_sibling = nullptr;
  Znode* newer = nullptr;  // all nodes in order of creation, so parents before their children
  Znode* older = nullptr;

  std::string_view name() const { return std::string_view(path).substr(path.rfind('/') + 1); }
  jute::Buffer buffer() const { return data_is_null ? jute::Buffer() : jute::Buffer(data); }
};

/// What happened to one node, for watches; told while the tree is in the state just after it.
struct Change {
  jute::EventType type;  // created, deleted or data changed
  std::string_view path;
  AclId acl;               // of the node, before a deletion
  AclId parent_acl;        // for the event that its parent's children changed
  std::size_t octets = 0;  // of its data
};
using OnChange = std::function<void(const Change&)>;

class TreeSnapshot;

/// Lives on one reactor. Applying is total: what cannot be done gives a code and changes nothing else.
class Tree {
 public:
  /// `extended_types`: owners with a high octet of 0xff are TTL nodes; else they are sessions, as in ZooKeeper.
  explicit Tree(bool extended_types);
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Reading. Pointers are good until the next change.
  const Znode* find(std::string_view path) const;
  jute::Stat stat_of(const Znode& node) const;
  NodeKind kind_of(std::int64_t stored_owner) const;
  /// Nodes without the alias of the root; Java's "node count" has one more.
  std::size_t size() const { return nodes_.size(); }
  /// Octets of paths and data, as Java's approximate_data_size.
  std::int64_t data_size() const { return data_size_; }
  std::uint64_t digest() const { return digest_; }
  /// Descendants of a node. For the root all nodes but itself.
  std::int64_t descendants(const Znode& node) const;
  /// Paths in order of creation; empty when the session has none.
  std::vector<std::string_view> ephemerals(std::int64_t session) const;
  std::size_t ephemeral_count() const;
  /// Ascending.
  std::vector<std::int64_t> sessions_of_ephemerals() const;
  std::size_t sessions_with_ephemerals() const { return ephemerals_.size(); }
  const absl::flat_hash_set<const Znode*>& containers() const { return containers_; }
  const absl::flat_hash_set<const Znode*>& ttl_nodes() const { return ttl_nodes_; }
  const AclTable& acls() const { return acls_; }
  AclTable& acls() { return acls_; }

  // Applying. `time_ms` and `zxid` come from the transaction's header.
  struct CreateSpec {
    std::string_view path;
    jute::Buffer data;
    const std::vector<jute::Acl>& acl;
    std::int64_t stored_owner;
    std::int32_t parent_cversion;  // -1: one more than it is, for old logs
  };
  jute::ErrorCode create(const CreateSpec& spec, std::int64_t zxid, std::int64_t time_ms, const OnChange& on_change);
  jute::ErrorCode remove(std::string_view path, std::int64_t zxid, const OnChange& on_change);
  jute::ErrorCode set_data(std::string_view path, jute::Buffer data, std::int32_t version, std::int64_t zxid, std::int64_t time_ms,
                           const OnChange& on_change);
  jute::ErrorCode set_acl(std::string_view path, const std::vector<jute::Acl>& acl, std::int32_t version);
  /// A create that is replayed over a snapshot which has the node already: its parent's counters and its list are brought forward.
  void replay_existing(const CreateSpec& spec, std::int64_t zxid);

  /// Whether a TreeSnapshot of it exists.
  bool is_being_copied() const { return snapshot_ != nullptr; }

  // Loading a snapshot, into an empty tree: clear(), acls().load(), then every node, parents first.
  void clear();
  /// False when the parent is missing, the path is there already, or no such access list is loaded.
  bool load(std::string_view path, jute::Buffer data, AclId acl, const jute::StatPersisted& stat);

 private:
  friend class TreeSnapshot;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const { return absl::Hash<std::string_view>{}(path); }
    std::size_t operator()(const Znode* node) const { return (*this)(std::string_view(node->path)); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view path(std::string_view p) { return p; }
    static std::string_view path(const Znode* node) { return node->path; }
    bool operator()(const auto& a, const auto& b) const { return path(a) == path(b); }
  };

  Znode* find_mutable(std::string_view path);
  Znode* insert(std::string_view path, Znode* parent);
  void forget(Znode* node);
  void index(Znode* node);
  /// Called before a node changes, so that a snapshot under way sees it as it was.
  void before_change(Znode* node);
  void refresh_digest(Znode* node);

  const bool extended_types_;
  absl::flat_hash_set<Znode*, Hash, Equal> nodes_;
  Znode* root_ = nullptr;
  Znode* oldest_ = nullptr;
  Znode* newest_ = nullptr;
  absl::flat_hash_map<std::int64_t, absl::flat_hash_set<const Znode*>> ephemerals_;
  absl::flat_hash_set<const Znode*> containers_;
  absl::flat_hash_set<const Znode*> ttl_nodes_;
  AclTable acls_;
  std::uint64_t digest_ = 0;
  std::int64_t data_size_ = 0;
  TreeSnapshot* snapshot_ = nullptr;
  std::uint32_t snapshot_mark_ = 0;
};

/// The tree as it was when this was made, handed out piece by piece while the tree goes on changing: a node about to change that has not
/// been handed out yet is copied first, its ancestors before it. At most one at a time.
class TreeSnapshot {
 public:
  explicit TreeSnapshot(Tree& tree);
  ~TreeSnapshot();
  TreeSnapshot(const TreeSnapshot&) = delete;
  TreeSnapshot& operator=(const TreeSnapshot&) = delete;

  /// Appends node records (path, data, access list, stat as snapshots have them) until `octets` were appended or the tree is exhausted.
  /// Returns whether there may be more.
  bool next(std::size_t octets, std::string& out);

 private:
  friend class Tree;
  void preserve(Znode* node);
  void write(const Znode* node, std::string& out);

  Tree& tree_;
  Znode* cursor_;
  std::string preserved_;
};

}  // namespace chorus::coord
