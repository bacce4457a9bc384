#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "coord/database.h"
#include "coord/disk/snapshot.h"
#include "coord/path.h"
#include "coord/prepare.h"

namespace chorus::coord {
namespace {

using jute::ErrorCode;
using jute::OpCode;

const std::vector<jute::Acl> open_acl = {{jute::perms::all, {"world", "anyone"}}};

TEST(Tree, FreshDigestIsZooKeepers) {
  EXPECT_EQ(Tree(true).digest(), 1371985504U);  // of a fresh Apache ZooKeeper 3.9.5
  EXPECT_EQ(Tree(true).size() + 1, 5U);         // what its "stat" calls the node count
}

// The transactions and digests of a log that Apache ZooKeeper 3.9.5 wrote: session at zxid 1, then /a with "x" at zxid 3.
TEST(Tree, DigestAfterCreateIsZooKeepers) {
  Tree tree(true);
  ASSERT_EQ(tree.create({"/a", "x", open_acl, 0, 1}, 3, 0x1a2057c81cb, nullptr), ErrorCode::ok);
  EXPECT_EQ(tree.digest(), 0x127fa54bdU);
}

TEST(Path, Rules) {
  for (const char* good : {"/", "/a", "/a/b", "/a.b", "/...", "/h\xc3\xa9-\xe4\xb8\xad"}) EXPECT_TRUE(is_valid_path(good)) << good;
  for (const std::string bad : {"", "a", "/a/", "//", "/a//b", "/.", "/a/..", "/a/./b", "/\x01", "/\x7f", "/\xc2\x80", "/\xee\x80\x80",
                                "/\xef\xbf\xb0", "/\xff", "/\xf0\x9f\x98\x80"}) {
    EXPECT_FALSE(is_valid_path(bad)) << bad;
  }
  EXPECT_FALSE(is_valid_path(std::string_view("/a\0b", 4)));
  // Overlong forms of "/", U+0020 and U+0380: Java reads each as U+FFFD, which it refuses.
  for (const char* bad : {"/a\xe0\x80\xaf"
                          "b",
                          "/\xf0\x80\x80\xa0", "/\xe0\x8e\x80", "/\xf0\x90\x80\x80"})
    EXPECT_FALSE(is_valid_path(bad)) << bad;
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/a/b"), "/a");
}

// What the tree should be, in the plainest way.
struct ModelNode {
  std::string data;
  std::int32_t version = 0, cversion = 0;
  std::int64_t owner = 0, czxid = 0, mzxid = 0, pzxid = 0;
  bool operator==(const ModelNode&) const = default;
};
struct Model {
  std::map<std::string, ModelNode> nodes{{"/", {}}};

  std::int32_t children(const std::string& path) const {
    std::int32_t count = 0;
    for (const auto& [other, node] : nodes) count += other != "/" && parent_path(other) == path ? 1 : 0;
    return count;
  }
  ErrorCode create(std::string path, std::string data, bool ephemeral, bool sequential, std::int64_t session, std::int64_t zxid) {
    const auto parent = nodes.find(std::string(parent_path(path)));
    if (parent == nodes.end()) return ErrorCode::no_node;
    if (sequential) {
      std::string digits = std::to_string(parent->second.cversion);
      path += std::string(10 - digits.size(), '0') + digits;
    }
    if (nodes.contains(path)) return ErrorCode::node_exists;
    if (parent->second.owner != 0) return ErrorCode::no_children_for_ephemerals;
    ++parent->second.cversion;
    parent->second.pzxid = zxid;
    nodes[path] = {std::move(data), 0, 0, ephemeral ? session : 0, zxid, zxid, zxid};
    return ErrorCode::ok;
  }
  ErrorCode remove(const std::string& path, std::int32_t version, std::int64_t zxid) {
    const auto node = nodes.find(path);
    if (!nodes.contains(std::string(parent_path(path))) || node == nodes.end()) return ErrorCode::no_node;
    if (version != -1 && version != node->second.version) return ErrorCode::bad_version;
    if (children(path) > 0) return ErrorCode::not_empty;
    nodes.erase(node);
    nodes[std::string(parent_path(path))].pzxid = zxid;
    return ErrorCode::ok;
  }
  ErrorCode set(const std::string& path, std::string data, std::int32_t version, std::int64_t zxid) {
    const auto node = nodes.find(path);
    if (node == nodes.end()) return ErrorCode::no_node;
    if (version != -1 && version != node->second.version) return ErrorCode::bad_version;
    node->second.data = std::move(data);
    ++node->second.version;
    node->second.mzxid = zxid;
    return ErrorCode::ok;
  }
  void close(std::int64_t session, std::int64_t zxid) {
    std::vector<std::string> mine;
    for (const auto& [path, node] : nodes) {
      if (node.owner == session) mine.push_back(path);
    }
    for (const std::string& path : mine) remove(path, -1, zxid);
  }
};

std::map<std::string, ModelNode> as_model(const Tree& tree, const Model& shape) {
  std::map<std::string, ModelNode> nodes;
  for (const auto& [path, unused] : shape.nodes) {
    const Znode* node = tree.find(path);
    if (node == nullptr) continue;
    nodes[path] = {node->data,       node->stat.version, node->stat.cversion, node->stat.ephemeral_owner,
                   node->stat.czxid, node->stat.mzxid,   node->stat.pzxid};
  }
  return nodes;
}

// Puts the nodes of a snapshot's octets into another tree.
void load_nodes(std::string_view octets, const AclTable& acls, Tree& to) {
  to.clear();
  for (const AclId id : acls.ids()) ASSERT_TRUE(to.acls().load(id, acls.list(id)));
  base::Reader in(octets);
  while (in.remaining() > 0) {
    const auto node = jute::decode<disk::SnapshotNode>(in);
    ASSERT_TRUE(node);
    ASSERT_TRUE(to.load(node->path, node->data, node->acl_id, node->stat)) << node->path;
  }
}

struct Op {
  OpCode type;
  std::string body;
  ErrorCode expected;
};

// One random operation, as a request and as a change to the model.
Op random_op(base::Random& random, Model& model, std::int64_t session, std::int64_t zxid) {
  static const char* names[] = {"/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/deep", "/nowhere/x"};
  const std::string path = names[random.below(std::size(names))];
  const auto version = static_cast<std::int32_t>(random.between(-1, 2));
  const std::string data(random.below(20), static_cast<char>('a' + random.below(26)));
  switch (random.below(6)) {
    case 0:
    case 1:
    case 2: {
      const auto flags = static_cast<std::int32_t>(random.below(4));
      const ErrorCode expected = model.create(path, data, (flags & 1) != 0, (flags & 2) != 0, session, zxid);
      return {OpCode::create, jute::encode(jute::CreateRequest{path, data, open_acl, flags}), expected};
    }
    case 3:
      return {OpCode::delete_, jute::encode(jute::PathVersionRequest{path, version}), model.remove(path, version, zxid)};
    default:
      return {OpCode::set_data, jute::encode(jute::SetDataRequest{path, data, version}), model.set(path, data, version, zxid)};
  }
}

class TreeAgainstModel : public testing::TestWithParam<std::uint64_t> {};

// Requests are prepared ahead of what is applied by a random distance, so that checks must see what is under way; multis succeed or leave
// nothing; a snapshot taken in the middle is of its moment; replaying the log from any point gives the same tree.
TEST_P(TreeAgainstModel, EveryCodeAndEveryField) {
  base::Random random(GetParam());
  const Options options;
  Database database(true);
  Preparer preparer(database, options, database.last_zxid);
  Model model;
  std::deque<std::string> under_way;
  std::vector<std::string> log;
  std::unique_ptr<TreeSnapshot> snapshot;
  std::string snapshot_octets;
  std::uint64_t snapshot_digest = 0;
  std::unique_ptr<Tree> reloaded;
  AclTable acls_then;

  const auto apply_some = [&](std::size_t most) {
    for (; most > 0 && !under_way.empty(); --most) {
      const auto outcome = database.apply(under_way.front(), nullptr);
      ASSERT_TRUE(outcome);
      under_way.pop_front();
    }
    preparer.applied(database.last_zxid);
    ASSERT_EQ(database.digest_mismatches, 0) << "at zxid " << database.first_mismatch_zxid;
  };
  for (int i = 0; i < 400; ++i) {
    const auto session = static_cast<std::int64_t>(1 + random.below(3));
    const std::int64_t zxid = preparer.last_zxid() + 1;
    const Requester who{.session = session, .cxid = i, .time_ms = 1000 + i};
    std::string txn;
    const std::uint64_t kind = random.below(12);
    if (kind == 0) {
      model.close(session, zxid);
      EXPECT_EQ(preparer.prepare(OpCode::close_session, {}, who, txn), ErrorCode::ok);
    } else if (kind <= 2) {
      Model after = model;
      std::string body;
      bool failed = false;
      for (std::uint64_t k = random.below(5); k > 0; --k) {
        const Op op = random_op(random, after, session, zxid);
        failed = failed || op.expected != ErrorCode::ok;
        jute::encode(jute::MultiHeader{static_cast<std::int32_t>(op.type), false, -1}, body);
        body += op.body;
      }
      jute::encode(jute::MultiHeader{-1, true, -1}, body);
      EXPECT_EQ(preparer.prepare(OpCode::multi, body, who, txn), ErrorCode::ok);
      if (!failed) model = after;
    } else {
      const Op op = random_op(random, model, session, zxid);
      EXPECT_EQ(preparer.prepare(op.type, op.body, who, txn), op.expected) << "operation " << i;
    }
    under_way.push_back(txn);
    log.push_back(txn);
    if (random.chance(0.3)) apply_some(random.below(8));
    if (i == 150) {
      acls_then = database.tree.acls();
      snapshot_digest = database.tree.digest();
      snapshot = std::make_unique<TreeSnapshot>(database.tree);
    }
    if (i > 150 && snapshot != nullptr && !snapshot->next(200, snapshot_octets)) snapshot.reset();
    if (HasFatalFailure()) return;
  }
  apply_some(under_way.size());
  EXPECT_EQ(preparer.outstanding(), 0U);
  EXPECT_EQ(as_model(database.tree, model), model.nodes);
  EXPECT_EQ(database.tree.size(), model.nodes.size() + 3);

  ASSERT_EQ(snapshot, nullptr);
  Tree then(true);
  load_nodes(snapshot_octets, acls_then, then);
  EXPECT_EQ(then.digest(), snapshot_digest);

  // A log that is played over a tree which has its changes already ends in the same tree.
  Database again(true);
  for (const std::string& txn : log) ASSERT_TRUE(again.apply(txn, nullptr, true));
  EXPECT_EQ(again.tree.digest(), database.tree.digest());
  for (std::size_t i = log.size() / 2; i < log.size(); ++i) ASSERT_TRUE(again.apply(log[i], nullptr, true));
  EXPECT_EQ(as_model(again.tree, model).size(), model.nodes.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TreeAgainstModel, testing::Range<std::uint64_t>(1, 101));

TEST(Preparer, SequenceNumbersComeFromTheParentsCreations) {
  const Options options;
  Database database(true);
  Preparer preparer(database, options, database.last_zxid);
  for (const char* expected : {"/s0000000000", "/s0000000001"}) {
    std::string txn;
    ASSERT_EQ(preparer.prepare(OpCode::create, jute::encode(jute::CreateRequest{"/s", "", open_acl, 2}), {.session = 1}, txn),
              ErrorCode::ok);
    EXPECT_EQ(database.apply(txn, nullptr)->path, expected);
  }
}

TEST(Preparer, RefusalsTakeAZxidAndNoDigest) {
  const Options options;
  Database database(true);
  Preparer preparer(database, options, database.last_zxid);
  std::string txn;
  EXPECT_EQ(preparer.prepare(OpCode::delete_, jute::encode(jute::PathVersionRequest{"/none", -1}), {.session = 1}, txn),
            ErrorCode::no_node);
  EXPECT_EQ(txn.size(), 36U);
  EXPECT_EQ(preparer.last_zxid(), 1);
  EXPECT_EQ(database.apply(txn, nullptr)->error, ErrorCode::no_node);
  EXPECT_EQ(database.last_zxid, 1);
}

TEST(Preparer, ChecksComeInZooKeepersOrder) {
  const Options options;
  Options without_ttl;
  without_ttl.extended_types_enabled = false;
  const std::vector<jute::Acl> none, nobody = {{31, {"nosuch", "x"}}}, locked = {{31, {"digest", "a:b"}}};
  const struct {
    const char* name;
    OpCode type;
    std::string body;
    ErrorCode want;
  } cases[] = {
      {"flags before path", OpCode::create, jute::encode(jute::CreateRequest{"bad", "", none, 99}), ErrorCode::bad_arguments},
      {"ttl of zero", OpCode::create_ttl, jute::encode(jute::CreateTtlRequest{"/t", "", open_acl, 5, 0}), ErrorCode::bad_arguments},
      {"ttl too long", OpCode::create_ttl, jute::encode(jute::CreateTtlRequest{"/t", "", open_acl, 5, ttl_ms_max + 1}),
       ErrorCode::bad_arguments},
      {"ttl mode by create", OpCode::create, jute::encode(jute::CreateRequest{"/t", "", open_acl, 5}), ErrorCode::bad_arguments},
      {"ttl without the mode", OpCode::create_ttl, jute::encode(jute::CreateTtlRequest{"/t", "", open_acl, 0, 9}),
       ErrorCode::bad_arguments},
      {"acl before parent", OpCode::create, jute::encode(jute::CreateRequest{"/none/x", "", none, 0}), ErrorCode::invalid_acl},
      {"unknown scheme", OpCode::create, jute::encode(jute::CreateRequest{"/x", "", nobody, 0}), ErrorCode::invalid_acl},
      {"no parent", OpCode::create, jute::encode(jute::CreateRequest{"/none/x", "", open_acl, 0}), ErrorCode::no_node},
      {"name after parent", OpCode::create, jute::encode(jute::CreateRequest{"/x/", "", open_acl, 0}), ErrorCode::no_node},
      {"bad name", OpCode::create, jute::encode(jute::CreateRequest{"/..", "", open_acl, 0}), ErrorCode::bad_arguments},
      {"root", OpCode::create, jute::encode(jute::CreateRequest{"/", "", open_acl, 0}), ErrorCode::node_exists},
      {"no slash", OpCode::create, jute::encode(jute::CreateRequest{"x", "", open_acl, 0}), ErrorCode::bad_arguments},
      {"not whole", OpCode::create, std::string("\0\0\0\2/x", 6), ErrorCode::marshalling_error},
      {"locked parent", OpCode::create, jute::encode(jute::CreateRequest{"/locked/x", "", open_acl, 0}), ErrorCode::no_auth},
      {"delete the root", OpCode::delete_, jute::encode(jute::PathVersionRequest{"/", -1}), ErrorCode::bad_arguments},
      {"delete a system node", OpCode::delete_, jute::encode(jute::PathVersionRequest{"/zookeeper/quota", -1}), ErrorCode::bad_arguments},
      {"set a locked node", OpCode::set_data, jute::encode(jute::SetDataRequest{"/locked", "", 99}), ErrorCode::no_auth},
      {"set a bad path", OpCode::set_data, jute::encode(jute::SetDataRequest{"/x/", "", -1}), ErrorCode::bad_arguments},
      {"setACL of nothing", OpCode::set_acl, jute::encode(jute::SetAclRequest{"/none", open_acl, -1}), ErrorCode::no_node},
      {"reconfig alone", OpCode::reconfig, "", ErrorCode::reconfig_disabled},
      {"read inside multi", OpCode::multi, jute::encode(jute::MultiHeader{4, false, -1}), ErrorCode::marshalling_error},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Database database(true);
    Preparer preparer(database, options, database.last_zxid);
    std::string txn;
    ASSERT_EQ(preparer.prepare(OpCode::create, jute::encode(jute::CreateRequest{"/locked", "", locked, 0}), {.session = 1}, txn),
              ErrorCode::ok);
    EXPECT_EQ(preparer.prepare(c.type, c.body, {.session = 1}, txn), c.want);
    EXPECT_EQ(preparer.prepare(c.type, c.body, {.session = 1, .session_error = ErrorCode::session_expired}, txn),
              c.type == OpCode::reconfig ? ErrorCode::reconfig_disabled : ErrorCode::session_expired);
  }
  Database database(true);
  Preparer preparer(database, without_ttl, database.last_zxid);
  std::string txn;
  EXPECT_EQ(preparer.prepare(OpCode::create_ttl, jute::encode(jute::CreateTtlRequest{"/t", "", open_acl, 5, 9}), {.session = 1}, txn),
            ErrorCode::unimplemented);
}

TEST(Tree, CversionWrapsAsJavasDoes) {
  Tree tree(true);
  tree.create({"/a", "", open_acl, 0, 0x6000'0000}, 1, 0, nullptr);
  EXPECT_EQ(tree.stat_of(*tree.find("/")).cversion, static_cast<std::int32_t>(0xc000'0000U - 2));
}

}  // namespace
}  // namespace chorus::coord
