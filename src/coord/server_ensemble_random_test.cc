// Clients that write, read, sync and move between three servers, while everything on its way between those is late at random.
#include "base/random.h"
#include "base/text.h"
#include "coord/server_ensemble_fixture.h"

namespace chorus::coord {
namespace {

constexpr int clients_count = 4;

class Story : public EnsembleTest {
 public:
  explicit Story(std::uint64_t seed) : random_(seed) {}
  void TestBody() override {}

  // Each client alone writes its own node: one number after another.
  void play(int steps) {
    for (int i = 0; i < clients_count; ++i) clients_[i].path = "/c" + std::to_string(i);
    const ConnectionId maker = open(leader);
    for (Client& client : clients_) say(leader, maker, create(1, client.path));
    for (int i = 0; i < steps; ++i) {
      Client& client = clients_[random_.below(clients_count)];
      switch (random_.below(8)) {
        case 0:
        case 1:
          write(client);
          break;
        case 2:
          read(client);
          break;
        case 3:
          sync_and_read(client, clients_[random_.below(clients_count)]);
          break;
        case 4:
          if (client.connection.value == 0 || random_.below(20) == 0) connect(client);
          break;
        case 5:
          if (!to_leader_.empty()) hand_one_over();
          break;
        case 6:
          if (!proposals_.empty()) commit_one();
          break;
        default:
          deliver_one(static_cast<int>(1 + random_.below(2)));
          break;
      }
      listen();
    }
    settle();
    listen();
    for (const Client& client : clients_) {
      EXPECT_TRUE(client.asked.empty()) << client.path;
    }
    for (const int id : {1, 2, leader}) {
      EXPECT_EQ(server(id).outstanding(), 0U) << id;
      EXPECT_FALSE(server(id).has_unpersisted()) << id;
    }
    expect_agreement();
  }

  int writes_ = 0, reads_ = 0, syncs_ = 0, moves_ = 0, lost_ = 0;

 private:
  struct Asked {
    std::int32_t xid;
    OpCode type;
    std::int64_t value_min = 0, value_max = 0;  // of what is written or read
  };
  struct Client {
    std::string path;
    int at = 0;
    ConnectionId connection;  // 0: none
    bool is_connected = false;
    std::int64_t session = 0;
    std::string password = std::string(16, '\0');
    std::int32_t last_xid = 0;
    std::int64_t last_zxid = 0;
    std::int64_t written = 0, acknowledged = 0;
    std::int64_t written_here = 0;  // over this connection, 0: nothing
    std::deque<Asked> asked;
  };

  void connect(Client& client) {
    if (client.connection.value != 0) ++moves_;
    client.at = static_cast<int>(1 + random_.below(3));
    client.connection = accept(client.at);
    client.is_connected = false;
    client.written_here = 0;
    client.asked.clear();
    step(client.at, Received{client.connection, connect_frame(client.session, client.password, 10'000, client.last_zxid)});
  }
  void ask(Client& client, OpCode type, std::int64_t value_min, std::int64_t value_max, std::string_view path) {
    const std::int32_t xid = ++client.last_xid;
    client.asked.push_back({xid, type, value_min, value_max});
    std::string sent;
    if (type == OpCode::set_data) sent = request(xid, type, jute::SetDataRequest{path, std::to_string(value_min), -1});
    if (type == OpCode::get_data) sent = request(xid, type, jute::PathWatchRequest{path, false});
    if (type == OpCode::sync) sent = request(xid, type, jute::PathRecord{path});
    step(client.at, Received{client.connection, sent});
  }
  void write(Client& client) {
    if (!client.is_connected) return;
    client.written_here = ++client.written;
    ask(client, OpCode::set_data, client.written, client.written, client.path);
  }
  void read(Client& client) {
    if (!client.is_connected) return;
    if (client.written_here > 0) {
      ask(client, OpCode::get_data, client.written_here, client.written_here, client.path);
    } else {
      ask(client, OpCode::get_data, client.acknowledged, client.written, client.path);
    }
  }
  void sync_and_read(Client& client, const Client& other) {
    if (!client.is_connected || &client == &other) return;
    ask(client, OpCode::sync, 0, 0, other.path);
    ask(client, OpCode::get_data, other.acknowledged, INT64_MAX, other.path);
  }
  void hand_one_over() {
    FromLearner packet = std::move(to_leader_.front());
    to_leader_.pop_front();
    step(leader, std::move(packet));
  }
  void deliver_one(int id) {
    if (member(id).inbox.empty()) return;
    auto what = std::move(member(id).inbox.front());
    member(id).inbox.pop_front();
    step(id, std::move(what));
  }

  void listen() {
    for (Client& client : clients_) {
      if (client.connection.value == 0) continue;
      std::string& sent = member(client.at).sent[client.connection];
      if (!client.is_connected && !sent.empty()) {
        std::string password;
        const std::int64_t session = cut_connect(sent, password).session_id;
        EXPECT_NE(session, 0);
        EXPECT_TRUE(client.session == 0 || client.session == session);
        client.is_connected = true;
        client.session = session;
        client.password = password;
      }
      for (const Reply& reply : cut_replies(sent)) hear(client, reply);
      if (!is_closed(client.at, client.connection)) continue;
      // It had seen more than this server, or a connection that it had given up came later than this one.
      ++lost_;
      client.connection = {};
      client.is_connected = false;
      client.asked.clear();
    }
  }
  void hear(Client& client, const Reply& reply) {
    ASSERT_FALSE(client.asked.empty());
    const Asked asked = client.asked.front();
    client.asked.pop_front();
    EXPECT_EQ(reply.xid, asked.xid);
    EXPECT_EQ(reply.error, ErrorCode::ok);
    EXPECT_GE(reply.zxid, client.last_zxid);
    client.last_zxid = reply.zxid;
    if (asked.type == OpCode::set_data) {
      ++writes_;
      client.acknowledged = asked.value_min;
    } else if (asked.type == OpCode::get_data) {
      ++reads_;
      const std::string data(jute::decode<jute::GetDataResponse>(reply.body)->data.value_or(""));
      const std::int64_t value = data == "x" ? 0 : base::parse_int(data).value_or(-1);
      EXPECT_GE(value, asked.value_min) << client.path;
      EXPECT_LE(value, asked.value_max) << client.path;
    } else {
      ++syncs_;
    }
  }

  base::Random random_;
  std::array<Client, clients_count> clients_;
};

TEST(EnsembleRandom, ClientsSeeWhatZooKeeperPromises) {
  int writes = 0, reads = 0, syncs = 0, moves = 0, lost = 0;
  for (std::uint64_t seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Story run(seed);
    run.play(1000);
    writes += run.writes_;
    reads += run.reads_;
    syncs += run.syncs_;
    moves += run.moves_;
    lost += run.lost_;
  }
  fmt::print("200 seeds: {} writes, {} reads, {} syncs, {} moves, {} connections lost\n", writes, reads, syncs, moves, lost);
  EXPECT_GT(writes, 10'000);
  EXPECT_GT(reads, 10'000);
  EXPECT_GT(syncs, 5'000);
  EXPECT_GT(moves, 200);
  EXPECT_GT(lost, 50);
}

}  // namespace
}  // namespace chorus::coord
