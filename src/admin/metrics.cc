#include "admin/metrics.h"

#include <prometheus/family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

#include "base/ensure.h"

namespace chorus::admin {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

/// Turns what collectors say into families.
class FamilyWriter final : public MetricWriter {
 public:
  explicit FamilyWriter(std::vector<MetricFamily>& families) : families_(families) {
    for (std::size_t i = 0; i < families_.size(); ++i) positions_[families_[i].name] = i;
  }
  void counter(const std::string& name, const std::string& help, double value, const Labels& labels) override {
    prometheus::ClientMetric metric = labelled(labels);
    metric.counter.value = value;
    family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
  }
  void gauge(const std::string& name, const std::string& help, double value, const Labels& labels) override {
    prometheus::ClientMetric metric = labelled(labels);
    metric.gauge.value = value;
    family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  void summary(const std::string& name, const std::string& help, std::uint64_t count, double sum,
               const std::vector<std::pair<double, double>>& quantiles, const Labels& labels) override {
    prometheus::ClientMetric metric = labelled(labels);
    metric.summary.sample_count = count;
    metric.summary.sample_sum = sum;
    for (const auto& [rank, value] : quantiles) metric.summary.quantile.push_back({rank, value});
    family(name, help, MetricType::Summary).metric.push_back(std::move(metric));
  }

 private:
  static prometheus::ClientMetric labelled(const Labels& labels) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : labels) metric.label.push_back({name, value});
    return metric;
  }
  MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
    const auto [position, is_new] = positions_.try_emplace(name, families_.size());
    if (is_new) families_.push_back({name, help, type, {}});
    MetricFamily& found = families_[position->second];
    ENSURE(found.type == type, name);
    return found;
  }

  std::vector<MetricFamily>& families_;
  std::map<std::string, std::size_t> positions_;
};

}  // namespace

struct Metrics::Parts {
  prometheus::Registry registry;
  std::vector<Collector> collectors;
};

Metrics::Metrics() : parts_(std::make_unique<Parts>()) {}
Metrics::~Metrics() = default;

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(parts_->registry).Add(labels);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(parts_->registry).Add(labels);
}

prometheus::Histogram& Metrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                                          const Labels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(parts_->registry).Add(labels, bounds);
}

void Metrics::collect(Collector collector) { parts_->collectors.push_back(std::move(collector)); }

std::string Metrics::text() const {
  std::vector<MetricFamily> families = parts_->registry.Collect();
  FamilyWriter writer(families);
  for (const Collector& collector : parts_->collectors) collector(writer);
  std::ranges::sort(families, {}, &MetricFamily::name);
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<double> duration_bounds() {
  return {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}

}  // namespace chorus::admin
