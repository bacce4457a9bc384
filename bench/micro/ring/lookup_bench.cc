// What it takes to find a key's node, by algorithm and number of nodes, and to build what is looked up in.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "ring/algorithm.h"

namespace {

using namespace chorus;

std::vector<ring::Node> make_nodes(std::int64_t count) {
  std::vector<ring::Node> nodes;
  for (std::int64_t i = 1; i <= count; ++i) nodes.push_back({.name = fmt::format("node-{}", i)});
  return nodes;
}

void locate(benchmark::State& state, ring::Algorithm algorithm) {
  const auto placement = ring::make_placement(algorithm, make_nodes(state.range(0)));
  if (!placement) return state.SkipWithError(placement.error().message.c_str());
  // More than the branch predictor learns by heart.
  base::Random random(1);
  std::vector<std::uint64_t> hashes(1 << 16);
  for (std::uint64_t& hash : hashes) hash = random.next();
  for (std::size_t i = 0; auto _ : state) benchmark::DoNotOptimize((*placement)->locate(hashes[i++ % hashes.size()]));
  state.counters["octets"] = static_cast<double>((*placement)->memory());
}

void hash(benchmark::State& state, ring::Algorithm algorithm) {
  const auto placement = ring::make_placement(algorithm, make_nodes(3));
  if (!placement) return state.SkipWithError(placement.error().message.c_str());
  const std::string key(static_cast<std::size_t>(state.range(0)), 'k');
  for (auto _ : state) benchmark::DoNotOptimize((*placement)->hash(key));
}

void build(benchmark::State& state, ring::Algorithm algorithm) {
  const auto nodes = make_nodes(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(ring::make_placement(algorithm, nodes));
}

}  // namespace

int main(int argc, char** argv) {
  for (const ring::AlgorithmFacts& facts : ring::algorithms()) {
    for (const auto& [name, function] : {std::pair("locate", &locate), std::pair("build", &build)}) {
      auto* const registered =
          benchmark::RegisterBenchmark(fmt::format("{}/{}", name, facts.name).c_str(), function, facts.algorithm)->ArgName("nodes");
      for (const std::int64_t nodes : {10, 100, 1000}) registered->Arg(nodes);
    }
  }
  for (const auto& [name, algorithm] :
       {std::pair("hash/xxh3", ring::Algorithm::ring), std::pair("hash/md5", ring::Algorithm::ketama),
        std::pair("hash/one_at_a_time", ring::Algorithm::ketama_plain), std::pair("hash/crc16", ring::Algorithm::slots)})
    benchmark::RegisterBenchmark(name, &hash, algorithm)->ArgName("octets")->Arg(8)->Arg(32)->Arg(250);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
