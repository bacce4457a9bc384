// Log lines of simulated servers among the events of the trace.
#pragma once

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include "world/sim/simulation.h"

namespace chorus::coord_sim {

class TraceSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit TraceSink(sim::Simulation& simulation) : simulation_(simulation) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    simulation_.note(fmt::format("{} {}: {}", std::string_view(message.logger_name.data(), message.logger_name.size()),
                                 spdlog::level::to_string_view(message.level).data(),
                                 std::string_view(message.payload.data(), message.payload.size())));
  }
  void flush_() override {}

 private:
  sim::Simulation& simulation_;
};

}  // namespace chorus::coord_sim
