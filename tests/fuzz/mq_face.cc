#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/ensure.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/name_server.h"
#include "targets.h"
#include "world/sim/simulation.h"

namespace chorus::fuzz {
namespace {

using namespace mq;
using namespace mq::rocketmq;
using namespace std::chrono_literals;

/// Takes what it is told and forgets it.
struct NoCatalogue final : Catalogue {
  world::World* world = nullptr;
  void soon(Stored done) {
    world->post([done = std::move(done)]() mutable { done({}); });
  }
  void put(const mq::TopicConfig&, Stored done) override { soon(std::move(done)); }
  void remove_topic(const std::string&, Stored done) override { soon(std::move(done)); }
  void put(const GroupConfig&, Stored done) override { soon(std::move(done)); }
  void remove_group(const std::string&, Stored done) override { soon(std::move(done)); }
  void put(const std::map<std::string, std::string>&, Stored done) override { soon(std::move(done)); }
};

/// A broker on a simulated machine and a NameServer, and four clients that each is answered once for what it asks.
class Harness final : public Sender {
 public:
  Harness() {
    machine_.set_boot([this](world::World& world) -> std::shared_ptr<void> {
      auto state = std::make_unique<BrokerState>();
      auto opened = open_store(world, {.directory = "/mq", .segment_octets = 1 << 16, .entry_octets_max = 32 << 10}, state.get());
      ENSURE(opened.has_value());
      catalogue_.world = &world;
      BrokerOptions options;
      options.host = *parse_host("10.0.0.1:10911");
      options.message_octets_max = 16 << 10;
      options.recall = true;
      auto process = std::make_shared<Process>();
      process->broker = std::make_unique<Broker>(world, options, std::move(opened->store), std::move(state), catalogue_, log_);
      process->face = std::make_unique<BrokerFace>(world, *process->broker, FaceOptions{}, *this, log_);
      process->broker->start();
      face_ = process->face.get();
      return process;
    });
    machine_.start();
    ENSURE(face_ != nullptr);
  }

  void send(ConnectionId to, std::string frame, std::optional<std::int32_t>) override { answered(to, frame); }
  void request(ConnectionId to, std::string frame) override {
    const auto split = split_frame(frame, std::size_t{1} << 31);
    ENSURE(split && split->complete && split->size == frame.size());
    const auto command = Command::decode(split->frame);
    ENSURE(command && !command->is_response());
    asked_.emplace_back(to, command->opaque);
  }
  void close(ConnectionId connection) override {
    simulation_.after(0ms, [this, connection] { closed(connection); });
  }
  std::string address_of(ConnectionId connection) const override { return fmt::format("10.0.0.{}:40000", connection.value); }

  void ask(ConnectionId from, std::uint16_t code, bool at_name_server, std::string_view fields, std::string_view body) {
    const std::int32_t opaque = ++last_opaque_;
    // Codes of POP and of users are far from the others.
    std::int32_t real = code;
    if (code >= 60'000) real = 200'000 + (code - 60'000);
    const std::string header = fmt::format(R"({{"code":{},"flag":{},"language":"JAVA","opaque":{},"version":473,"extFields":{}}})", real, 0,
                                           opaque, fields.empty() ? "{}" : fields);
    take(from, header, body, at_name_server, opaque);
  }
  /// An answer to what the broker asked of somebody.
  void reply(std::uint16_t which, std::uint16_t code, std::string_view body) {
    if (asked_.empty()) return;
    const auto [to, opaque] = asked_[which % asked_.size()];
    take(to, fmt::format(R"({{"code":{},"flag":1,"opaque":{},"version":473}})", code, opaque), body, false, {});
  }
  void pass(std::uint16_t ms) { simulation_.run_for(std::chrono::milliseconds(ms)); }
  void closed(ConnectionId connection) {
    face_->on_closed(connection);
    name_server_.closed(connection);
    std::erase_if(waiting_, [connection](const auto& one) { return one.first == connection; });
  }
  /// Whatever was asked for, and still waits, has an end.
  void finish() {
    simulation_.run_until([this] { return waiting_.empty(); }, 200s);
    ENSURE(waiting_.empty(), waiting_.size(), waiting_.begin()->second);
  }

 private:
  struct Process {
    std::unique_ptr<Broker> broker;
    std::unique_ptr<BrokerFace> face;
  };

  void take(ConnectionId from, const std::string& header, std::string_view body, bool at_name_server, std::optional<std::int32_t> opaque) {
    const std::string borrowed_header = header, borrowed_body(body);
    const auto command = Command::decode({.format = HeaderFormat::json, .header = borrowed_header, .body = borrowed_body});
    if (!command) return;
    // What is in the fields may end the object that they are in, and say another number or kind of command.
    if (opaque && (command->opaque != *opaque || command->is_oneway() || command->is_response())) {
      opaque.reset();
      foreign_.insert(command->opaque);
      std::erase_if(waiting_, [&](const auto& one) { return one.second == command->opaque; });
    }
    if (at_name_server) {
      const Outgoing answer = name_server_.on(from, *command, machine_.world().now());
      if (opaque) ENSURE(answer.opaque == *opaque || answer.opaque == 0, answer.opaque);
      static_cast<void>(encode(answer));
      return;
    }
    if (opaque) waiting_.emplace(from, *opaque);
    face_->on_command(from, *command);
    simulation_.run_for(1ms);
  }
  void answered(ConnectionId to, const std::string& frame) {
    const auto split = split_frame(frame, std::size_t{1} << 31);
    ENSURE(split && split->complete && split->size == frame.size());
    const auto command = Command::decode(split->frame);
    ENSURE(command && command->is_response());
    if (command->opaque > 0 && command->opaque <= last_opaque_ && !foreign_.contains(command->opaque)) {
      ENSURE(waiting_.erase({to, command->opaque}) == 1, command->opaque);
    }
  }

  NoCatalogue catalogue_;
  spdlog::logger log_{"null", std::make_shared<spdlog::sinks::null_sink_st>()};
  BrokerFace* face_ = nullptr;
  NameServer name_server_;
  std::int32_t last_opaque_ = 0;
  std::set<std::int32_t> foreign_;  // numbers that a stranger's own fields brought in
  std::set<std::pair<ConnectionId, std::int32_t>> waiting_;
  std::vector<std::pair<ConnectionId, std::int32_t>> asked_;
  // The broker lives in it, and uses the others.
  sim::Simulation simulation_{1, {.disk = {.capacity = 8 << 20}}};
  sim::Node& machine_{simulation_.add_node("machine")};
};

}  // namespace

void fuzz_mq_face(std::string_view input) {
  Harness harness;
  base::Reader in(input);
  const auto text = [&] { return in.octets(std::min<std::size_t>(in.u16(), in.remaining())); };
  // As many as show what one does to another.
  for (int steps = 0; steps < 64 && in.remaining() >= 3; ++steps) {
    const std::uint8_t what = in.u8();
    const ConnectionId from(1 + (what & 3));
    const std::uint16_t number = in.u16();
    switch (what >> 2 & 7) {
      case 0:
        harness.pass(number);
        break;
      case 1:
        harness.closed(from);
        break;
      case 2: {
        const std::uint16_t code = in.u16();
        harness.reply(number, code, text());
        break;
      }
      default: {
        const std::string_view fields = text();
        harness.ask(from, number, (what & 0x80) != 0, fields, text());
      }
    }
  }
  harness.finish();
}

}  // namespace chorus::fuzz
