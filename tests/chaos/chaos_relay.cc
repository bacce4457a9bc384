// chaos_relay: connections that take their time.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <thread>

#include "relay.h"
#include "world/real/reactor.h"

namespace chorus::chaos {

namespace {

int run(const std::vector<std::string>& routes, std::uint64_t seed) {
  world::real::Reactor reactor("relay");
  Relay relay(reactor, base::Random(seed));
  for (const std::string& route : routes) {
    const std::size_t equals = route.find('=');
    const auto listen = world::parse_address(route.substr(0, equals));
    const auto target = equals == std::string::npos ? std::nullopt : world::parse_address(route.substr(equals + 1));
    if (!listen || !target) {
      fmt::print(stderr, "chaos_relay: {} is not HOST:PORT=HOST:PORT\n", route);
      return 2;
    }
    const auto bound = relay.add_route(*listen, *target);
    if (!bound) {
      fmt::print(stderr, "chaos_relay: {}\n", bound.error().message);
      return 2;
    }
    std::cout << to_string(*bound) << std::endl;
  }
  const std::jthread commands([&] {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string word;
      int least_ms = 0, most_ms = 0;
      if (words >> word >> least_ms >> most_ms && word == "delay") {
        reactor.post(
            [&relay, least_ms, most_ms] { relay.set_delay(std::chrono::milliseconds(least_ms), std::chrono::milliseconds(most_ms)); });
      } else {
        std::cerr << "chaos_relay: '" << line << "' is not 'delay LEAST_MS MOST_MS'" << std::endl;
      }
    }
    reactor.stop();
  });
  reactor.run();
  return 0;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app(
      "Passes connections on, each piece of octets late by a time of its own. Prints one address for each route, then takes "
      "\"delay LEAST_MS MOST_MS\" on its standard input, at whose end it ends.");
  std::vector<std::string> routes;
  std::uint64_t seed = 1;
  app.add_option("--route", routes, "LISTEN=TARGET, each HOST:PORT; port 0 to listen on any")->required();
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  return run(routes, seed);
}

}  // namespace chorus::chaos

int main(int argc, char** argv) { return chorus::chaos::run_program(argc, argv); }
