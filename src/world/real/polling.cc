#include "world/real/polling.h"

#include <algorithm>
#include <utility>

namespace chorus::world::real {

void Polling::job_given(Instant now) {
  if (jobs_++ == 0) since_ = now;
}

void Polling::job_done(Instant now) {
  --jobs_;
  if (jobs_done_ < jobs_judged) ++jobs_done_;
  time_ += (now - since_ - time_) / 8;
  since_ = now;
}

void Polling::looked(Duration time, Duration ran, Instant now) {
  looked_ += time;
  lost_ += std::max(time - ran, Duration::zero());
  if (++looks_ < looks_judged) return;
  looks_ = 0;
  const bool is_contended = 4 * std::exchange(lost_, Duration::zero()) > std::exchange(looked_, Duration::zero());
  if (is_contended) pause_end_ = now + pause_;
  pause_ = is_contended ? std::min(2 * pause_, pause_max) : pause_min;
}

}  // namespace chorus::world::real
