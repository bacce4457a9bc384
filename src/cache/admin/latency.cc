// LATENCY.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cache/admin/handlers.h"
#include "cache/call.h"
#include "cache/connection/help.h"
#include "cache/resp/quote.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {
namespace {

/// A command that was run, and its histogram.
void reply_histogram(Call& call, const Command& command, const Histogram& histogram) {
  call.reply.bulk(command.full_name());
  call.reply.map(2);
  call.reply.bulk("calls");
  call.reply.integer(static_cast<std::int64_t>(histogram.count()));
  call.reply.bulk("histogram_usec");
  const std::size_t mark = call.reply.begin();
  std::size_t pairs = 0;
  histogram.for_each_doubling([&](std::int64_t nanoseconds, std::uint64_t calls) {
    call.reply.integer(nanoseconds / 1000);
    call.reply.integer(static_cast<std::int64_t>(calls));
    ++pairs;
  });
  call.reply.end_map(mark, pairs);
}

std::string advice_for(std::string_view event) {
  if (event == "command") return "SLOWLOG GET names the commands; those that look at all elements of a large value are best split (SCAN).";
  if (event == "fast-command") return "commands that look at little were slow: the machine was busy with something else (CPU, swapping).";
  if (event == "expire-cycle") return "many keys expire at the same time: spread their times of expiry.";
  return "keys had to go for new ones: raise maxmemory, or lower maxmemory-eviction-tenacity to spread the work.";
}

std::string report(const std::map<std::string, LatencyMonitor::Series, std::less<>>& events) {
  std::string out = "What took longer than latency-monitor-threshold:\n\n";
  int number = 0;
  for (const auto& [event, series] : events) {
    const auto& samples = series.samples;
    const std::int64_t sum = std::accumulate(samples.begin(), samples.end(), std::int64_t{0},
                                             [](std::int64_t so_far, const auto& each) { return so_far + each.ms; });
    const std::int64_t mean = sum / static_cast<std::int64_t>(samples.size());
    const std::int64_t off = std::accumulate(samples.begin(), samples.end(), std::int64_t{0},
                                             [&](std::int64_t so_far, const auto& each) { return so_far + std::abs(each.ms - mean); });
    const std::int64_t seconds = samples.back().unix_s - samples.front().unix_s;
    out += fmt::format("{}. {}: {} times in {} seconds, {} ms on average (mean deviation {} ms), {} ms at worst.\n   {}\n", ++number, event,
                       samples.size(), seconds, mean, off / static_cast<std::int64_t>(samples.size()), series.worst_ms, advice_for(event));
  }
  return out;
}

}  // namespace

void latency_histogram(Call& call) {
  const auto& by_command = call.server().diagnostics().by_command;
  const CommandTable& table = CommandTable::all();
  std::vector<const Command*> chosen;
  const auto choose = [&](const Command& command) {
    if (by_command.contains(&command)) chosen.push_back(&command);
    for (const Command& sub : command.subcommands) {
      if (by_command.contains(&sub)) chosen.push_back(&sub);
    }
  };
  if (call.size() == 2) {
    for (const Command& command : table.commands()) choose(command);
  }
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t bar = call[i].find('|');
    const Command* command = table.find(call[i].substr(0, bar));
    if (command != nullptr && bar != std::string_view::npos) command = table.find_subcommand(*command, call[i].substr(bar + 1));
    if (command != nullptr) choose(*command);
  }
  call.reply.map(chosen.size());
  for (const Command* command : chosen) reply_histogram(call, *command, by_command.find(command)->second);
}

void latency_history(Call& call) {
  const auto* series = call.server().diagnostics().latency.find(call[2]);
  if (series == nullptr) return call.reply.array(0);
  call.reply.array(series->samples.size());
  for (const auto& sample : series->samples) {
    call.reply.array(2);
    call.reply.integer(sample.unix_s);
    call.reply.integer(sample.ms);
  }
}

void latency_latest(Call& call) {
  const auto& events = call.server().diagnostics().latency.events();
  call.reply.array(events.size());
  for (const auto& [name, series] : events) {
    call.reply.array(4);
    call.reply.bulk(name);
    call.reply.integer(series.samples.back().unix_s);
    call.reply.integer(series.samples.back().ms);
    call.reply.integer(series.worst_ms);
  }
}

void latency_graph(Call& call) {
  const auto* series = call.server().diagnostics().latency.find(call[2]);
  if (series == nullptr) return call.error(fmt::format("ERR No samples available for event '{}'", shown(call[2], std::string_view::npos)));
  call.reply.verbatim("txt", graph_of(call[2], *series, call.now_us() / 1'000'000));
}

void latency_reset(Call& call) {
  LatencyMonitor& latency = call.server().diagnostics().latency;
  std::size_t count = call.size() == 2 ? latency.reset_all() : 0;
  for (std::size_t i = 2; i < call.size(); ++i) count += latency.reset(call[i]) ? 1 : 0;
  call.reply.integer(static_cast<std::int64_t>(count));
}

void latency_doctor(Call& call) {
  const auto& events = call.server().diagnostics().latency.events();
  if (!events.empty()) return call.reply.verbatim("txt", report(events));
  call.reply.verbatim("txt", call.options().diagnostics.latency_threshold_ms == 0
                                 ? "Nothing is measured: CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n"
                                 : "Nothing took longer than latency-monitor-threshold.\n");
}

void latency_help(Call& call) {
  reply_help(call,
             {"DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>",
              "    Return an ASCII latency graph for the <event> class.", "HISTORY <event>",
              "    Return time-latency samples for the <event> class.", "LATEST", "    Return the latest latency samples for all events.",
              "RESET [<event> ...]", "    Reset latency data of one or more <event> classes.",
              "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
              "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
              "    If no commands are specified then all histograms are replied."});
}

}  // namespace chorus::cache
