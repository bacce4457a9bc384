#include "admin/metrics.h"

#include <gmock/gmock.h>

namespace chorus::admin {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(Metrics, TextFormat) {
  Metrics metrics;
  metrics.counter("chorus_b_total", "Second.", {{"face", "zk"}}).Increment(2);
  metrics.counter("chorus_b_total", "Second.", {{"face", "http"}}).Increment();
  metrics.gauge("chorus_a", "First.").Set(1.5);
  auto& histogram = metrics.histogram("chorus_c_seconds", "Third.", {0.1, 1});
  histogram.Observe(0.05);
  histogram.Observe(5);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# HELP chorus_a First.\n# TYPE chorus_a gauge\nchorus_a 1.5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE chorus_b_total counter\n"));
  EXPECT_THAT(text, HasSubstr("chorus_b_total{face=\"zk\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("chorus_b_total{face=\"http\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("chorus_c_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("chorus_c_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("chorus_c_seconds_bucket{le=\"+Inf\"} 2\n"));
}

TEST(Metrics, SameNameAndLabelsIsTheSameInstrument) {
  Metrics metrics;
  EXPECT_EQ(&metrics.counter("chorus_x_total", "X."), &metrics.counter("chorus_x_total", "X."));
  EXPECT_NE(&metrics.counter("chorus_x_total", "X."), &metrics.counter("chorus_x_total", "X.", {{"face", "zk"}}));
}

TEST(Metrics, CollectorsAreAskedEachTime) {
  Metrics metrics;
  metrics.gauge("chorus_shared", "Shared.", {{"from", "instrument"}}).Set(1);
  double value = 10;
  metrics.collect([&](MetricWriter& writer) {
    writer.gauge("chorus_value", "Value.", value);
    writer.gauge("chorus_shared", "Shared.", 2, {{"from", "collector"}});
    writer.counter("chorus_count_total", "Count.", 7);
  });
  EXPECT_THAT(metrics.text(), HasSubstr("chorus_value 10\n"));
  value = 11;
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("chorus_value 11\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE chorus_count_total counter\nchorus_count_total 7\n"));
  EXPECT_THAT(text, HasSubstr("chorus_shared{from=\"instrument\"} 1\nchorus_shared{from=\"collector\"} 2\n"));
}

TEST(Metrics, OfTheProcess) {
  Metrics metrics;
  metrics.collect(collect_process);
  const std::string text = metrics.text();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
                           "process_max_fds", "process_start_time_seconds", "process_threads"})
    EXPECT_THAT(text, ContainsRegex("\n" + std::string(name) + " [0-9.e+]+\n"));
}

TEST(Metrics, DurationBoundsAscend) {
  const auto bounds = duration_bounds();
  EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
}

}  // namespace
}  // namespace chorus::admin
