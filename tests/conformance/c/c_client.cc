// Uses ZooKeeper's C client (libzookeeper_mt) in every way that its API has for a tree and a session, and says of each check
// "ok NAME" or "FAILED NAME: why".     usage: c_client HOST:PORT
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string server;

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void want(bool fine, const std::string& what) {
  if (!fine) throw Failure(what);
}
void expect(std::int64_t got, std::int64_t expected, const std::string& what) {
  want(got == expected, what + ": got " + std::to_string(got) + ", want " + std::to_string(expected));
}
void expect(const std::string& got, const std::string& expected, const std::string& what) {
  want(got == expected, what + ": got '" + got + "', want '" + expected + "'");
}

struct Event {
  int type;
  std::string path;
  bool operator==(const Event&) const = default;
};

/// What completions and watchers leave for the waiting check.
class Box {
 public:
  void put(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    changed_.notify_all();
  }
  /// The events, once there are `count`.
  std::vector<Event> wait(std::size_t count, const std::string& what) {
    std::unique_lock lock(mutex_);
    want(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return events_.size() >= count; }), what + ": did not come within 30 s");
    return events_;
  }
  void wait_for(int type, const std::string& what) {
    std::unique_lock lock(mutex_);
    const auto there = [&] { return std::any_of(events_.begin(), events_.end(), [&](const Event& e) { return e.type == type; }); };
    want(changed_.wait_for(lock, std::chrono::seconds(30), there), what + ": did not come within 30 s");
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    events_.clear();
  }
  std::vector<Event> all() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
};

void on_watch(zhandle_t*, int type, int, const char* path, void* box) { static_cast<Box*>(box)->put({type, path}); }

/// A handle; session events have their state in `states`.
class Client {
 public:
  explicit Client(const clientid_t* id = nullptr, int timeout_ms = 10'000, const std::string& chroot = "") {
    handle_ = zookeeper_init((server + chroot).c_str(), on_session, timeout_ms, id, this, 0);
    want(handle_ != nullptr, "zookeeper_init");
  }
  ~Client() { zookeeper_close(handle_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Client& connected() {
    states.wait_for(ZOO_CONNECTED_STATE, "connected");
    return *this;
  }
  operator zhandle_t*() { return handle_; }
  clientid_t id() { return *zoo_client_id(handle_); }

  Box states;

 private:
  static void on_session(zhandle_t*, int type, int state, const char*, void* self) {
    if (type == ZOO_SESSION_EVENT) static_cast<Client*>(self)->states.put({state, ""});
  }
  zhandle_t* handle_ = nullptr;
};

std::string create(Client& client, const std::string& path, const std::string& value = "", int mode = ZOO_PERSISTENT,
                   const ACL_vector* acl = &ZOO_OPEN_ACL_UNSAFE) {
  char made[256];
  const int code = zoo_create(client, path.c_str(), value.data(), static_cast<int>(value.size()), acl, mode, made, sizeof made);
  expect(code, ZOK, "create " + path);
  return made;
}
Stat stat_of(Client& client, const std::string& path) {
  Stat stat{};
  expect(zoo_exists(client, path.c_str(), 0, &stat), ZOK, "exists " + path);
  return stat;
}
std::string get(Client& client, const std::string& path) {
  std::vector<char> value(1 << 20);
  int size = static_cast<int>(value.size());
  expect(zoo_get(client, path.c_str(), 0, value.data(), &size, nullptr), ZOK, "get " + path);
  return size < 0 ? "(null)" : std::string(value.data(), static_cast<std::size_t>(size));
}
int set(Client& client, const std::string& path, const std::string& value, int version = -1) {
  return zoo_set(client, path.c_str(), value.data(), static_cast<int>(value.size()), version);
}
bool there(Client& client, const std::string& path) { return zoo_exists(client, path.c_str(), 0, nullptr) == ZOK; }
std::vector<std::string> children(Client& client, const std::string& path) {
  String_vector names{};
  expect(zoo_get_children(client, path.c_str(), 0, &names), ZOK, "children of " + path);
  std::vector<std::string> out(names.data, names.data + names.count);
  deallocate_String_vector(&names);
  std::sort(out.begin(), out.end());
  return out;
}

/// Breaks the TCP connections of this process to the server.
void cut_connections() {
  const int port = std::atoi(server.substr(server.rfind(':') + 1).c_str());
  int cut = 0;
  for (int fd = 3; fd < 256; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && ntohs(peer.sin_port) == port) {
      shutdown(fd, SHUT_RDWR);
      ++cut;
    }
  }
  want(cut > 0, "no connection to cut");
}

/// Lets another process open a session, do `work` in it and end without closing it; returns its id.
clientid_t abandoned_session(int timeout_ms, const std::function<void(Client&)>& work) {
  int ends[2];
  want(pipe(ends) == 0, "pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    try {
      Client client(nullptr, timeout_ms);
      work(client.connected());
      const clientid_t id = client.id();
      _exit(write(ends[1], &id, sizeof id) == sizeof id ? 0 : 1);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
  }
  clientid_t id{};
  close(ends[1]);
  const ssize_t got = read(ends[0], &id, sizeof id);
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  want(got == sizeof id && status == 0, "the other process failed");
  return id;
}

// Checks; each has a place of its own.

void create_get_set_delete(const std::string& at) {
  Client zk;
  zk.connected();
  expect(create(zk, at + "/a", "one"), at + "/a", "path");
  expect(get(zk, at + "/a"), "one", "value");
  expect(set(zk, at + "/a", "two", 0), ZOK, "set");
  expect(get(zk, at + "/a"), "two", "value");
  expect(zoo_delete(zk, (at + "/a").c_str(), 1), ZOK, "delete");
  want(!there(zk, at + "/a"), "still there");
}

void errors(const std::string& at) {
  Client zk;
  zk.connected();
  const std::string a = at + "/a";
  create(zk, a);
  expect(zoo_create(zk, a.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0), ZNODEEXISTS, "twice");
  expect(zoo_create(zk, (at + "/x/y").c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0), ZNONODE, "without parent");
  expect(set(zk, a, "x", 9), ZBADVERSION, "set with another version");
  expect(set(zk, at + "/x", "x"), ZNONODE, "set of nothing");
  expect(zoo_delete(zk, a.c_str(), 9), ZBADVERSION, "delete with another version");
  expect(zoo_delete(zk, at.c_str(), -1), ZNOTEMPTY, "delete of a parent");
  create(zk, at + "/e", "", ZOO_EPHEMERAL);
  expect(zoo_create(zk, (at + "/e/x").c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0), ZNOCHILDRENFOREPHEMERALS, "below an ephemeral");
  ACL_vector none{0, nullptr};
  expect(zoo_create(zk, (at + "/n").c_str(), "", 0, &none, 0, nullptr, 0), ZINVALIDACL, "without ACL");
}

void create_modes(const std::string& at) {
  Client zk;
  zk.connected();
  expect(create(zk, at + "/s-", "", ZOO_PERSISTENT_SEQUENTIAL), at + "/s-0000000000", "sequential");
  expect(create(zk, at + "/s-", "", ZOO_EPHEMERAL_SEQUENTIAL), at + "/s-0000000001", "ephemeral sequential");
  expect(stat_of(zk, at + "/s-0000000001").ephemeralOwner, zk.id().client_id, "owner");
  create(zk, at + "/e", "", ZOO_EPHEMERAL);
  expect(stat_of(zk, at + "/e").ephemeralOwner, zk.id().client_id, "owner");
}

void create_container(const std::string& at) {
  Client zk;
  zk.connected();
  create(zk, at + "/c", "box", ZOO_CONTAINER);
  expect(stat_of(zk, at + "/c").ephemeralOwner, 0, "owner");
  expect(create(zk, at + "/c/x"), at + "/c/x", "child");
}

void create_with_ttl(const std::string& at) {
  Client zk;
  zk.connected();
  char path[128];
  const auto made = [&](const char* name, int mode, std::int64_t ttl) {
    return zoo_create_ttl(zk, (at + name).c_str(), "v", 1, &ZOO_OPEN_ACL_UNSAFE, mode, ttl, path, sizeof path);
  };
  expect(made("/t", ZOO_PERSISTENT_WITH_TTL, 60'000), ZOK, "create");
  expect(stat_of(zk, at + "/t").ephemeralOwner, 0, "owner");
  expect(made("/t-", ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60'000), ZOK, "sequential");
  expect(path, at + "/t-0000000001", "path");
  expect(made("/n", ZOO_PERSISTENT_WITH_TTL, 0), ZBADARGUMENTS, "a time of 0");
}

void create2_tells_the_stat(const std::string& at) {
  Client zk;
  zk.connected();
  char path[128];
  Stat stat{};
  expect(zoo_create2(zk, (at + "/a-").c_str(), "abc", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path, &stat), ZOK,
         "create2");
  expect(path, at + "/a-0000000000", "path");
  expect(stat.dataLength, 3, "length");
  expect(stat.czxid, stat_of(zk, path).czxid, "czxid");
  expect(zoo_create2_ttl(zk, (at + "/t").c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 60'000, path, sizeof path, &stat),
         ZOK, "create2 with TTL");
}

void null_value(const std::string& at) {
  Client zk;
  zk.connected();
  expect(zoo_create(zk, (at + "/a").c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0), ZOK, "create");
  expect(get(zk, at + "/a"), "(null)", "value");
  expect(stat_of(zk, at + "/a").dataLength, 0, "length");
}

void stat_fields(const std::string& at) {
  Client zk;
  zk.connected();
  create(zk, at + "/a", "12345");
  create(zk, at + "/a/b");
  Stat stat{};
  expect(zoo_set2(zk, (at + "/a").c_str(), "123", 3, -1, &stat), ZOK, "set2");
  expect(stat.version, 1, "version");
  expect(stat.cversion, 1, "cversion");
  expect(stat.numChildren, 1, "numChildren");
  expect(stat.dataLength, 3, "dataLength");
  want(stat.czxid < stat.pzxid && stat.pzxid < stat.mzxid, "czxid < pzxid < mzxid");
  want(stat.ctime <= stat.mtime, "ctime <= mtime");
}

void children_in_both_forms(const std::string& at) {
  Client zk;
  zk.connected();
  for (const char* name : {"/x", "/y", "/z"}) create(zk, at + name);
  want(children(zk, at) == std::vector<std::string>{"x", "y", "z"}, "children");
  String_vector names{};
  Stat stat{};
  expect(zoo_get_children2(zk, at.c_str(), 0, &names, &stat), ZOK, "children2");
  expect(names.count, 3, "count");
  expect(stat.numChildren, 3, "numChildren");
  deallocate_String_vector(&names);
}

void acls(const std::string& at) {
  Client zk;
  zk.connected();
  create(zk, at + "/a");
  ACL_vector acl{};
  Stat stat{};
  expect(zoo_get_acl(zk, (at + "/a").c_str(), &acl, &stat), ZOK, "get");
  expect(acl.count, 1, "count");
  expect(acl.data[0].perms, ZOO_PERM_ALL, "perms");
  expect(acl.data[0].id.scheme, "world", "scheme");
  deallocate_ACL_vector(&acl);
  expect(zoo_set_acl(zk, (at + "/a").c_str(), 5, &ZOO_OPEN_ACL_UNSAFE), ZBADVERSION, "set with another version");
  expect(zoo_set_acl(zk, (at + "/a").c_str(), 0, &ZOO_READ_ACL_UNSAFE), ZOK, "set");
  expect(stat_of(zk, at + "/a").aversion, 1, "aversion");
  expect(set(zk, at + "/a", "x"), ZNOAUTH, "write where only reading is allowed");
}

void add_auth(Client& zk, const std::string& who) {
  Box done;
  const auto completion = [](int code, const void* box) { static_cast<Box*>(const_cast<void*>(box))->put({code, ""}); };
  expect(zoo_add_auth(zk, "digest", who.data(), static_cast<int>(who.size()), completion, &done), ZOK, "add_auth");
  expect(done.wait(1, "add_auth")[0].type, ZOK, "auth");
}

void auth_by_digest(const std::string& at) {
  Client zk;
  Client stranger;
  zk.connected();
  stranger.connected();
  add_auth(zk, "ann:secret");
  create(zk, at + "/mine", "v", ZOO_PERSISTENT, &ZOO_CREATOR_ALL_ACL);
  char value[8];
  int size = sizeof value;
  expect(zoo_get(stranger, (at + "/mine").c_str(), 0, value, &size, nullptr), ZNOAUTH, "a stranger");
  add_auth(stranger, "ann:wrong");
  expect(zoo_get(stranger, (at + "/mine").c_str(), 0, value, &size, nullptr), ZNOAUTH, "the wrong password");
  add_auth(stranger, "ann:secret");
  expect(get(stranger, at + "/mine"), "v", "value");
}

void multi_that_succeeds(const std::string& at) {
  Client zk;
  zk.connected();
  create(zk, at + "/v", "0");
  char first[128];
  char second[128];
  Stat stat{};
  zoo_op_t ops[5];
  zoo_op_result_t results[5];
  const std::string a = at + "/a", s = at + "/s-", v = at + "/v";
  zoo_check_op_init(&ops[0], v.c_str(), 0);
  zoo_create_op_init(&ops[1], a.c_str(), "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, first, sizeof first);
  zoo_create_op_init(&ops[2], s.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, second, sizeof second);
  zoo_set_op_init(&ops[3], a.c_str(), "22", 2, 0, &stat);
  zoo_delete_op_init(&ops[4], v.c_str(), 0);
  expect(zoo_multi(zk, 5, ops, results), ZOK, "multi");
  for (const zoo_op_result_t& result : results) expect(result.err, ZOK, "result");
  expect(first, a, "path");
  expect(second, at + "/s-0000000002", "sequential path");
  expect(stat.version, 1, "version");
  expect(get(zk, a), "22", "value");
  want(!there(zk, v), "not deleted");
}

void multi_that_fails(const std::string& at) {
  Client zk;
  zk.connected();
  zoo_op_t ops[3];
  zoo_op_result_t results[3];
  const std::string a = at + "/a", none = at + "/none", b = at + "/b";
  zoo_create_op_init(&ops[0], a.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
  zoo_delete_op_init(&ops[1], none.c_str(), -1);
  zoo_create_op_init(&ops[2], b.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
  expect(zoo_multi(zk, 3, ops, results), ZNONODE, "multi");
  expect(results[0].err, ZOK, "before the culprit");
  expect(results[1].err, ZNONODE, "the culprit");
  expect(results[2].err, ZRUNTIMEINCONSISTENCY, "after the culprit");
  want(children(zk, at).empty(), "something was left");
}

void watches_of_every_kind(const std::string& at) {
  Client zk;
  Client other;
  zk.connected();
  other.connected();
  Box data, exists, child;
  const std::string a = at + "/a", later = at + "/later";
  create(zk, a, "0");
  char value[8];
  int size = sizeof value;
  expect(zoo_wget(zk, a.c_str(), on_watch, &data, value, &size, nullptr), ZOK, "wget");
  expect(zoo_wexists(zk, later.c_str(), on_watch, &exists, nullptr), ZNONODE, "wexists");
  String_vector names{};
  expect(zoo_wget_children(zk, at.c_str(), on_watch, &child, &names), ZOK, "wget_children");
  deallocate_String_vector(&names);
  set(other, a, "1");
  create(other, later);
  expect(data.wait(1, "data watch")[0].type, ZOO_CHANGED_EVENT, "data watch");
  expect(exists.wait(1, "exists watch")[0].type, ZOO_CREATED_EVENT, "exists watch");
  expect(child.wait(1, "child watch")[0].type, ZOO_CHILD_EVENT, "child watch");
  set(other, a, "2");
  create(other, at + "/more");
  get(zk, a);
  expect(data.all().size(), 1, "data watch fires once");
  expect(child.all().size(), 1, "child watch fires once");
  Box gone;
  expect(zoo_wexists(zk, later.c_str(), on_watch, &gone, nullptr), ZOK, "wexists");
  expect(zoo_delete(other, later.c_str(), -1), ZOK, "delete");
  expect(gone.wait(1, "deletion")[0].type, ZOO_DELETED_EVENT, "deletion");
  expect(gone.all()[0].path, later, "path");
}

void watches_can_be_removed(const std::string& at) {
  Client zk;
  zk.connected();
  Box box;
  const std::string a = at + "/a";
  create(zk, a);
  char value[8];
  int size = sizeof value;
  expect(zoo_wget(zk, a.c_str(), on_watch, &box, value, &size, nullptr), ZOK, "wget");
  expect(zoo_remove_watches(zk, a.c_str(), ZWATCHTYPE_DATA, on_watch, &box, 0), ZOK, "remove");
  expect(zoo_remove_watches(zk, a.c_str(), ZWATCHTYPE_DATA, on_watch, &box, 0), ZNOWATCHER, "remove again");
  set(zk, a, "x");
  get(zk, a);
  for (const Event& event : box.all()) want(event.type != ZOO_CHANGED_EVENT, "a removed watch fired");
}

void asynchronous_calls_complete_in_order(const std::string& at) {
  Client zk;
  zk.connected();
  Box done;
  const auto completion = [](int code, const char* name, const void* box) {
    static_cast<Box*>(const_cast<void*>(box))->put({code, code == ZOK ? name : ""});
  };
  for (int i = 0; i < 1000; ++i)
    expect(zoo_acreate(zk, (at + "/" + std::to_string(i)).c_str(), "v", 1, &ZOO_OPEN_ACL_UNSAFE, 0, completion, &done), ZOK, "acreate");
  const std::vector<Event> events = done.wait(1000, "1000 completions");
  for (int i = 0; i < 1000; ++i) {
    expect(events[static_cast<std::size_t>(i)].type, ZOK, "completion");
    expect(events[static_cast<std::size_t>(i)].path, at + "/" + std::to_string(i), "order");
  }
  expect(children(zk, at).size(), 1000, "children");
}

void asynchronous_reads_see_earlier_writes(const std::string& at) {
  Client zk;
  zk.connected();
  const std::string a = at + "/a";
  create(zk, a, "start");
  Box done;
  const auto read = [](int code, const char* value, int size, const Stat*, const void* box) {
    static_cast<Box*>(const_cast<void*>(box))->put({code, code == ZOK ? std::string(value, static_cast<std::size_t>(size)) : ""});
  };
  const auto wrote = [](int, const Stat*, const void*) {};
  for (int i = 0; i < 300; ++i) {
    const std::string value = std::to_string(i);
    expect(zoo_aset(zk, a.c_str(), value.data(), static_cast<int>(value.size()), -1, wrote, nullptr), ZOK, "aset");
    expect(zoo_aget(zk, a.c_str(), 0, read, &done), ZOK, "aget");
  }
  const std::vector<Event> events = done.wait(300, "300 reads");
  for (int i = 0; i < 300; ++i) expect(events[static_cast<std::size_t>(i)].path, std::to_string(i), "value");
}

void sync_completes(const std::string& at) {
  Client zk;
  zk.connected();
  Box done;
  const auto completion = [](int code, const char* path, const void* box) {
    static_cast<Box*>(const_cast<void*>(box))->put({code, code == ZOK ? path : ""});
  };
  expect(zoo_async(zk, at.c_str(), completion, &done), ZOK, "async");
  expect(done.wait(1, "sync")[0].path, at, "path");
}

void large_values(const std::string& at) {
  Client zk;
  zk.connected();
  const std::string value(1'000'000, 'x');
  create(zk, at + "/a", value);
  expect(get(zk, at + "/a").size(), value.size(), "size");
}

void chroot(const std::string& at) {
  Client zk;
  zk.connected();
  Client inside(nullptr, 10'000, at);
  inside.connected();
  expect(create(inside, "/a", "v"), "/a", "path inside");
  expect(get(zk, at + "/a"), "v", "value");
}

void timeout_is_negotiated(const std::string&) {
  Client low(nullptr, 1000);
  Client high(nullptr, 10'000'000);
  low.connected();
  high.connected();
  expect(zoo_recv_timeout(low), 4000, "least, two ticks");
  expect(zoo_recv_timeout(high), 40'000, "most, twenty ticks");
}

void ephemerals_survive_a_cut_connection(const std::string& at) {
  Client zk;
  zk.connected();
  create(zk, at + "/e", "", ZOO_EPHEMERAL);
  const std::int64_t id = zk.id().client_id;
  zk.states.clear();
  cut_connections();
  zk.connected();
  expect(zk.id().client_id, id, "session");
  expect(stat_of(zk, at + "/e").ephemeralOwner, id, "owner");
}

void watch_tells_what_happened_while_cut_off(const std::string& at) {
  create(Client().connected(), at + "/a");
  Client zk;
  zk.connected();
  Box box;
  char value[8];
  int size = sizeof value;
  expect(zoo_wget(zk, (at + "/a").c_str(), on_watch, &box, value, &size, nullptr), ZOK, "wget");
  zk.states.clear();
  cut_connections();
  Client other;
  expect(set(other.connected(), at + "/a", "x"), ZOK, "set");
  zk.connected();
  box.wait_for(ZOO_CHANGED_EVENT, "the missed change");
}

void session_is_resumed_with_its_id(const std::string& at) {
  const clientid_t id = abandoned_session(10'000, [&](Client& other) { create(other, at + "/e", "", ZOO_EPHEMERAL); });
  {
    Client heir(&id);
    heir.connected();
    expect(heir.id().client_id, id.client_id, "session");
    expect(stat_of(heir, at + "/e").ephemeralOwner, id.client_id, "owner");
  }
  Client zk;
  zk.connected();
  want(!there(zk, at + "/e"), "the ephemeral outlived the closed session");
}

void session_is_not_resumed_with_another_password(const std::string&) {
  clientid_t id = abandoned_session(10'000, [](Client&) {});
  id.passwd[0] ^= 1;
  Client thief(&id);
  thief.states.wait_for(ZOO_EXPIRED_SESSION_STATE, "expired");
  want(is_unrecoverable(thief), "unrecoverable");
}

void abandoned_session_expires(const std::string& at) {
  const clientid_t id = abandoned_session(4000, [&](Client& other) { create(other, at + "/e", "", ZOO_EPHEMERAL); });
  Client zk;
  zk.connected();
  Box gone;
  expect(zoo_wexists(zk, (at + "/e").c_str(), on_watch, &gone, nullptr), ZOK, "the ephemeral is there");
  expect(gone.wait(1, "expiry")[0].type, ZOO_DELETED_EVENT, "event");
  Client late(&id);
  late.states.wait_for(ZOO_EXPIRED_SESSION_STATE, "expired");
}

void config_node(const std::string&) {
  Client zk;
  zk.connected();
  char value[64];
  int size = sizeof value;
  expect(zoo_getconfig(zk, 0, value, &size, nullptr), ZOK, "getconfig");
}

const struct {
  const char* name;
  void (*run)(const std::string& at);
} kChecks[] = {
#define CHECK_OF(name) {#name, name}
    CHECK_OF(create_get_set_delete),
    CHECK_OF(errors),
    CHECK_OF(create_modes),
    CHECK_OF(create_container),
    CHECK_OF(create_with_ttl),
    CHECK_OF(create2_tells_the_stat),
    CHECK_OF(null_value),
    CHECK_OF(stat_fields),
    CHECK_OF(children_in_both_forms),
    CHECK_OF(acls),
    CHECK_OF(auth_by_digest),
    CHECK_OF(multi_that_succeeds),
    CHECK_OF(multi_that_fails),
    CHECK_OF(watches_of_every_kind),
    CHECK_OF(watches_can_be_removed),
    CHECK_OF(asynchronous_calls_complete_in_order),
    CHECK_OF(asynchronous_reads_see_earlier_writes),
    CHECK_OF(sync_completes),
    CHECK_OF(large_values),
    CHECK_OF(chroot),
    CHECK_OF(timeout_is_negotiated),
    CHECK_OF(ephemerals_survive_a_cut_connection),
    CHECK_OF(watch_tells_what_happened_while_cut_off),
    CHECK_OF(session_is_resumed_with_its_id),
    CHECK_OF(session_is_not_resumed_with_another_password),
    CHECK_OF(abandoned_session_expires),
    CHECK_OF(config_node)};
#undef CHECK_OF

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: c_client HOST:PORT\n");
    return 2;
  }
  server = argv[1];
  zoo_set_debug_level(static_cast<ZooLogLevel>(0));
  int failed = 0;
  for (const auto& check : kChecks) {
    try {
      const std::string at = std::string("/c-") + check.name;
      {
        Client zk;
        create(zk.connected(), at);
      }
      check.run(at);
      std::printf("ok %s\n", check.name);
    } catch (const std::exception& error) {
      ++failed;
      std::printf("FAILED %s: %s\n", check.name, error.what());
    }
    std::fflush(stdout);
  }
  return failed ? 1 : 0;
}
