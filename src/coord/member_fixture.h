// Members of an ensemble as processes of the simulated world, and clients of theirs.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coord/node.h"
#include "jute/records.h"
#include "world/sim/simulation.h"

namespace chorus::coord {

using namespace std::chrono_literals;

// Writes whether it is answered or not, faster than the disk syncs, so that the server always has something to write.
struct BusyClient final : world::ConnectionHandler {
  BusyClient(world::World& w, std::unique_ptr<world::Connection> c) : world(w), connection(std::move(c)) {
    connection->start(*this);
    send(jute::encode(jute::ConnectRequest{0, 0, 10'000, 0, std::string(16, '\0')}) + '\0');
    write();
  }
  ~BusyClient() override { world.cancel(timer); }
  void send(const std::string& body) {
    std::string octets;
    base::Writer(octets).u32(static_cast<std::uint32_t>(body.size()));
    connection->write(octets + body);
  }
  void write() {
    send(jute::encode(jute::RequestHeader{++xid, static_cast<std::int32_t>(jute::OpCode::set_data)}) +
         jute::encode(jute::SetDataRequest{"/", "x", -1}));
    timer = world.after(5us, [this] { write(); });
  }
  void on_data(std::string_view octets) override {
    input += octets;
    for (;;) {
      base::Reader in(input);
      in.octets(in.u32());
      if (!in.ok()) return;
      input.erase(0, in.offset());
      ++replies;
    }
  }
  void on_closed(const world::NetError&) override { closed = true; }

  world::World& world;
  std::unique_ptr<world::Connection> connection;
  world::TimerId timer;
  std::string input;
  std::int32_t xid = 0;
  int replies = 0;
  bool closed = false;
};

// A client of a server that may have lost its quorum. It says what it is told to.
struct Reader final : world::ConnectionHandler {
  Reader(world::World&, std::unique_ptr<world::Connection> c) : connection(std::move(c)) { connection->start(*this); }
  void send(const std::string& body) {
    std::string octets;
    base::Writer(octets).u32(static_cast<std::uint32_t>(body.size()));
    connection->write(octets + body);
  }
  void open(bool may_be_read_only, std::int64_t seen = 0) {
    send(jute::encode(jute::ConnectRequest{0, seen, 10'000, 0, std::string(16, '\0')}) + (may_be_read_only ? '\1' : '\0'));
  }
  template <class Body>
  void ask(jute::OpCode type, const Body& body) {
    send(jute::encode(jute::RequestHeader{++xid, static_cast<std::int32_t>(type)}) + jute::encode(body));
  }
  void on_data(std::string_view octets) override { input += octets; }
  void on_closed(const world::NetError&) override { closed = true; }
  /// The next frame; empty when it has not come.
  std::string take() {
    base::Reader in(input);
    const std::string frame(in.octets(in.u32()));
    if (!in.ok()) return "";
    input.erase(0, in.offset());
    return frame;
  }

  std::unique_ptr<world::Connection> connection;
  std::string input;
  std::int32_t xid = 0;
  bool closed = false;
};

class Members : public testing::Test {
 protected:
  explicit Members(const EnsembleOptions& ensemble = {}) {
    for (const zab::ServerId id : {1, 2, 3}) machines_.push_back(&simulation_.add_node(fmt::format("server{}", id)));
    Options options;
    options.client_address = world::Address{"0.0.0.0", 2181};
    options.data_dir = "/data";
    options.pre_alloc_size_kb = 64;
    options.ensemble = ensemble;
    options.four_letter_words = {"*"};
    for (const zab::ServerId id : {1, 2, 3}) {
      const std::string& host = machine(id).address();
      options.ensemble.members.members[id] = {.quorum_addresses = {{host, 2888}}, .election_addresses = {{host, 3888}}};
    }
    for (const zab::ServerId id : {1, 2, 3}) {
      options.server_id = id;
      machine(id).set_boot([this, options, id](world::World& world) {
        auto node = Node::start(world, options, logger_);
        EXPECT_TRUE(node);
        nodes_[id] = node ? std::shared_ptr<Node>(std::move(*node)) : nullptr;
        return nodes_[id];
      });
      machine(id).start();
    }
    clients_.start();
    EXPECT_TRUE(simulation_.run_until([this] { return leader() != 0 && nodes_[1]->is_serving() && nodes_[2]->is_serving(); }, 60s));
  }
  ~Members() override {
    busy_.reset();
    reader_.reset();
    nodes_.clear();
  }
  sim::Node& machine(zab::ServerId id) { return *machines_[static_cast<std::size_t>(id) - 1]; }
  zab::ServerId leader() {
    for (const auto& [id, node] : nodes_) {
      if (node->is_serving() && node->server().role() == Serve::Role::leader) return id;
    }
    return 0;
  }
  template <class Client>
  void connect(zab::ServerId id, std::unique_ptr<Client>& client) {
    client.reset();
    clients_.world().connect({machine(id).address(), 2181}, {}, [this, &client](auto result) {
      ASSERT_TRUE(result);
      client = std::make_unique<Client>(clients_.world(), std::move(*result));
    });
    EXPECT_TRUE(simulation_.run_until([&client] { return client != nullptr; }, 60s));
  }

  spdlog::logger logger_{"server", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_{1};
  std::vector<sim::Node*> machines_;
  sim::Node& clients_ = simulation_.add_node("clients");
  std::map<zab::ServerId, std::shared_ptr<Node>> nodes_;
  std::unique_ptr<BusyClient> busy_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace chorus::coord
