// What the coordination node measures, under names of our own for Prometheus.
#pragma once

#include "admin/metrics.h"
#include "coord/node.h"

namespace chorus::app {

void collect_coord(coord::Node& node, admin::MetricWriter& out);

}  // namespace chorus::app
