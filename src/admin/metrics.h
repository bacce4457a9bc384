// What the program measures, in Prometheus' text format.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chorus::admin {

using Labels = std::map<std::string, std::string>;

/// Values that a service already keeps, read when somebody asks. Borrowed by a collector until it returns.
class MetricWriter {
 public:
  virtual ~MetricWriter() = default;
  /// Grows only. name: ends in _total.
  virtual void counter(const std::string& name, const std::string& help, double value, const Labels& labels = {}) = 0;
  virtual void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {}) = 0;
  /// quantiles: rank (0 .. 1) and value.
  virtual void summary(const std::string& name, const std::string& help, std::uint64_t count, double sum,
                       const std::vector<std::pair<double, double>>& quantiles, const Labels& labels = {}) = 0;
};
using Collector = std::function<void(MetricWriter&)>;

/// Names: chorus_<module>_<thing>_<unit>[_total], base units; labels from small fixed sets, never a key or a client.
/// Instruments may be moved from any thread and are kept as long as the registry; the rest belongs to one reactor. Asking again for the
/// same name and labels gives the same instrument; a name used for two kinds is a bug and ends the process.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  prometheus::Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// bounds: the upper ends of the buckets, ascending; one for everything above them is added.
  prometheus::Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                                   const Labels& labels = {});
  /// Called for each text(), in order of registration.
  void collect(Collector collector);

  /// Prometheus' text format 0.0.4. Two collectors may fill one family; it is written once.
  std::string text() const;
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Bounds for durations in seconds from 50 us to 10 s.
std::vector<double> duration_bounds();

/// The process_* metrics that Prometheus' own clients have (memory, processor time, descriptors, start), from /proc.
void collect_process(MetricWriter& writer);

}  // namespace chorus::admin
