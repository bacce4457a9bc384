// fsync_probe: how long one small append takes to become durable in a directory, the floor below any acknowledged write there.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "zookeeper/load/histogram.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string directory = ".";
  std::string prepared = "zeros";
  int count = 1000;
  std::size_t octets = 160;
};

void check(bool fine, const std::string& what) {
  if (!fine) throw std::system_error(errno, std::generic_category(), what);
}

/// The file is unlinked at once, so that nothing is left behind however the program ends.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& directory) : path_(directory + "/fsync-probe-XXXXXX"), fd_(::mkstemp(path_.data())) {
    check(fd_ >= 0, "cannot create a file in " + directory);
    ::unlink(path_.c_str());
  }
  ~ScratchFile() { ::close(fd_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// zeros: written and synced, so a later write changes no metadata. reserved: fallocate, whose extents a write must still convert.
  /// none: every write grows the file.
  void prepare(const std::string& how, std::size_t size) {
    if (how == "zeros") {
      const std::string zeros(1 << 20, '\0');
      for (std::size_t at = 0; at < size; at += zeros.size()) write(at, zeros);
    } else if (how == "reserved") {
      check(::fallocate(fd_, 0, 0, static_cast<off_t>(size)) == 0, "cannot reserve space");
    }
    check(::fsync(fd_) == 0, "fsync");
  }
  void write(std::size_t at, const std::string& octets) {
    check(::pwrite(fd_, octets.data(), octets.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(octets.size()), "write");
  }
  void sync() { check(::fdatasync(fd_) == 0, "fdatasync"); }

 private:
  std::string path_;
  int fd_;
};

nlohmann::ordered_json probe(const Options& options) {
  ScratchFile file(options.directory);
  file.prepare(options.prepared, options.octets * static_cast<std::size_t>(options.count) + (1 << 20));
  const std::string octets(options.octets, 'x');
  chorus::bench::Histogram latency;
  for (int i = 0; i < options.count; ++i) {
    const Clock::time_point start = Clock::now();
    file.write(static_cast<std::size_t>(i) * options.octets, octets);
    file.sync();
    latency.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count()));
  }
  const auto us = [&](double fraction) { return static_cast<double>(latency.quantile(fraction)) / 1e3; };
  return {{"directory", options.directory},
          {"prepared", options.prepared},
          {"octets", options.octets},
          {"count", options.count},
          {"p50_us", us(0.5)},
          {"p99_us", us(0.99)},
          {"max_us", us(1)}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures write + fdatasync of small appends in a directory and prints a JSON object.");
  Options options;
  app.add_option("directory", options.directory, "on the disk in question")->capture_default_str();
  app.add_option("--count", options.count, "appends")->check(CLI::Range(1, 10'000'000))->capture_default_str();
  app.add_option("--octets", options.octets, "octets of one append")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--prepared", options.prepared, "what the file is before: zeros, reserved or none")
      ->check(CLI::IsMember({"zeros", "reserved", "none"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    fmt::print("{}\n", probe(options).dump(2));
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fsync_probe: {}\n", error.what());
    return 1;
  }
}
