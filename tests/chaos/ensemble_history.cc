// ensemble_history: the simulator's clients and judge, for servers that are real processes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

#include "checker.h"
#include "history_file.h"
#include "members_log.h"
#include "recorder.h"
#include "registers.h"
#include "world/real/reactor.h"

namespace chorus::chaos {

namespace {

struct RecordArguments {
  RecorderOptions options;
  std::vector<std::string> servers;
  std::string file;
  double seconds = 0;
};

struct CheckArguments {
  std::string file;
  std::vector<std::string> logs, kept;
  bool with_java = false;
  coord_sim::CheckOptions options;
  std::string registers;
};

void write_file(const std::string& path, const std::string& octets) {
  std::ofstream out(path, std::ios::binary);
  out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
  if (!out.flush()) throw CLI::RuntimeError(fmt::format("{} cannot be written", path), 2);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream octets;
  octets << in.rdbuf();
  if (!in) throw CLI::RuntimeError(fmt::format("{} cannot be read", path.string()), 2);
  return std::move(octets).str();
}

int record(RecordArguments arguments) {
  for (const std::string& text : arguments.servers) {
    const auto address = world::parse_address(text, 2181);
    if (!address) throw CLI::ValidationError("--server", text + " is no address");
    arguments.options.servers.push_back(*address);
  }
  world::real::Reactor reactor("history");
  const bool is_driven = arguments.seconds == 0;
  Recorder* driven = nullptr;
  Recorder recorder(reactor, arguments.options, [&](const std::string& line) {
    if (is_driven) {
      std::puts(line.c_str());
      std::fflush(stdout);
    } else if (line == "quiet") {
      driven->audit();
    } else if (line == "audited") {
      reactor.stop();
    }
  });
  driven = &recorder;
  recorder.start();
  std::jthread commands;
  if (is_driven) {
    commands = std::jthread([&] {
      for (std::string line; std::getline(std::cin, line) && line != "end";) {
        reactor.post([&recorder, line] {
          if (line == "quiesce") recorder.quiesce();
          if (line == "audit") recorder.audit();
          if (line == "describe") std::cout << recorder.describe() << std::flush;
        });
      }
      reactor.stop();
    });
  } else {
    reactor.after(std::chrono::milliseconds(static_cast<std::int64_t>(arguments.seconds * 1000)), [&] { recorder.quiesce(); });
  }
  reactor.run();
  write_file(arguments.file, encode(recorder.history()));
  return 0;
}

MemberLog read_member_log(const std::string& directory, std::vector<std::string>& faults) {
  coord_sim::FileContents files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("log.")) files.emplace_back(entry.path().filename().string(), read_file(entry.path()));
  }
  std::string trouble;
  MemberLog log = coord_sim::read_log(std::move(files), trouble);
  if (!trouble.empty()) faults.push_back(fmt::format("{}: {}", directory, trouble));
  return log;
}

int check(const CheckArguments& arguments) {
  const auto history = decode(read_file(arguments.file));
  if (!history) throw CLI::RuntimeError(arguments.file + " holds no whole history", 2);
  std::vector<std::string> faults;
  std::vector<MemberLog> logs, kept;
  for (const std::string& directory : arguments.logs) logs.push_back(read_member_log(directory, faults));
  for (const std::string& directory : arguments.kept) kept.push_back(read_member_log(directory, faults));
  for (auto* group : {&logs, &kept}) {
    for (MemberLog& log : *group) {
      if (arguments.with_java) compare_no_multis(log);
    }
  }
  std::vector<std::int64_t> seen;
  std::size_t reads = 0;
  for (const coord_sim::ConnectionHistory& connection : history->connections) {
    for (const coord_sim::Frame& frame : connection.frames) {
      if (frame.zxid != -1) seen.push_back(frame.zxid);
    }
  }
  for (const coord_sim::Request& request : history->requests) reads += request.answered_ns >= 0 && !coord_sim::is_write(request.op.code);
  CommittedHistory committed = committed_history(logs, kept, std::move(seen));
  faults.insert(faults.end(), committed.faults.begin(), committed.faults.end());
  const coord_sim::Verdict verdict = coord_sim::check(*history, committed.transactions, arguments.options);
  faults.insert(faults.end(), verdict.faults.begin(), verdict.faults.end());
  const coord_sim::RegisterHistory registers = coord_sim::register_history(*history);
  if (!arguments.registers.empty()) write_file(arguments.registers, coord_sim::to_json_lines(registers));

  fmt::print("{} connections of {} sessions; writes: {} acknowledged, {} unknown and done, {} unknown and not done; {} reads and others\n",
             history->connections.size(), history->sessions.size(), verdict.acknowledged, verdict.unknown_kept, verdict.unknown_lost,
             reads);
  fmt::print("{} transactions, {} given up; {} checks\n", committed.transactions.size(), committed.left_out, verdict.checks);
  fmt::print("{} operations on registers, {} reads of them left out\n", registers.operations.size(), registers.reads_left_out);
  for (const std::string& fault : faults) fmt::print("VIOLATION {}\n", fault);
  if (verdict.acknowledged == 0) fmt::print("VIOLATION nothing was acknowledged: there is nothing to judge\n");
  const bool passed = faults.empty() && verdict.acknowledged > 0;
  fmt::print("{}\n", passed ? "the history is sound" : "the history is NOT sound");
  return passed ? 0 : 1;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app("Records what clients of an ensemble see, and judges it by the logs of the members.");
  app.require_subcommand(1);
  RecordArguments recording;
  CLI::App& record_command = *app.add_subcommand("record",
                                                 "Runs clients. Without --seconds it is driven by lines on its standard input: "
                                                 "quiesce (answered by \"quiet\"), audit (\"audited\"), describe, end.");
  record_command.add_option("file", recording.file, "where the history goes")->required();
  record_command.add_option("--server", recording.servers, "HOST:PORT, once for each server")->required();
  record_command.add_option("--seconds", recording.seconds, "work for so long, then read all trees and end");
  record_command.add_option("--seed", recording.options.seed);
  record_command.add_option("--clients", recording.options.clients);
  record_command.add_option("--registers", recording.options.register_chance, "share of operations on registers")
      ->check(CLI::Range(0.0, 1.0));
  record_command.add_flag("!--no-create2-in-multis", recording.options.create2_in_multis,
                          "Java 3.8.0 answers one as a create when it leads, and leaves it out of its tree when another server leads");
  CheckArguments checking;
  CLI::App& check_command = *app.add_subcommand("check", "Judges a history. Ends with status 1 when it is not sound.");
  check_command.add_option("file", checking.file, "what \"record\" wrote")->required();
  check_command.add_option("--log", checking.logs, "directory with the log files of a member that has come to rest, one each")->required();
  check_command.add_flag(
      "--with-java", checking.with_java,
      "Java servers were members: a failed multi may be written down in other words by them and whom they brought up to date");
  check_command.add_option("--kept", checking.kept, "directory with log files that a member has removed since");
  checking.options.reads_are_linearizable = false;
  check_command.add_flag("--one-server", checking.options.reads_are_linearizable, "every read reflects what was acknowledged before it");
  check_command.add_option("--stale-leader-ms", checking.options.stale_leader_ms,
                           "a leader that lost its followers answers a sync for so long at most: longest pause of a process, and what it "
                           "waits for followers");
  check_command.add_option("--expiry-slack-ms", checking.options.expiry_slack_ms,
                           "what a member hears of a session reaches the leader so late at most");
  check_command.add_option("--registers", checking.registers, "write the operations on registers here, for tests/chaos/porcupine");
  CLI11_PARSE(app, argc, argv);
  try {
    return app.got_subcommand(&record_command) ? record(recording) : check(checking);
  } catch (const CLI::Error& error) {
    fmt::print(stderr, "ensemble_history: {}\n", error.what());
    return error.get_exit_code();
  }
}

}  // namespace chorus::chaos

int main(int argc, char** argv) { return chorus::chaos::run_program(argc, argv); }
