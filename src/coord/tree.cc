#include "coord/tree.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/ensure.h"
#include "coord/digest.h"
#include "coord/path.h"

namespace chorus::coord {

using jute::ErrorCode;
using jute::EventType;

namespace {

// The root is stored under "", so that the parent of "/a" is the text before its last '/'.
std::string_view key_of(std::string_view path) { return path == "/" ? std::string_view() : path; }

std::string_view parent_key(std::string_view path) { return path.substr(0, path.rfind('/')); }

// Wraps as Java's int does.
std::int32_t cversion_after(const Znode& parent, const Tree::CreateSpec& spec) {
  if (spec.parent_cversion != -1) return spec.parent_cversion;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(parent.stat.cversion) + 1);
}

}  // namespace

Tree::Tree(bool extended_types) : extended_types_(extended_types) {
  // A fresh tree of ZooKeeper: the root and its own three nodes, all open but the last, which everybody may read.
  clear();
  root_ = insert("", nullptr);
  const std::vector<jute::Acl> readable = {{jute::perms::read, {"world", "anyone"}}};
  for (const char* path : {"", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) {
    Znode* node = *path == '\0' ? root_ : insert(path, find_mutable(parent_key(path)));
    if (path == std::string_view("/zookeeper/config")) {
      node->acl = acls_.intern(readable);
      node->stat.aversion = -1;
    }
    node->digest_prefix = digest_prefix(node->path, node->buffer());
    refresh_digest(node);
  }
}

Tree::~Tree() { clear(); }

void Tree::clear() {
  ENSURE(snapshot_ == nullptr);
  for (Znode* node = oldest_; node != nullptr;) delete std::exchange(node, node->newer);
  nodes_.clear();
  root_ = oldest_ = newest_ = nullptr;
  ephemerals_.clear();
  containers_.clear();
  ttl_nodes_.clear();
  acls_ = AclTable();
  digest_ = 0;
  data_size_ = 0;
}

const Znode* Tree::find(std::string_view path) const {
  const auto at = nodes_.find(key_of(path));
  return at == nodes_.end() ? nullptr : *at;
}

Znode* Tree::find_mutable(std::string_view path) {
  const auto at = nodes_.find(key_of(path));
  return at == nodes_.end() ? nullptr : *at;
}

NodeKind Tree::kind_of(std::int64_t stored_owner) const {
  if (stored_owner == 0) return NodeKind::persistent;
  if (stored_owner == container_owner) return NodeKind::container;
  if (extended_types_ && (static_cast<std::uint64_t>(stored_owner) & ttl_owner_mark) == ttl_owner_mark) return NodeKind::ttl;
  return NodeKind::ephemeral;
}

jute::Stat Tree::stat_of(const Znode& node) const {
  return {.czxid = node.stat.czxid,
          .mzxid = node.stat.mzxid,
          .ctime = node.stat.ctime,
          .mtime = node.stat.mtime,
          .version = node.stat.version,
          // Stored: children created. Shown: created and deleted. source: DataNode.copyStat
          .cversion =
              static_cast<std::int32_t>(static_cast<std::uint32_t>(node.stat.cversion) * 2 - static_cast<std::uint32_t>(node.child_count)),
          .aversion = node.stat.aversion,
          .ephemeral_owner = kind_of(node.stat.ephemeral_owner) == NodeKind::ephemeral ? node.stat.ephemeral_owner : 0,
          .data_length = static_cast<std::int32_t>(node.data.size()),
          .num_children = node.child_count,
          .pzxid = node.stat.pzxid};
}

std::int64_t Tree::descendants(const Znode& node) const {
  if (&node == root_) return static_cast<std::int64_t>(nodes_.size()) - 1;
  std::int64_t count = 0;
  const Znode* at = &node;
  for (;;) {  // depth first, without recursion: trees may be deep
    if (at->first_child != nullptr) {
      at = at->first_child;
      ++count;
      continue;
    }
    while (at != &node && at->next_sibling == nullptr) at = at->parent;
    if (at == &node) return count;
    at = at->next_sibling;
    ++count;
  }
}

std::vector<std::string_view> Tree::ephemerals(std::int64_t session) const {
  std::vector<const Znode*> nodes;
  if (const auto at = ephemerals_.find(session); at != ephemerals_.end()) nodes.assign(at->second.begin(), at->second.end());
  std::ranges::sort(nodes, {}, [](const Znode* node) { return std::pair(node->stat.czxid, std::string_view(node->path)); });
  std::vector<std::string_view> paths;
  paths.reserve(nodes.size());
  for (const Znode* node : nodes) paths.push_back(node->path);
  return paths;
}

std::size_t Tree::ephemeral_count() const {
  std::size_t count = 0;
  for (const auto& [session, nodes] : ephemerals_) count += nodes.size();
  return count;
}

std::vector<std::int64_t> Tree::sessions_of_ephemerals() const {
  std::vector<std::int64_t> sessions;
  for (const auto& [session, nodes] : ephemerals_) sessions.push_back(session);
  std::ranges::sort(sessions);
  return sessions;
}

Znode* Tree::insert(std::string_view path, Znode* parent) {
  auto* node = new Znode{.path = std::string(path), .parent = parent, .older = newest_};
  (newest_ == nullptr ? oldest_ : newest_->newer) = node;
  newest_ = node;
  if (parent != nullptr) {
    node->next_sibling = parent->first_child;
    if (parent->first_child != nullptr) parent->first_child->previous_sibling = node;
    parent->first_child = node;
    ++parent->child_count;
  }
  nodes_.insert(node);
  data_size_ += static_cast<std::int64_t>(path.size());
  node->snapshot_mark = snapshot_mark_;  // born after the snapshot under way began, so not part of it
  return node;
}

void Tree::index(Znode* node) {
  switch (kind_of(node->stat.ephemeral_owner)) {
    case NodeKind::persistent:
      break;
    case NodeKind::ephemeral:
      ephemerals_[node->stat.ephemeral_owner].insert(node);
      break;
    case NodeKind::container:
      containers_.insert(node);
      break;
    case NodeKind::ttl:
      ttl_nodes_.insert(node);
      break;
  }
}

void Tree::forget(Znode* node) {
  switch (kind_of(node->stat.ephemeral_owner)) {
    case NodeKind::persistent:
      break;
    case NodeKind::ephemeral: {
      const auto at = ephemerals_.find(node->stat.ephemeral_owner);
      at->second.erase(node);
      if (at->second.empty()) ephemerals_.erase(at);
      break;
    }
    case NodeKind::container:
      containers_.erase(node);
      break;
    case NodeKind::ttl:
      ttl_nodes_.erase(node);
      break;
  }
  if (snapshot_ != nullptr && snapshot_->cursor_ == node) snapshot_->cursor_ = node->newer;
  (node->older == nullptr ? oldest_ : node->older->newer) = node->newer;
  (node->newer == nullptr ? newest_ : node->newer->older) = node->older;
  (node->previous_sibling == nullptr ? node->parent->first_child : node->previous_sibling->next_sibling) = node->next_sibling;
  if (node->next_sibling != nullptr) node->next_sibling->previous_sibling = node->previous_sibling;
  --node->parent->child_count;
  digest_ -= node->digest;
  data_size_ -= static_cast<std::int64_t>(node->path.size() + node->data.size());
  acls_.drop_use(node->acl);
  nodes_.erase(node);
  delete node;
}

void Tree::before_change(Znode* node) {
  if (snapshot_ != nullptr && node->snapshot_mark != snapshot_mark_) snapshot_->preserve(node);
}

void Tree::refresh_digest(Znode* node) {
  digest_ -= node->digest;
  node->digest = digest_of_node(node->path, node->digest_prefix, node->stat);
  digest_ += node->digest;
}

ErrorCode Tree::create(const CreateSpec& spec, std::int64_t zxid, std::int64_t time_ms, const OnChange& on_change) {
  Znode* parent = find_mutable(parent_key(spec.path));
  if (parent == nullptr) return ErrorCode::no_node;
  if (nodes_.contains(key_of(spec.path))) return ErrorCode::node_exists;
  before_change(parent);
  // A replay over a snapshot that is ahead must not turn the counters back.
  const std::int32_t cversion = cversion_after(*parent, spec);
  if (cversion > parent->stat.cversion) {
    parent->stat.cversion = cversion;
    parent->stat.pzxid = zxid;
  }
  Znode* node = insert(spec.path, parent);
  if (spec.data) {
    node->data = *spec.data;
  } else {
    node->data_is_null = true;
  }
  data_size_ += static_cast<std::int64_t>(node->data.size());
  node->acl = acls_.intern(spec.acl);
  node->stat = {.czxid = zxid, .mzxid = zxid, .ctime = time_ms, .mtime = time_ms, .ephemeral_owner = spec.stored_owner, .pzxid = zxid};
  node->digest_prefix = digest_prefix(spec.path, spec.data);
  index(node);
  refresh_digest(node);
  refresh_digest(parent);
  if (on_change) on_change({EventType::node_created, spec.path, node->acl, parent->acl, node->data.size()});
  return ErrorCode::ok;
}

void Tree::replay_existing(const CreateSpec& spec, std::int64_t zxid) {
  Znode* parent = find_mutable(parent_key(spec.path));
  Znode* node = find_mutable(spec.path);
  if (parent == nullptr || node == nullptr) return;
  before_change(parent);
  before_change(node);
  const std::int32_t cversion = cversion_after(*parent, spec);
  if (cversion > parent->stat.cversion) {
    parent->stat.cversion = cversion;
    parent->stat.pzxid = zxid;
    refresh_digest(parent);
  }
  const AclId old = std::exchange(node->acl, acls_.intern(spec.acl));
  acls_.drop_use(old);
}

ErrorCode Tree::remove(std::string_view path, std::int64_t zxid, const OnChange& on_change) {
  Znode* node = find_mutable(path);
  if (node == nullptr || node == root_) return ErrorCode::no_node;
  // Only a log replayed over a later snapshot of Java's can ask for this: the children's own deletions follow in it, or they were made
  // again under a node that the log makes again. Either way the subtree goes now and the log brings back what belongs.
  while (node->first_child != nullptr) {
    Znode* leaf = node->first_child;
    while (leaf->first_child != nullptr) leaf = leaf->first_child;
    before_change(leaf);
    forget(leaf);
  }
  Znode* parent = node->parent;
  before_change(parent);
  before_change(node);
  if (zxid > parent->stat.pzxid) parent->stat.pzxid = zxid;
  refresh_digest(parent);
  const std::string kept_path = node->path;
  const AclId acl = node->acl;
  acls_.add_use(acl);  // the event's readers are judged by the list that the node had
  forget(node);
  if (on_change) on_change({EventType::node_deleted, kept_path, acl, parent->acl});
  acls_.drop_use(acl);
  return ErrorCode::ok;
}

ErrorCode Tree::set_data(std::string_view path, jute::Buffer data, std::int32_t version, std::int64_t zxid, std::int64_t time_ms,
                         const OnChange& on_change) {
  Znode* node = find_mutable(path);
  if (node == nullptr) return ErrorCode::no_node;
  before_change(node);
  data_size_ -= static_cast<std::int64_t>(node->data.size());
  node->data.assign(data.value_or(std::string_view()));
  node->data_is_null = !data.has_value();
  data_size_ += static_cast<std::int64_t>(node->data.size());
  node->stat.mtime = time_ms;
  node->stat.mzxid = zxid;
  node->stat.version = version;
  node->digest_prefix = digest_prefix(node->path, data);
  refresh_digest(node);
  if (on_change) on_change({EventType::node_data_changed, path, node->acl, open_acl_id, node->data.size()});
  return ErrorCode::ok;
}

ErrorCode Tree::set_acl(std::string_view path, const std::vector<jute::Acl>& acl, std::int32_t version) {
  Znode* node = find_mutable(path);
  if (node == nullptr) return ErrorCode::no_node;
  before_change(node);
  const AclId old = std::exchange(node->acl, acls_.intern(acl));
  acls_.drop_use(old);
  node->stat.aversion = version;
  refresh_digest(node);
  return ErrorCode::ok;
}

bool Tree::load(std::string_view path, jute::Buffer data, AclId acl, const jute::StatPersisted& stat) {
  Znode* parent = nullptr;
  if (!path.empty()) {
    if (path.front() != '/' || path == "/") return false;
    parent = find_mutable(parent_key(path));
    if (parent == nullptr) return false;
  }
  if (nodes_.contains(path) || !acls_.add_use(acl)) return false;
  Znode* node = insert(path, parent);
  if (path.empty()) root_ = node;
  node->data.assign(data.value_or(std::string_view()));
  node->data_is_null = !data.has_value();
  data_size_ += static_cast<std::int64_t>(node->data.size());
  node->acl = acl;
  node->stat = stat;
  node->digest_prefix = digest_prefix(path, data);
  index(node);
  refresh_digest(node);
  return true;
}

TreeSnapshot::TreeSnapshot(Tree& tree) : tree_(tree), cursor_(tree.oldest_) {
  ENSURE(tree.snapshot_ == nullptr);
  tree.snapshot_ = this;
  ++tree.snapshot_mark_;
}

TreeSnapshot::~TreeSnapshot() { tree_.snapshot_ = nullptr; }

void TreeSnapshot::preserve(Znode* node) {
  std::vector<Znode*> chain;
  for (Znode* at = node; at != nullptr && at->snapshot_mark != tree_.snapshot_mark_; at = at->parent) chain.push_back(at);
  for (Znode* at : chain | std::views::reverse) {
    at->snapshot_mark = tree_.snapshot_mark_;
    write(at, preserved_);
  }
}

bool TreeSnapshot::next(std::size_t octets, std::string& out) {
  const std::size_t end = out.size() + octets;
  out += preserved_;
  preserved_.clear();
  for (; cursor_ != nullptr && out.size() < end; cursor_ = cursor_->newer) {
    if (cursor_->snapshot_mark == tree_.snapshot_mark_) continue;
    cursor_->snapshot_mark = tree_.snapshot_mark_;
    write(cursor_, out);
  }
  return cursor_ != nullptr;
}

void TreeSnapshot::write(const Znode* node, std::string& out) {
  base::Writer writer(out);
  jute::write(writer, std::string_view(node->path));
  jute::write(writer, node->buffer());
  jute::write(writer, node->acl);
  jute::write(writer, node->stat);
}

}  // namespace chorus::coord
