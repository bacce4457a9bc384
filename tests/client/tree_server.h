#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "base/ensure.h"
#include "client/client.h"
#include "coord/node.h"
#include "world/sim/simulation.h"

namespace chorus {

/// A simulated machine, running, on which our coordination node serves at port 2181, again after each restart. `log` must outlive it.
inline sim::Node& add_tree_server(sim::Simulation& simulation, spdlog::logger& log) {
  sim::Node& server = simulation.add_node("server");
  server.set_boot([&server, &log](world::World& world) -> std::shared_ptr<void> {
    coord::Options options;
    options.client_address = world::Address{server.address(), 2181};
    options.pre_alloc_size_kb = 64;
    auto node = coord::Node::start(world, options, log);
    ENSURE(node.has_value(), node.error().message);
    return std::shared_ptr<coord::Node>(std::move(*node));
  });
  server.start();
  return server;
}

/// How a client of it connects.
inline client::ClientOptions options_for(const std::string& server) {
  client::ClientOptions options;
  options.session.servers = {{server, 2181}};
  options.session.timeout = std::chrono::seconds(6);
  return options;
}

}  // namespace chorus
